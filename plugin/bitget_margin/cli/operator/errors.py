"""Exit codes of the operator's commands, and classification of exceptions into refused and unresolved."""

from enum import IntEnum
from typing import IO, Any, Final

import ccxt
import click

from bitget_margin.adapter import ccxt_errors
from bitget_margin.adapter.errors import CancelUnresolved
from bitget_margin.adapter.html_pages import without_markup
from bitget_margin.cli.signals import ignore_late_signals
from bitget_margin.core.effects import Fault
from bitget_margin.core.verdicts import Verdict, verdict_of_fault

MAY_TRADE: Final = "that the key may trade margin from this address"
"""Another thing to check if the venue refuses the keys."""
KEYS_TO_CHECK: Final = f"BITGET_API_KEY, BITGET_SECRET and BITGET_PASSWORD, and {MAY_TRADE}"
"""Places to look at if the venue refuses the keys, where it is not known where they are from."""

RUN_AGAIN: Final = "run it again; if it lasts, look at Bitget's status page"
"""Advice where a reading of the real venue failed."""
MORE_TIME: Final = "run it again, with a higher --timeout"
"""Advice where a reading took too long."""

_REFUSALS = frozenset({Verdict.DEFINITIVE, Verdict.REFUSED})


class Exit(IntEnum):
    """Exit codes; scripts may rely on them."""

    DONE = 0
    """Every order that was named is proven ended; of `orders`: they are shown."""
    OPEN = 1
    """Refused, still open or not found, or the operator declined."""
    USAGE = 2
    """Bad usage; no request was sent that could change anything."""
    UNRESOLVED = 3
    """Not known: no response in time, or the command was interrupted while it canceled."""
    AT_RISK = 4
    """The margin level of the account is at or above the venue's warning level."""
    INTERRUPTED = 130
    """Interrupted before anything was canceled."""


class BadUsage(click.ClickException):
    """Refusal of an argument, a variable or a file, in one line."""

    exit_code = Exit.USAGE

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it; the exit code is decided."""
        ignore_late_signals()
        super().show(file)


class UnfitCcxt(BadUsage):
    """Refusal to work with an installed ccxt in which something has moved."""


def is_unresolved(error: BaseException) -> bool:
    """Whether it is unknown if the request was executed, or it could not be sent; other errors are refusals.

    ccxt's classes do not show it: a code that means "Request timed out" is an AuthenticationError.
    """
    fault = _fault(error)
    if fault is not None and fault.code is not None:
        return verdict_of_fault(fault) not in _REFUSALS
    return isinstance(error, ccxt.OperationFailed) or not isinstance(error, ccxt.BaseError)


def took_too_long(error: BaseException) -> bool:
    """Whether the time was up before the venue has answered; ccxt takes some error statuses for that, too."""
    fault = _fault(error)
    is_answer = fault is not None and fault.status is not None
    return isinstance(error, CancelUnresolved) or (isinstance(error, ccxt.RequestTimeout) and not is_answer)


def refuses_keys(error: BaseException) -> bool:
    """Whether the keys are refused, so that any other request would fail as well."""
    return isinstance(error, ccxt.AuthenticationError) and not is_unresolved(error)


def message(error: BaseException, keys_to_check: str = KEYS_TO_CHECK) -> str:
    """Return an error as text, with the remedy where it is known.

    :param keys_to_check: what to check if the venue refuses the keys
    """
    if isinstance(error, CancelUnresolved):
        # Its last part is advice for programs.
        return str(error).rpartition("; ")[0]
    fault, text = _fault(error), str(error)
    if fault is not None and fault.code is not None:
        text = f"{fault.code} {fault.text}"
    elif fault is not None and isinstance(error, ccxt.NetworkError):
        text = fault.text or text
    text = without_markup(text)
    if refuses_keys(error):
        return f"the venue refuses these keys ({text}): check {keys_to_check}"
    if fault is not None and fault.code is not None and verdict_of_fault(fault) is Verdict.CLOCK:
        return f"the venue refuses the timestamp ({text}): set the clock of this machine right"
    return f"the venue does not answer ({text})" if is_unresolved(error) else f"the venue refuses ({text})"


def _fault(error: BaseException) -> Fault | None:
    reply = ccxt_errors.reply(error) if isinstance(error, Exception) else None
    return reply if isinstance(reply, Fault) else None
