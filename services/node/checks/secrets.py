"""The files that only this node has: signing keys, and the folder of the attachments' keys."""

from collections.abc import Iterator
from pathlib import Path

from events import errors
from services.node import alliances
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


def versions(subject: Subject) -> Iterator[Finding]:
    """No version of the alliance document was signed twice."""
    double = alliances.forks(subject.settings.alliance.file)
    for number in sorted(double):
        detail = f"version {number} of the alliance document was signed twice: {double[number][0].parent}"
        yield bad("alliance", detail, "settle it in the alliance, as deploy/keys.md says")
    if not double:
        yield good("alliance", f"version {subject.alliance.version} of {subject.alliance.id} is in use")


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
    """The newest key must be held; one that was only asked for may be."""
    try:
        held = {signer.verifier.vkey for signer in keys.load_all(_folder(subject), subject.alliance.id, log)}
    except errors.YinqiaoError as error:
        return error.message
    named = subject.alliance.log(log).key
    if held.isdisjoint(key.vkey for key in named):
        return f"{log}.key is not the key that the alliance document names"
    newest = named[-1]
    if newest.vkey not in held:
        return f"log {log} is signed by {newest.vkey} from size {newest.from_size} on, which is not held here"
    return None


def _node_key(subject: Subject) -> str | None:
    name = subject.settings.name
    try:
        found = keys.load_node(_folder(subject), subject.alliance.id, name).verifier.vkey
    except errors.YinqiaoError as error:
        return error.message
    known = found == subject.alliance.node(name).cosigner
    return None if known else "node.key is not the key that the alliance document names"


def _folder(subject: Subject) -> Path:
    return subject.settings.keys.dir
