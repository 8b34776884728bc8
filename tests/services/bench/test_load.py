"""The load to measure with is real business: legal, connected, the same at every run."""

from collections import Counter, defaultdict

from events import catalogue
from services.bench.load import Load
from services.bench.saving import BATCH, batches

LOGS = ("500101", "500102", "500103")


def test_the_load_is_the_same_at_every_run_and_another_with_another_seed() -> None:
    one, again, other = (Load("bench", LOGS, seed).take(200) for seed in (1, 1, 2))
    assert [e.value for e in one] == [e.value for e in again] != [e.value for e in other]


def test_every_stream_is_a_history_that_can_be_and_every_reference_meets_its_record() -> None:
    records = [catalogue.decode(entry.value, entry.leaf) for entry in Load("bench", LOGS).take(600)]
    known, streams = {r.key: r for r in records}, defaultdict(list)
    for record in records:
        streams[record.log, record.aggregate, record.stream].append(record)
        assert all(key in known for key in record.basis)
    for (_, aggregate, _), history in streams.items():
        assert catalogue.AGGREGATES[aggregate].fold(history) is not None
        assert [r.version for r in history] == list(range(1, len(history) + 1))


def test_logs_are_without_gaps_and_a_good_part_of_the_load_joins_two_bureaus() -> None:
    entries = Load("bench", LOGS).take(1_000)
    positions = defaultdict(list)
    for entry in entries:
        positions[entry.fact.log].append(entry.position)
    assert all(found == list(range(1, len(found) + 1)) for found in positions.values())
    kinds = Counter(entry.fact.aggregate for entry in entries)
    assert {"activity", "cohost", "task", "need"} <= kinds.keys()
    assert kinds["cohost"] > 100


def test_a_batch_is_of_one_log_and_holds_a_hundred_at_most_in_order() -> None:
    entries = Load("bench", LOGS).take(1_000)
    found = list(batches(entries))
    assert sum(map(len, found)) == 1_000
    for batch in found:
        assert len({entry.fact.log for entry in batch}) == 1
        assert len(batch) <= BATCH
        assert [e.position for e in batch] == sorted(e.position for e in batch)
