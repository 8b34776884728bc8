"""A running node as its pages see it."""

from services.gateway.site import Site
from services.node.control import Control
from services.node.node import Node


def site(node: Node) -> Site:
    """What the gateway needs of a node."""
    return Site(
        name=node.name,
        held=lambda: node.alliance,
        database=node.database,
        office=node.office,
        desk=node.desk,
        attachments=node.holdings,
        control=Control(node),
        clock=node.now,
        demo_sign_in=node.settings.signin == "demo",
        demo_data=node.settings.demo,
        configuration=node.settings.describe(),
    )
