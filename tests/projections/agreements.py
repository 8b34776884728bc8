"""A memorandum's life in a test's history: proposed, sent, signed, in force."""

from collections.abc import Iterable
from datetime import date

from events import cooperation, loops, values
from events.cooperation import Subject
from events.event import Event, Record
from events.history import Corrected
from events.values import Attachment
from tests.projections.histories import WHY, World, ask, reference

TEXTS = [Attachment(digest=letter * 43 + "=", size=1200, mediatype="application/pdf") for letter in "ABC"]


class Agreement:
    """One memorandum of a proposer with other bureaus; each step records one event and gives its record."""

    def __init__(self, world: World, proposer: str, parties: Iterable[str], word: str = "m") -> None:
        self.world, self.log, self.word = world, proposer, word
        self.parties, self.text = tuple(parties), TEXTS[0]
        self.answered: dict[str, Record[Event]] = {}
        self.sent: Record[Event] | None = None

    def terms(self, **changes: object) -> dict[str, object]:
        given = {"subjects": (Subject.TALENT,), "parties": self.parties, "text": self.text}
        return {**given, **changes}

    def propose(self, **changes: object) -> Record[Event]:
        terms = {"kind": cooperation.Kind.MEMORANDUM, "title": "合作备忘录", **self.terms(**changes)}
        return self.add(cooperation.MemorandumProposed(**terms))  # type: ignore[arg-type]  # examples

    def amend(self, text: Attachment, **changes: object) -> Record[Event]:
        self.text = text
        return self.add(cooperation.MemorandumAmended(**self.terms(**changes)))  # type: ignore[arg-type]  # examples

    def send(self, due: date = date(2026, 3, 20)) -> Record[Event]:
        asks = tuple(ask(bureau, due) for bureau in self.parties)
        self.sent = self.add(cooperation.MemorandumSentForSigning(asks=asks, text=self.text.digest))
        self.answered = {}
        return self.sent

    def pass_on(self, bureau: str, to: str) -> Record[Event]:
        self.sent = self.add(cooperation.MemorandumPassedOn(bureau=bureau, to=ask(to)))
        return self.sent

    def sign(self, bureau: str, text: Attachment | None = None) -> Record[Event]:
        digest = (text or self.text).digest
        return self.answer(bureau, cooperation.SignatureSigned(question=self.question, text=digest))

    def answer(self, bureau: str, answer: loops.Answer) -> Record[Event]:
        self.answered[bureau] = self.world.record(bureau, f"{self.word}/{bureau}", answer)
        return self.answered[bureau]

    @property
    def question(self) -> values.Reference:
        assert self.sent is not None
        return reference(self.sent)

    def enter(self, day: date, *answers: Record[Event]) -> Record[Event]:
        named = tuple(map(reference, answers or self.answered.values()))
        return self.add(
            cooperation.MemorandumEnteredIntoForce(text=self.text.digest, in_force_from=day, answers=named)
        )

    def end(self, day: date) -> Record[Event]:
        return self.add(cooperation.MemorandumEnded(day=day, reason=WHY))

    def release(self, bureau: str, day: date) -> Record[Event]:
        left = cooperation.SignatureLeft(day=day, reason=WHY)
        notice = reference(self.world.record(bureau, f"{self.word}/{bureau}", left))
        return self.add(cooperation.MemorandumPartyReleased(bureau=bureau, day=day, notice=notice))

    def add(self, event: Event) -> Record[Event]:
        return self.world.record(self.log, self.word, event)

    def conclude(self, day: date, **changes: object) -> Record[Event]:
        """Proposed, sent, signed by all and in force from that day."""
        self.propose(**changes)
        self.send()
        for bureau in self.parties:
            self.sign(bureau)
        return self.enter(day)


def correction(kind: type[Corrected], old: Record[Event], new: Event) -> Corrected:
    """The correction of a recorded fact by a new payload."""
    payload = new.model_dump(mode="json", exclude_none=True)
    return kind(corrects=old.position, reason=WHY, fact=new.type, payload=payload)
