"""Both channels, and nodes on real PostgreSQL."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from services.exchange.tiles_client import Holder
from services.transport.base import Exchange
from services.transport.inprocess import InProcessExchange
from services.transport.kafka import KafkaExchange, Settings
from tests.services.exchange import world
from tests.services.exchange.world import Follower, Writer
from tests.services.ledger.nodes import LOG, OTHER, Ledger
from tests.support.databases import Server

NewLedger: TypeAlias = Callable[[], Ledger]


@pytest.fixture
def inprocess() -> Iterator[InProcessExchange]:
    with InProcessExchange() as exchange:
        yield exchange


@pytest.fixture(params=["inprocess", "kafka"])
def exchange(request: pytest.FixtureRequest) -> Iterator[Exchange]:
    """Either channel, empty."""
    if request.param == "inprocess":
        yield request.getfixturevalue("inprocess")
        return
    bootstrap = request.getfixturevalue("kafka")
    name = f"test-{uuid.uuid4().hex[:12]}"
    with KafkaExchange(Settings(bootstrap, name, patience_s=3.0, check_s=0.3)) as exchange:
        yield exchange


@pytest.fixture
def new_ledger(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Iterator[NewLedger]:
    """Makes ledgers with the tables of the exchange."""
    template = postgres.template("exchange", world.prepare_database)
    with ExitStack() as stack:

        def new() -> Ledger:
            ledger = Ledger(new_database(template), world.temporary(tmp_path, uuid.uuid4().hex))
            stack.callback(ledger.close)
            return ledger

        yield new


@pytest.fixture
def new_writer(new_ledger: NewLedger) -> Callable[..., Writer]:
    def new(exchange: Exchange, names: tuple[str, ...] = (LOG, OTHER)) -> Writer:
        return Writer(new_ledger(), exchange, names)

    return new


@pytest.fixture
def new_follower(new_ledger: NewLedger) -> Iterator[Callable[..., Follower]]:
    with ExitStack() as stack:

        def new(exchange: Exchange, *holders: Holder) -> Follower:
            follower = Follower(new_ledger(), exchange, holders=holders)
            stack.callback(follower.close)
            return follower

        yield new
