"""ccxt's exceptions as the core's faults.

ccxt's classes do not say what was executed: a truncated body is a NetworkError in the sync class and an ExchangeError
in the async one, and 40010 ("Request timed out") is an AuthenticationError. So only the venue's own answer counts,
which our `handle_errors` ties to the exception that ccxt raises for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import ccxt

from bitget_margin.adapter.unsent_requests import never_connected
from bitget_margin.core.effects import Fault, Reply, ReplyOrFault
from bitget_margin.core.order_row import text
from bitget_margin.core.verdicts import SERVER_ERROR, SUCCESS, Verdict, verdict_of_fault

KEY_HEADER: Final = "ACCESS-KEY"
"""The header that every signed request has, and no other."""
_ANSWER: Final = "bitget_margin_answer"
_LONGEST: Final = 200


def is_signed(headers: object) -> bool:
    """Whether a request with these headers carried the account's key."""
    return isinstance(headers, Mapping) and KEY_HEADER in headers


def check_redirect(request: str, status: int, headers: object) -> None:
    """Raise ExchangeNotAvailable for an answer that sends a signed request elsewhere.

    :param request: the request, as the message names it
    :param status: the HTTP status of its answer
    :param headers: of the answer
    """
    if is_redirect(status):
        raise ccxt.ExchangeNotAvailable(redirected(request, status, headers))


def is_redirect(status: int) -> bool:
    """Whether an HTTP status is one of those that send a request elsewhere."""
    return HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST


def redirected(request: str, status: int, headers: object) -> str:
    """Return what to say of a redirect: where to, that it was not followed, and what to look at."""
    where = _host(headers)
    return (
        f"{request}: HTTP {status} redirects to {where}, and was not followed: "
        "the key goes to no other address; check urls, proxy and network"
    )


def check_status(request: str, status: int) -> None:
    """Raise ExchangeNotAvailable for a status of an error that ccxt does not list."""
    if status >= HTTPStatus.BAD_REQUEST:
        raise ccxt.ExchangeNotAvailable(f"{request} was answered with HTTP {status}, and without the venue's reason")


@contextmanager
def tied(status: int, body: object) -> Iterator[None]:
    """Tie this answer to what ccxt raises meanwhile."""
    try:
        yield
    except ccxt.BaseError as error:
        tie(error, status, body)
        raise


def tie(error: Exception, status: int, body: object) -> None:
    """Tie the venue's answer to the exception that ccxt raises for it: its status, and the parsed body or None."""
    vars(error)[_ANSWER] = (status, body)


def reply(error: Exception) -> ReplyOrFault:
    """Return what an exception of `request` means: a fault, or an answer that ccxt took for one.

    ccxt raises for any message but "success", also beside the success code.
    """
    status, body = vars(error).get(_ANSWER, (None, None))
    if not isinstance(body, Mapping):
        return Fault(error, text=_why(error), status=status, sent=status is not None or not never_connected(error))
    code = text(body.get("code"))
    if code == SUCCESS and status < SERVER_ERROR:
        return Reply(body)
    transient = isinstance(error, ccxt.RequestTimeout | ccxt.ExchangeNotAvailable)
    return Fault(error, code, text(body.get("msg")), status, body=body, is_transient=transient)


def verdict_of_exception(error: Exception) -> Verdict | None:
    """Return what the venue's answer behind an exception of a call says of its request; None where there is none."""
    found = reply(error) if _ANSWER in vars(error) else None
    return verdict_of_fault(found) if isinstance(found, Fault) else None


def _why(error: Exception) -> str:
    """Return what happened in a few words: ccxt's own message is often no more than the request's address."""
    *_, deepest = _links(error)
    said = str(deepest) or type(deepest).__name__
    return f"{type(error).__name__}: {said}"[:_LONGEST]


def _host(headers: object) -> str:
    """Return the host that an answer redirects to, as far as it names one."""
    named = headers.items() if isinstance(headers, Mapping) else ()
    location = next((value for name, value in named if str(name).lower() == "location"), None)
    try:
        return urlsplit(str(location)).hostname or "another path" if location else "an address that it does not name"
    except ValueError:
        return "an address that cannot be read"


def _links(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those behind it; requests and urllib3 keep theirs in `args` and `reason`."""
    todo: list[Any] = [error]
    seen: set[int] = set()
    while todo:
        link = todo.pop()
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        # Not __context__: it may be what the caller was handling when this request was made.
        todo += [link.__cause__, getattr(link, "reason", None), *link.args]
