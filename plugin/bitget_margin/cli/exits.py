"""How the operator's commands end."""

from __future__ import annotations

from enum import IntEnum

import click


class Exit(IntEnum):
    """Exit codes; a script may rest on them."""

    DONE = 0
    """Every order that was named is proven ended; of `orders`: they are shown."""
    OPEN = 1
    """Refused, still open, or not found: by the venue, or because you said no."""
    USAGE = 2
    """Bad usage; nothing was sent that could change anything."""
    UNRESOLVED = 3
    """Not known: the venue did not answer in time, or the command was interrupted while it cancelled."""
    INTERRUPTED = 130
    """Interrupted before anything was cancelled."""


class BadUsage(click.ClickException):
    """An argument, a variable or a file that cannot be meant, in one line."""

    exit_code = Exit.USAGE
