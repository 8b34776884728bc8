"""`python -m tests.events.golden`: golden files for new events, and the page of the catalogue."""

from tests.events import golden

golden.write_missing()
