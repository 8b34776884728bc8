"""Asking to join: what a node wants to stand in the alliance document, signed by the keys that it names."""

from typing import Annotated, Self

from pydantic import Field

from events import alliance_document, errors, notes, values
from events.alliance_document import Bureau, Document, Log, Name, Node


class Request(values.Value):
    """Bureaus, a node and its logs, in the sections of the document that they ask to be added to."""

    format: Annotated[int, Field(ge=1, le=1)] = 1
    alliance: Name
    bureau: tuple[Bureau, ...] = ()
    node: Annotated[tuple[Node, ...], Field(min_length=1, max_length=1)]
    log: tuple[Log, ...] = ()

    @classmethod
    def read(cls, text: str) -> Self:
        """Parse the TOML. Raises Invalid, naming the place."""
        return alliance_document.read(cls, text, "the request")

    def write(self) -> str:
        """The TOML, always the same for the same content."""
        head = ("format = 1", f'alliance = "{self.alliance}"')
        return "\n".join((*head, *alliance_document.sections(self.bureau, self.node, self.log))) + "\n"

    def added(self, document: Document) -> Document:
        """The document with what is asked; not checked as a whole. Raises Invalid for another alliance.

        A bureau that stands there keeps its name, and a node with this cosigner its entry: one log more.
        """
        if self.alliance != document.alliance:
            raise errors.Invalid(f"the request is to {self.alliance}, not to {document.alliance}")
        codes = {bureau.code for bureau in document.bureau}
        nodes = {(node.name, node.cosigner) for node in document.node}
        return document.model_copy(update={
            "bureau": (*document.bureau, *(b for b in self.bureau if b.code not in codes)),
            "node": (*document.node, *(n for n in self.node if (n.name, n.cosigner) not in nodes)),
            "log": (*document.log, *self.log),
        })  # fmt: skip


def sign(request: Request, logs: tuple[notes.Signer, ...], node: notes.Signer, time: int) -> str:
    """The note: every log's key signs, and the node's key with the time (seconds since 1970)."""
    text = request.write()
    if not logs:  # a note is begun by a signature that has no time
        raise errors.Invalid("a request without logs is not made here: add an observer by hand")
    return notes.cosign(notes.sign(text, *logs), node, time)


def opened(note: str | bytes) -> Request:
    """What a request says, each key that it names having signed it. Raises Damage, Invalid."""
    request = Request.read(notes.split(note)[0])
    vkeys = [request.node[0].cosigner, *(key.vkey for log in request.log for key in log.key)]
    keys = [notes.Verifier.parse(vkey) for vkey in vkeys]
    signed = notes.open(note, keys)
    if missing := [key.vkey for key in keys if signed.signed_by(key) is None]:
        raise errors.Damage(f"the request names the key {missing[0]}, which did not sign it")
    return request
