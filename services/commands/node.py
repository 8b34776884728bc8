"""`yinqiao node`: run a node until it is told to stop."""

from services.commands import options
from services.commands.options import NODE_TOML, SettingsFile
from services.runtime import clock, logs


def run(settings: SettingsFile = NODE_TOML) -> None:
    """Run a node: record, sign, exchange, project, serve pages and API. SIGTERM or Ctrl-C ends it in order.

    PostgreSQL and Kafka may come later. Log lines go to standard error, one JSON object each.
    """
    from services.node import running

    logs.configure(clock.now)
    found = options.place(settings)
    running.run(found.settings, found.alliance)
