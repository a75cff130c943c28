"""A request leaves when the venue has room for it, within its time, once, and in the words of its endpoint."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.adapter import desk, driver, windows
from bitget_margin.core.call import Answer, Call, Endpoint, Fault, Send
from support.calling import exchange

ANSWER = Answer({})
ASSETS = Call(Endpoint.ASSETS, {"coin": "BTC"})


class Clock:
    """A clock that stands still until it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Let the drivers go by a clock of this test's own."""
    made = Clock()
    with mock.patch.object(driver, "now_ms", made), mock.patch.dict(windows._windows, clear=True):
        yield made


def paced(uid: str = "1") -> Any:
    """Return an exchange that keeps to the venue's windows."""
    made = exchange(uid=uid)
    made.enableRateLimit = True
    return made


def send(deadline_ms: float = 10_000, call: Call = ASSETS) -> Send:
    """Return a request."""
    return Send(call, 3_000, deadline_ms)


def test_ten_requests_leave_at_once_and_the_eleventh_a_window_later(clock: Clock) -> None:
    made = paced()
    assert [driver.departure_ms(made, send()) for _ in range(11)] == [0] * 10 + [1_050]


def test_an_account_has_one_window_for_all_its_exchange_objects_and_another_has_its_own(clock: Clock) -> None:
    for _ in range(10):
        driver.departure_ms(paced(), send())
    assert driver.departure_ms(paced(), send()) == 1_050
    assert driver.departure_ms(paced("2"), send()) == 0
    assert driver.departure_ms(paced(), send(call=Call(Endpoint.OPEN_ORDERS, {}))) == 0
    keyed, other = paced(""), paced("")
    other.apiKey = "another"
    for _ in range(10):
        driver.departure_ms(keyed, send())
    assert (driver.departure_ms(keyed, send()), driver.departure_ms(other, send())) == (1_050, 0)
    elsewhere = paced()
    elsewhere.urls = {"api": {"margin": "http://127.0.0.1"}}
    assert driver.departure_ms(elsewhere, send()) == 0


def test_an_account_is_its_uid_else_its_key_which_is_not_shown() -> None:
    assert windows.account_name("7", "key", "url") == windows.account_name("7", "other", "url") == "url uid 7"
    assert windows.account_name(None, "key", "url") != windows.account_name(None, "other", "url")
    assert "key" not in windows.account_name(None, "key", "url")
    assert windows.account_name(None, "key", "url").startswith("url ")
    assert windows.window("a", Endpoint.UNIFIED_OPEN_ORDERS).limit == 20
    assert windows.window("a", Endpoint.ASSETS) is windows.window("a", Endpoint.ASSETS)


def test_a_request_without_room_before_its_deadline_was_never_sent(clock: Clock) -> None:
    made = paced()
    for _ in range(10):
        driver.departure_ms(made, send())
    late = driver.departure_ms(made, send(1_049))
    assert isinstance(late, Fault)
    assert (late.sent, late.text) == (False, "the rate limit left no room before the deadline")
    assert isinstance(late.error, ccxt.RequestTimeout)
    assert str(late.error) == f"bitget {Endpoint.ASSETS.path} was not sent: {late.text}"
    assert driver.departure_ms(made, send(1_050)) == 1_050


@pytest.mark.parametrize("limited", [True, False])
def test_a_request_whose_time_is_up_was_never_sent(clock: Clock, limited: bool) -> None:
    made = paced() if limited else exchange()
    clock.now = 10_000
    late = driver.departure_ms(made, send(10_000))
    assert isinstance(late, Fault)
    assert (late.sent, late.text) == (False, "no time was left before the deadline")
    assert driver.departure_ms(made, send(10_001)) == 10_000


def test_without_a_rate_limit_every_request_leaves_at_once(clock: Clock) -> None:
    made = exchange()
    for _ in range(20):
        leaving = send()
        assert driver.departure_ms(made, leaving) == 0
        assert driver.pause_ms(made, leaving, 0) == 0
        assert driver.leave(made, leaving, 0) is None
        driver.answered(made, leaving, 0, ANSWER)
        driver.stay(made, leaving, 0)
    assert windows._windows == {}


def test_a_request_waits_for_its_place_for_those_before_it_to_arrive_and_not_beyond_its_deadline(clock: Clock) -> None:
    made = paced()
    sends = [send() for _ in range(10)]
    for leaving in sends:
        driver.leave(made, leaving, 0)
    clock.now = 400
    assert driver.pause_ms(made, send(), 700) == 601
    assert driver.pause_ms(made, send(), 1_200) == 800
    assert driver.pause_ms(made, send(900), 1_200) == 500
    driver.answered(made, sends[0], 0, ANSWER)
    clock.now = 1_001
    assert driver.pause_ms(made, send(), 0) == 0


def test_what_was_answered_late_counts_from_its_answer(clock: Clock) -> None:
    made = paced()
    sends = [send() for _ in range(10)]
    for leaving in sends:
        driver.leave(made, leaving, 0)
    clock.now = 300
    for leaving in sends:
        driver.answered(made, leaving, 0, ANSWER)
    assert driver.pause_ms(made, send(), 0) == 1_001
    never = send()
    driver.answered(made, never, 0, ANSWER)
    assert never.left_ms is None


def test_a_request_that_found_nobody_to_connect_to_takes_no_room(clock: Clock) -> None:
    made = paced()
    sends = [send() for _ in range(10)]
    for leaving in sends:
        driver.departure_ms(made, leaving)
        driver.leave(made, leaving, 0)
    driver.answered(made, sends[0], 0, Fault(OSError("refused"), sent=False))
    assert driver.departure_ms(made, send()) == 0
    assert driver.pause_ms(made, send(), 0) == 0
    driver.answered(made, sends[1], 0, Fault(OSError("lost")))
    assert driver.departure_ms(made, send()) == 1_050


def test_the_clock_counts_milliseconds_and_only_goes_forward() -> None:
    assert abs(desk.now_ms() - time.monotonic() * 1_000) < 1_000
    assert desk.now_ms() <= desk.now_ms()


def test_a_request_that_leaves_is_noted_and_one_that_is_late_gives_its_place_back(clock: Clock) -> None:
    made = paced()
    leaving = send()
    clock.now = 5
    assert driver.leave(made, leaving, 5) is None
    assert (leaving.started, leaving.left_ms) == (True, 5)
    for _ in range(11):
        driver.departure_ms(made, send())
    clock.now = 1_055
    late = send(1_055)
    fault = driver.leave(made, late, 1_055)
    assert isinstance(fault, Fault)
    assert (fault.sent, late.started, late.left_ms) == (False, False, None)
    assert fault.text == "the rate limit left no room before the deadline"
    assert driver.departure_ms(made, send()) == 1_055


def test_a_request_that_was_interrupted_before_it_left_gives_its_place_to_the_next(clock: Clock) -> None:
    made = paced()
    places = [driver.departure_ms(made, send()) for _ in range(12)]
    driver.stay(made, send(), 1_050)
    assert places[10:] == [1_050, 1_050]
    assert driver.departure_ms(made, send()) == 1_050


def test_a_request_may_take_a_third_of_the_call_and_no_more_than_is_left(clock: Clock) -> None:
    assert driver.allowed_ms(send()) == 3_000
    clock.now = 8_000
    assert driver.allowed_ms(send()) == 2_000


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
    """Whether to send again is not for ccxt to decide."""
    made = mock.Mock()
    assert driver.request(made, send(call=call)) is made.request.return_value
    made.request.assert_called_once_with(path, api, method, {**params, "maxRetriesOnFailure": 0}, config={"cost": 2})


def test_what_was_left_alone_may_have_been_executed_and_says_how_long_it_had() -> None:
    fault = driver.timed_out(exchange(), send(), 1_234.6)
    assert (fault.sent, fault.code) == (True, None)
    assert fault.text == "v2/margin/crossed/account/assets did not answer within 1235 ms"
    assert isinstance(fault.error, ccxt.RequestTimeout)
    assert str(fault.error) == f"bitget {fault.text}"
    slow = driver.placed_too_slowly(exchange())
    assert isinstance(slow.error, ccxt.RequestTimeout)
    assert (slow.sent, str(slow.error)) == (True, "bitget did not answer in time")
    said = "bitget: the markets did not load in time; nothing else was sent"
    assert str(driver.no_markets(exchange())) == said


def test_a_flow_is_handed_what_came_of_its_effect() -> None:
    def flow() -> Any:
        got = yield "first"
        try:
            yield got
        except OSError as error:
            yield error

    running = flow()
    assert driver.advance(running, None, None) == "first"
    assert driver.advance(running, "value", None) == "value"
    raised = OSError("x")
    assert driver.advance(running, None, raised) is raised
