"""What operators are told of each log: how far it goes, what was dropped, why it stopped."""

from collections.abc import Callable

from services.exchange import status
from services.transport.base import Exchange
from tests.services.exchange.world import Follower, Writer, publish
from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG, OTHER


def test_each_log_says_how_it_stands(
    exchange: Exchange, new_writer: Callable[..., Writer], new_follower: Callable[..., Follower]
) -> None:
    # given a good log, and one that signed what does not belong there
    writer, follower = new_writer(exchange, names=(LOG,)), new_follower(exchange)
    writer.ship(5)
    exchange.create(OTHER)
    note = nodes.note_over(OTHER, [b"junk"]).encode()
    publish(
        exchange, (b"k", b"junk", [("sequence", b"1"), ("checkpoint", note)]), (b"k", None, []), log=OTHER
    )
    follower.reach(5)
    follower.receive(lambda: follower.state(OTHER) == "stopped" and follower.damage(OTHER) != {})
    # then both sides can be told
    with follower.ledger.database.connection() as conn:
        good, bad = status.standings(conn)
    assert (good.log, good.own, good.head, good.covered, good.damage, good.breach) == (
        LOG,
        False,
        5,
        5,
        {},
        None,
    )
    assert good.received is not None
    assert (bad.state, bad.covered, bad.received) == ("stopped", 0, None)
    assert bad.damage == {"tombstone": 1}
    assert (bad.breach or "").startswith("wrong-source at 1")
    with writer.ledger.database.connection() as conn:
        (own,) = status.standings(conn)
    assert (own.own, own.shipped) == (True, 5)
