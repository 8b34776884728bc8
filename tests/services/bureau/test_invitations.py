"""What a memorandum opens and what it does not: the words of forms and of the catalogue agree with it."""

from events.cooperation import Subject
from services.bureau import activity
from services.gateway import labels
from tests.services.bureau.province import Province
from tests.services.bureau.test_cooperation import HOME, HOST
from tests.services.bureau.test_places import plan


def test_an_invitation_to_co_host_needs_no_memorandum_and_the_words_say_so(province: Province) -> None:
    # given two bureaus without a memorandum
    stream = province.stream(province.do(HOME, plan(HOST)))
    # when one invites the other and the other confirms
    province.do(HOME, activity.Publish(stream=stream, bureaus=(HOST,)))
    confirmed = province.do(HOST, activity.Confirm(log=HOME, stream=stream))
    # then it stands
    assert confirmed.position == 1
    assert "不需要" in labels.hint("subjects")[0]
    assert "needs none" in (Subject.__doc__ or "")
