"""ccxt's exceptions as the core's faults.

ccxt's classes do not say what was executed: a truncated body is a NetworkError in the sync class and an ExchangeError
in the async one, and 40010 ("Request timed out") is an AuthenticationError. So only the venue's own answer counts,
which our `handle_errors` ties to the exception that ccxt raises for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import ccxt

from bitget_margin.core.call import Answer, Fault, Reply
from bitget_margin.core.codes import SERVER_ERROR, SUCCESS
from bitget_margin.core.row import text

KEY_HEADER: Final = "ACCESS-KEY"
"""The header that every signed request has, and no other."""
_ANSWER: Final = "bitget_margin_answer"
_LONGEST: Final = 200
_NEVER_CONNECTED: Final = frozenset(
    {
        "NewConnectionError",  # urllib3: refused, unreachable
        "NameResolutionError",  # urllib3
        "ConnectTimeoutError",  # urllib3
        "ClientConnectorError",  # aiohttp
        "ConnectionTimeoutError",  # aiohttp
        "gaierror",
    },
)


def is_signed(headers: object) -> bool:
    """Whether a request with these headers carried the account's key."""
    return isinstance(headers, Mapping) and KEY_HEADER in headers


def check_status(request: str, status: int) -> None:
    """Raise ExchangeNotAvailable for a status without success that ccxt does not list.

    :param request: the request, as the message names it
    :param status: the HTTP status of its answer
    """
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise ccxt.ExchangeNotAvailable(f"{request} was answered with HTTP {status}, and without the venue's reason")


def tie(error: Exception, status: int, body: object) -> None:
    """Tie the venue's answer to the exception that ccxt raises for it: its status, and the parsed body or None."""
    vars(error)[_ANSWER] = (status, body)


def reply(error: Exception) -> Reply:
    """Return what an exception of `request` means: a fault, or an answer that ccxt took for one.

    ccxt raises for any message but "success", also beside the success code.
    """
    status, body = vars(error).get(_ANSWER, (None, None))
    if not isinstance(body, Mapping):
        return Fault(error, text=_why(error), status=status, sent=status is not None or not _never_connected(error))
    code = text(body.get("code"))
    if code == SUCCESS and status < SERVER_ERROR:
        return Answer(body)
    return Fault(error, code, text(body.get("msg")), status, body=body)


def _why(error: Exception) -> str:
    """Return what happened in a few words: ccxt's own message is often no more than the request's address."""
    *_, deepest = _links(error)
    said = str(deepest) or type(deepest).__name__
    return f"{type(error).__name__}: {said}"[:_LONGEST]


def _never_connected(error: BaseException) -> bool:
    return any(type(link).__name__ in _NEVER_CONNECTED for link in _links(error))


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
