"""The files that pages load: ours and those taken over; addresses carry a hash, so browsers may keep them."""

import hashlib
from functools import cache
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"


@cache
def address(name: str) -> str:
    """Where a page loads a file from."""
    return f"/static/{name}?v={hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]}"


class Files(StaticFiles):
    """Serves `static/`; what was asked for by its hash may be kept for a year."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if b"v=" in scope["query_string"] and response.status_code == 200:  # noqa: PLR2004  (OK)
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response
