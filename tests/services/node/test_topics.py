"""Own topics that would lose what they are given: said to the operator, and nobody else is held up."""

import httpx
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from services.ledger import receipts
from services.transport import topics
from services.transport.kafka import KafkaExchange
from tests.services.node import league as leagues
from tests.services.node.conftest import NewLeague
from tests.services.node.league import Member, eventually

WEST, EAST = "500116", "510100"
FOR_A_WEEK, FOR_EVER = {"retention.ms": "604800000"}, {"retention.ms": "-1"}
pytestmark = leagues.WARNINGS


def test_a_node_whose_topics_would_lose_records_works_on_and_says_what_to_alter(
    new_league: NewLeague,
) -> None:
    # given a broker that keeps what one node publishes for a week only
    league = new_league("kafka")
    west, east = league.member("west", WEST), league.member("east", EAST)
    league.found()
    assert isinstance(league.exchange, KafkaExchange)
    settings = league.exchange.settings
    wrong = [settings.topic(topics.receipts("west")), settings.topic(WEST)]
    with KafkaAdminClient(bootstrap_servers=settings.bootstrap) as admin:
        admin.create_topics({name: {"num_partitions": 1, "configs": FOR_A_WEEK} for name in wrong})
        admin.wait_for_topics(wrong)
        # when both start
        league.start()
        # then commands are done, and what others record and cosign is read
        west.record()
        east.record(2)
        eventually(lambda: west.covered().get(EAST) == 2)
        eventually(lambda: cosigned(west, "east") == {EAST: 2})
        # and the operator is told of both topics, and nobody cosigns where it would be lost
        eventually(lambda: all(name in shown(west) for name in wrong))
        assert "yinqiao_alliance_trouble 2.0" in httpx.get(f"{west.url}/metrics", trust_env=False).text
        assert cosigned(west, "west") == {}
        # and once they keep all for ever, all is well
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, FOR_EVER) for name in wrong])
    eventually(lambda: not any(name in shown(west) for name in wrong))
    eventually(lambda: cosigned(east, "west") == {WEST: 1, EAST: 2})


def cosigned(member: Member, node: str) -> dict[str, int]:
    """How much of each log somebody cosigned, as this member holds it."""
    with member.running.database.connection() as conn:
        return {r.log: r.size for r in receipts.of(conn) if r.node == node}


def shown(member: Member) -> str:
    return httpx.get(f"{member.url}/operations", trust_env=False).text
