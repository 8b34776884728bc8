"""Values that tests need and that mean nothing."""

import base64
from hashlib import sha256

from events.values import Attachment


def attachment(text: str) -> Attachment:
    """An attachment as it would stand in an event; no bytes are kept anywhere."""
    content = text.encode()
    digest = base64.b64encode(sha256(content).digest()).decode()
    return Attachment(digest=digest, size=len(content), mediatype="text/plain")
