"""What may be asked of a memorandum and its signatures, and which fact it becomes.

Meetings stand in `services/bureau/meetings.py`, tasks and projects in `services/bureau/tasks.py`.
"""

from typing import Annotated

from pydantic import Field

from events import cooperation as events
from events import errors
from events.cooperation import Kind, Subject
from events.event import Event, Key, Record
from events.history import Continued
from events.loops import Role
from events.values import Attachment, Code, Day, Digest, OutsideParty, Paper, Title, Why
from services.bureau import loops, meetings, tasks
from services.bureau.case import Case, Stream
from services.bureau.commands import ONCE, Command, decides
from services.bureau.loops import Asked, Days, StreamId

Subjects = Annotated[tuple[Subject, ...], Field(min_length=1, max_length=20), ONCE]
Parties = Annotated[tuple[Code, ...], Field(max_length=60), ONCE]
Outside = Annotated[tuple[OutsideParty, ...], Field(max_length=20), ONCE]
Notice = Annotated[int, Field(ge=1, le=1_000)]


class Propose(
    Command,
    name="propose",
    context="cooperation",
    zh="提出并送签",
    en="Propose and send for signing",
    binding=True,
):
    """Propose an agreement; the leader's release signs it and sends it to the parties."""

    kind: Kind = Kind.MEMORANDUM
    title: Title
    subjects: Subjects
    parties: Parties = ()
    outside: Outside = ()
    text: Attachment
    valid_from: Day | None = None
    valid_to: Day | None = None
    notice_days: Notice | None = None
    paper: Paper | None = None
    days: Days = 10


class Amend(
    Command,
    name="amend",
    context="cooperation",
    zh="修订并重新送签",
    en="Amend and send again",
    binding=True,
    changes=True,
):
    """A new text; everybody signs again."""

    stream: StreamId
    subjects: Subjects
    parties: Parties = ()
    outside: Outside = ()
    text: Attachment
    valid_from: Day | None = None
    valid_to: Day | None = None
    notice_days: Notice | None = None
    reason: Why | None = None
    paper: Paper | None = None
    days: Days = 10


class EnterIntoForce(
    Command,
    name="enter-into-force",
    context="cooperation",
    zh="确认生效",
    en="Confirm entry into force",
    changes=True,
):
    """All parties have signed this text."""

    stream: StreamId
    in_force_from: Day | None = None
    paper: Paper | None = None


class Withdraw(
    Command, name="withdraw", context="cooperation", zh="撤回", en="Withdraw", binding=True, changes=True
):
    """Take the proposal or amendment back."""

    stream: StreamId
    reason: Why


class End(
    Command,
    name="end",
    context="cooperation",
    zh="终止协议",
    en="End the agreement",
    binding=True,
    changes=True,
):
    """End an agreement that is in force."""

    stream: StreamId
    day: Day
    reason: Why
    paper: Paper | None = None


class ReleaseParty(
    Command,
    name="release-party",
    context="cooperation",
    zh="确认一方退出",
    en="Release a party",
    changes=True,
):
    """A party gave notice and is released."""

    stream: StreamId
    bureau: Code
    day: Day


class Sign(Asked, name="sign", context="cooperation", zh="签署", en="Sign", binding=True):
    """Sign the text with this digest, the one that was read."""

    text: Digest
    paper: Paper | None = None


class DeclineToSign(
    Asked, name="decline-to-sign", context="cooperation", zh="不予签署", en="Decline to sign", binding=True
):
    """Do not sign."""

    reason: Why


class ReturnText(Asked, name="return-text", context="cooperation", zh="退回补正", en="Return for completion"):
    """Send the text back with a reason."""

    reason: Why


class Leave(
    Command,
    name="leave",
    context="cooperation",
    zh="通知退出",
    en="Give notice to leave",
    binding=True,
    changes=True,
):
    """Leave an agreement that was signed."""

    stream: StreamId
    day: Day
    reason: Why
    paper: Paper | None = None


@decides(Propose)
def propose(case: Case, command: Propose) -> None:
    """The proposal and the question to its parties are recorded together, at the leader's word."""
    asks = case.ask(command.parties, command.days, Role.LEADER)
    terms = {name: value for name, value in command if name not in {"days", "paper"}}
    stream = case.start("memorandum", events.MemorandumProposed(**terms))
    case.add(
        stream, events.MemorandumSentForSigning(asks=asks, text=command.text.digest, paper=command.paper)
    )


@decides(Amend)
def amend(case: Case, command: Amend) -> None:
    """What is in force stays so until all have signed the new text."""
    stream = case.own("memorandum", command.stream)
    if command.text.digest == stream.state.terms.text.digest:
        raise errors.Conflict("the text is the same; upload the amended one")
    terms = {name: value for name, value in command if name not in {"days", "paper", "stream"}}
    case.add(stream, events.MemorandumAmended(**terms))
    asks = case.ask(command.parties, command.days, Role.LEADER)
    case.add(
        stream, events.MemorandumSentForSigning(asks=asks, text=command.text.digest, paper=command.paper)
    )


@decides(EnterIntoForce)
def enter_into_force(case: Case, command: EnterIntoForce) -> None:
    """Names every signature on this very text; refused while one is missing."""
    stream = case.own("memorandum", command.stream)
    text = stream.state.terms.text.digest
    words = loops.words(case, stream, events.MemorandumSentForSigning)
    signed = {b: r for b, r in sorted(words.items()) if getattr(r.data, "text", None) == text}
    missing = sorted({ask.bureau for ask in stream.state.asks} - signed.keys())
    if missing:
        raise errors.Conflict(f"not yet signed by {', '.join(missing)}")
    answers = tuple(map(case.reference, {r.key: r for r in signed.values()}.values()))
    first = command.in_force_from or stream.state.terms.valid_from or case.today
    event = events.MemorandumEnteredIntoForce(
        answers=answers, text=text, in_force_from=first, paper=command.paper
    )
    case.add(stream, event)


@decides(Withdraw)
def withdraw(case: Case, command: Withdraw) -> None:
    """Signatures on it are void."""
    case.add(case.own("memorandum", command.stream), events.MemorandumWithdrawn(reason=command.reason))


@decides(End)
def end(case: Case, command: End) -> None:
    """The last day is stated."""
    event = events.MemorandumEnded(day=command.day, reason=command.reason, paper=command.paper)
    case.add(case.own("memorandum", command.stream), event)


@decides(ReleaseParty)
def release_party(case: Case, command: ReleaseParty) -> None:
    """Rests on the party's notice."""
    stream = case.own("memorandum", command.stream)
    for answer in map(case.reading.record, case.reading.answers(case.log, stream.id)):
        history = loops.history_now(case, answer)
        notice = next((r for r in reversed(history) if isinstance(r.data, events.SignatureLeft)), None)
        party, before = _party(case, stream, answer, history)
        if notice is not None and command.bureau in {party, notice.bureau}:
            reference = case.reference(notice)
            release = events.MemorandumPartyReleased(bureau=party, day=command.day, notice=reference)
            case.add(stream, release, basis=before)
            return
    raise errors.Conflict(f"{command.bureau} gave no notice")


def _party(
    case: Case, stream: Stream, answer: Record[Event], history: list[Record[Event]]
) -> tuple[str, list[Key]]:
    """For whom a signature stands: who signed, or in whose place; and why another may give notice."""
    bound = {party for force in stream.state.forces[-1:] for party in force.parties}
    if answer.bureau in bound:
        return answer.bureau, [r.data.continues.key for r in history if isinstance(r.data, Continued)]
    party, closing = next(iter(case.standing_for(bound, answer.log).items()), (answer.bureau, None))
    return party, [closing] if closing else []


@decides(Sign)
def sign(case: Case, command: Sign) -> None:
    """Refused when the text is not the one that is asked for now."""
    theirs, question = loops.asked(case, "memorandum", command.log, command.stream)
    _same_text(theirs, command.text)
    event = events.SignatureSigned(question=question, text=command.text, paper=command.paper)
    loops.answer(case, "signature", theirs, event)


@decides(DeclineToSign)
def decline_to_sign(case: Case, command: DeclineToSign) -> None:
    """The proposer sees the reason in its inbox."""
    theirs, question = loops.asked(case, "memorandum", command.log, command.stream)
    loops.answer(
        case, "signature", theirs, events.SignatureDeclined(question=question, reason=command.reason)
    )


@decides(ReturnText)
def return_text(case: Case, command: ReturnText) -> None:
    """The proposer amends and sends it again."""
    theirs, question = loops.asked(case, "memorandum", command.log, command.stream)
    loops.answer(
        case, "signature", theirs, events.SignatureReturned(question=question, reason=command.reason)
    )


@decides(Leave)
def leave(case: Case, command: Leave) -> None:
    """Notice; the proposer's record ends the party's duty."""
    facts = command.model_dump(include={"day"})
    event = events.SignatureLeft(reason=command.reason, paper=command.paper, **facts)
    case.add(case.own("signature", command.stream), event)


def _same_text(theirs: Stream, digest: str) -> None:
    if theirs.state.terms.text.digest != digest:
        raise errors.Stale(
            "the text has changed since you read it; read the new one and sign that", field="text"
        )


COMMANDS: tuple[type[Command], ...] = (
    Propose, Amend, EnterIntoForce, Withdraw, End, ReleaseParty, Sign, DeclineToSign, ReturnText, Leave,
    *meetings.COMMANDS, *tasks.COMMANDS,
)  # fmt: skip
