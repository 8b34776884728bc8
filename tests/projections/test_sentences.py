"""Every event says itself in Chinese and in English."""

from datetime import date

import pytest

from events import activity, catalogue, talent
from events.event import Event, Record
from events.values import Reference
from projections import sentences
from tests.events import golden
from tests.events.examples import LEAF
from tests.projections.histories import WHY, World, ask, held, planned

NAMES = {"500117": "合川区", "511600": "广安市", "512000": "资阳市"}


@pytest.mark.parametrize("type_", catalogue.EVENTS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_event_says_itself_in_both_languages(type_: str, lang: str) -> None:
    record = catalogue.decode(golden.bytes_of(type_).read_bytes())
    text = sentences.sentence(record, lang, lambda code: f"<{code}>")
    assert text
    assert not {"{", "}", "None"} & {*text, *text.replace(",", " ").split()}
    assert sentences.fields(type(record.data)) <= set(type(record.data).model_fields)


def said(event: Event, lang: str = "zh") -> str:
    record = World().record("500117", "a", event)
    return sentences.sentence(record, lang, NAMES.__getitem__)


def test_a_sentence_names_bureaus_days_and_labels() -> None:
    assert said(planned()) == "合川区计划于2026年4月1日举办「红色研学」（参观考察）"
    assert said(planned(), "en") == "合川区 plans “红色研学” (study visit) for 2026-04-01"


def test_asked_bureaus_are_called_by_name() -> None:
    asked = activity.ActivityPublished(asks=(ask("511600"), ask("512000")))
    assert said(asked) == "合川区发布活动，邀请广安市、资阳市联合举办"
    assert "广安市, 资阳市" in said(asked, "en")


def test_the_payload_s_own_bureau_is_another_than_the_recorder() -> None:
    more = activity.ActivityExtended(bureau="511600", due=date(2026, 4, 1), reason=WHY)
    assert said(more) == "合川区将广安市的答复期限延至2026年4月1日"
    turn = activity.ActivityPassedOn(bureau="511600", to=ask("512000"))
    assert said(turn) == "合川区将对广安市的邀请转至资阳市"


def test_numbers_and_reasons_read_as_they_are() -> None:
    assert said(held(persons=62)) == "合川区于2026年4月2日举办活动，62人参加"
    assert said(activity.ActivityCancelled(reason=WHY)) == "合川区取消活动：录入错误"


def confirmed(logged: Record[Event] | None, lang: str) -> str:
    reference = Reference(log="500153", position=7, leaf=LEAF)
    record = World().record("511600", "a", talent.AcceptanceDayConfirmed(day=reference))
    return sentences.sentence(record, lang, NAMES.__getitem__, {("500153", 7): logged} if logged else {})


def test_a_confirmed_service_day_is_named_by_its_day_and_part() -> None:
    logged = World().record(
        "500153", "a", talent.DispatchServiceDayLogged(day=date(2026, 4, 2), half=talent.Half.AM)
    )
    assert sentences.named(talent.AcceptanceDayConfirmed(day=Reference(log="500153", position=7, leaf=LEAF)))
    assert confirmed(logged, "zh") == "广安市确认服务日：2026年4月2日上午"
    assert confirmed(logged, "en") == "广安市 confirms the service day 2026-04-02, morning"


def test_a_service_day_that_is_not_held_here_is_named_by_its_number() -> None:
    assert confirmed(None, "zh") == "广安市确认服务日：第7号记录"
