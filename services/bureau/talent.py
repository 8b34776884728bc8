"""Placeholder until the context is written."""

from services.bureau.commands import Command

COMMANDS: tuple[type[Command], ...] = ()
