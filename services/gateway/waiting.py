"""What waits for an officer's bureau: questions of others, answers that came, drafts for its leader."""

from services.bureau.case import Officer
from services.gateway.site import Site
from events import errors
from projections import inbox


def count(site: Site, officer: Officer) -> int:
    """How many things wait for the bureau; 0 while the database is away."""
    try:
        with site.reading(inbox.MODEL) as conn:
            asked = inbox.waiting_for(conn, officer.bureau, site.today())
            came = inbox.arrived(conn, officer.bureau)
        return len(asked) + len(came) + len(site.desk.waiting(site.log_of(officer.bureau)))
    except errors.YinqiaoError:
        return 0
