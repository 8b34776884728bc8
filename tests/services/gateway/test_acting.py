"""Who acts is known by name at every node, also when a bureau joined after the node was started."""

from dataclasses import replace

from events.alliance import Alliance
from events.loops import Role
from services.gateway import acting
from tests.services.gateway import houses
from tests.services.gateway.houses import House

NEW = "510700"


def joined(alliance: Alliance) -> Alliance:
    document = alliance.document
    entry = document.bureau[0].model_copy(update={"code": NEW})
    return replace(alliance, document=document.model_copy(update={"bureau": (*document.bureau, entry)}))


def test_the_officers_of_a_bureau_that_joins_later_are_known(house: House) -> None:
    # given a running node that has said already who acted
    clerk = acting.officer(houses.ALLIANCE, NEW, Role.CLERK)
    assert clerk.id not in acting.known(house.site)
    # when a bureau joins, and leaves
    before = house.alliance
    house.alliance = joined(before)
    there = acting.known(house.site)
    house.alliance = before
    # then its officers are known as long as it stands in the document
    assert there[clerk.id] == (NEW, Role.CLERK)
    assert clerk.id not in acting.known(house.site)
