"""What was taken over from others is listed, unchanged, and its licence stands beside it."""

import hashlib
import tomllib

from services.gateway.static import FOLDER

VENDOR = FOLDER / "vendor"
LIST = tomllib.loads((VENDOR / "vendor.toml").read_text("utf-8"))["file"]


def test_every_file_is_the_listed_one() -> None:
    for entry in LIST:
        assert hashlib.sha256((VENDOR / entry["name"]).read_bytes()).hexdigest() == entry["sha256"], entry[
            "name"
        ]
        assert {"package", "version", "licence"} <= entry.keys()
        assert (VENDOR / entry["text"]).stat().st_size > 200


def test_nothing_else_lies_there() -> None:
    listed = {"vendor.toml", *(e["name"] for e in LIST), *(e["text"] for e in LIST)}
    assert {path.name for path in VENDOR.iterdir()} == listed
