"""The files that only this node has: signing keys, and the folder of the attachments' keys."""

from collections.abc import Callable, Iterator
from pathlib import Path

from events import errors, notes
from services.node.checks.finding import Finding, Subject, bad, good
from services.runtime import files, keys

_LOST = "restore the file from the keys' own backup; for a lost key the alliance needs a new version"


def key_files(subject: Subject) -> Iterator[Finding]:
    """Each key is there, closed to others, and the one that the alliance document names."""
    wrong = [said for log in subject.own if (said := _log_key(subject, log))]
    wrong += [said] if (said := _node_key(subject)) else []
    if not wrong:
        yield good("keys", f"the keys of {len(subject.own)} logs and of the node are those of the alliance")
    yield from (bad("keys", said, _LOST) for said in wrong)


def attachment_keys(subject: Subject) -> Iterator[Finding]:
    """Their folder, if there is one yet, is closed to others."""
    folder = subject.settings.attachments.dir
    try:
        if folder.exists():
            files.refuse_open(folder)
    except errors.Invalid as error:
        yield bad("attachments", error.message, "close the folder as it says")
    else:
        yield good("attachments", "the folder of the attachments' keys is closed to others")


def _log_key(subject: Subject, log: str) -> str | None:
    vkeys = {key.vkey for key in subject.alliance.log(log).key}
    return _wrong(f"{log}.key", lambda: keys.load_log(_folder(subject), subject.alliance.id, log), vkeys)


def _node_key(subject: Subject) -> str | None:
    name = subject.settings.name
    vkeys = {subject.alliance.node(name).cosigner}
    return _wrong("node.key", lambda: keys.load_node(_folder(subject), subject.alliance.id, name), vkeys)


def _folder(subject: Subject) -> Path:
    return subject.settings.keys.dir


def _wrong(file: str, load: Callable[[], notes.Signer], vkeys: set[str]) -> str | None:
    try:
        found = load().verifier.vkey
    except errors.YinqiaoError as error:
        return error.message
    return None if found in vkeys else f"{file} is not the key that the alliance document names"
