"""What is wrong with a topic is said once, and shown for as long as it lasts."""

from structlog.testing import capture_logs

from services.exchange.refused import Refused


def test_the_same_is_said_once_and_something_else_again() -> None:
    refused = Refused()
    with capture_logs() as lines:
        for cause in ("kept a week", "kept a week", "two partitions"):
            refused.refuse("t", cause)
        assert refused.causes == {"t": "two partitions"}
        refused.admit("t")
        refused.admit("t")
        assert refused.causes == {}
        refused.refuse("t", "two partitions")
    assert {line["event"] for line in lines} == {"topic-refused"}
    assert [line["reason"] for line in lines] == ["kept a week", "two partitions", "two partitions"]
