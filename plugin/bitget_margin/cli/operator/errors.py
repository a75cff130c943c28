"""What an exception means to an operator: a refusal, or that it is not known what the venue did."""

from __future__ import annotations

from enum import IntEnum

import ccxt
import click

from bitget_margin.adapter import ccxt_errors
from bitget_margin.adapter.errors import CancelUnresolved
from bitget_margin.core.effects import Fault
from bitget_margin.core.verdicts import Verdict, verdict_of_fault

_REFUSALS = frozenset({Verdict.DEFINITIVE, Verdict.REFUSED})


def is_unresolved(error: BaseException) -> bool:
    """Whether it is not known what the venue did, or it could not be asked; anything else is a refusal.

    ccxt's classes do not tell: a code that says "Request timed out" is an AuthenticationError.
    """
    fault = _fault(error)
    if fault is not None and fault.code is not None:
        return verdict_of_fault(fault) not in _REFUSALS
    return isinstance(error, ccxt.OperationFailed) or not isinstance(error, ccxt.BaseError)


def refuses_keys(error: BaseException) -> bool:
    """Whether the venue refuses the keys, and so would refuse anything else."""
    return isinstance(error, ccxt.AuthenticationError) and not is_unresolved(error)


def said(error: BaseException) -> str:
    """Return an error in words, and what to do about it where that is known."""
    if isinstance(error, CancelUnresolved):
        # Its last part is advice for programs.
        return str(error).rpartition("; ")[0]
    fault, words = _fault(error), str(error)
    if fault is not None and fault.code is not None:
        words = f"{fault.code} {fault.text}"
    elif fault is not None and isinstance(error, ccxt.NetworkError):
        words = fault.text or words
    if refuses_keys(error):
        return (
            f"the venue refuses these keys ({words}): check BITGET_API_KEY, BITGET_SECRET and BITGET_PASSWORD, or the "
            "exchange section of --config, and that the key may trade margin from this address"
        )
    return f"the venue does not answer ({words})" if is_unresolved(error) else f"the venue refuses ({words})"


def _fault(error: BaseException) -> Fault | None:
    reply = ccxt_errors.reply(error) if isinstance(error, Exception) else None
    return reply if isinstance(reply, Fault) else None


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
