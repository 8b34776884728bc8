"""The alliance document on disk: version 1 is believed by its digest, each later one by its signatures.

`alliance.note` is version 1, `alliance-2.note` and so on stand beside it. Two valid successors of one version
are kept as `alliance-<N>.fork-<digest>.note`; while these stand there, no version after N is taken.
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


def forks(file: Path) -> dict[int, list[Path]]:
    """The versions of which two were signed, each with its evidence."""
    found: dict[int, list[Path]] = {}
    for path in sorted(file.parent.glob(f"{file.stem}-*{_FORK}*{file.suffix}")):
        if match := re.fullmatch(rf"{re.escape(file.stem)}-([0-9]+)", path.name.partition(_FORK)[0]):
            found.setdefault(int(match[1]), []).append(path)
    return found


def troubles(versions: "Versions") -> list[str]:
    """What is wrong with the document, one sentence each."""
    double = [
        f"version {number} of the alliance document was signed twice; see {paths[0].parent}"
        for number, paths in sorted(forks(versions.file).items())
    ]
    return [*double, versions.trouble] if versions.trouble else double


class Versions:
    """All versions that are held, in order; each proved itself before it came in. Belongs to one thread.

    `trouble`: why what stands in the folder as the next version cannot be taken; None when all is well.
    """

    def __init__(self, file: Path, digest: str) -> None:
        """Load all that is there. Raises Invalid without version 1, and what a version has against it."""
        self.file = file
        try:
            note = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise errors.Invalid(f"{file} cannot be read: put the alliance document there") from error
        self._held = [Version(note, alliance.first(note, digest))]
        self.trouble: str | None = None
        while self._next():
            continue

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
        if self.current.version in forks(self.file) or not later.exists():
            return False
        try:
            note = later.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise errors.Invalid(f"{later} cannot be read") from error
        self._held.append(Version(note, alliance.successor(self.current, note)))
        return True

    def offered(self, notes: Iterable[str]) -> bool:
        """Take the next version from what others hold as it; whether there was one.

        What proves nothing is dropped. Raises Fork when two are valid: both stand in the folder then, and
        neither is taken.
        """
        if not {self.current.version, self.current.version + 1}.isdisjoint(forks(self.file)):
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

        Raises Fork when it is another valid one; its evidence stands in the folder then.
        """
        ours = self._held[number - 1]
        before = self._held[max(0, number - 2)].alliance
        try:
            if alliance.digest(theirs) == ours.alliance.digest:
                return True
            alliance.successor(before, theirs)
        except (errors.BadRecord, errors.Refused):
            return False
        if number > 1:
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
            raise
