"""Which notes travel, so that a receiver has room for what stands between two; and what topics end with."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.ship import SAFE, thin
from services.transport.base import Exchange
from services.transport.kafka import KafkaExchange
from tests.services.exchange.world import Follower, Writer, agree
from tests.services.ledger.nodes import LOG
from tests.services.transport.test_kafka import transactions


@given(st.sets(st.integers(1, 3000), min_size=1), st.integers(0, 50))
def test_joined_batches_are_safe_whatever_their_records_weigh(sizes: set[int], before: int) -> None:
    # given stored checkpoints after some position
    ordered = sorted(size + before for size in sizes)
    kept = sorted(thin(ordered, before))
    # then the last one is kept, and a batch that was joined holds at most SAFE records
    assert kept[-1] == ordered[-1]
    for start, end in zip([before, *kept], kept, strict=False):
        assert end - start <= SAFE or not any(start < size < end for size in ordered)


def test_checkpoints_over_single_records_are_joined() -> None:
    assert thin(range(1, 201), 0) == {64, 128, 192, 200}


@pytest.mark.parametrize("exchange", ["kafka"], indirect=True)
def test_a_topic_that_ends_with_a_strangers_transaction_is_shipped_to_and_received(
    exchange: Exchange, new_writer: Callable[..., Writer], new_follower: Callable[..., Follower]
) -> None:
    assert isinstance(exchange, KafkaExchange)
    writer, follower = new_writer(exchange, names=(LOG,)), new_follower(exchange)
    writer.ship(3)
    transactions(exchange, LOG, keep=[True])
    assert writer.ship(2) == 2
    follower.reach(5)
    assert agree(writer.ledger, follower.ledger)
