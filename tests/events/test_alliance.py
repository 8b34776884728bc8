"""Only the quorum makes a version of the alliance, and a version that contradicts itself is refused."""

import re
from collections.abc import Callable
from datetime import date
from hashlib import sha256

import pytest

from events import alliance, checkpoints, errors, keys, merkle, notes
from events.alliance import Alliance, Bureau, Document

QUORUM = [notes.Signer(f"chuanyu.yinqiao/quorum/{i}", bytes([i + 1]) * 32) for i in range(3)]
STRANGER = notes.Signer("somebody", b"?" * 32)


def log_key(log: str, generation: int = 1) -> notes.Signer:
    return notes.Signer(f"chuanyu.yinqiao/{log}", sha256(f"{log}/{generation}".encode()).digest())


def node_key(node: str) -> notes.Signer:
    return notes.Signer(
        f"chuanyu.yinqiao/node/{node}", sha256(node.encode()).digest(), notes.Kind.COSIGNATURE
    )


VKEYS = {
    **{f"Q{i}": signer.verifier.vkey for i, signer in enumerate(QUORUM)},
    **{node: node_key(node).verifier.vkey for node in ("chongqing", "sichuan", "observer")},
    "K500112": log_key("500112").verifier.vkey,
    "K500157": log_key("500157").verifier.vkey,
    "K510000": log_key("510000").verifier.vkey,
    "NEW510000": log_key("510000", 2).verifier.vkey,
    "STRANGER": STRANGER.verifier.vkey,
}
TEXT = """format = 1
alliance = "chuanyu"
version = 1
quorum = [
    "Q0",
    "Q1",
    "Q2",
]

[[bureau]]
code = "500112"
name_zh = "中共重庆市渝北区委老干部局"
name_en = "Yubei Bureau for Retired Cadres"
from = 2019-01-01
to = 2025-11-06

[[bureau]]
code = "500157"
name_zh = "两江新区老干部局"
name_en = "Liangjiang Bureau"
from = 2025-11-06

[[bureau]]
code = "510000"
name_zh = "四川省\\"老\\"干部局"
name_en = "Sichuan Bureau (old)"
from = 2019-01-01
to = 2023-07-01

[[bureau]]
code = "510000"
name_zh = "中共四川省委老干部局"
name_en = "Sichuan Bureau"
from = 2024-01-01

[[node]]
name = "chongqing"
operator = "重庆"
url = "https://node.example.cn"
cosigner = "chongqing"

[[node]]
name = "sichuan"
operator = "四川"
url = "http://127.0.0.1:8080"
cosigner = "sichuan"

[[node]]
name = "observer"
operator = "重庆"
url = "http://127.0.0.1:8081"
cosigner = "observer"

[[log]]
name = "500112"
bureau = "500112"
node = "chongqing"

[[log.key]]
vkey = "K500112"
from_size = 0
to_size = 40

[[log]]
name = "500157"
bureau = "500157"
node = "chongqing"

[[log.key]]
vkey = "K500157"
from_size = 0

[[log]]
name = "510000"
bureau = "510000"
node = "sichuan"

[[log.key]]
vkey = "K510000"
from_size = 0
to_size = 100

[[log.key]]
vkey = "NEW510000"
from_size = 90

[policy]
witnesses = [
    "observer",
    "sichuan",
]
"""


def filled(text: str) -> str:
    """The text with vkeys in the places of their names."""
    name = re.compile(r'((?:vkey|cosigner) = |    )"(\w+)"')
    body, policy = text.split("[policy]")
    return name.sub(lambda m: f'{m[1]}"{VKEYS[m[2]]}"', body) + "[policy]" + policy


def first() -> Alliance:
    note = notes.sign(filled(TEXT), *QUORUM)
    return alliance.first(note, alliance.digest(note))


def next_text(current: Alliance, change: Callable[[str], str] = str) -> str:
    text = TEXT.replace("version = 1\n", f'version = 2\nprevious = "{current.digest}"\n')
    return filled(change(text))


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def test_the_document_is_written_as_it_is_read() -> None:
    document = Document.read(filled(TEXT))
    assert document.write() == filled(TEXT)
    assert Document.read(document.write()) == document
    office = Bureau(code="500000", name_zh="局", name_en="Bureau", from_day=date(2020, 1, 1))
    small = Document(alliance="a", version=1, quorum=(VKEYS["Q0"],), bureau=(office,))
    assert Document.read(small.write()) == small


def test_the_first_version_is_trusted_by_its_digest() -> None:
    # given the note that founds the alliance
    note = notes.sign(filled(TEXT), *QUORUM)
    trusted = keys.encode(sha256(filled(TEXT).encode()).digest())
    assert alliance.digest(note) == trusted
    # then it is believed under that digest, also with fewer signature lines, and under no other
    assert alliance.first(note, trusted) == first()
    assert alliance.first(notes.keep(note, [s.verifier for s in QUORUM[:2]]), trusted) == first()
    with pytest.raises(errors.Damage, match="digest"):
        alliance.first(note, keys.encode(bytes(32)))
    with pytest.raises(errors.Damage, match="digest"):
        alliance.first(notes.sign(filled(TEXT).replace("127.0.0.1:8080", "127.0.0.1:8082"), *QUORUM), trusted)


def test_a_founding_quorum_that_cannot_sign_is_refused() -> None:
    note = notes.sign(filled(TEXT), QUORUM[0], STRANGER)
    with pytest.raises(errors.Damage, match=r"1 of the 3.*it takes 2"):
        alliance.first(note, alliance.digest(note))
    later = notes.sign(next_text(first()), *QUORUM)
    with pytest.raises(errors.Damage, match="version 1"):
        alliance.first(later, alliance.digest(later))


def test_a_majority_of_the_quorum_makes_the_next_version() -> None:
    current = first()
    note = notes.sign(next_text(current), QUORUM[0], QUORUM[2])
    later = alliance.successor(current, note)
    assert (later.version, later.document.previous) == (2, current.digest)
    # delivered twice it is the same, also with other signatures
    assert alliance.successor(later, note) is later
    assert alliance.successor(later, notes.sign(next_text(current), *QUORUM)) is later


@pytest.mark.parametrize("signers", [[QUORUM[0]], [QUORUM[0], STRANGER], [STRANGER]], ids=len)
def test_half_of_the_quorum_or_less_makes_nothing(signers: list[notes.Signer]) -> None:
    current = first()
    with pytest.raises(errors.Damage):
        alliance.successor(current, notes.sign(next_text(current), *signers))


def test_two_of_four_are_no_majority() -> None:
    four = filled(TEXT.replace('    "Q2",\n', '    "Q2",\n    "STRANGER",\n'))
    note = notes.sign(four, *QUORUM)
    current = alliance.first(note, alliance.digest(note))
    text = next_text(current)
    with pytest.raises(errors.Damage, match=r"2 of the 4 .* it takes 3"):
        alliance.successor(current, notes.sign(text, *QUORUM[:2]))
    assert alliance.successor(current, notes.sign(text, STRANGER, *QUORUM[:2])).version == 2


def test_a_new_quorum_counts_only_from_the_next_version_on() -> None:
    current = first()
    only_stranger = replaced('    "Q0",\n    "Q1",\n    "Q2",\n', '    "STRANGER",\n')
    text = next_text(current, only_stranger)
    with pytest.raises(errors.Damage):
        alliance.successor(current, notes.sign(text, STRANGER))
    second = alliance.successor(current, notes.sign(text, *QUORUM))
    third = text.replace("version = 2", "version = 3").replace(current.digest, second.digest)
    with pytest.raises(errors.Damage):
        alliance.successor(second, notes.sign(third, *QUORUM))
    assert alliance.successor(second, notes.sign(third, STRANGER)).version == 3


@pytest.mark.parametrize(
    "change",
    [
        replaced("version = 2", "version = 3"),
        lambda text: re.sub('previous = ".*"', f'previous = "{keys.encode(bytes(32))}"', text),
    ],
)
def test_a_version_that_does_not_follow_is_damage(change: Callable[[str], str]) -> None:
    current = first()
    with pytest.raises(errors.Damage, match="does not follow version 1"):
        alliance.successor(current, notes.sign(next_text(current, change), *QUORUM))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: re.sub(r'\[\[log\]\]\nname = "500112".*?to_size = 40\n', "", text, flags=re.DOTALL),
        lambda text: text.replace('[[log.key]]\nvkey = "NEW510000"\nfrom_size = 90\n', ""),
        replaced("from_size = 90", "from_size = 91"),
    ],
)
def test_a_version_that_forgets_a_log_or_a_key_is_refused(change: Callable[[str], str]) -> None:
    current = first()
    with pytest.raises(errors.Invalid, match="forgets"):
        alliance.successor(current, notes.sign(next_text(current, change), *QUORUM))


def test_a_version_that_moves_a_log_to_another_node_is_refused() -> None:
    place = 'name = "510000"\nbureau = "510000"\nnode = '

    def moved(text: str) -> str:
        assert f'{place}"sichuan"' in text
        return text.replace(f'{place}"sichuan"', f'{place}"chongqing"')

    with pytest.raises(errors.Invalid, match="moves log 510000 from node sichuan to chongqing"):
        alliance.successor(first(), notes.sign(next_text(first(), moved), *QUORUM))


CLOSED = """node = "chongqing"
closed_size = 40
closed_root = "BVYhp0q0LTcnXyJZNh9yAnGiHoEtZx1kdUYBkuW9vC4="
successor = "500157"
"""
MOVED = """
[[log.stream]]
subject = "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"
log = "510000"

[[log]]
name = "500157"
"""


def closed(text: str) -> str:
    """Log 500112 closed, one of its streams going on elsewhere than the others."""
    place = 'name = "500112"\nbureau = "500112"\n'
    text = text.replace(place + 'node = "chongqing"\n', place + CLOSED)
    return text.replace('\n[[log]]\nname = "500157"\n', MOVED, 1)


def test_a_log_that_cannot_sign_is_closed_by_the_document() -> None:
    text = filled(closed(TEXT))
    document = Document.read(text)
    log = next(log for log in document.log if log.name == "500112")
    assert document.write() == text
    assert log.closed_size == 40
    assert log.succession.of("0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9") == "510000"
    assert log.succession.of("00000000-4f50-4617-8293-a4b5c6d7e8f9") == "500157"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('successor = "500157"', 'successor = "500199"', "cannot go on in 500199"),
        ('successor = "500157"', 'successor = "500112"', "cannot go on in 500112"),
        ("closed_size = 40\n", "", "stand together"),
    ],
)
def test_a_closing_that_says_nothing_sound_is_refused(old: str, new: str, what: str) -> None:
    with pytest.raises(errors.Invalid, match=what):
        Document.read(filled(closed(TEXT).replace(old, new)))


@pytest.mark.parametrize(
    "change",
    [replaced("closed_size = 40", "closed_size = 39"), lambda text: text.replace(CLOSED, CLOSED[:19])],
)
def test_a_closed_log_stays_closed_where_it_was(change: Callable[[str], str]) -> None:
    note = notes.sign(filled(closed(TEXT)), *QUORUM)
    current = alliance.first(note, alliance.digest(note))
    text = closed(TEXT).replace("version = 1\n", f'version = 2\nprevious = "{current.digest}"\n')
    changed = change(text).replace(
        MOVED, MOVED if "closed" in change(text) else '\n[[log]]\nname = "500157"\n'
    )
    with pytest.raises(errors.Invalid, match="closes log 500112 elsewhere"):
        alliance.successor(current, notes.sign(filled(changed), *QUORUM))


def test_two_valid_successors_are_evidence_against_those_who_signed_both() -> None:
    # given two versions 2, each signed by a majority
    current = first()
    one = notes.sign(next_text(current), QUORUM[0], QUORUM[1])
    other = notes.sign(next_text(current, replaced("8080", "8082")), QUORUM[1], QUORUM[2])
    # then who signed both is named, and nobody else
    with pytest.raises(errors.Fork) as caught:
        alliance.check_fork(current, one, other)
    assert VKEYS["Q1"] in caught.value.message
    assert VKEYS["Q0"] not in caught.value.message
    # and the same version with other signatures is no fork
    alliance.check_fork(current, one, notes.sign(next_text(current), *QUORUM))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("format = 1", "format = 2", "format"),
        ("format = 1", "format = true", "format"),
        ("version = 1", "version = 0", "version"),
        ("version = 1", "version = 1.0", "version"),
        ("version = 1", 'version = "1"', "version"),
        ("version = 1", "version = 2", "previous"),
        ("version = 1", f'version = 1\nprevious = "{keys.encode(bytes(32))}"', "previous"),
        ("version = 1", "version = 1\nextra = 1", "extra"),
        ("version = 1", "version = 1\nversion = 1", "no TOML"),
        ("version = 1", "version = " + "9" * 5000, "no TOML"),
        ("version = 1", "version = " + "[" * 5000, "no TOML"),
        ('"chuanyu"', '"川渝"', "alliance"),
        ('"chuanyu"', '"chuanyu2"', "is named"),
        ('    "Q1"', '    "Q0"', "quorum key stands there twice"),
        ('    "Q1"', '    "sichuan"', "quorum: the key is of type 0x04"),
        ('code = "500112"', 'code = "50011"', "bureau.0.code"),
        ('code = "500112"', "code = 500112", "bureau.0.code"),
        ('code = "500112"', 'code = "500113"', "named by the code"),
        ("from = 2019-01-01", 'from = "2019-01-01"', "bureau.0.from"),
        ("from = 2019-01-01", "from_day = 2019-01-01", "bureau.0.from"),
        ("from = 2019-01-01", "from = 2019-01-01T00:00:00Z", "bureau.0.from"),
        ("to = 2025-11-06", "to = 2018-01-01", "ends before it begins"),
        ("to = 2023-07-01", "to = 2024-01-02", "two names"),
        ("\nto = 2023-07-01", "", "two names"),
        ("两江新区", "两江\u200b新区", "invisible"),
        ("https://node.example.cn", "file:///etc/passwd", "node.0.url"),
        ('name = "sichuan"', 'name = "chongqing"', "twice"),
        ('cosigner = "chongqing"', 'cosigner = "sichuan"', "is named"),
        ('cosigner = "chongqing"', 'cosigner = "K500112"', "type 0x01"),
        ('name = "500157"\nbureau', 'name = "500112"\nbureau', "twice"),
        ('bureau = "500157"', 'bureau = "510000"', "named by the code"),
        ('node = "sichuan"', 'node = "guests"', "no node guests"),
        ('vkey = "K500157"', 'vkey = "K500112"', "is named"),
        ("from_size = 90", "from_size = 102", "without a gap"),
        ("from_size = 0\nto_size = 100", "from_size = 0\nto_size = -1", "log.2.key.0.to_size"),
        ("from_size = 0\nto_size = 100", "from_size = 5\nto_size = 100", "from size 0"),
        ("from_size = 90", "from_size = 90\nto_size = 80", "ends before it begins"),
        ('vkey = "NEW510000"', 'vkey = "K510000"', "key stands there twice"),
        ('    "observer"', '    "sichuan"', "witness stands there twice"),
        ('    "observer"', '    "guests"', "no node guests"),
        ("[policy]", "[policy]\nquorum = 1", "policy.quorum"),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused_with_the_place(old: str, new: str, what: str) -> None:
    assert old in TEXT
    with pytest.raises(errors.Invalid, match=re.escape(what)):
        Document.read(filled(TEXT.replace(old, new, 1)))


def test_tabs_and_carriage_returns_are_refused() -> None:
    for text in (filled(TEXT).replace(" = ", "\t=\t"), filled(TEXT).replace("\n", "\r\n")):
        with pytest.raises(errors.Invalid, match="no tabs"):
            Document.read(text)


def test_bureaus_are_named_as_of_a_day() -> None:
    chuanyu = first()
    assert chuanyu.bureaus == ("500112", "500157", "510000")
    assert chuanyu.name("510000", date(2023, 6, 30)) == '四川省"老"干部局'
    assert chuanyu.name("510000", date(2024, 1, 1), "en") == "Sichuan Bureau"
    # in a gap, before the first and after the last day the nearest known name stands
    assert chuanyu.name("510000", date(2023, 7, 1), "en") == "Sichuan Bureau (old)"
    assert chuanyu.name("510000", date(1999, 1, 1), "en") == "Sichuan Bureau (old)"
    assert chuanyu.name("500112", date(2026, 1, 1), "en") == "Yubei Bureau for Retired Cadres"
    assert chuanyu.bureau("510000").name_en == "Sichuan Bureau"


def test_logs_and_nodes_are_found_by_name() -> None:
    chuanyu = first()
    assert (chuanyu.id, chuanyu.logs) == ("chuanyu", ("500112", "500157", "510000"))
    assert chuanyu.nodes == ("chongqing", "sichuan", "observer")
    assert [log.name for log in chuanyu.logs_of("chongqing")] == ["500112", "500157"]
    assert chuanyu.logs_of("observer") == ()
    assert chuanyu.node_of("510000").name == "sichuan"
    assert chuanyu.cosigner("sichuan") == node_key("sichuan").verifier
    unknown: list[Callable[[], object]] = [
        lambda: chuanyu.bureau("500000"),
        lambda: chuanyu.name("500000", date(2024, 1, 1)),
        lambda: chuanyu.log("500000"),
        lambda: chuanyu.logs_of("guests"),
        lambda: chuanyu.verifiers("500000", 1),
    ]
    for ask in unknown:
        with pytest.raises(errors.NotFound):
            ask()


def test_keys_sign_the_sizes_that_the_document_gives_them() -> None:
    chuanyu = first()
    old, new = log_key("510000").verifier, log_key("510000", 2).verifier
    assert [chuanyu.verifiers("510000", size) for size in (0, 89, 90, 100, 101)] == [
        (old,), (old,), (old, new), (old, new), (new,),
    ]  # fmt: skip
    assert chuanyu.verifier("510000", 95) == new
    assert chuanyu.verifiers("500112", 41) == ()
    with pytest.raises(errors.NotFound):
        chuanyu.verifier("500112", 41)


def test_a_checkpoint_counts_only_by_a_key_of_its_size() -> None:
    chuanyu = first()
    old, new = log_key("510000"), log_key("510000", 2)

    def signed(size: int, *signers: notes.Signer) -> str:
        root = merkle.root([merkle.leaf_hash(b"")] * size)
        return checkpoints.sign_checkpoint(
            checkpoints.Checkpoint("chuanyu.yinqiao/510000", size, root), *signers
        )

    for size, signers in ((80, [old]), (95, [old, new]), (100, [old]), (101, [old, new])):
        assert chuanyu.checkpoint("510000", signed(size, *signers)).size == size
    for note in (signed(101, old), signed(89, new), signed(5, log_key("510000", 3))):
        with pytest.raises(errors.Damage):
            chuanyu.checkpoint("510000", note)
    with pytest.raises(errors.Damage, match="not of chuanyu"):
        chuanyu.checkpoint("500157", signed(80, old))


def test_more_than_half_of_the_witnesses_that_count_are_needed_unless_the_policy_says_how_many() -> None:
    assert first().needed("500157") == 1
    assert first().heartbeat_seconds == 600
    text = filled(TEXT) + "needed = 1\nheartbeat_minutes = 5\n"
    other = Alliance(Document.read(text), "")
    assert (other.needed("500157"), other.heartbeat_seconds) == (1, 300)
    assert other.document.write() == text
    with pytest.raises(errors.Invalid, match="2 are needed"):
        Document.read(filled(TEXT) + "needed = 2\n")


def test_a_witness_whose_operator_hosts_the_log_does_not_count() -> None:
    chuanyu = first()
    assert chuanyu.witnesses("500157") == (node_key("sichuan").verifier,)
    assert chuanyu.witnesses("510000") == (node_key("observer").verifier,)
