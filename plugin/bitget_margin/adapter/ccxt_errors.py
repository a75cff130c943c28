"""Conversion of ccxt's exceptions to the core's faults.

The class of an exception does not show whether a request was executed: a truncated body is a NetworkError in the sync
class and an ExchangeError in the async one, and 40010 ("Request timed out") is an AuthenticationError. Only the
response counts, which `handle_errors` attaches to the exception.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import ccxt

from bitget_margin.adapter.html_pages import without_markup
from bitget_margin.adapter.transport import header
from bitget_margin.adapter.unsent_requests import never_connected
from bitget_margin.core.effects import Fault, Reply, ReplyOrFault
from bitget_margin.core.order_row import text
from bitget_margin.core.verdicts import SERVER_ERROR, SUCCESS, Verdict, verdict_of_fault

KEY_HEADER: Final = "ACCESS-KEY"
"""Header that only signed requests have."""
_RESPONSE: Final = "bitget_margin_response"
_LONGEST: Final = 200


def is_signed(headers: object) -> bool:
    """Whether a request with these headers is signed."""
    return isinstance(headers, Mapping) and KEY_HEADER in headers


def check_redirect(request: str, status: int, headers: object) -> None:
    """Raise ExchangeNotAvailable for a response that redirects a signed request.

    :param request: name of the request in the message
    :param status: HTTP status of the response
    :param headers: headers of the response
    """
    if is_redirect(status):
        raise ccxt.ExchangeNotAvailable(redirected(request, status, headers))


def is_redirect(status: int) -> bool:
    """Whether an HTTP status is a redirect."""
    return HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST


def redirected(request: str, status: int, headers: object) -> str:
    """Return the message for a redirect: its target, that it was not followed, and what to check."""
    return (
        f"{request}: HTTP {status} redirects to {_host(headers)}, and was not followed: "
        "the key goes to no other address; check urls, proxy and network"
    )


def check_status(request: str, status: int) -> None:
    """Raise ExchangeNotAvailable for an error status that ccxt does not list."""
    if status >= HTTPStatus.BAD_REQUEST:
        raise ccxt.ExchangeNotAvailable(f"{request} was answered with HTTP {status}, without a reason")


@contextmanager
def with_response(status: int, body: object) -> Iterator[None]:
    """Attach this response to exceptions that ccxt raises meanwhile."""
    try:
        yield
    except ccxt.BaseError as error:
        attach_response(error, status, body)
        raise


def attach_response(error: Exception, status: int, body: object) -> None:
    """Attach a response to the exception that ccxt raises for it: the status, and the parsed body or None."""
    vars(error)[_RESPONSE] = (status, body)


def reply(error: Exception) -> ReplyOrFault:
    """Return the fault for an exception of `request`, or the reply if its response has the success code.

    ccxt raises for every message but "success", even with the success code.
    """
    status, body = vars(error).get(_RESPONSE, (None, None))
    if not isinstance(body, Mapping):
        return Fault(error, text=_why(error), status=status, sent=status is not None or not never_connected(error))
    code = text(body.get("code"))
    if code == SUCCESS and status < SERVER_ERROR:
        return Reply(body)
    transient = isinstance(error, ccxt.RequestTimeout | ccxt.ExchangeNotAvailable)
    return Fault(error, code, text(body.get("msg")), status, body=body, is_transient=transient)


def verdict_of_exception(error: Exception) -> Verdict | None:
    """Return the verdict on the response behind an exception of a call; None if there was no response."""
    result = reply(error) if _RESPONSE in vars(error) else None
    return verdict_of_fault(result) if isinstance(result, Fault) else None


def _why(error: Exception) -> str:
    """Return a short reason, from the innermost exception: ccxt's own message is often only the URL."""
    *_, deepest = _links(error)
    return f"{type(error).__name__}: {without_markup(str(deepest)) or type(deepest).__name__}"[:_LONGEST]


def _host(headers: object) -> str:
    """Return the host that a response redirects to, for a message."""
    location = header(headers, "location")
    try:
        return urlsplit(str(location)).hostname or "another path" if location else "no address"
    except ValueError:
        return "an unreadable address"


def _links(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes; requests and urllib3 keep theirs in `args` and `reason`."""
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
