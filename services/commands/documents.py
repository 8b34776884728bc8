"""`yinqiao openapi` and `yinqiao asyncapi`: what HTTP and the topics hold, for programs."""

from importlib.metadata import version
from typing import cast

from services.commands import screen


def openapi() -> None:
    """Print the OpenAPI 3.1 document of a node's HTTP interface."""
    from services.gateway.app import create_app
    from services.gateway.site import Site

    screen.document(create_app(cast(Site, None)).openapi())  # the document depends on no node


def asyncapi() -> None:
    """Print the AsyncAPI 3.1 document: topics, records, and the schema of every event."""
    from events import asyncapi

    screen.document(asyncapi.document(version("yinqiao")))
