"""The history checker finds what is planted: a checker that never failed proves nothing."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from events import activity, envelope, merkle
from tests.faults.checker import Entry, Evidence, Held, Signed, check
from tests.faults.journal import Journal, Said
from tests.services.ledger.nodes import PLAN, TIME

HOME, AWAY, LOG = "west", "east", "500116"
KEYS = tuple(f"key-{n}" for n in range(1, 7))
LOST = "key-lost"
Plant = Callable[[list[Said], Evidence], Evidence]


def value(key: str, position: int, stream: str, version: int) -> bytes:
    prepared = envelope.prepare(
        alliance="drill", log=LOG, id=envelope.event_id(envelope.namespace("drill", LOG), key, 0),
        aggregate="activity", stream=stream, version=version, actor="system",
        data=PLAN if version == 1 else activity.ActivitySignUpStated(persons=position),
    )  # fmt: skip
    return envelope.stamp(prepared, position, TIME)


def told() -> tuple[list[Said], Evidence]:
    """Six commands answered, one refused, one never answered; two nodes that agree."""
    stream, other = str(uuid4()), str(uuid4())
    ledger = [(n, value(key, n, stream if n % 2 else other, (n + 1) // 2)) for n, key in enumerate(KEYS, 1)]
    journal = [Said("sent", LOG, key) for key in (*KEYS, "refused", "unknown", LOST)]
    journal += [Said("ok", LOG, key, n) for n, key in enumerate(KEYS, 1)]
    journal += [Said("refused", LOG, "refused"), Said("unknown", LOG, "unknown")]
    head = signed(ledger, len(ledger))
    home = node(HOME, ledger, frozenset({LOG}), {LOG: frozenset(KEYS)}, {LOG: head})
    seen = frozenset({signed(ledger, 2), signed(ledger, 4)})
    return journal, Evidence("drill", (home, node(AWAY, ledger)), {LOG: [*ledger, ledger[3]]}, seen)


def node(
    name: str, ledger: Sequence[Entry], own: frozenset[str] = frozenset(),
    commands: dict[str, frozenset[str]] | None = None, latest: dict[str, Signed] | None = None,
) -> Held:  # fmt: skip
    shown = Counter((LOG, position) for position, _ in ledger)
    models = {"activity": "a1", "timeline": "b2"}
    vectors = ({LOG: 2}, {LOG: 2}, {LOG: 6})
    return Held(
        name, own, {LOG: ledger}, commands or {}, latest or {}, latest or {}, models, models, shown, vectors,
    )  # fmt: skip


def signed(ledger: Sequence[Entry], size: int) -> Signed:
    return Signed(LOG, size, merkle.root(merkle.leaf_hash(v) for _, v in ledger[:size]))


def everywhere(evidence: Evidence, ledger: Sequence[Entry]) -> Evidence:
    """The same fault at all nodes and on the topic, so that comparing them shows nothing."""
    shown = Counter((LOG, position) for position, _ in ledger)
    for name in (HOME, AWAY):
        evidence = evidence.with_node(name, ledger={LOG: ledger}, shown=shown)
    return Evidence(evidence.alliance, evidence.nodes, {LOG: ledger}, evidence.seen)


def truth(evidence: Evidence) -> list[Entry]:
    return list(evidence.nodes[0].ledger[LOG])


def lost(_: list[Said], evidence: Evidence) -> Evidence:
    return everywhere(evidence, truth(evidence)[:-1])


def repeated(_: list[Said], evidence: Evidence) -> Evidence:
    return everywhere(evidence, [*truth(evidence), (7, truth(evidence)[0][1])])


def swapped(_: list[Said], evidence: Evidence) -> Evidence:
    one, two, three, *rest = truth(evidence)
    return everywhere(evidence, [one, (2, three[1]), (3, two[1]), *rest])


def refused_yet_stored(journal: list[Said], evidence: Evidence) -> Evidence:
    journal.append(Said("refused", LOG, KEYS[5]))
    journal.remove(Said("ok", LOG, KEYS[5], 6))
    return evidence


def stored_without_its_command(_: list[Said], evidence: Evidence) -> Evidence:
    return evidence.with_node(HOME, commands={LOG: frozenset(KEYS[:-1])})


def ordered_by_nobody(journal: list[Said], evidence: Evidence) -> Evidence:
    journal[:] = [line for line in journal if line.key != KEYS[5]]
    return evidence


def away_lacks_the_last(_: list[Said], evidence: Evidence) -> Evidence:
    return evidence.with_node(AWAY, ledger={LOG: truth(evidence)[:-1]})


def topic_lacks_one(_: list[Said], evidence: Evidence) -> Evidence:
    return Evidence(evidence.alliance, evidence.nodes, {LOG: truth(evidence)[1:]}, evidence.seen)


def topic_has_other_bytes(_: list[Said], evidence: Evidence) -> Evidence:
    strange = (2, value(KEYS[1], 2, str(uuid4()), 1))
    return Evidence(evidence.alliance, evidence.nodes, {LOG: [*truth(evidence), strange]}, evidence.seen)


def shown_twice(_: list[Said], evidence: Evidence) -> Evidence:
    return evidence.with_node(AWAY, shown=evidence.nodes[1].shown + Counter({(LOG, 3): 1}))


def shown_otherwise_there(_: list[Said], evidence: Evidence) -> Evidence:
    models = {"activity": "a1", "timeline": "c3"}
    return evidence.with_node(AWAY, digests=models, folded=models)


def not_what_a_fold_gives(_: list[Said], evidence: Evidence) -> Evidence:
    return evidence.with_node(HOME, folded={"activity": "a9", "timeline": "b2"})


def went_back(_: list[Said], evidence: Evidence) -> Evidence:
    return evidence.with_node(AWAY, vectors=({LOG: 6}, {LOG: 5}, {LOG: 6}))


def signed_otherwise(_: list[Said], evidence: Evidence) -> Evidence:
    seen = evidence.seen | {Signed(LOG, 3, bytes(32))}
    return Evidence(evidence.alliance, evidence.nodes, evidence.topics, seen)


def guard_lags(_: list[Said], evidence: Evidence) -> Evidence:
    return evidence.with_node(HOME, guarded={LOG: signed(truth(evidence), 4)})


PLANTS: dict[Plant, str] = {
    lost: "I1", repeated: "I2", swapped: "I1", refused_yet_stored: "I2", stored_without_its_command: "I2",
    ordered_by_nobody: "I3", away_lacks_the_last: "I3", topic_lacks_one: "I3", topic_has_other_bytes: "I3",
    shown_twice: "I5", shown_otherwise_there: "I5", not_what_a_fold_gives: "I5", went_back: "I6",
    signed_otherwise: "I7", guard_lags: "I7",
}  # fmt: skip


def test_a_good_history_has_no_findings() -> None:
    assert check(*told()) == []


@pytest.mark.parametrize(("plant", "broken"), PLANTS.items(), ids=[p.__name__ for p in PLANTS])
def test_what_is_planted_is_found(plant: Plant, broken: str) -> None:
    journal, evidence = told()
    evidence = plant(journal, evidence)
    assert broken in {line[:2] for line in check(journal, evidence)}


@pytest.mark.parametrize("plant", [lost, repeated, swapped])
def test_an_event_lost_repeated_or_swapped_everywhere_breaks_a_second_promise(plant: Plant) -> None:
    journal, evidence = told()
    assert {"I4", "I7"} & {line[:2] for line in check(journal, plant(journal, evidence))}


def test_a_journal_keeps_what_was_said_before_its_writer_was_killed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.say("sent", LOG, "a")
    journal.say("ok", LOG, "a", 7)  # and no close
    reader = Journal(tmp_path / "journal")
    assert reader.read() == [Said("sent", LOG, "a"), Said("ok", LOG, "a", 7)]
    reader.close()
    journal.close()
