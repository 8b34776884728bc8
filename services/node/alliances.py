"""The alliance document on disk: version 1 is believed by its digest, each later one by its signatures.

`alliance.note` is version 1, `alliance-2.note` and so on stand beside it. Two valid successors of one version
are kept as `alliance-<N>.fork-<digest>.note`, if that can be written, and in the table of breaches; no
version after N is taken until an operator settles it: the one that holds as `alliance-<N>.note`, and a file
`alliance-<N>.settled`.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from events import alliance, errors
from events.alliance import Alliance
from services.runtime import files, logs

BREACH = "alliance"
"""Under this name two successors stand in the table of breaches."""
_FORK = ".fork-"
_log = logs.get(__name__)


class Version(NamedTuple):
    """A version as it stands here: the note, and what it says."""

    note: str
    alliance: Alliance


def load(file: Path, digest: str) -> Alliance:
    """The newest version. Raises as `Versions`."""
    return Versions(file, digest).current


def version(file: Path, number: int) -> Path:
    """Where a version of the document stands."""
    return file if number == 1 else file.with_name(f"{file.stem}-{number}{file.suffix}")


def is_settled(file: Path, number: int) -> bool:
    """Whether the operator settled which of two versions holds."""
    return version(file, number).with_suffix(".settled").exists()


def forks(file: Path) -> dict[int, list[Path]]:
    """The versions of which two were signed and that are not settled, each with its evidence."""
    found: dict[int, list[Path]] = {}
    for path in sorted(file.parent.glob(f"{file.stem}-*{_FORK}*{file.suffix}")):
        if match := re.fullmatch(rf"{re.escape(file.stem)}-([0-9]+)", path.name.partition(_FORK)[0]):
            found.setdefault(int(match[1]), []).append(path)
    return {number: paths for number, paths in found.items() if not is_settled(file, number)}


def troubles(versions: "Versions") -> list[str]:
    """What is wrong with the document, one sentence each."""
    place = versions.file.parent
    double = [
        f"version {number} of the alliance document was signed twice, see ledger.breach; once it is settled, "
        f"put the one that holds and {versions.file.stem}-{number}.settled into {place}"
        for number in versions.doubled
    ]
    return [*double, versions.trouble] if versions.trouble else double


class Versions:
    """All versions that are held, in order; each proved itself before it came in. Belongs to one thread.

    `trouble`: why what stands in the folder as the next version cannot be taken; None when all is well.
    `found`: of which versions two were seen by this process; the folder may not have taken them.
    """

    def __init__(self, file: Path, digest: str) -> None:
        """Load all that is there. Raises Invalid without version 1, and what a version has against it."""
        self.file = file
        try:
            note = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise errors.Invalid(f"{file} cannot be read: put the alliance document there") from error
        self._held = [Version(note, alliance.first(note, digest))]
        self.found: dict[int, errors.Fork] = {}
        self._recalled: set[int] = set()
        self.trouble: str | None = None
        while self._next():
            continue

    def recall(self, numbers: Iterable[int]) -> None:
        """Of these an earlier process saw two."""
        self._recalled.update(numbers)

    @property
    def doubled(self) -> list[int]:
        """The versions of which two were signed and that are not settled."""
        seen = set(self.found) | self._recalled
        return sorted({*forks(self.file), *(n for n in seen if not is_settled(self.file, n))})

    @property
    def current(self) -> Alliance:
        """The newest version."""
        return self._held[-1].alliance

    def note(self, number: int) -> str | None:
        """The note of a version that is held."""
        return self._held[number - 1].note if 1 <= number <= len(self._held) else None

    def look(self) -> bool:
        """Take what an operator put into the folder; whether it is a new version."""
        before = self.current.version
        try:
            while self._next():
                continue
        except (errors.BadRecord, errors.Refused) as error:
            if self.trouble != error.message:
                _log.error("alliance-version-refused", version=self.current.version + 1, reason=error.message)
            self.trouble = error.message
        else:
            self.trouble = None
        return self.current.version > before

    def _next(self) -> bool:
        """Raises what `events.alliance.successor` has against the next version in the folder."""
        later = version(self.file, self.current.version + 1)
        if self.current.version in self.doubled or not later.exists():
            return False
        try:
            note = later.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise errors.Invalid(f"{later} cannot be read") from error
        self._held.append(Version(note, alliance.successor(self.current, note)))
        return True

    def offered(self, notes: Iterable[str]) -> bool:
        """Take the next version from what others hold as it; whether there was one.

        What proves nothing is dropped. Raises Fork when two are valid: neither is taken then, nor one of them
        alone later.
        """
        if not {self.current.version, self.current.version + 1}.isdisjoint(self.doubled):
            return False
        valid = {alliance.digest(note): note for note in notes if self._follows(note)}
        if len(valid) > 1:
            self._forked(self.current, *list(valid.values())[:2])
        for note in valid.values():
            self._keep(note)
        return bool(valid)

    def _follows(self, note: str) -> bool:
        try:
            return alliance.successor(self.current, note).version > self.current.version
        except (errors.BadRecord, errors.Refused) as error:
            _log.warning("alliance-version-dropped", reason=error.message)
            return False

    def _keep(self, note: str) -> None:
        """Killed before the file stands, the next poll brings it again."""
        found = Version(note, alliance.successor(self.current, note))
        try:
            files.write_new(version(self.file, found.alliance.version), note.encode())
        except errors.Conflict:
            pass  # the operator, or another process of this folder, was quicker; a start proves what is there
        except OSError as error:  # it proved itself, so it is used; the next start asks for it again
            _log.warning("alliance-version-not-kept", reason=type(error).__name__)
        self._held.append(found)

    def compared(self, number: int, theirs: str) -> bool:
        """Whether somebody else's version `number`, which is held here, is the same.

        Raises Fork when it is another valid one, until that is settled.
        """
        ours = self._held[number - 1]
        before = self._held[max(0, number - 2)].alliance
        try:
            if alliance.digest(theirs) == ours.alliance.digest:
                return True
            alliance.successor(before, theirs)
        except (errors.BadRecord, errors.Refused):
            return False
        if number > 1 and not is_settled(self.file, number):
            self._forked(before, ours.note, theirs)
        return False

    def _forked(self, before: Alliance, one: str, other: str) -> None:
        """Keep both, and raise Fork, with both as evidence; the same again is said again."""
        for note in (one, other):
            name = f"{_FORK}{alliance.digest(note)[:8].translate(str.maketrans('/+', '_-'))}"
            path = version(self.file, before.version + 1)
            try:
                files.write_new(path.with_name(f"{path.stem}{name}{path.suffix}"), note.encode())
            except errors.Conflict:
                continue
            except OSError as error:
                _log.warning("alliance-fork-not-kept", reason=type(error).__name__)
        try:
            alliance.check_fork(before, one, other)
        except errors.Fork as fork:
            fork.position, fork.evidence = before.version + 1, (one.encode(), other.encode())
            self.found[fork.position] = fork
            raise
