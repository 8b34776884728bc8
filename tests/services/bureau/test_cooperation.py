"""A memorandum on both its sides (journey 1), and what it opens."""

from typing import Any

import pytest

from events import cooperation as events
from events import errors
from events.cooperation import Subject
from events.values import Expertise, OutsideParty, PartyKind, Place, Reason, Why
from services.bureau import cooperation, talent
from tests.services.bureau.examples import attachment
from tests.services.bureau.province import Province, day

HOME, HOST = "500153", "510300"


def proposal(**changes: object) -> cooperation.Propose:
    values: dict[str, Any] = {
        "title": "人才合作备忘录", "subjects": (Subject.TALENT,), "parties": (HOST,),
        "text": attachment("第一稿"),
    }  # fmt: skip
    return cooperation.Propose(**{**values, **changes})


def signed(province: Province, stream: str, text: str = "第一稿") -> None:
    sign = cooperation.Sign(log=HOME, stream=stream, text=attachment(text).digest)
    province.do(HOST, sign)


def in_force(province: Province) -> str:
    """A memorandum in force that opens talent between the two."""
    stream = province.stream(province.do(HOME, proposal()))
    signed(province, stream)
    province.do(HOME, cooperation.EnterIntoForce(stream=stream))
    return stream


def need(to: str = HOME) -> talent.PublishNeed:
    return talent.PublishNeed(
        field=next(iter(Expertise)), title="血橙栽培技术指导", persons=2, service_days=20,
        starts=day("2026-04-01"), ends=day("2026-06-30"), place=Place(division=HOST), to=(to,),
    )  # fmt: skip


def test_asking_for_an_expert_without_a_memorandum_names_what_is_missing(province: Province) -> None:
    with pytest.raises(errors.MissingMemorandum, match="talent between 510300 and 500153"):
        province.do(HOST, need())


def test_signed_by_all_it_enters_into_force_and_opens_its_subjects(province: Province) -> None:
    in_force(province)
    assert province.do(HOST, need()).position > 0


def test_it_opens_nothing_else(province: Province) -> None:
    stream = province.stream(province.do(HOME, proposal(subjects=(Subject.POLICY,))))
    signed(province, stream)
    province.do(HOME, cooperation.EnterIntoForce(stream=stream))
    with pytest.raises(errors.MissingMemorandum):
        province.do(HOST, need())


def test_it_does_not_enter_into_force_before_all_have_signed(province: Province) -> None:
    stream = province.stream(province.do(HOME, proposal(parties=(HOST, "511600"))))
    signed(province, stream)
    with pytest.raises(errors.Conflict, match="not yet signed by 511600"):
        province.do(HOME, cooperation.EnterIntoForce(stream=stream))


def test_returned_and_amended_it_is_signed_anew_and_a_signature_on_the_old_text_is_refused(
    province: Province,
) -> None:
    # given a text that was returned
    stream = province.stream(province.do(HOME, proposal()))
    province.do(HOST, cooperation.ReturnText(log=HOME, stream=stream, reason=Why(code=Reason.UNCLEAR)))
    # when it is amended
    amend = cooperation.Amend(
        stream=stream, subjects=(Subject.TALENT,), parties=(HOST,), text=attachment("第二稿"),
    )  # fmt: skip
    province.do(HOME, amend)
    # then the old text cannot be signed, the new one can
    with pytest.raises(errors.Stale, match="text has changed"):
        signed(province, stream, "第一稿")
    signed(province, stream, "第二稿")
    province.do(HOME, cooperation.EnterIntoForce(stream=stream))
    kinds = [type(r.data) for r in province.history(HOME, stream)]
    assert kinds[-1] is events.MemorandumEnteredIntoForce


def test_what_is_in_force_stays_so_until_the_amendment_is_signed(province: Province) -> None:
    stream = in_force(province)
    amend = cooperation.Amend(
        stream=stream, subjects=(Subject.POLICY,), parties=(HOST,), text=attachment("第二稿"),
    )  # fmt: skip
    province.do(HOME, amend)
    assert province.do(HOST, need()).position > 0


def test_ended_it_opens_nothing_from_the_next_day(province: Province) -> None:
    stream = in_force(province)
    end = cooperation.End(stream=stream, day=day("2026-03-01"), reason=Why(code=Reason.AGREED))
    province.do(HOME, end)
    with pytest.raises(errors.MissingMemorandum):
        province.do(HOST, need())


def test_a_memorandum_covers_those_below_its_parties_and_nobody_beside_them(province: Province) -> None:
    # given one between Hechuan and Zigong; Rongchang stands beside Hechuan, not below
    stream = province.stream(province.do("500117", proposal(parties=(HOST,))))
    sign = cooperation.Sign(log="500117", stream=stream, text=attachment("第一稿").digest)
    province.do(HOST, sign)
    province.do("500117", cooperation.EnterIntoForce(stream=stream))
    with pytest.raises(errors.MissingMemorandum):
        province.do(HOST, need(to=HOME))
    assert province.do(HOST, need(to="500117")).position > 0


def test_an_agreement_with_outside_parties_is_recorded_by_one_side(province: Province) -> None:
    party = OutsideParty(name="某市科学技术协会", kind=PartyKind.ASSOCIATION)
    stream = province.stream(province.do(HOME, proposal(parties=(), outside=(party,))))
    province.do(HOME, cooperation.EnterIntoForce(stream=stream))
    from events import catalogue

    state = catalogue.AGGREGATES["memorandum"].fold(province.history(HOME, stream))
    assert (state.stage, state.one_sided) == ("in-force", True)


def test_a_party_that_leaves_is_released_by_the_proposer(province: Province) -> None:
    stream = in_force(province)
    mine = province.reading.holder(HOST, "signature", f"{HOME}/{stream}")
    assert mine
    leave = cooperation.Leave(stream=mine, day=day("2026-02-28"), reason=Why(code=Reason.NO_LONGER_NEEDED))
    province.do(HOST, leave)
    province.do(HOME, cooperation.ReleaseParty(stream=stream, bureau=HOST, day=day("2026-02-28")))
    with pytest.raises(errors.MissingMemorandum):
        province.do(HOST, need())
