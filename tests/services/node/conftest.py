"""Leagues over real databases, in-process or over Kafka."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from services.transport.base import Exchange
from services.transport.inprocess import InProcessExchange
from services.transport.kafka import KafkaExchange
from services.transport.kafka import Settings as KafkaSettings
from tests.services.bureau.province import prepare
from tests.services.node.league import League
from tests.support.databases import Server

NewLeague = Callable[..., League]


@pytest.fixture
def new_league(
    postgres: Server, new_database: Callable[..., str], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[NewLeague]:
    """A function `(kind: "inprocess" | "kafka" = "inprocess") -> League`; its nodes end with the test."""
    template = postgres.template("node", prepare)
    with ExitStack() as stack:

        def new(kind: str = "inprocess") -> League:
            name = "chuanyu" if kind == "inprocess" else f"league-{uuid4().hex[:8]}"
            exchange: Exchange = (
                InProcessExchange()
                if kind == "inprocess"
                else KafkaExchange(KafkaSettings(request.getfixturevalue("kafka"), name))
            )
            league = League(tmp_path, stack.enter_context(exchange), lambda: new_database(template), name)
            stack.callback(league.close)
            return league

        yield new
