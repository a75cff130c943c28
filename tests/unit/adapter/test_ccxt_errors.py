"""Exceptions of ccxt are classified by their response, and exceptions of cancels carry the report."""

import re
import socket
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import pytest
import requests
import urllib3

import bitget_margin
from bitget_margin.adapter import ccxt_errors
from bitget_margin.adapter.errors import CancelUnresolved, PlaceUnresolved, attach, cause_of, documented, report_of
from bitget_margin.core.effects import Fault, Reply
from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome
from support.calling import BTC, exchange


def reply_of(error: Exception, status: int, body: object) -> Any:
    """Return the reply for an exception with this response."""
    ccxt_errors.attach_response(error, status, body)
    return ccxt_errors.reply(error)


def caused(error: Exception, cause: BaseException) -> Exception:
    """Return an exception with a cause."""
    error.__cause__ = cause
    return error


def test_the_response_is_read_from_its_exception() -> None:
    error = ccxt.AuthenticationError("x")
    body = {"code": "40010", "msg": "Request timed out"}
    assert reply_of(error, 400, body) == Fault(error, "40010", "Request timed out", 400, sent=True, body=body)


def test_a_success_with_another_message_is_a_reply_unless_a_server_failed() -> None:
    body = {"code": "00000", "msg": "ok", "data": []}
    error = ccxt.ExchangeError("x")
    assert reply_of(error, 200, body) == Reply(body)
    assert reply_of(error, 500, body) == Fault(error, "00000", "ok", 500, body=body)


@pytest.mark.parametrize("body", ["<html>", None, [], 5])
def test_a_body_in_another_form_leaves_the_order_in_doubt(body: object) -> None:
    error = ccxt.ExchangeError("bitget GET https://x 502")
    assert ccxt_errors.reply(error) == Fault(error, text="ExchangeError: bitget GET https://x 502", sent=True)
    assert reply_of(error, 502, body) == Fault(error, None, "ExchangeError: bitget GET https://x 502", 502, sent=True)


def classes_of_clients() -> list[type[BaseException]]:
    """Return every exception class of the HTTP clients, and those of the system below them."""
    modules = (requests.exceptions, urllib3.exceptions, aiohttp.client_exceptions, socket, ssl)
    found = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    return sorted((kind for kind in found if issubclass(kind, BaseException)), key=str)


@pytest.mark.parametrize("kind", classes_of_clients(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_no_class_of_exception_alone_says_that_nothing_was_sent(kind: type[BaseException]) -> None:
    """Wherever it stands: what cannot be known to be the only try may be the last of several."""

    class Bare(kind):  # type: ignore[misc, valid-type]
        reason = None

        def __init__(self) -> None:
            """Take nothing."""

        def __str__(self) -> str:
            return "refused"

    Bare.__name__ = kind.__name__
    for error in (caused(ccxt.NetworkError("x"), Bare()), ccxt.NetworkError(Bare()), ccxt.NetworkError("x", Bare())):
        reply = ccxt_errors.reply(error)
        assert isinstance(reply, Fault)
        assert (reply.sent, reply.status) == (True, None)


def test_any_other_lost_connection_may_have_sent_everything() -> None:
    reply = ccxt_errors.reply(caused(ccxt.NetworkError("x"), ConnectionResetError("reset")))
    assert isinstance(reply, Fault)
    assert (reply.sent, reply.text, reply.code, reply.status) == (True, "NetworkError: reset", None, None)
    silent = ccxt_errors.reply(caused(ccxt.NetworkError("x"), ConnectionResetError()))
    assert isinstance(silent, Fault)
    assert silent.text == "NetworkError: ConnectionResetError"


def test_circular_and_long_exceptions_are_read_too() -> None:
    first, second = ccxt.NetworkError("first"), OSError("second")
    first.__cause__, second.__cause__ = second, first
    assert ccxt_errors.reply(first).text == "NetworkError: second"  # type: ignore[union-attr]
    assert len(ccxt_errors.reply(ccxt.NetworkError("x" * 500)).text or "") == 200  # type: ignore[union-attr]


def test_handle_errors_attaches_the_response_to_the_exception() -> None:
    made = exchange()
    body = {"code": "43001", "msg": "The order does not exist"}
    with pytest.raises(ccxt.BaseError) as caught:
        made.handle_errors(400, "", "url", "POST", {}, '{"code":"43001"}', body, {}, "")
    reply = ccxt_errors.reply(caught.value)
    assert isinstance(reply, Fault)
    assert (reply.code, reply.text, reply.status, reply.body) == ("43001", "The order does not exist", 400, body)
    assert made.handle_errors(200, "", "url", "GET", {}, "{}", {"code": "00000", "msg": "success"}, {}, "") is None


SIGNED = {"ACCESS-KEY": "key"}
BODIES = [("<html>no</html>", None), ("", None), ('{"message":"no"}', {"message": "no"}), ("[]", []), ("0", 0)]


@pytest.mark.parametrize("cls", [bitget_margin.bitget, bitget_margin.async_support.bitget, bitget_margin.pro.bitget])
@pytest.mark.parametrize(("text", "body"), BODIES)
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 413, 418, 429, 500, 502, 503, 504, 520, 524, 599])
def test_the_status_is_kept_where_the_body_does_not_say_why(cls: Any, text: str, body: object, status: int) -> None:
    """Also of those that ccxt does not list: async would return their pages as answers."""
    made = cls({"apiKey": "key", "secret": "secret", "password": "passphrase"})
    with pytest.raises(ccxt.BaseError) as caught:
        made.handle_errors(status, "", "https://x", "POST", {}, text, body, SIGNED, "")
    reply = ccxt_errors.reply(caught.value)
    assert isinstance(reply, Fault)
    assert (reply.code, reply.status, reply.sent, reply.body) == (None, status, True, None)


@pytest.mark.parametrize(
    ("headers", "where"),
    [
        ({"Location": "https://user:secret@evil.example:8443/a?b"}, "evil.example"),
        ({"location": "/login"}, "another path"),
        ({}, "no address"),
        (None, "no address"),
        ({"Location": "http://[bad"}, "an unreadable address"),
    ],
)
@pytest.mark.parametrize("body", [None, {"code": "40017", "msg": "refused"}, {"code": "00000", "msg": "ok"}])
def test_a_redirected_request_may_have_been_executed_and_says_where_it_was_sent(
    headers: Any, where: str, body: Any
) -> None:
    with pytest.raises(ccxt.ExchangeNotAvailable) as caught:
        exchange().handle_errors(307, "", "https://x/api?symbol=A", "GET", headers, "", body, SIGNED, "")
    reply = ccxt_errors.reply(caught.value)
    message = f"bitget GET https://x/api: HTTP 307 redirects to {where}, and was not followed: the key goes to no other"
    assert isinstance(reply, Fault)
    assert (reply.code, reply.status, reply.sent, reply.body) == (None, 307, True, None)
    assert message in str(caught.value)
    assert message in (reply.text or "")


def test_an_unsigned_request_is_handled_as_in_stock_ccxt() -> None:
    assert exchange().handle_errors(502, "", "https://x", "GET", {}, "<html>", None, {}, "") is None


def test_an_unreadable_response_is_reported_with_method_and_cause_in_bounded_length() -> None:
    unreadable = ValueError("x" * 500)
    error = documented("bitget m()", unreadable)
    assert isinstance(error, ccxt.BadResponse)
    assert str(error) == f"bitget m(): the response cannot be read: ValueError: {unreadable}"[:400]
    assert error.__cause__ is unreadable
    theirs = ccxt.ExchangeError("x")
    assert documented("bitget m()", theirs) is theirs


def test_an_exception_that_is_raised_again_keeps_the_cause_that_says_why() -> None:
    """Raised from itself, it would be its own cause, and the reason gone."""
    why = ConnectionRefusedError("refused")
    theirs = ccxt.NetworkError("bitget GET https://x")
    theirs.__cause__ = why
    for error, cause in ((theirs, why), (why, why), (ccxt.NetworkError("x"), None)):
        with pytest.raises(ccxt.BaseError) as caught:
            raise documented("bitget m()", error) from cause_of(error)
        assert caught.value.__cause__ is cause


def test_no_exception_is_raised_from_itself() -> None:
    folder = Path(bitget_margin.__file__).parent
    itself = re.compile(r"raise documented\(.*from error$", re.MULTILINE)
    assert [path.name for path in folder.rglob("*.py") if itself.search(path.read_text("utf-8"))] == []


# -- exceptions of ours -----------------------------------------------------------------------------------------------


def result(outcome: Outcome, order_id: str | None = "1", name: str | None = None, reason: str | None = None) -> Any:
    """Return the result of one order."""
    return CancelResult(order_id, name, BTC, outcome, reason, None, {})


def test_an_unresolved_cancel_has_a_message_of_one_line() -> None:
    results = (
        result(Outcome.CANCELED),
        result(Outcome.UNKNOWN, "2", None, "busy"),
        result(Outcome.NOT_SENT, None, "a"),
    )
    error = CancelUnresolved("m", CancelReport(results, elapsed_ms=12.4))
    assert str(error) == (
        "bitget m() is not resolved: 1 canceled, 1 unknown, 1 not_sent, 12 ms; 2 BTC/USDT unknown (busy); "
        "a BTC/USDT not_sent; retry, or see report_of(exception)"
    )
    assert report_of(error) is error.report
    assert isinstance(error, ccxt.NetworkError)


def test_a_problem_and_unexamined_symbols_are_in_the_message() -> None:
    error = CancelUnresolved("m", CancelReport((), unexamined=(BTC, "ETH/USDT")), "5 USDT is frozen")
    assert str(error) == (
        "bitget m() is not resolved: no orders, 0 ms; 5 USDT is frozen; not examined: BTC/USDT, ETH/USDT; "
        "see report_of(exception)"
    )


@pytest.mark.parametrize(("count", "more"), [(5, ""), (6, "; and 1 more"), (8, "; and 3 more")])
def test_five_orders_are_named_and_the_others_counted(count: int, more: str) -> None:
    message = str(CancelUnresolved("m", CancelReport(tuple(result(Outcome.UNKNOWN, str(i)) for i in range(count)))))
    assert "4 BTC/USDT unknown" in message
    assert "5 BTC/USDT" not in message
    assert message.endswith(f"4 BTC/USDT unknown{more}; retry, or see report_of(exception)")


def order(name: str, order_id: str | None = None, status: str | None = None) -> dict[str, Any]:
    """Return the structure of an order that was to be placed."""
    return {"id": order_id, "clientOrderId": name, "status": status}


def test_an_unresolved_placing_names_the_orders_to_look_up() -> None:
    known = [order("a", "1"), order("b", None, "rejected")]
    orders = [*known, *(order(f"n{i}") for i in range(6))]
    error = PlaceUnresolved("m", orders, OSError("lost"))
    assert str(error) == (
        "bitget m(): 6 of 8 orders may have been placed (lost), and no query has found them so far: look up n0, n1, "
        "n2, n3, n4 … by client order id before you place them again"
    )
    assert error.orders is orders
    few = str(PlaceUnresolved("m", [*known, *(order(f"n{i}") for i in range(5))]))
    assert few.startswith("bitget m(): 5 of 7 orders may have been placed, and no query")
    assert "look up n0, n1, n2, n3, n4 by client order id" in few


def test_a_report_is_found_behind_what_wraps_it() -> None:
    report = CancelReport(())
    inner, outer = OSError("in"), RuntimeError("out")
    attach(inner, report)
    outer.__cause__ = inner
    assert report_of(outer) is report
    inner.__cause__ = outer
    vars(inner).clear()
    assert report_of(outer) is None
    vars(outer)["bitget_margin_report"] = "no report"
    assert report_of(outer) is None
