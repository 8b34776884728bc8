"""银桥证据包核验程序 / Verifies a Yinqiao evidence pack, without our servers and without our other code.

    python -I verify.py PACK.yinqiao-evidence.zip --digest DIGEST

DIGEST is the digest of version 1 of the alliance document, base64: get it, and this file, from somebody you
trust, not from the pack. Needs Python 3.11 and `pip install cryptography`. Exit code 0: all holds; 1: a
fault, its place is named; 2: wrong use, or no such file; 3: all holds, but not all of it is witnessed, so
that nobody but the bureau itself vouches that it showed everybody the same. README.md beside this file
describes the format.

Everything in a pack is taken for hostile until it is proved; nothing is unpacked to disk.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import io
import json
import math
import re
import sys
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, BinaryIO, NamedTuple, NoReturn

try:
    import tomllib

    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError as error:
    sys.stderr.write(
        f"缺少 {error.name}：需要 Python 3.11 或更新版本，以及 pip install cryptography。\n"
        f"{error.name} is missing: this needs Python 3.11 or newer, and `pip install cryptography`.\n"
    )
    sys.exit(2)

FORMAT = "yinqiao-evidence/v1"
WIDTH, HASH = 256, 32
RECORD_LIMIT, LINE_LIMIT = 60_000, 81_000
MEMBERS_LIMIT, POSITIONS_LIMIT = 1_000_000, 2**53
SIGNATURES_LIMIT, ID = 100, 4
PARTS_LIMIT = 4_000_000
SHOWN_RUNS = 40
BEIJING = timezone(timedelta(hours=8))
ED25519, COSIGNATURE = 1, 4
SUITE = "sha256-ed25519"

LOG = r"[0-9]{6}(?:-(?:[2-9]|[1-9][0-9]{1,3}))?"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TYPE = r"[a-z0-9.-]{1,200}"
_TILE = r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
_FILES = (  # every name that a pack may hold, and how large that file may be
    (re.compile(r"README\.txt"), 2**20),
    (re.compile(r"manifest\.json"), 2**27),
    (re.compile(r"report\.json"), 2**28),
    (re.compile(r"alliance/[1-9][0-9]{0,4}\.note"), 4_000_000),
    (re.compile(rf"log/({LOG})/checkpoint"), 2**20),
    (re.compile(rf"log/({LOG})/records\.jsonl"), 2**42),
    (re.compile(rf"log/({LOG})/{_TILE}"), WIDTH * HASH),
    (re.compile(rf"schemas/{_TYPE}\.json"), 2**20),
)
_HEAD = b'{"specversion":"1.0","sequence":"'
_ENVELOPE = re.compile(
    rf'\{{"specversion":"1\.0","sequence":"([0-9]{{20}})"'
    rf',"time":"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}\.[0-9]{{6}}Z)"'
    rf',"id":"{UUID}","source":"//([a-z0-9-]+)/({LOG})"'
    rf',"type":"(yinqiao\.[a-z0-9.-]+\.v[1-9][0-9]*)","subject":"[a-z-]+/({UUID})"'
    rf',"datacontenttype":"application/json","dataschema":"urn:yinqiao:schema:([a-z0-9.-]+)"'
    rf',"aggregateversion":"([1-9][0-9]{{0,8}})","actor":"(?:officer/{UUID}|system)"'
    rf'(?:,"causationid":"{UUID}")?(?:,"correlationid":"{UUID}")?'
    rf'(?:,"basis":"({LOG}:[1-9][0-9]{{0,15}}(?: {LOG}:[1-9][0-9]{{0,15}}){{0,63}})")?,"data":'.encode()
)
_REDACTED = "yinqiao.alliance.record-redacted.v1"
_LOG_CLOSED = "yinqiao.alliance.log-closed.v1"
_CONTINUED = re.compile(r"yinqiao\.[a-z0-9.-]+-continued\.v[1-9][0-9]*")
_KEY = re.compile(rf"({LOG}):([1-9][0-9]{{0,15}})")
_CHECKPOINT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_DASH = "\u2014 "


# --- what is said -----------------------------------------------------------------------------------


class Words(NamedTuple):
    """The same in Chinese and in English."""

    zh: str
    en: str


class Fault(Exception):
    """The first thing that does not hold, and where."""

    def __init__(
        self, zh: str, en: str, log: str | None = None, position: int | None = None, file: str | None = None
    ) -> None:
        super().__init__(en)
        self.words, self.log, self.position, self.file = Words(zh, en), log, position, file

    @property
    def place(self) -> Words:
        """Log, position and file, as far as the fault has them."""
        zh, en = [], []
        if self.log is not None:
            zh.append(f"日志 {plain(self.log)}")
            en.append(f"log {plain(self.log)}")
        if self.position is not None:
            zh.append(f"第 {self.position} 条")
            en.append(f"position {self.position}")
        if self.file is not None:
            zh.append(f"文件 {plain(self.file)}")
            en.append(f"file {plain(self.file)}")
        return Words("，".join(zh) or "整个证据包", ", ".join(en) or "the pack as a whole")


def plain(text: object, limit: int = 200) -> str:
    """Text from a pack, safe to show: no control or direction characters, not longer than `limit`."""
    shown = "".join(c if c.isprintable() else "?" for c in str(text)[:limit])
    return shown + ("…" if len(str(text)) > limit else "")


def moment(text: str) -> str:
    """A time of a record, as the clocks in Beijing show it."""
    try:
        found = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
        return f"{found.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):
        return plain(text, 27)


def second(seconds: int) -> str:
    """A time of a cosignature (seconds since 1970), as the clocks in Beijing show it."""
    try:
        return f"{datetime.fromtimestamp(seconds, BEIJING):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return str(seconds)


# --- reading what anybody may have written ----------------------------------------------------------


def fields(thing: object, file: str, **kinds: type) -> list[Any]:
    """The named fields of an object, each of its kind; a name that ends in `_` may be left out (None)."""
    found = []
    for name, kind in kinds.items():
        value = thing.get(name.rstrip("_")) if isinstance(thing, dict) else None
        fits = isinstance(value, kind)
        if kind is int:
            fits = type(value) is int and -POSITIONS_LIMIT < value < POSITIONS_LIMIT
        if not fits and not (value is None and name.endswith("_")):
            word = name.rstrip("_")
            raise Fault(
                f"字段 {word} 缺少或类型不对", f"the field {word} is missing or of a wrong kind", file=file
            )
        found.append(value)
    return found


def section(thing: object, file: str, **kinds: type) -> list[Any]:
    """As `fields`, of an object that has no other fields: what one does not know may change what it means."""
    known = {name.rstrip("_") for name in kinds}
    for name in sorted(map(str, thing)) if isinstance(thing, dict) else ():
        if name not in known:
            raise Fault(f"不认识字段 {plain(name)}", f"the field {plain(name)} is not known", file=file)
    return fields(thing, file, **kinds)


def read_json(text: bytes, file: str) -> Any:
    """JSON without repeated keys and without NaN; not so many parts that memory could not hold them."""
    if sum(map(text.count, (b"[", b"{", b","))) > PARTS_LIMIT:
        raise Fault("内容过多", "there is too much in it", file=file)
    try:
        return json.loads(
            text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )
    except (ValueError, RecursionError):
        raise Fault("不是合格的 JSON", "this is no proper JSON", file=file) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise ValueError("a number is too large")
    return number


def read_key(text: object, file: str) -> tuple[str, int]:
    """A record written `500116:17`."""
    if not (match := _KEY.fullmatch(text if isinstance(text, str) else "")):
        raise Fault("记录编号写法不对", "a record is not written log:position", file=file)
    return match[1], int(match[2])


def from_base64(text: str) -> bytes | None:
    """Base64 in its one spelling, or None."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if to_base64(raw) == text else None


def to_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


class Runs:
    """Positions in rising order, kept as first and last of each stretch."""

    def __init__(self, positions: Iterable[int] = ()) -> None:
        self._first: list[int] = []
        self._last: list[int] = []
        self.count = 0
        for position in positions:
            self.add(position)

    def add(self, position: int) -> None:
        if self._last and self._last[-1] == position - 1:
            self._last[-1] = position
        else:
            self._first.append(position)
            self._last.append(position)
        self.count += 1

    @property
    def end(self) -> int:
        """The last position, 0 when there is none."""
        return self._last[-1] if self._last else 0

    def missing(self, first: int, last: int) -> int | None:
        """The first position from `first` to `last` that is not there."""
        if first > last:
            return None
        at = bisect_right(self._first, first) - 1
        if at < 0 or self._last[at] < first:
            return first
        return self._last[at] + 1 if self._last[at] < last else None

    def within(self, first: int, last: int) -> int | None:
        """The first position that is there, from `first` to `last`."""
        at = bisect_right(self._last, first - 1)
        if at == len(self._first) or self._first[at] > last:
            return None
        return max(first, self._first[at])

    def __contains__(self, position: int) -> bool:
        return self.missing(position, position) is None

    def words(self) -> Words:
        pairs = list(zip(self._first, self._last))[:SHOWN_RUNS]  # noqa: B905  (of one length)
        text = [str(first) if first == last else f"{first}–{last}" for first, last in pairs]
        more = len(self._first) > SHOWN_RUNS
        return Words(
            f"第 {'、'.join(text)} 条{'等' if more else ''}",
            f"position{'' if self.count == 1 else 's'} {', '.join(text)}{' and more' if more else ''}",
        )


# --- keys and signed notes (C2SP signed-note, tlog-cosignature) --------------------------------------


class Key(NamedTuple):
    """A public key and the name under which it signs."""

    name: str
    id: bytes
    kind: int
    public: bytes

    def check(self, text: str, signature: bytes) -> int | None:
        """The time of a cosignature (seconds), None for a plain signature. Raises ValueError."""
        if self.kind == ED25519:
            self._verify(text.encode(), signature)
            return None
        time = int.from_bytes(signature[:8], "big")
        self._verify(f"cosignature/v1\ntime {time}\n{text}".encode(), signature[8:])
        return time

    def _verify(self, message: bytes, signature: bytes) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            raise ValueError("the signature does not fit") from None


def read_vkey(vkey: object, kind: int, name: str | None, file: str) -> Key:
    """A key as a document has it: of this kind, and of this name if one is given."""
    parts = (*(vkey if isinstance(vkey, str) else "").split("+", 2), "", "")[:3]
    raw = from_base64(parts[2]) or b""
    key = Key(parts[0], hashlib.sha256(parts[0].encode() + b"\n" + raw).digest()[:4], kind, raw[1:])
    if raw[:1] != bytes([kind]) or len(key.public) != HASH or key.id.hex() != parts[1]:
        raise Fault(f"密钥 {plain(vkey)} 写法不对", f"the key {plain(vkey)} is not well written", file=file)
    if not re.fullmatch(r"[^\s+\x00-\x1f]+", key.name) or name not in (None, key.name):
        raise Fault(f"密钥 {plain(vkey)} 名称不对", f"the key {plain(vkey)} has a wrong name", file=file)
    return key


class Note(NamedTuple):
    """A text and its signature lines: (key name, key id, signature)."""

    text: str
    lines: list[tuple[str, bytes, bytes]]

    @property
    def digest(self) -> str:
        """SHA-256 of the text, base64."""
        return to_base64(hashlib.sha256(self.text.encode()).digest())

    def signed(self, keys: Iterable[Key]) -> dict[Key, int | None]:
        """Those of the keys that signed, and when; ValueError for a line of a known key that does not fit."""
        known = {(key.name, key.id): key for key in keys}
        found: dict[Key, int | None] = {}
        for name, id_, signature in self.lines:
            if key := known.get((name, id_)):
                try:
                    time = key.check(self.text, signature)
                except ValueError:
                    raise ValueError(name) from None
                found.setdefault(key, time)
        return found


def read_note(raw: bytes, log: str | None, file: str) -> Note:
    """Take a note apart; nothing is verified by that."""
    try:
        text, found, block = raw.decode("utf-8").rpartition("\n\n")
        lines = block.split("\n")
        if (
            found
            and not lines.pop()
            and 0 < len(lines) <= SIGNATURES_LIMIT
            and not _CONTROL.search(text + block)
        ):
            return Note(text + "\n", [_read_line(line) for line in lines])
    except ValueError:
        pass  # as when it is no note at all
    raise Fault("不是合格的签名文书", "this is no signed note", log, file=file)


def _read_line(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line[len(_DASH) :].partition(" ")
    raw = from_base64(encoded)
    if not line.startswith(_DASH) or not name or raw is None or len(raw) <= ID:
        raise ValueError("no signature line")
    return name, raw[:ID], raw[ID:]


# --- the file ---------------------------------------------------------------------------------------


class Pack:
    """The ZIP: its names and sizes are checked at once, its content is read piece by piece."""

    def __init__(self, file: BinaryIO) -> None:
        with _reading(None):
            self._zip = zipfile.ZipFile(file)
            members = self._zip.infolist()
        if len(members) > MEMBERS_LIMIT:
            raise Fault("包内文件过多", "there are too many files in it")
        self.sizes: dict[str, int] = {}
        for member in members:
            self._admit(member)

    def _admit(self, member: zipfile.ZipInfo) -> None:
        name = member.orig_filename
        if name != member.filename or name in self.sizes:
            raise Fault("文件名重复或有花招", "a name stands there twice, or plays tricks", file=name)
        limit = next((size for pattern, size in _FILES if pattern.fullmatch(name)), None)
        if limit is None or member.flag_bits & 1:
            raise Fault("证据包里不应有这个文件", "a pack has no such file", file=name)
        if member.file_size > limit or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Fault("文件过大或压缩方式不对", "the file is too large or oddly compressed", file=name)
        self.sizes[name] = member.file_size

    def read(self, name: str, log: str | None = None, position: int | None = None) -> bytes:
        if name not in self.sizes:
            raise Fault("证据包里缺少这个文件", "the pack lacks this file", log, position, name)
        with _reading(name):
            return self._zip.read(name)

    def chunks(self, name: str) -> Iterator[bytes]:
        with _reading(name), self._zip.open(name) as file:
            while chunk := file.read(2**16):
                yield chunk

    def lines(self, name: str) -> Iterator[bytes]:
        """Lines with their ends, none longer than `LINE_LIMIT`."""
        with _reading(name), self._zip.open(name) as file, io.BufferedReader(file, 2**16) as buffered:  # type: ignore[type-var]
            while line := buffered.readline(LINE_LIMIT):
                yield line


@contextmanager
def _reading(name: str | None) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        log = log_of(name or "")
        if name is None:
            zh, en = (
                "不是完整的 ZIP 文件：可能被截断或损坏",
                "this is no whole ZIP file: it was cut off or damaged",
            )
            raise Fault(zh, en) from None
        raise Fault("压缩数据已损坏", "the compressed data are damaged", log, file=name) from None


def log_of(name: str) -> str | None:
    """The log to which a file of a pack belongs."""
    match = re.match(rf"log/({LOG})/", name)
    return match[1] if match else None


def tiles_by_log(pack: Pack) -> dict[str, set[str]]:
    """The names of all tiles."""
    found: dict[str, set[str]] = {}
    for name in pack.sizes:
        if "/tile/" in name:
            found.setdefault(log_of(name) or "", set()).add(name)
    return found


class Part(NamedTuple):
    """One log as the manifest tells of it."""

    log: str
    bureau: str
    size: int
    records: int


class Manifest(NamedTuple):
    """The contents as they are told; nothing in it is signed."""

    alliance: str
    digest: str
    made: str
    selection: dict[str, Any]
    parts: list[Part]
    files: dict[str, str]


def read_manifest(pack: Pack) -> Manifest:
    file = "manifest.json"
    content = read_json(pack.read(file), file)
    format_, alliance, digest, made, selection, logs, files = fields(
        content, file, format=str, alliance=str, alliance_digest=str, made=str, selection=dict, logs=list,
        files=dict,
    )  # fmt: skip
    if format_ != FORMAT:
        raise Fault(f"格式不是 {FORMAT}", f"the format is not {FORMAT}", file=file)
    parts = [Part(*fields(each, file, log=str, bureau=str, size=int, records=int)) for each in logs]
    if not parts or len({part.log for part in parts}) < len(parts):
        raise Fault("日志清单为空或有重复", "the list of logs is empty or has one twice", file=file)
    for part in parts:
        if not 0 < part.records <= part.size < POSITIONS_LIMIT:
            raise Fault("条数不合理", "these numbers of records cannot be", part.log, file=file)
    return Manifest(alliance, digest, made, selection, parts, files)


def check_names(pack: Pack, manifest: Manifest) -> None:
    """The manifest names exactly the files there are, and the logs exactly those with files."""
    told = {"manifest.json", *manifest.files}
    for name in sorted(told ^ pack.sizes.keys()):
        known = name in told
        zh, en = ("目录里有而包里没有", "named in the manifest, not there") if known else (
            "包里有而目录里没有", "there, but not named in the manifest")  # fmt: skip
        raise Fault(zh, en, log_of(name), file=name)
    logs = {part.log for part in manifest.parts}
    for name in sorted(pack.sizes):
        if (log := log_of(name)) is not None and log not in logs:
            raise Fault("目录没有列出这个日志", "the manifest does not list this log", log, file=name)
    for part in manifest.parts:
        if pack.sizes.get(records_file(part.log), LINE_LIMIT * part.records + 1) > LINE_LIMIT * part.records:
            zh, en = "缺少记录文件，或它过大", "the file of records is missing, or too large"
            raise Fault(zh, en, part.log, file=records_file(part.log))


# --- records ----------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """A line of records.jsonl: a position and the record's bytes.

    They are None when it was redacted; `decision` is the position of the record that decided it, 0 for none.
    """

    position: int
    value: bytes | None
    decision: int = 0


def read_entry(line: bytes) -> Entry | None:
    """What a line says; None when it is no line of records.jsonl."""
    if line[-1:] != b"\n":
        return None
    if line.startswith(_HEAD):
        digits = line[len(_HEAD) : len(_HEAD) + 20]
        return Entry(int(digits), line[:-1]) if digits.isdigit() and len(line) <= RECORD_LIMIT + 1 else None
    if match := re.fullmatch(
        rb'\{(?:"decision":([1-9][0-9]{0,15}),)?"redacted":([1-9][0-9]{0,15})\}\n', line
    ):
        return Entry(int(match[2]), None, int(match[1] or 0))
    if match := re.fullmatch(rb'\{"base64":"([A-Za-z0-9+/=]+)","position":([1-9][0-9]{0,15})\}\n', line):
        value = from_base64(match[1].decode())
        return None if value is None else Entry(int(match[2]), value)
    return None


def entries(pack: Pack, part: Part) -> Iterator[Entry]:
    """The records of a log in order; a Fault at the first that is none, or stands out of order."""
    name, last = records_file(part.log), 0
    for line in pack.lines(name):
        entry = read_entry(line)
        if entry is None:
            raise Fault(
                f"第 {last} 条之后的一行不是记录", f"the line after position {last} is no record",
                part.log, last + 1, name,
            )  # fmt: skip
        if not last < entry.position:
            raise Fault(
                f"记录次序不对：它排在第 {last} 条之后",
                f"the records are out of order: this one stands after position {last}",
                part.log, entry.position, name,
            )  # fmt: skip
        if entry.position > part.size:
            raise Fault(
                f"检查点只覆盖到第 {part.size} 条", f"the checkpoint covers positions up to {part.size} only",
                part.log, entry.position, name,
            )  # fmt: skip
        last = entry.position
        yield entry


def records_file(log: str) -> str:
    return f"log/{log}/records.jsonl"


def leaf_hash(value: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + value).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def check_digests(pack: Pack, manifest: Manifest) -> dict[str, Runs]:
    """Every file has the digest that the manifest gives; which positions each log's records claim."""
    runs: dict[str, Runs] = {}
    parts = {records_file(part.log): part for part in manifest.parts}
    for name, digest in sorted(manifest.files.items()):
        hashed = hashlib.sha256()
        for chunk in pack.chunks(name):
            hashed.update(chunk)
        if part := parts.get(name):
            if hashed.hexdigest() != digest:
                locate(pack, part)
            runs[part.log] = Runs(entry.position for entry in entries(pack, part))
        if hashed.hexdigest() != digest:
            raise _damaged(name, manifest, runs)
    return runs


def locate(pack: Pack, part: Part) -> None:
    """Find the first record of a damaged file that its tile does not know; the tile itself is tried later."""
    tiles: dict[int, bytes] = {}
    for entry in entries(pack, part):
        index, within = divmod(entry.position - 1, WIDTH)
        if index not in tiles:
            name = f"log/{part.log}/{tile_path(0, index, min(WIDTH, part.size - index * WIDTH))}"
            tiles = {index: pack.read(name, part.log, entry.position)}
        leaf = tiles[index][within * HASH : (within + 1) * HASH]
        if entry.value is not None and leaf_hash(entry.value) != leaf:
            raise _changed(part.log, entry.position)


def _changed(log: str, position: int) -> Fault:
    return Fault(
        "记录内容与签署时不同", "the record has other bytes than were signed",
        log, position, records_file(log),
    )  # fmt: skip


def _damaged(name: str, manifest: Manifest, runs: dict[str, Runs]) -> Fault:
    log, position = log_of(name), None
    part = next((part for part in manifest.parts if part.log == log), None)
    if part is not None:
        position = _first_under(name, runs.get(part.log, Runs())) or part.size
    zh, en = "文件内容与目录中的摘要不符", "the file is not the one whose digest the manifest gives"
    return Fault(zh, en, log, position, name)


def _first_under(name: str, runs: Runs) -> int | None:
    """The first chosen record that a tile is needed for."""
    if not (match := re.fullmatch(rf"log/{LOG}/{_TILE}", name)):
        return None
    span = WIDTH ** (int(match[1]) + 1)
    index = int(match[2].replace("x", "").replace("/", ""))
    return runs.within(index * span + 1, (index + 1) * span) or index * span + 1


# --- the alliance document --------------------------------------------------------------------------


class Alliance:
    """The last version of the alliance document, once the chain up to it was checked."""

    def __init__(self, note: Note, file: str) -> None:
        self.file, self.digest = file, note.digest
        try:
            body = tomllib.loads(note.text)
        except (ValueError, RecursionError):
            raise Fault("不是合格的 TOML", "this is no proper TOML", file=file) from None
        format_, self.id, self.version, self.previous, quorum, bureaus, nodes, logs, policy = section(
            body, file, format_=int, alliance=str, version=int, previous_=str, quorum=list,
            bureau_=list, node_=list, log_=list, policy_=dict,
        )  # fmt: skip
        if format_ not in {None, 1}:
            raise Fault(f"不认识格式 {format_}", f"the format {format_} is not known", file=file)
        self.quorum = [read_vkey(vkey, ED25519, None, file) for vkey in quorum]
        self._bureaus = [
            section(b, file, code=str, name_zh=str, name_en=str, **{"from": date}, to_=date)
            for b in bureaus or []
        ]
        self.nodes = {n[0]: Node(*n) for n in (self._node(each) for each in nodes or [])}
        self.logs = {log.name: log for log in (self._log(each) for each in logs or [])}
        self._witnesses, self._needed, _ = section(
            policy or {}, file, witnesses_=list, needed_=int, heartbeat_minutes_=int
        )
        self._witnesses = self._witnesses or []
        self._check_once(len(nodes or []), len(logs or []))
        self._check_sound()
        for log in self.logs.values():
            self._check_log(log)

    def _node(self, node: object) -> list[Any]:
        name, operator, _, vkey = section(node, self.file, name=str, operator=str, url=str, cosigner=str)
        return [name, operator, read_vkey(vkey, COSIGNATURE, f"{self.id}.yinqiao/node/{name}", self.file)]

    def _log(self, log: object) -> LogEntry:
        name, bureau, node, suite, keys, size, root, successor, moved = section(
            log, self.file, name=str, bureau=str, node=str, suite_=str, key=list, closed_size_=int,
            closed_root_=str, successor_=str, stream_=list,
        )  # fmt: skip
        if node not in self.nodes:
            raise Fault(f"没有节点 {plain(node)}", f"there is no node {plain(node)}", file=self.file)
        if suite not in {None, SUITE}:
            raise Fault(
                f"不认识算法 {plain(suite)}", f"the suite {plain(suite)} is not known", name, file=self.file
            )
        closed = None if size is None and root is None else self._closed(name, size, root)
        goes_on: dict[str, list[str]] = {"": [successor or ""]}
        for subject, there in (section(each, self.file, subject=str, log=str) for each in moved or []):
            goes_on.setdefault(there, []).append(subject)
        return LogEntry(
            name, bureau, self.nodes[node], [self._key(name, key) for key in keys], closed, goes_on
        )

    def _closed(self, log: str, size: int | None, root: str | None) -> Closed:
        raw = from_base64(root or "")
        if size is None or not 0 < size < POSITIONS_LIMIT or raw is None or len(raw) != HASH:
            zh, en = "关闭日志的条数与树根写法不对", "size and root of the closing are not well written"
            raise Fault(zh, en, log, file=self.file)
        return Closed(size, raw)

    def _key(self, log: str, key: object) -> LogKey:
        vkey, first, last = section(key, self.file, vkey=str, from_size_=int, to_size_=int)
        return LogKey(read_vkey(vkey, ED25519, f"{self.id}.yinqiao/{log}", self.file), first or 0, last)

    def _check_once(self, nodes: int, logs: int) -> None:
        """Nothing stands twice, and who witnesses is a node."""
        names = self._witnesses
        once = (nodes, logs, len(names)) == (len(self.nodes), len(self.logs), len(set(map(str, names))))
        if not once or not all(name in self.nodes for name in names):
            raise Fault(
                "有节点、日志或见证者重复出现，或见证者不是节点",
                "a node, a log or a witness stands there twice, or a witness is no node", file=self.file,
            )  # fmt: skip
        if (self.version == 1) != (self.previous is None):
            raise Fault("前一版的摘要不该有或缺少", "the digest of the version before", file=self.file)

    def _check_log(self, log: LogEntry) -> None:
        """As nodes read it: a bureau's own, keys one after the other without a gap, a successor if closed."""
        pairs = list(pairwise(log.keys))
        keys = bool(log.keys) and log.keys[0].first == 0 and all(
            one.first <= next_.first and (one.last is None or next_.first <= one.last + 1)
            for one, next_ in pairs
        )  # fmt: skip
        keys = keys and all(
            key.first >= 0 and (key.last is None or key.last >= key.first) for key in log.keys
        )
        goes_on = {name for name in (*log.goes_on, *log.goes_on[""]) if name}
        others = self.logs.keys() - {log.name}
        named = log.bureau in {b[0] for b in self._bureaus} and log.name.split("-")[0] == log.bureau
        if not keys or not named or not goes_on <= others or (goes_on and log.closed is None):
            zh, en = "日志的单位、密钥或续接写法不对", "bureau, keys or succession of a log do not fit"
            raise Fault(zh, en, log.name, file=self.file)
        if self._needed is not None and len(self.counted(log)) < self._needed:
            zh, en = "这个日志永远凑不足见证", "this log could never be witnessed"
            raise Fault(zh, en, log.name, file=self.file)

    def _check_sound(self) -> None:
        """No key stands twice: its holder would count twice, or sign in another's name."""
        used = [node.key.public for node in self.nodes.values()]
        used += [each.key.public for log in self.logs.values() for each in log.keys]
        for publics in ([key.public for key in self.quorum], used):
            if len(set(publics)) < len(publics):
                raise Fault("有密钥重复出现", "a key stands there twice", file=self.file)
        if not self.quorum or (self._needed is not None and self._needed < 1):
            raise Fault(
                "没有法定签署密钥，或见证数不合理", "no quorum, or no witness is needed", file=self.file
            )

    def signed_by_quorum(self, note: Note, file: str) -> None:
        try:
            signed = {key.public for key in note.signed(self.quorum)}
        except ValueError as error:
            zh, en = f"{plain(error)} 的签名无效", f"the signature of {plain(error)} does not hold"
            raise Fault(zh, en, file=file) from None
        if 2 * len(signed) <= len(self.quorum):
            raise Fault(
                f"第 {self.version} 版规定的 {len(self.quorum)} 个密钥中只有 {len(signed)} 个签署，未过半数",
                f"only {len(signed)} of the {len(self.quorum)} keys of version {self.version}'s quorum "
                "signed",
                file=file,
            )  # fmt: skip

    def follows(self, before: Alliance) -> bool:
        """Whether this version comes right after another and remembers all of it, as nodes demand."""
        place = (before.id, before.version + 1, before.digest)
        return (self.id, self.version, self.previous) == place and all(
            log.name in self.logs and _remembers(self.logs[log.name], log) for log in before.logs.values()
        )

    def bureau(self, code: str, day: str) -> Words:
        """What a bureau was called on a day (YYYY-MM-DD)."""
        terms = sorted((b for b in self._bureaus if b[0] == code), key=lambda b: str(b[3]))
        if not terms:
            return Words(plain(code), plain(code))
        term = next((b for b in reversed(terms) if str(b[3]) <= day), terms[0])
        return Words(f"{plain(term[1])}（{plain(code)}）", f"{plain(term[2])} ({plain(code)})")

    def counted(self, log: LogEntry) -> list[Node]:
        """The witnesses that count: those whose operator does not host the log."""
        named = (self.nodes[name] for name in self._witnesses)
        return [node for node in named if node.operator != log.node.operator]

    def needed(self, log: LogEntry) -> int:
        """How many of them it takes."""
        return self._needed or len(self.counted(log)) // 2 + 1


def _remembers(log: LogEntry, before: LogEntry) -> bool:
    """The log has not moved, no key is forgotten, and what closed it still does, at the same size."""
    keys = {(k.key, k.first) for k in before.keys} <= {(k.key, k.first) for k in log.keys}
    same = before.closed is None or (log.closed, log.goes_on) == (before.closed, before.goes_on)
    return keys and same and log.node.name == before.node.name


class Node(NamedTuple):
    """A node, who operates it, and its cosigner key."""

    name: str
    operator: str
    key: Key


class LogKey(NamedTuple):
    """A key and the sizes that it may sign, both included."""

    key: Key
    first: int
    last: int | None


class Closed(NamedTuple):
    """The size and root at which the document closes a log; what lies beyond is void."""

    size: int
    root: bytes


class LogEntry(NamedTuple):
    """A log as the document names it."""

    name: str
    bureau: str
    node: Node
    keys: list[LogKey]
    closed: Closed | None
    goes_on: dict[str, list[str]]
    """Which streams go on in which log; under "" the log for all others."""

    def keys_at(self, size: int) -> list[Key]:
        return [k.key for k in self.keys if k.first <= size and (k.last is None or size <= k.last)]


def check_alliance(pack: Pack, manifest: Manifest, trusted: str | None) -> Alliance:
    """Version 1 by its digest, each later one by the quorum of the one before; the last is given."""
    file = "alliance/1.note"
    note = read_note(pack.read(file), None, file)
    if trusted is not None and note.digest != trusted:
        raise Fault(
            f"联盟文件第 1 版的摘要是 {note.digest}，与您提供的不同：这个证据包不属于您所信任的联盟",
            f"version 1 of the alliance document has the digest {note.digest}, not the one you gave: "
            "this pack is not of the alliance that you trust",
            file=file,
        )
    current = Alliance(note, file)
    current.signed_by_quorum(note, file)
    if (current.version, current.previous) != (1, None):
        raise Fault("联盟文件不是从第 1 版开始", "the alliance does not begin with version 1", file=file)
    if manifest.digest != note.digest:
        raise Fault(
            "目录写的联盟文件摘要不对", "the manifest tells another digest of version 1", file="manifest.json"
        )
    versions = sum(name.startswith("alliance/") for name in pack.sizes)
    for number in range(2, versions + 1):
        current = _successor(pack, current, f"alliance/{number}.note")
    if current.id != manifest.alliance:
        raise Fault("目录写的是另一个联盟", "the manifest names another alliance", file="manifest.json")
    return current


def _successor(pack: Pack, current: Alliance, file: str) -> Alliance:
    note = read_note(pack.read(file), None, file)
    current.signed_by_quorum(note, file)
    after = Alliance(note, file)
    if not after.follows(current):
        raise Fault(
            f"这一版没有接在第 {current.version} 版之后，或丢掉了其中的密钥",
            f"this does not follow version {current.version}, or forgets a key of it",
            file=file,
        )
    return after


# --- the tree (RFC 6962, C2SP tlog-tiles) -----------------------------------------------------------


def tile_path(level: int, index: int, width: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    part = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join([*('x' + group for group in groups[:-1]), groups[-1]])}{part}"


class Tree:
    """The leaf hashes of a log, each proved up to the signed root by the tiles above it."""

    def __init__(self, pack: Pack, log: str, size: int, root: bytes) -> None:
        self._pack, self._log, self.used = pack, log, set[str]()
        self._edge: dict[tuple[int, int], list[bytes]] = {}
        self._known: dict[int, tuple[int, list[bytes]]] = {}
        peaks: list[bytes] = []
        level = 0
        while count := size >> 8 * level:
            index, width = divmod(count, WIDTH)
            if width:
                self._edge[level, index] = hashes = self._read(level, index, width, size)
                peaks = [*_peaks(hashes), *peaks]
            level += 1
        if _fold(peaks) != root:
            raise Fault(
                f"哈希块算出的树根与检查点（{size} 条）不符",
                f"the tiles do not lead to the root of the checkpoint of size {size}",
                log, size,
            )  # fmt: skip

    def leaf(self, position: int) -> bytes:
        """The proven leaf hash of a position."""
        index, within = divmod(position - 1, WIDTH)
        return self._hashes(0, index, position)[within]

    def root_at(self, size: int) -> bytes:
        """The root of the first `size` records, which are how this tree begins."""
        peaks: list[bytes] = []
        level = 0
        while count := size >> 8 * level:
            index, width = divmod(count, WIDTH)
            if width:
                peaks = [*_peaks(self._hashes(level, index, size)[:width]), *peaks]
            level += 1
        return _fold(peaks)

    def _hashes(self, level: int, index: int, position: int) -> list[bytes]:
        if edge := self._edge.get((level, index)):
            return edge
        if level in self._known and self._known[level][0] == index:
            return self._known[level][1]
        hashes = self._read(level, index, WIDTH, position)
        above, within = divmod(index, WIDTH)
        if _fold(_peaks(hashes)) != self._hashes(level + 1, above, position)[within]:
            raise Fault(
                "哈希块与检查点的树根不符，因此无法证明这条记录",
                "a tile does not lead to the root of the checkpoint, so this record is not proved",
                self._log, position, f"log/{self._log}/{tile_path(level, index, WIDTH)}",
            )  # fmt: skip
        self._known[level] = index, hashes
        return hashes

    def _read(self, level: int, index: int, width: int, position: int) -> list[bytes]:
        name = f"log/{self._log}/{tile_path(level, index, width)}"
        raw = self._pack.read(name, self._log, position)
        if len(raw) != width * HASH:
            raise Fault("哈希块长度不对", "the tile has a wrong length", self._log, position, name)
        self.used.add(name)
        return [raw[i : i + HASH] for i in range(0, len(raw), HASH)]


def _peaks(hashes: list[bytes]) -> list[bytes]:
    """The roots of the complete subtrees that these neighbours make, the largest first."""
    peaks: list[bytes] = []
    while hashes:
        width = 1 << len(hashes).bit_length() - 1
        peaks.append(_complete(hashes[:width]))
        hashes = hashes[width:]
    return peaks


def _complete(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def _fold(peaks: list[bytes]) -> bytes:
    if not peaks:
        return hashlib.sha256(b"").digest()
    root = peaks[-1]
    for left in reversed(peaks[:-1]):
        root = node_hash(left, root)
    return root


# --- one log ----------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """A node that cosigned, and when (seconds)."""

    node: Node
    time: int


class Hole(NamedTuple):
    """What is left of a redacted record: its position and its leaf hash."""

    position: int
    leaf: bytes


class Said(NamedTuple):
    """What a record says: its type, its payload, and what it rests on."""

    type: str
    data: dict[str, Any]
    basis: list[tuple[str, int]]


class Proof:
    """What was proved of one log; `undecided` are holes by the position of the decision they await."""

    def __init__(self, part: Part, entry: LogEntry, runs: Runs) -> None:
        self.part, self.entry, self.runs = part, entry, runs
        self.first = self.last = ""
        self.redacted = Runs()
        self.undecided: dict[int, Hole] = {}
        self.tiles: set[str] = set()
        self.signers: list[Key] = []
        self.closed_by: int | None = None  # the record by which the log closed itself
        self.seen: list[Seen] = []
        self.counted: list[Seen] = []
        self.needed = 0

    @property
    def end(self) -> int:
        """The last position of the checkpoint that is not void."""
        ends = (self.part.size, self.entry.closed.size if self.entry.closed else None, self.closed_by)
        return min(end for end in ends if end is not None)

    @property
    def since(self) -> int | None:
        """Since when the checkpoint is witnessed as the policy wants it (seconds); None when it is not."""
        times = sorted(seen.time for seen in self.counted)
        return times[self.needed - 1] if len(times) >= self.needed else None


class Verifier:
    """Goes through a pack and stops at the first fault; afterwards it knows what was proved."""

    def __init__(self, pack: Pack, trusted: str | None) -> None:
        self.pack, self.manifest = pack, read_manifest(pack)
        check_names(pack, self.manifest)
        self.runs = check_digests(pack, self.manifest)
        self.alliance = check_alliance(pack, self.manifest, trusted)
        self.report = Report.read(pack) if "report.json" in pack.sizes else None
        self.absent: dict[str, set[int]] = {}
        self.scope = Scope(self.manifest.selection)
        self.proofs = {part.log: self._log(part) for part in self.manifest.parts}
        self.scope.check(self.proofs)
        self._check_counts()
        self._check_tiles()
        if self.report is not None:
            self.report.check(self.proofs)

    @property
    def unwitnessed(self) -> list[str]:
        """The logs whose checkpoint is not witnessed as the alliance wants it."""
        return [log for log, proof in self.proofs.items() if proof.since is None]

    def _log(self, part: Part) -> Proof:
        entry = self.alliance.logs.get(part.log)
        if entry is None or entry.bureau != part.bureau:
            raise Fault("联盟文件里没有这个单位的这个日志", "the alliance document has no such log", part.log)
        proof = Proof(part, entry, self.runs[part.log] if part.log in self.runs else Runs())
        note, root = self._checkpoint(part, proof)
        tree = self._tree(part, entry.closed or Closed(part.size, root), root)
        self._records(proof, tree)
        proof.tiles = tree.used
        self._witnesses(note, proof)
        return proof

    def _checkpoint(self, part: Part, proof: Proof) -> tuple[Note, bytes]:
        """The checkpoint, signed by a key of the log that may sign this size."""
        file = f"log/{part.log}/checkpoint"
        note = read_note(self.pack.read(file, part.log, part.size), part.log, file)
        match = _CHECKPOINT.fullmatch(note.text)
        root = from_base64(match[3]) if match else None
        if not match or root is None or match[1] != f"{self.alliance.id}.yinqiao/{part.log}":
            zh, en = "不是这个日志的检查点", "this is no checkpoint of this log"
            raise Fault(zh, en, part.log, part.size, file)
        if int(match[2]) != part.size:
            zh, en = "检查点的条数与目录不符", "the manifest tells another size"
            raise Fault(zh, en, part.log, part.size, file)
        proof.signers = list(_signed(note, proof.entry.keys_at(part.size), part, file))
        if not proof.signers:
            raise Fault(
                "检查点没有该日志有效密钥的签名", "no key that may sign for this log signed the checkpoint",
                part.log, part.size, file,
            )  # fmt: skip
        return note, root

    def _tree(self, part: Part, closed: Closed, root: bytes) -> Tree:
        """One of checkpoint and closing is how the other begins: it is one log."""
        smaller, larger = sorted((closed, Closed(part.size, root)), key=lambda end: end.size)
        tree = Tree(self.pack, part.log, *larger)
        if tree.root_at(smaller.size) != smaller.root:
            raise Fault(
                f"联盟文件以另一个树根关闭了这个日志（{closed.size} 条）：这个检查点属于分叉的另一边",
                f"the alliance document closes this log at size {closed.size} with another root: "
                "this checkpoint is of the other side of a fork",
                part.log, smaller.size, f"log/{part.log}/checkpoint",
            )  # fmt: skip
        return tree

    def _records(self, proof: Proof, tree: Tree) -> None:
        for entry in entries(self.pack, proof.part):
            _check_not_void(proof, entry.position)
            leaf = tree.leaf(entry.position)
            if entry.value is None:
                _see_hole(proof, entry, leaf)
                continue
            if leaf_hash(entry.value) != leaf:
                raise _changed(proof.part.log, entry.position)
            said = self._record(proof, entry.position, entry.value)
            if hole := proof.undecided.pop(entry.position, None):
                _check_decision(proof.part.log, hole, said)
                self.scope.see_decided(proof, hole, said.data.get("stream"))
        for hole in proof.undecided.values():
            raise _undecided(proof.part.log, hole.position)

    def _record(self, proof: Proof, position: int, value: bytes) -> Said:
        """The record says itself that it stands where it stands, not before the one before it."""
        log = proof.part.log
        match, said = _opened(log, position, value)
        if (match[3].decode(), match[4].decode()) != (self.alliance.id, log):
            raise _wrong(log, position, "记录自称属于另一个日志", "the record says that it is of another log")
        if int(match[1]) != position:
            raise _wrong(log, position, "记录自称在别的位置", "the record says that it has another position")
        time = match[2].decode()
        if time < proof.last:
            raise _wrong(log, position, "记录时间早于前一条", "the record is of before the one before it")
        proof.first, proof.last = proof.first or time, time
        stream = match[6].decode()
        if said.type == _LOG_CLOSED:
            proof.closed_by = position
        self.scope.see(proof, position, time)
        self.scope.see_in_stream(log, stream, Step(position, leaf_hash(value), int(match[8])), said)
        if self.report is not None:
            self.report.see(log, position, stream)
        for key in said.basis:
            self._rests_on(*key, log, position)
        return said

    def _rests_on(self, there: str, at: int, log: str, position: int) -> None:
        """Note a record of the basis that is not in the pack."""
        if there not in self.runs or at not in self.runs[there]:
            if self.scope.basis and (there, at) not in self.scope.absent:
                raise Fault(
                    f"缺少第 {at} 条：{log} 第 {position} 条以它为依据，而本包声称包含全部依据",
                    f"{there}:{at} is not here, though {log}:{position} rests on it and the pack claims "
                    "to hold "
                    "all that its records rest on",
                    there, at,
                )  # fmt: skip
            self.absent.setdefault(there, set()).add(at)

    def _witnesses(self, note: Note, proof: Proof) -> None:
        """Each cosignature of a node holds; which of them count, and how many it takes."""
        part, file = proof.part, f"log/{proof.part.log}/checkpoint"
        keys = {node.key: node for node in self.alliance.nodes.values()}
        signed = _signed(note, keys, part, file)
        proof.seen = [Seen(keys[key], time or 0) for key, time in signed.items()]
        counted = self.alliance.counted(proof.entry)
        proof.counted = [seen for seen in proof.seen if seen.node in counted]
        proof.needed = self.alliance.needed(proof.entry)

    def _check_counts(self) -> None:
        for proof in self.proofs.values():
            part = proof.part
            if proof.runs.count != part.records or not part.records:
                raise Fault(
                    f"目录写明 {part.records} 条记录，实有 {proof.runs.count} 条，最后一条是第 "
                    f"{proof.runs.end} 条",
                    f"the manifest tells of {part.records} records, {proof.runs.count} are here, "
                    f"the last at position {proof.runs.end}",
                    part.log, proof.runs.end, records_file(part.log),
                )  # fmt: skip

    def _check_tiles(self) -> None:
        tiles = tiles_by_log(self.pack)
        for log, proof in self.proofs.items():
            for name in sorted(tiles.get(log, set()) - proof.tiles):
                raise Fault("多出一个用不到的哈希块", "a tile that nothing needs", log, file=name)


def _opened(log: str, position: int, value: bytes) -> tuple[re.Match[bytes], Said]:
    """As strict as a node: what it would refuse to store is no record here either.

    The pattern ends where the payload begins, so that one JSON value and one brace must be all that follows.
    """
    match = _ENVELOPE.match(value)
    if match is not None and value[-1:] == b"}" and len(value) <= RECORD_LIMIT and match[5] == match[7]:
        pairs = [key.partition(":") for key in (match[9] or b"").decode().split()]
        basis = [(there, int(at)) for there, _, at in pairs]
        data = _payload(value[match.end() : -1])
        if data is not None and basis == sorted(set(basis)):
            return match, Said(match[5].decode(), data, basis)
    raise _wrong(log, position, "记录不是规定的格式", "the record is no envelope of this contract")


def _payload(text: bytes) -> dict[str, Any] | None:
    try:
        data = read_json(text, "")
    except Fault:
        return None
    return data if isinstance(data, dict) else None


def _check_not_void(proof: Proof, position: int) -> None:
    """Nothing counts that stands beyond the end of a closed log (decision 14)."""
    if position > proof.end:
        raise _wrong(
            proof.part.log, position,
            f"这条记录无效：日志已在第 {proof.end} 条关闭，此后的记录一概作废",
            f"the record is void: the log was closed at size {proof.end}, what lies beyond does not count",
        )  # fmt: skip


def _see_hole(proof: Proof, entry: Entry, leaf: bytes) -> None:
    """Its leaf hash is proved; the decision must come later, and each decides one record."""
    if entry.decision <= entry.position or entry.decision in proof.undecided:
        raise _undecided(proof.part.log, entry.position)
    proof.undecided[entry.decision] = Hole(entry.position, leaf)
    proof.redacted.add(entry.position)


def _check_decision(log: str, hole: Hole, said: Said) -> None:
    """The record says that this very record was redacted."""
    wanted = {"log": log, "position": hole.position, "leaf": to_base64(hole.leaf)}
    if said.type != _REDACTED or any(said.data.get(name) != value for name, value in wanted.items()):
        raise _undecided(log, hole.position)


def _undecided(log: str, position: int) -> Fault:
    return _wrong(
        log, position, "内容缺失，而包内没有删除它的决定",
        "the content is lacking, and no decision to remove it is in the pack",
    )  # fmt: skip


def _signed(note: Note, keys: Iterable[Key], part: Part, file: str) -> dict[Key, int | None]:
    try:
        return note.signed(keys)
    except ValueError as error:
        raise Fault(
            f"{plain(error)} 的签名无效", f"the signature of {plain(error)} does not hold",
            part.log, part.size, file,
        ) from None  # fmt: skip


def _wrong(log: str, position: int, zh: str, en: str) -> Fault:
    return Fault(zh, en, log, position, records_file(log))


# --- what the pack is about -------------------------------------------------------------------------


class Step(NamedTuple):
    """A record of a stream; of a redacted one the version, None, follows from those around it."""

    position: int
    leaf: bytes
    version: int | None


class Edge(NamedTuple):
    """Of a log: the last record before the period, first and last within, the first behind; 0 for none."""

    before: int = 0
    first: int = 0
    last: int = 0
    behind: int = 0


class Stretch(NamedTuple):
    """A stream as far as the pack has it: versions 1 to `versions`."""

    log: str
    stream: str
    versions: int


class Old(NamedTuple):
    """Where a stream says that it goes on from; `leaf` is base64."""

    log: str
    stream: str
    version: int
    position: int
    leaf: str


def _goes_on_from(said: Said) -> Old | None:
    """What the first record of a stream that goes on says; None for any other."""
    if not _CONTINUED.fullmatch(said.type):
        return None
    names = {"log": str, "subject": str, "version": int, "position": int, "leaf": str}
    return Old(*fields(said.data.get("continues"), "continues", **names))


class Scope:
    """The selection as the manifest tells it, and whether the pack holds all of it."""

    def __init__(self, selection: dict[str, Any]) -> None:
        self._file = "manifest.json"
        self.kind, basis, absent = fields(selection, self._file, kind=str, basis_=bool, absent_=list)
        self.basis, self.absent = bool(basis), {read_key(key, self._file) for key in absent or []}
        self.log = self.stream = self.after = self.until = self.bureau = ""
        self.keys: list[tuple[str, int]] = []
        self.name = ""
        self._read(selection)
        self._streams: dict[tuple[str, str], list[Step]] = {}
        self._from: dict[tuple[str, str], Old] = {}
        self.stretches: list[Stretch] = []
        self.before: Old | None = None  # where the subject goes on from, which is not in the pack
        self.edges: dict[str, Edge] = {}
        self.open: list[tuple[str, str]] = []  # a log, and which end of the period is not proved there

    def _read(self, told: dict[str, Any]) -> None:
        if self.kind == "records":
            (keys,) = fields(told, self._file, records=list)
            self.keys = [read_key(key, self._file) for key in keys]
        elif self.kind == "subject":
            self.log, self.stream = fields(told, self._file, log=str, stream=str)
        elif self.kind == "bureau":
            (self.bureau,) = fields(told, self._file, bureau=str)
        elif self.kind == "period":
            self.after, self.until, bureau = fields(told, self._file, after=str, until=str, bureau_=str)
            self.bureau = bureau or ""
            if not (_TIME.fullmatch(self.after) and _TIME.fullmatch(self.until) and self.after < self.until):
                raise Fault(
                    "时段的起止写法不对", "this is no period from one time to another", file=self._file
                )
        elif self.kind == "report":
            (self.name,) = fields(told, self._file, name=str)
        else:
            raise Fault("不认识这种选择", "no such kind of selection is known", file=self._file)

    @property
    def first_gone(self) -> bool:
        """Whether the first record of the oldest stream is a redacted one."""
        oldest = self.stretches[-1] if self.stretches else None
        return oldest is not None and min(self._streams[oldest.log, oldest.stream]).version is None

    def spans(self, log: str) -> bool:
        """Whether a bureau's logs, or those of a period, are meant, and this is one of them."""
        return self.kind in {"bureau", "period"} and self.bureau in {"", log[:6]}

    def see(self, proof: Proof, position: int, time: str) -> None:
        """Where each log enters the period, and where it leaves it; within a log time never goes back."""
        if self.kind != "period" or not self.spans(log := proof.part.log):
            return
        edge = self.edges.get(log, Edge())
        if time <= self.after:
            edge = edge._replace(before=position)
        elif time <= self.until:
            edge = edge._replace(first=edge.first or position, last=position)
        elif not edge.behind:
            edge = edge._replace(behind=position)
        self.edges[log] = edge

    def see_in_stream(self, log: str, stream: str, step: Step, said: Said) -> None:
        """A record of a stream, for a subject: it may be one that the subject goes on from."""
        if self.kind != "subject":
            return
        self._streams.setdefault((log, stream), []).append(step)
        if step.version == 1 and (old := _goes_on_from(said)) is not None:
            self._from[log, stream] = old

    def see_decided(self, proof: Proof, hole: Hole, stream: object) -> None:
        """A hole stands for a record of that stream only which the signed decision names."""
        if self.kind == "subject" and isinstance(stream, str):
            step = Step(hole.position, hole.leaf, None)
            self._streams.setdefault((proof.part.log, stream), []).append(step)

    def _check_subject(self, proofs: dict[str, Proof]) -> None:
        """The stream from its first version on, and what it goes on from, as far as its logs are here."""
        log, stream = self.log, self.stream
        steps = sorted(self._streams.get((log, stream), []))
        while self._check_stream(log, stream, steps) and (old := self._from.get((log, stream))):
            if old.log not in proofs or any(old.log == told.log for told in self.stretches):
                self.before = old
                return
            log, stream = old.log, old.stream
            steps = sorted(step for step in self._streams.get((log, stream), []) if step[0] <= old.position)
            if not steps or steps[-1][:2] != (old.position, from_base64(old.leaf)):
                raise _missing(log, old.position)
            if len(steps) != old.version:
                raise _no_version(log, steps[-1].position, len(steps))

    def _check_stream(self, log: str, stream: str, steps: list[Step]) -> bool:
        if not steps:
            raise Fault("没有这一事项的记录", "no record of the subject is here", log)
        for version, step in enumerate(steps, 1):
            if step.version not in (None, version):
                raise _no_version(log, step.position, version)
        self.stretches.append(Stretch(log, stream, len(steps)))
        return True

    def _check_edges(self, proofs: dict[str, Proof]) -> None:
        """Within the period no record of a log is missing; which of its ends the records around it prove."""
        for log, proof in proofs.items():
            if not self.spans(log):
                continue
            edge = self.edges.get(log, Edge())
            if edge.first:
                _check_whole(proof, edge.first, edge.last)
            behind = edge.behind or proof.end + 1
            if proof.runs.missing(edge.before + 1, (edge.first or behind) - 1) is not None:
                self.open.append((log, "start"))
            if edge.first and proof.runs.missing(edge.last + 1, behind - 1) is not None:
                self.open.append((log, "end"))

    def check(self, proofs: dict[str, Proof]) -> None:
        """All that was selected is here, as far as that can be known."""
        for log, position in self.keys:
            if log not in proofs or position not in proofs[log].runs:
                raise _missing(log, position)
        if self.kind in {"bureau", "period"} and not any(map(self.spans, proofs)):
            raise Fault("包内没有所选单位的任何日志", "no log of what was selected is here", file=self._file)
        if self.kind == "bureau":
            for proof in filter(lambda each: self.spans(each.part.log), proofs.values()):
                _check_whole(proof, 1, proof.end)
        if self.kind == "period":
            self._check_edges(proofs)
        if self.kind == "subject":
            self._check_subject(proofs)


def _no_version(log: str, position: int, version: int) -> Fault:
    return _wrong(
        log, position, f"这一事项在本条之前缺少第 {version} 版",
        f"version {version} of the subject is missing before this",
    )  # fmt: skip


def _check_whole(proof: Proof, first: int, last: int) -> None:
    if (position := proof.runs.missing(first, last)) is not None:
        raise _missing(proof.part.log, position)


def _missing(log: str, position: int) -> Fault:
    return Fault(
        "应当在包内的记录缺失", "a record that should be in the pack is missing",
        log, position, records_file(log),
    )  # fmt: skip


# --- the report -------------------------------------------------------------------------------------


class Figure(NamedTuple):
    """A figure, or a row, and the records that it rests on."""

    name: Words
    value: Any
    records: list[tuple[str, int]]
    counts: bool
    of: str


class Report:
    """A report's figures; nothing of it is signed, so what it says must follow from what is."""

    def __init__(self, content: dict[str, Any], figures: list[Figure], rows: list[Figure]) -> None:
        self.name, self.vector, self.digest = content["name"], content["vector"], content["digest"]
        self.figures, self.rows, self._content = figures, rows, content
        self.bare = len(content.get("rows") or []) - sum(bool(row.records) for row in rows)
        self._streams: dict[tuple[str, int], str | None] = {}
        for part in (*figures, *rows):
            self._streams |= dict.fromkeys(part.records)
        self.recounted: list[Figure] = []

    @classmethod
    def read(cls, pack: Pack) -> Report:
        file = "report.json"
        content = read_json(pack.read(file), file)
        _, _, _, figures, rows = fields(
            content, file, name=str, vector=dict, digest=str, figures=list, rows_=list
        )
        citing = [row for row in rows or [] if isinstance(row, dict) and "records" in row]
        lines = [
            Figure(Words("", ""), None, _records(row, file), counts=False, of="records") for row in citing
        ]
        return cls(content, [_figure(figure, file) for figure in figures], lines)

    def see(self, log: str, position: int, stream: str) -> None:
        if (log, position) in self._streams:
            self._streams[log, position] = stream

    def check(self, proofs: dict[str, Proof]) -> None:
        for part in (*self.figures, *self.rows):
            for log, position in part.records:
                self._check_record(part, log, position, proofs)
        for figure in self.figures:
            if figure.counts:
                self._check_count(figure)
        if _digest(self._content) != self.digest:
            raise Fault(
                "报表内容与其摘要不符", "the report has not the digest that it names", file="report.json"
            )

    def _check_record(self, part: Figure, log: str, position: int, proofs: dict[str, Proof]) -> None:
        if log not in proofs or position not in proofs[log].runs:
            raise Fault(
                f"报表{_quoted(part)}所依据的这条记录不在包内",
                f"the report{_quoted_en(part)} rests on this record, which is not in the pack",
                log, position, "report.json",
            )  # fmt: skip
        bound = self.vector.get(log)
        if not isinstance(bound, int) or position > bound:
            raise Fault(
                f"报表{_quoted(part)}引用的这条记录超出报表自己声明的范围",
                f"the report{_quoted_en(part)} cites this record, which is beyond the report's own positions",
                log, position, "report.json",
            )  # fmt: skip

    def _check_count(self, figure: Figure) -> None:
        streams = {(log, self._streams[log, position]) for log, position in figure.records}
        if figure.of == "streams" and any(stream is None for _, stream in streams):
            return
        counted = len(streams) if figure.of == "streams" else len(set(figure.records))
        if isinstance(figure.value, bool) or figure.value != counted:
            what = Words("个事项", "subjects") if figure.of == "streams" else Words("条记录", "records")
            raise Fault(
                f"指标“{figure.name.zh}”写的是 {plain(figure.value, 40)}，而它所依据的是 {counted} {what.zh}",
                f'figure "{figure.name.en}" says {plain(figure.value, 40)}, and rests on {counted} {what.en}',
                file="report.json",
            )  # fmt: skip
        self.recounted.append(figure)


def _digest(content: dict[str, Any]) -> str | None:
    """Over all that a report says, as `yinqiao audit reproduce` makes it; None for what cannot be said so."""
    said: dict[str, Any] = {name: content.get(name) for name in _REPORTED}
    said["format"] = "yinqiao-report/v1"
    said["answer"] = {
        "figures": [
            {**{name: figure.get(name) for name in _OF_FIGURE}, "counts": bool(figure.get("count"))}
            for figure in content["figures"]
        ],
        "rows": [
            {name: row.get(name) for name in _OF_ROW} if isinstance(row, dict) else row
            for row in content.get("rows") or []
        ],
    }
    try:
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()
    except (ValueError, RecursionError):
        return None


_REPORTED = ("query", "parameters", "versions", "vector", "aside")
_OF_FIGURE, _OF_ROW = ("name", "zh", "en", "value", "streams"), ("log", "stream", "key", "fields")


def _quoted(part: Figure) -> str:
    return f"指标“{part.name.zh}”" if part.name.zh else ""


def _quoted_en(part: Figure) -> str:
    return f'\'s figure "{part.name.en}"' if part.name.en else ""


def _figure(figure: object, file: str) -> Figure:
    name, zh, en, count, of = fields(figure, file, name=str, zh_=str, en_=str, count_=bool, of_=str)
    if of not in (None, "records", "streams"):
        raise Fault("不认识这种计数", "no such way of counting is known", file=file)
    value = figure.get("value") if isinstance(figure, dict) else None
    words = Words(plain(zh or name), plain(en or name))
    return Figure(words, value, _records(figure, file), bool(count), of or "records")


def _records(thing: object, file: str) -> list[tuple[str, int]]:
    (records,) = fields(thing, file, records=list)
    for each in records:
        if not isinstance(each, list) or [type(part) for part in each] != [str, int]:
            raise Fault("记录编号写法不对", "a record is not written [log, position]", file=file)
    return [(log, position) for log, position in records]


# --- telling ----------------------------------------------------------------------------------------


class Item(NamedTuple):
    """A heading and the sentences under it."""

    heading: Words
    points: list[Words]


def proved(verifier: Verifier, *, trusted: bool) -> list[Item]:
    """What follows from the signatures, for a reader who is no engineer."""
    items = [_tell_alliance(verifier.alliance)] if trusted else []
    items += [_tell_log(verifier, proof) for proof in verifier.proofs.values()]
    items += _tell_scope(verifier.scope, verifier.proofs)
    if (report := verifier.report) is not None:
        items += [_tell_figure(verifier, report, figure) for figure in report.figures]
        items += _tell_rows(report)
    return items


def _tell_alliance(alliance: Alliance) -> Item:
    points = [
        Words(
            "第 1 版与您提供的摘要一致，并由它自己规定的多数密钥签署。",
            "Version 1 has the digest that you gave, and is signed by the majority of keys that it names.",
        )
    ]
    if alliance.version > 1:
        points.append(Words(
            f"此后直到第 {alliance.version} 版，每一版都由前一版规定的多数密钥签署。",
            f"Each later one, up to version {alliance.version}, is signed by the majority that the one "
            "before names.",
        ))  # fmt: skip
    return Item(
        Words("联盟文件（谁是谁、各用哪把密钥）可信", "The alliance document (who is who) can be trusted"),
        points,
    )


def _tell_log(verifier: Verifier, proof: Proof) -> Item:
    part, bureau, where = proof.part, _bureau(verifier, proof), proof.runs.words()
    first, last = moment(proof.first), moment(proof.last)
    points = [
        Words(
            f"包内有这个日志的 {proof.runs.count} 条记录：{where.zh}。"
            + (f"该单位自述的记录时间：{first} 至 {last}。" if proof.first else ""),
            f"The pack holds {_many(proof.runs.count, 'record')} of this log: {where.en}."
            + (f" The bureau says that it recorded them from {first} to {last}." if proof.first else ""),
        ),
        Words(
            f"该单位用自己的密钥签署了日志的前 {part.size} 条记录，签名有效；"
            "包内每条记录都在其中，位置相同，每个字节都与签署时相同。",
            f"The bureau signed the first {_many(part.size, 'record')} of the log with its own key, and the "
            "signature holds; each record in the pack is among them, in this place, every byte as it "
            "was signed.",
        ),
        *_tell_closed(proof),
        *_tell_witnesses(proof),
    ]
    return Item(Words(f"{bureau.zh}，日志 {part.log}", f"{bureau.en}, log {part.log}"), points)


def _tell_closed(proof: Proof) -> list[Words]:
    """What closed the log, as far as the pack shows."""
    if (closed := proof.entry.closed) is not None:
        return [Words(
            f"联盟文件在第 {closed.size} 条处关闭了这个日志，并写明当时的树根；"
            "包内各条都在其中，此后的记录一概作废。",
            f"The alliance document closes this log at size {closed.size} and names its root; each record in "
            "the pack is among these, and what lies beyond is void.",
        )]  # fmt: skip
    if proof.closed_by is not None:
        return [Words(
            f"这个日志由自己的第 {proof.closed_by} 条记录关闭；此后的记录一概作废，包内没有。",
            f"The log closed itself by its record {proof.closed_by}; what lies beyond is void, not here.",
        )]  # fmt: skip
    return []


def _tell_witnesses(proof: Proof) -> list[Words]:
    """Who cosigned when; since when nothing can have been changed."""
    seen = sorted(proof.seen, key=lambda each: each.time)
    zh = [f"{plain(node.name)}（{plain(node.operator)}）{second(time)}" for node, time in seen]
    en = [f"{plain(node.name)} ({plain(node.operator)}) {second(time)}" for node, time in seen]
    names, needed = [plain(each.node.name) for each in proof.counted], proof.needed
    listed = Words(
        f"其他节点的见证签名，均有效：{'；'.join(zh)}。" if zh else "没有其他节点的见证签名。",
        f"Cosignatures of nodes, all valid: {'; '.join(en)}." if en else "No node has cosigned.",
    )
    count = Words(
        f"联盟规定至少 {needed} 个见证（日志所在节点的运行者自己的不算），计入 {len(names)} 个"
        f"{'：' + '、'.join(names) if names else ''}",
        f"The alliance wants {needed} (those of the operator who hosts the log do not count); "
        f"{len(names)} count{': ' + ', '.join(names) if names else ''}",
    )
    if proof.since is None:
        return [listed, Words(f"{count.zh}。尚不足以算作已见证。", f"{count.en}. That is not enough yet.")]
    since = second(proof.since)
    return [listed, Words(
        f"{count.zh}。因此，这些记录最迟在 {since} 已经存在，此后没有改动。",
        f"{count.en}. So these records existed by {since} at the latest, and nothing was changed since.",
    )]  # fmt: skip


def _bureau(verifier: Verifier, proof: Proof) -> Words:
    return verifier.alliance.bureau(proof.part.bureau, (proof.last or verifier.manifest.made)[:10])


def _tell_scope(scope: Scope, proofs: dict[str, Proof]) -> list[Item]:
    heading, points = Words("所选范围内部没有缺漏", "There is no gap within what was selected"), []
    if scope.kind in _WHOLE:
        points.append(_WHOLE[scope.kind])
    points += [
        _tell_end(proof) for log, proof in proofs.items() if scope.kind == "bureau" and scope.spans(log)
    ]
    points += [_tell_stretch(each) for each in scope.stretches]
    if scope.basis:
        points.append(Words(
            f"包内记录所依据的其他记录也都在包内{'（列为缺少的除外，见下）' if scope.absent else ''}。",
            "Every record that one of them rests on is in the pack too"
            f"{', but for those listed as absent (see below)' if scope.absent else ''}.",
        ))  # fmt: skip
    return [Item(heading, points)] if points else []


def _tell_stretch(told: Stretch) -> Words:
    log, stream = plain(told.log), plain(told.stream, 40)
    return Words(
        f"日志 {log} 中的事项 {stream}：第 1 版至第 {told.versions} 版都在包内。",
        f"Subject {stream} in log {log}: versions 1 to {told.versions} are all here.",
    )


_WHOLE = {
    "records": Words("目录列出的记录都在包内。", "Every record that the manifest lists is in the pack."),
    "period": Words(
        "时段之内，包内每个日志的记录位置连续，中间没有缺少。",
        "Within the period, the positions in each log that is here follow one another without a gap.",
    ),
}


def _tell_end(proof: Proof) -> Words:
    log, end = proof.part.log, proof.end
    return Words(
        f"日志 {log}：从第 1 条到本检查点的第 {end} 条，全部在包内。此后或有新的记录。",
        f"Log {log} is here whole from position 1 to size {end} of this checkpoint; later records may exist.",
    )


def _tell_figure(verifier: Verifier, report: Report, figure: Figure) -> Item:
    name, value = figure.name, _shown(figure)
    events = len(set(figure.records))
    if figure not in report.recounted:  # what was not counted again stands under "not proved" only
        heading = Words(
            f"报表“{plain(report.name)}”的指标“{name.zh}”引用 {events} 条已签署的事件"
            "（数值未重算，见“没有证明”）",
            f'The figure "{name.en}" of the report "{plain(report.name)}" cites '
            f"{_many(events, 'signed event')} (its value was not computed again: see 2)",
        )
        logs = sorted({log for log, _ in figure.records})
        return Item(heading, [_tell_resting(verifier, figure, log) for log in logs])
    heading = Words(
        f"报表“{plain(report.name)}”的指标“{name.zh}”= {value}，依据 {events} 条已签署的事件",
        f'Figure "{name.en}" = {value} of the report "{plain(report.name)}" rests on '
        f"{_many(events, 'signed event')}",
    )
    points = [_tell_resting(verifier, figure, log) for log in sorted({log for log, _ in figure.records})]
    return Item(heading, [*points, _RECOUNTED[figure.of]])


_RECOUNTED = {
    "records": Words(
        "重新数过：指标就是这些事件的条数。", "Counted again: the figure is the number of these events."
    ),
    "streams": Words(
        "重新数过：指标就是这些事件所属事项的个数（同一事项的先后事件只算一个）。",
        "Counted again: the figure is the number of subjects that these events belong to, each counted once.",
    ),
}


def _tell_resting(verifier: Verifier, figure: Figure, log: str) -> Words:
    """Of one log: these events, signed by, witnessed by, unchanged since."""
    proof = verifier.proofs[log]
    runs = Runs(sorted({position for where, position in figure.records if where == log}))
    bureau, where = _bureau(verifier, proof), runs.words()
    by = [f"{plain(seen.node.name)} {second(seen.time)}" for seen in proof.counted]
    zh, en = "尚未充分见证", "not witnessed enough yet"
    if proof.since is not None:
        zh = f"见证：{'；'.join(by)}；自 {second(proof.since)} 起没有改动"
        en = f"witnessed by {'; '.join(by)}; unchanged since {second(proof.since)}"
    return Words(
        f"{bureau.zh}签署 {runs.count} 条：日志 {log} {where.zh}；{zh}。",
        f"{runs.count} signed by {bureau.en}: log {log}, {where.en}; {en}.",
    )


def _tell_rows(report: Report) -> list[Item]:
    if not report.rows:
        return []
    cited = len({record for row in report.rows for record in row.records})
    name = plain(report.name)
    return [Item(Words(
        f"报表“{name}”各行引用的 {cited} 条记录都在包内，并如上所述得到证明",
        f'The {_many(cited, "record")} cited by rows of the report "{name}": all are in the pack, '
        'proved as above',
    ), [])]  # fmt: skip


def unproved(verifier: Verifier, *, trusted: bool) -> list[Words]:
    """What a reader might take for proved, and is not."""
    report = verifier.report
    found = [] if trusted else [_untrusted(verifier.manifest.digest)]
    for proof in verifier.proofs.values():
        found += _unproved_log(proof)
    found += _unproved_scope(verifier)
    found += [_absent(log, positions) for log, positions in sorted(verifier.absent.items())]
    if report is not None:
        found += [_uncounted(each) for each in report.figures if each not in report.recounted]
        found += [_unsigned(report), *_bare(report), _CHOSEN]
    return [*found, *_NEVER]


def _untrusted(digest: str) -> Words:
    return Words(
        "未证明联盟文件是真的：您没有提供摘要，以上一切都以包内自带的联盟文件为前提（第 1 版摘要 "
        f"{digest}），"
        "而它可能是伪造的。请向您信任的人核对这个摘要。",
        "That the alliance document is genuine: you gave no digest, so all of the above presupposes "
        "the document "
        f"in the pack (version 1 has the digest {digest}), which a forger can make up. Compare that "
        "digest with "
        "somebody you trust.",
    )


def _unproved_log(proof: Proof) -> list[Words]:
    log, found = proof.part.log, []
    if proof.since is None:
        found.append(Words(
            f"未证明日志 {log} 没有另一个版本：见证不足，眼下只有该单位自己的签名作保，"
            "它仍可能向别人出示不同的日志。",
            f"That log {log} has no other version: it is not witnessed enough, so only the bureau's own "
            "signature "
            "vouches for it, and the bureau might still show others a different log.",
        ))  # fmt: skip
    if proof.redacted.count:
        where = proof.redacted.words()
        found.append(Words(
            f"未证明日志 {log} {where.zh}写的是什么：内容已依决定删去，只留哈希值；"
            "只证明该位置有过这样一条记录，而且该日志自己的记录决定删除它（决定在包内，已核验）。",
            f"What log {log} said at {where.en}: the content was removed by decision and only its hash "
            "was kept; proved is just that such a record stood there, and that a later record of the log "
            "itself, which is in the pack, decided so.",
        ))  # fmt: skip
    return found


def _unproved_scope(verifier: Verifier) -> list[Words]:
    """What may lie beyond the ends of the selection."""
    scope = verifier.scope
    found = [
        Words(
            f"未证明日志 {plain(log)} 的任何内容：联盟文件列有这个日志，但它不在本包内。",
            f"Anything of log {plain(log)}: the alliance document has it, this pack has not.",
        )
        for log in _lacking(verifier)
    ]
    return [*found, *_before(scope), *map(_open_end, scope.open), *_EDGES.get(scope.kind, ())]


def _lacking(verifier: Verifier) -> list[str]:
    """The logs of what was selected that the alliance has and the pack has not."""
    return [
        log for log in sorted(verifier.alliance.logs)
        if verifier.scope.spans(log) and log not in verifier.proofs
    ]  # fmt: skip


def _open_end(of: tuple[str, str]) -> Words:
    log, end = of
    zh, en = ("开头", "start") if end == "start" else ("末尾", "end")
    return Words(
        f"未证明日志 {log} 在时段{zh}没有少选记录：包内没有能说明时段{zh}之外的相邻记录。",
        f"That no record of log {log} was left out at the {en} of the period: its neighbour is not here.",
    )


def _before(scope: Scope) -> list[Words]:
    """What a subject goes on from and the pack lacks, or may go on from."""
    if (old := scope.before) is not None:
        log, stream = plain(old.log), plain(old.stream, 40)
        return [Words(
            f"未证明这一事项的前段：它续接自日志 {log} 的事项 {stream}"
            f"（至第 {old.version} 版，第 {old.position} 条），而那个日志不在本包内。",
            f"What came before: the subject goes on from subject {stream} of log {log}, up to its version "
            f"{old.version} at position {old.position}, and that log is not in this pack.",
        )]  # fmt: skip
    return [_FIRST_GONE] if scope.first_gone else []


_FIRST_GONE = Words(
    "未证明这一事项有没有前段：它的第一条记录已依决定删去，看不出是否续接自别的日志。",
    "Whether something came before: the subject's first record was removed by decision, and with it "
    "whether it goes on from another log.",
)


_EDGES = {
    "period": (
        Words(
            "未证明时段内此后没有再登记：只证明到各检查点为止。",
            "That nothing more was recorded within the period later: proved is what each checkpoint covers.",
        ),
    ),
    "subject": (
        Words(
            "未证明这一事项没有更新的记录：只证明从第 1 版到包内最后一版没有缺少。",
            "That the subject has no later record: proved is that none is missing up to the pack's last one.",
        ),
    ),
}


def _absent(log: str, positions: set[int]) -> Words:
    where = Runs(sorted(positions)).words()
    return Words(
        f"未证明日志 {plain(log)} {where.zh}：包内有记录以它们为依据，但它们不在本包内。",
        f"Anything of log {plain(log)}, {where.en}: records of the pack rest on these, but they are not "
        "in this pack.",
    )


def _uncounted(figure: Figure) -> Words:
    value = _shown(figure)
    return Words(
        f"未证明指标“{figure.name.zh}”的数值 {value} 算得对：它引用的事件已经证明，计算没有重做。",
        f'That the value {value} of figure "{figure.name.en}" is computed rightly: the events it cites '
        "are proved, the computation was not repeated.",
    )


def _unsigned(report: Report) -> Words:
    digest = plain(report.digest)
    return Words(
        "未证明报表的文字和各行的数值：报表名称、指标名称、查询条件、各行内容都未经签署，只是制作者所写；"
        f"证明的只有所引用的记录和重新数过的数。报表摘要为 {digest}，可与保存这份报表的单位核对。",
        "What the report's words and rows say: its name, the names of its figures, its query and parameters, "
        "and the values in its rows are signed by nobody; proved are the records that it cites and the "
        f"counts that were repeated. Its digest is {digest}: compare it with whoever keeps the report.",
    )


def _bare(report: Report) -> list[Words]:
    if not report.bare:
        return []
    return [Words(
        f"未证明报表中的 {report.bare} 行：它们没有引用任何记录。",
        f"Anything about {_many(report.bare, 'row')} of the report that cite no record at all.",
    )]  # fmt: skip


_CHOSEN = Words(
    "未证明报表选对了事件、没有遗漏：这要用 yinqiao audit reproduce 在任一节点重做报表。",
    "That the report chose the right events and left none out: for that, make it again at any node with "
    "`yinqiao audit reproduce`.",
)
_NEVER = (
    Words(
        "未证明事件所说的事情属实：签名只说明哪个单位记下了什么、最迟何时记下。",
        "That what the events say is true: signatures show which bureau recorded what, and by when at "
        "the latest.",
    ),
    Words(
        "未证明没有别的记录：证据包是选取的结果，后来的更正、作废或其他单位的记录可能不在包内。",
        "That there is nothing else: a pack is a choice, and later corrections, voidings or other "
        "bureaus' records "
        "may exist outside it.",
    ),
    Words(
        "未证明记录里写的时间准确：那是签署单位自己的时钟；见证时间则出自其他节点的时钟。",
        "That the times in the records are right: they are of the bureau's own clock. The witnesses' "
        "times are of "
        "other nodes' clocks.",
    ),
    Words(
        "未证明密钥始终由所属单位保管，也未证明没有更新的联盟文件撤销了其中的密钥。",
        "That each key always was in the right hands, and that no newer alliance document withdrew one.",
    ),
    Words(
        "未核对记录内容是否符合 JSON Schema：schemas 目录只供阅读，未经签名。",
        "That the content of the records fits its JSON Schema: the schemas are for reading, and are "
        "not signed.",
    ),
    Words(
        "未涉及附件和个人资料：它们不进日志，也不在包内。",
        "Anything about attachments and personal data: they enter no log and are not in the pack.",
    ),
)


def _shown(figure: Figure) -> str:
    return plain(json.dumps(figure.value, ensure_ascii=False), 80)


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def about(verifier: Verifier) -> Words:
    """What the pack was made of, as its manifest says."""
    scope, words = verifier.scope, _ABOUT[verifier.scope.kind]
    bureau = Words("全部单位", "all bureaus")
    if scope.bureau:
        bureau = verifier.alliance.bureau(scope.bureau, verifier.manifest.made[:10])
    parts = {
        "name": plain(scope.name), "log": plain(scope.log), "stream": plain(scope.stream, 40),
        "after": moment(scope.after), "until": moment(scope.until),
    }  # fmt: skip
    zh, en = words.zh.format(bureau=bureau.zh, **parts), words.en.format(bureau=bureau.en, **parts)
    more = (
        Words("，以及它们所依据的记录", ", and the records that these rest on")
        if scope.basis
        else Words("", "")
    )
    if lacking := len(_lacking(verifier)):
        more = Words(
            f"{more.zh}（其中 {lacking} 个日志不在包内，见“没有证明”）",
            f"{more.en} (but {_many(lacking, 'log')} of these not here: see 2)",
        )
    return Words(zh + more.zh, en + more.en)


_ABOUT = {
    "records": Words("选定的若干记录", "chosen records"),
    "subject": Words("日志 {log} 中事项 {stream} 的记录", "the records of subject {stream} in log {log}"),
    "bureau": Words("{bureau}的全部日志", "all logs of {bureau}"),
    "period": Words(
        "{bureau}在 {after} 之后、至 {until} 的记录", "the records of {bureau} after {after}, up to {until}"
    ),
    "report": Words("报表“{name}”所依据的记录", 'the records behind the report "{name}"'),
}


def tell_good(path: str, verifier: Verifier, *, trusted: bool) -> str:
    """The result, in Chinese, then in English."""
    what, made = about(verifier), moment(verifier.manifest.made)
    items, gaps = proved(verifier, trusted=trusted), unproved(verifier, trusted=trusted)
    result = _result(verifier)
    but = Words("", "") if trusted else _PRESUPPOSED
    zh = [
        "银桥证据包核验结果", "",
        f"{result.zh}{but.zh}", "",
        f"文件：{plain(path)}", f"联盟：{plain(verifier.alliance.id)}", f"内容：{what.zh}",
        f"制作时间：{made}（制作者自述）", "以下时间均为北京时间。", "",
        "一、已经证明", *_listed(items, 0), "",
        "二、没有证明", *_numbered([words.zh for words in gaps]),
    ]  # fmt: skip
    en = [
        "Yinqiao evidence pack: result", "",
        f"{result.en}{but.en}", "",
        f"File: {plain(path)}", f"Alliance: {plain(verifier.alliance.id)}", f"Content: {what.en}",
        f"Made: {made} (so its maker says)", "All times are Beijing time (UTC+8).", "",
        "1. What is proved", *_listed(items, 1), "",
        "2. What is not proved", *_numbered([words.en for words in gaps]),
    ]  # fmt: skip
    return "\n".join([*zh, "", "-" * 72, "", *en]) + "\n"


def _result(verifier: Verifier) -> Words:
    records = sum(proof.runs.count for proof in verifier.proofs.values())
    all_of_it = f"All {_many(records, 'record')} in the pack were verified, and all holds"
    if not (logs := verifier.unwitnessed):
        return Words(
            f"结论：通过。包内全部 {records} 条记录均经核验，没有发现不符之处。",
            f"Result: GOOD. {all_of_it}.",
        )
    return Words(
        f"结论：成立，但未经充分见证，不能单独作为证据。包内全部 {records} 条记录均经核验，没有发现不符之处；"
        f"但日志 {'、'.join(logs)} 的检查点见证不足，只有该单位自己作保。",
        f"Result: HOLDS, BUT NOT WITNESSED. {all_of_it}; but the checkpoint of log {', '.join(logs)} is not "
        "witnessed enough, so that only the bureau itself vouches for it.",
    )


_PRESUPPOSED = Words(
    "前提：包内自带的联盟文件是真的（见“没有证明”第 1 点）。",
    " This presupposes that the alliance document in it is genuine (see 2, item 1).",
)


def _listed(items: list[Item], language: int) -> Iterator[str]:
    for number, item in enumerate(items, 1):
        yield f"  {number}) {item.heading[language]}"
        yield from (f"     · {point[language]}" for point in item.points)


def _numbered(sentences: list[str]) -> list[str]:
    return [f"  {number}) {sentence}" for number, sentence in enumerate(sentences, 1)]


def tell_fault(path: str, fault: Fault) -> str:
    """Where the first fault is, in Chinese, then in English."""
    words, place = fault.words, fault.place
    return "\n".join([
        "银桥证据包核验结果", "", "结论：不通过。这个证据包不能作为证据。", "",
        f"文件：{plain(path)}", f"第一处错误：{place.zh}", f"原因：{words.zh}。",
        "核验到此停止，对包内其余内容不作任何保证。", "", "-" * 72, "",
        "Yinqiao evidence pack: result", "", "Result: FAULT. This pack is no evidence.", "",
        f"File: {plain(path)}", f"First fault: {place.en}", f"Reason: {words.en}.",
        "Verification stopped here; nothing else in the pack is vouched for.", "",
    ])  # fmt: skip


# --- the command line -------------------------------------------------------------------------------

_NO_DIGEST = """\
需要 --digest：联盟文件第 1 版的摘要（base64，44 个字符）。请向您信任的人索取，例如本单位的审计人员、
联盟成员单位或其官方网站；不要从证据包里取。只想先看看内容，可以用 --trust-pack，结论会注明这个前提。
--digest is needed: the digest of version 1 of the alliance document (base64, 44 characters). Get it from
somebody you trust: your own auditors, a member of the alliance, or its official site; not from the pack. To
have a look without it, use --trust-pack; the result will say what it presupposes.
"""


def main(words: list[str] | None = None) -> int:
    """0 all holds, 1 a fault, 2 wrong use, 3 all holds and is not witnessed."""
    parser = argparse.ArgumentParser(
        prog="verify.py", description="核验银桥证据包 / Verify a Yinqiao evidence pack."
    )
    parser.add_argument("pack", help="证据包 / the pack, *.yinqiao-evidence.zip")
    parser.add_argument(
        "--digest", help="联盟文件第 1 版的摘要 / digest of version 1 of the alliance document"
    )
    parser.add_argument(
        "--trust-pack", action="store_true", help="不带摘要，先看看 / have a look without a digest"
    )
    asked = parser.parse_args(words)
    if asked.digest is None and not asked.trust_pack:
        sys.stderr.write(_NO_DIGEST)
        return 2
    if asked.digest is not None and len(from_base64(asked.digest) or b"") != HASH:
        sys.stderr.write(f"--digest 不是 32 字节的 base64 / is not 32 bytes in base64\n\n{_NO_DIGEST}")
        return 2
    try:
        file = open(asked.pack, "rb")  # noqa: PTH123, SIM115  (closed below; no other import for one call)
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or "no such name"
        sys.stderr.write(f"打不开文件 / cannot open the file: {plain(asked.pack)}: {told}\n")
        return 2
    with file:
        code, text = _told(asked.pack, file, asked.digest)
    sys.stdout.write(text)
    return code


def _told(path: str, file: BinaryIO, trusted: str | None) -> tuple[int, str]:
    """Exit code and result; whatever a pack does to this program, it is no evidence then."""
    try:
        verifier = Verifier(Pack(file), trusted)
        text = tell_good(path, verifier, trusted=trusted is not None)
    except Fault as fault:
        return 1, tell_fault(path, fault)
    except Exception as error:  # noqa: BLE001  (a duty: never a traceback)
        what = type(error).__name__
        zh, en = f"本程序无法处理其内容（{what}）", f"this program cannot cope with what is in it ({what})"
        return 1, tell_fault(path, Fault(zh, en))
    return (3 if verifier.unwitnessed else 0), text


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a console may lack the characters
    sys.exit(main())
