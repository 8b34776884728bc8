"""What the node needs around it: the exchange with its topics, and the other nodes."""

from collections.abc import Iterator

import httpx

from events import errors
from services.node import channel
from services.node.checks.finding import Finding, Subject, bad, good, warning
from services.transport.base import Exchange

_TIMEOUT = httpx.Timeout(3)


def exchange(subject: Subject) -> Iterator[Finding]:
    """It answers, own topics keep everything, and those of others are there."""
    try:
        with channel.opened(subject.settings, subject.alliance.id) as opened:
            yield from _topics(subject, opened)
    except errors.Unavailable as error:
        if subject.settings.exchange == "inprocess":
            yield good("exchange", "a running node has the in-process exchange open")
        else:
            yield bad("exchange", error.message, "start Kafka, or correct kafka.bootstrap")


def _topics(subject: Subject, opened: Exchange) -> Iterator[Finding]:
    there = opened.ends([*subject.own, *subject.followed])
    wrong = {log: said for log in subject.own if log in there and (said := _wrong(opened, log))}
    yield from (
        bad("exchange", said, "alter the topic; what it lost is shipped again") for said in wrong.values()
    )
    if missing := [log for log in subject.own if log not in there]:
        detail = f"{len(missing)} own logs have no topic, first {missing[0]}"
        yield warning("exchange", detail, "start the node: it creates them")
    if absent := [log for log in subject.followed if log not in there]:
        nodes = ", ".join(sorted({subject.alliance.log(log).node for log in absent}))
        detail = f"{len(absent)} followed logs have no topic, first {absent[0]}"
        yield warning("exchange", detail, f"their nodes have never run here: {nodes}")
    if not wrong:
        yield good("exchange", f"{subject.settings.exchange} answers, {len(there)} topics are there")


def _wrong(opened: Exchange, log: str) -> str | None:
    """What is wrong with a topic that is there; making one that is there changes nothing."""
    try:
        opened.create(log)
    except errors.Invalid as error:
        return error.message
    return None


def nodes(subject: Subject) -> Iterator[Finding]:
    """Every other node's address answers, for attachments and tiles."""
    others = [node for node in subject.alliance.document.node if node.name != subject.settings.name]
    silent = [node for node in others if not _answers(node.url)]
    for node in silent:
        yield warning("nodes", f"node {node.name} does not answer at {node.url}", "ask its operator")
    if len(silent) < len(others):
        yield good("nodes", f"{len(others) - len(silent)} other nodes answer")


def _answers(url: str) -> bool:
    try:
        httpx.get(f"{url.rstrip('/')}/healthz", timeout=_TIMEOUT, trust_env=False).raise_for_status()
    except httpx.HTTPError:
        return False
    return True
