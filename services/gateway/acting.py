"""Who acts. Until sign-in comes, the demo has a clerk and a leader per bureau, chosen in the header."""

from collections.abc import Mapping
from functools import lru_cache
from uuid import NAMESPACE_URL, uuid5

from fastapi import Request

from events import errors
from events.loops import Role
from services.bureau.case import Officer
from services.gateway.site import Site

HEADER = "yinqiao-officer"


def cookie(site: Site) -> str:
    """The cookie's name holds the node's: cookies do not tell ports apart."""
    return f"yinqiao-{site.name}"


def officer(alliance: str, bureau: str, role: Role) -> Officer:
    """The demo's officer of a bureau in a role: the same id at every start."""
    return Officer(str(uuid5(NAMESPACE_URL, f"yinqiao:{alliance}/{bureau}/{role}")), bureau, role)


def acting(request: Request) -> Officer:
    """The officer who acts in this request. Raises NotAllowed when nobody is chosen, or the switch is off."""
    site: Site = request.app.state.site
    found = acting_or_none(request)
    if found is None:
        raise errors.NotAllowed(
            f"nobody is acting: send {HEADER}: <bureau>/<clerk or leader>, or choose on the page"
        )
    if found.bureau not in site.bureaus:
        raise errors.NotAllowed(f"{found.bureau} is not hosted by this node")
    return found


def acting_or_none(request: Request) -> Officer | None:
    """The officer chosen by header or cookie, if the switch is on and the choice makes sense."""
    site: Site = request.app.state.site
    chosen = request.headers.get(HEADER) or request.cookies.get(cookie(site), "")
    bureau, _, role = chosen.partition("/")
    if not site.demo_sign_in or bureau not in site.bureaus or role not in {r.value for r in Role}:
        return None
    return officer(site.alliance_name, bureau, Role(role))


def known(site: Site) -> Mapping[str, tuple[str, Role]]:
    """The demo's officers of all bureaus by id, so that pages can say who acted."""
    return _known(site.alliance_name, site.alliance.bureaus)


@lru_cache(maxsize=8)
def _known(alliance: str, bureaus: tuple[str, ...]) -> Mapping[str, tuple[str, Role]]:
    """Made anew when a bureau joins or leaves."""
    return {officer(alliance, bureau, role).id: (bureau, role) for bureau in bureaus for role in Role}
