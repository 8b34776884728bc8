"""What becomes due by itself: questions that nobody answered (decision 6), uploads that nobody used."""

from collections.abc import Iterable
from datetime import date

from events import errors
from events.loops import Role
from events.talent import DispatchApproved
from projections import inbox, model
from projections.inbox import Item
from services.bureau import talent
from services.bureau.case import Officer
from services.bureau.office import Office, Order
from services.people.holdings import Holdings
from services.runtime import logs, workdays
from services.runtime.database import Database

PAUSE = 3600.0
"""Seconds before each look, the first too: what was answered while the node was away has arrived by then."""
GRACE_DAYS = 20
"""Working days after the deadline before an offer expires."""
_log = logs.get(__name__)


def expire(database: Database, office: Office, own: Iterable[str], today: date) -> int:
    """End the offers of own logs that no host answered, long after their deadline; how many.

    The same look again records nothing twice: the command's key names the question. Raises Unavailable.
    """
    return sum(_expire(office, log, item) for log in own for item in _due(database, log, today))


def _due(database: Database, log: str, today: date) -> list[Item]:
    """The unanswered approvals of a log, one for each stream, of which every ask is due so long ago."""
    with database.connection() as conn, model.reading(conn, inbox.MODEL):
        items = [item for item in inbox.awaited_by(conn, log[:6], today) if item.log == log]
    open_ = {i.stream for i in items if workdays.add(i.due, GRACE_DAYS) >= today}
    return [i for i in items if i.asked_type == DispatchApproved.type and i.stream not in open_]


def sweep(holdings: Holdings) -> int:
    """Delete attachments of forms that were never sent; how many. Raises Unavailable."""
    count = holdings.sweep()
    if count:
        _log.info("abandoned-attachments-deleted", count=count)
    return count


def _expire(office: Office, log: str, item: Item) -> bool:
    order = Order(
        f"timer/expire-offer/{item.stream}/{item.asked}", Officer("system", log[:6], Role.CLERK),
        talent.ExpireOffer(stream=item.stream),
    )  # fmt: skip
    try:
        office.do(log, order)
    except errors.Refused as refusal:  # it moved meanwhile: what stands there now is the bureau's own word
        _log.info("offer-not-expired", log=log, stream=item.stream, kind=refusal.kind())
        return False
    return True
