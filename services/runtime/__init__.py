"""What every part of a node needs: settings, clock, logs, database."""
