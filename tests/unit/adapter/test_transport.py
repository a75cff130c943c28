"""A request goes out once, within its time, and in the form of its endpoint."""

import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.adapter import transport
from bitget_margin.core.effects import Call, Send
from bitget_margin.core.endpoints import Endpoint
from support.calling import exchange
from support.frozen_clock import FrozenClock

ASSETS = Call(Endpoint.ASSETS, {"coin": "BTC"})


@pytest.fixture
def clock() -> Iterator[FrozenClock]:
    """Return the clock of the drivers."""
    with mock.patch.object(transport, "monotonic_ms", FrozenClock()) as made:
        yield made


def send(deadline_ms: float = 10_000, call: Call = ASSETS) -> Send:
    """Return a request."""
    return Send(call, 3_000, deadline_ms)


def test_the_clock_counts_milliseconds_and_only_goes_forward() -> None:
    assert abs(transport.monotonic_ms() - time.monotonic() * 1_000) < 1_000
    assert transport.monotonic_ms() <= transport.monotonic_ms()


def test_a_request_may_take_a_third_of_the_call_and_no_more_than_is_left(clock: FrozenClock) -> None:
    assert transport.allowed_ms(send()) == 3_000
    clock.now = 8_000
    assert transport.allowed_ms(send()) == 2_000


@pytest.mark.parametrize(
    ("call", "path", "api", "method", "params"),
    [
        (ASSETS, "v2/margin/crossed/account/assets", ["private", "margin"], "GET", {"coin": "BTC"}),
        (
            Call(Endpoint.UNIFIED_BATCH_CANCEL, [{"orderId": "1"}]),
            "v3/trade/cancel-batch",
            ["private", "uta"],
            "POST",
            {"bitget_margin_list": [{"orderId": "1"}]},
        ),
    ],
)
def test_a_request_goes_through_ccxt_once(call: Call, path: str, api: list[str], method: str, params: Any) -> None:
    """Only the flow decides whether to send again."""
    made = mock.Mock()
    assert transport.request(made, send(call=call)) is made.request.return_value
    made.request.assert_called_once_with(path, api, method, {**params, "maxRetriesOnFailure": 0}, config={"cost": 2})


def test_a_request_without_a_response_may_have_been_executed_and_its_fault_has_the_time_it_had() -> None:
    fault = transport.timed_out(exchange(), send(), 1_234.6)
    assert (fault.sent, fault.code) == (True, None)
    assert fault.text == "v2/margin/crossed/account/assets did not respond within 1235 ms"
    assert isinstance(fault.error, ccxt.RequestTimeout)
    assert str(fault.error) == f"bitget {fault.text}"
    message = "bitget: the markets did not load in time; nothing else was sent"
    assert str(transport.no_markets(exchange())) == message


def test_a_flow_receives_the_result_of_its_effect() -> None:
    def flow() -> Any:
        got = yield "first"
        try:
            yield got
        except OSError as error:
            yield error

    running = flow()
    assert transport.advance(running, None, None) == "first"
    assert transport.advance(running, "value", None) == "value"
    raised = OSError("x")
    assert transport.advance(running, None, raised) is raised


@pytest.mark.parametrize("headers", [{"Retry-After": 1, "DATE": "now"}, {"date": "now"}])
def test_a_header_is_found_whatever_its_case(headers: Any) -> None:
    assert transport.header(headers, "date") == "now"


@pytest.mark.parametrize("headers", [None, {}, {1: 2}, "date"])
def test_a_header_that_is_missing_is_none(headers: Any) -> None:
    assert transport.header(headers, "date") is None
