"""A request leaves when the venue has room for it, and within its time; what does not leave takes no room."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.adapter import rate_limits
from bitget_margin.adapter.rate_limits import Pause
from bitget_margin.core.effects import Call, Fault, Reply, Send
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.rate_limit.registry import _windows, window
from support.calling import exchange

ANSWER = Reply({})
ASSETS = Call(Endpoint.ASSETS, {"coin": "BTC"})
LEFT = "left"


class Clock:
    """A clock that stands still until it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Let departures go by a clock of this test's own."""
    made = Clock()
    with (
        mock.patch.object(rate_limits, "monotonic_ms", made),
        mock.patch.dict(_windows, clear=True),
    ):
        yield made


def paced(uid: str = "1") -> Any:
    """Return an exchange that keeps to the venue's windows."""
    made = exchange(uid=uid)
    made.enableRateLimit = True
    return made


def send(deadline_ms: float = 10_000, call: Call = ASSETS) -> Send:
    """Return a request."""
    return Send(call, 3_000, deadline_ms)


def step(steps: rate_limits.Departure, answer: object = None) -> object:
    """Go on by one step; return it, or that the request has left, or the fault that it did not."""
    try:
        return steps.send(answer)
    except StopIteration as stop:
        return LEFT if stop.value is None else stop.value


def first(made: Any, leaving: Send | None = None) -> object:
    """Return the first step of a request, and leave it there."""
    steps = rate_limits.acquire(made, leaving or send())
    kept.append(steps)
    return step(steps)


kept: list[rate_limits.Departure] = []
"""A generator that is forgotten is closed, and gives its place back."""


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Close what a test has left open."""
    yield
    for steps in kept:
        steps.close()
    kept.clear()


def test_ten_requests_leave_at_once_and_the_eleventh_a_window_later(clock: Clock) -> None:
    made = paced()
    assert [first(made) for _ in range(11)] == [LEFT] * 10 + [Pause(1_050)]


def test_an_account_has_one_window_for_all_its_exchange_objects_and_another_has_its_own(clock: Clock) -> None:
    for _ in range(10):
        first(paced())
    assert first(paced()) == Pause(1_050)
    assert first(paced("2")) == LEFT
    assert first(paced(), send(call=Call(Endpoint.OPEN_ORDERS, {}))) == LEFT
    keyed, other = paced(""), paced("")
    other.apiKey = "another"
    for _ in range(10):
        first(keyed)
    assert (first(keyed), first(other)) == (Pause(1_050), LEFT)
    elsewhere = paced()
    elsewhere.urls = {"api": {"margin": "http://127.0.0.1"}}
    assert first(elsewhere) == LEFT


def test_an_account_is_its_uid_else_its_key_which_is_not_shown() -> None:
    assert rate_limits.account_name("7", "key", "url") == rate_limits.account_name("7", "other", "url") == "url uid 7"
    assert rate_limits.account_name(None, "key", "url") != rate_limits.account_name(None, "other", "url")
    assert "key" not in rate_limits.account_name(None, "key", "url")
    assert rate_limits.account_name(None, "key", "url").startswith("url ")
    assert window("a", Endpoint.UNIFIED_OPEN_ORDERS).limit == 20
    assert window("a", Endpoint.ASSETS) is window("a", Endpoint.ASSETS)


def test_a_request_without_room_before_its_deadline_was_never_sent(clock: Clock) -> None:
    made = paced()
    for _ in range(10):
        first(made)
    leaving = send(1_049)
    late = first(made, leaving)
    assert isinstance(late, Fault)
    assert (late.sent, late.text) == (False, "the rate limit left no room before the deadline")
    assert isinstance(late.error, ccxt.RequestTimeout)
    assert str(late.error) == f"bitget {Endpoint.ASSETS.path} was not sent: {late.text}"
    assert (leaving.started, leaving.left_ms) == (False, None)
    assert first(made, send(1_050)) == Pause(1_050)


@pytest.mark.parametrize("limited", [True, False])
def test_a_request_whose_time_is_up_was_never_sent(clock: Clock, limited: bool) -> None:
    made = paced() if limited else exchange()
    clock.now = 10_000
    late = first(made, send(10_000))
    assert isinstance(late, Fault)
    assert (late.sent, late.text) == (False, "no time was left before the deadline")
    leaving = send(10_001)
    assert first(made, leaving) == LEFT
    assert (leaving.started, leaving.left_ms) == (True, 10_000)


def test_without_a_rate_limit_every_request_leaves_at_once(clock: Clock) -> None:
    made = exchange()
    for _ in range(20):
        leaving = send()
        assert first(made, leaving) == LEFT
        rate_limits.record_reply(made, leaving, ANSWER)
    assert _windows == {}


def test_a_request_waits_for_those_before_it_to_arrive(clock: Clock) -> None:
    """Places were given for departures; the venue counts arrivals."""
    made = paced()
    sends = [send() for _ in range(10)]
    for leaving in sends:
        first(made, leaving)
    clock.now = 1_000
    steps = rate_limits.acquire(made, send())
    assert step(steps) == Pause(50)
    for leaving in sends:
        rate_limits.record_reply(made, leaving, ANSWER)
    clock.now = 1_050
    assert step(steps) == Pause(951)
    clock.now = 2_001
    assert step(steps) == LEFT


def test_an_answer_counts_for_the_request_that_it_answers(clock: Clock) -> None:
    made = paced()
    clock.now = 5_000
    sends = [send() for _ in range(10)]
    for leaving in sends:
        first(made, leaving)
    clock.now = 5_900
    for leaving in sends:
        rate_limits.record_reply(made, leaving, ANSWER)
    clock.now = 6_050
    assert first(made) == Pause(851)


def test_a_request_does_not_wait_beyond_its_deadline(clock: Clock) -> None:
    made = paced()
    sends = [send() for _ in range(10)]
    for leaving in sends:
        first(made, leaving)
    clock.now = 900
    for leaving in sends:
        rate_limits.record_reply(made, leaving, ANSWER)
    clock.now = 1_050
    leaving = send(1_500)
    steps = rate_limits.acquire(made, leaving)
    assert step(steps) == Pause(450)
    clock.now = 1_500
    late = step(steps)
    assert isinstance(late, Fault)
    assert (late.sent, late.text, leaving.started) == (False, "the rate limit left no room before the deadline", False)
    clock.now = 1_901
    assert first(made) == LEFT  # its place was given back


def test_a_request_that_found_nobody_to_connect_to_takes_no_room(clock: Clock) -> None:
    made = paced()
    sends = [send() for _ in range(10)]
    for leaving in sends:
        first(made, leaving)
    rate_limits.record_reply(made, sends[0], Fault(OSError("refused"), sent=False))
    assert first(made) == LEFT
    rate_limits.record_reply(made, sends[1], Fault(OSError("lost")))
    assert first(made) == Pause(1_050)


def test_a_request_that_is_interrupted_before_it_leaves_gives_its_place_to_the_next(clock: Clock) -> None:
    made = paced()
    for _ in range(10):
        first(made)
    steps = rate_limits.acquire(made, send())
    assert step(steps) == Pause(1_050)
    steps.close()
    assert [first(made) for _ in range(11)] == [Pause(1_050)] * 10 + [Pause(2_100)]


@pytest.mark.parametrize("name", ["x-mbx-used-remain-limit", "X-MBX-USED-REMAIN-LIMIT"])
def test_what_other_programs_used_of_the_quota_takes_room_here(
    clock: Clock, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Seven are left of ten after one of ours: two were somebody else's, and are counted once."""
    caplog.set_level(logging.INFO, "bitget_margin.windows")
    made = paced()
    leaving = send()
    first(made, leaving)
    clock.now = 100
    url = f"https://127.0.0.1/api/{Endpoint.ASSETS.path}?coin=BTC"
    rate_limits.record_reply(made, leaving, ANSWER)
    for _ in range(3):
        rate_limits.learn_quota(made, 200, url, {"Date": "now", name: "7"})
    assert [first(made) for _ in range(8)] == [LEFT] * 7 + [Pause(1_001)]
    clock.now = 1_101
    assert first(made) == LEFT
    assert caplog.messages == [f"{Endpoint.ASSETS.path}: 2 requests were not ours, 7 are left"]


def test_a_refusal_for_too_many_requests_says_that_nothing_is_left(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    made = paced()
    url = f"https://127.0.0.1/api/{Endpoint.ASSETS.path}"
    rate_limits.learn_quota(made, 429, url, {})
    assert first(made) == Pause(1_001)
    said = f"{Endpoint.ASSETS.path}: the venue's rate limit is used up; 10 requests were not ours"
    assert caplog.messages == [said]


def test_of_a_window_that_processes_share_only_a_refusal_says_how_full_it_is(clock: Clock) -> None:
    """What its store has let through would be taken for somebody else's."""
    made = paced()
    url = f"https://127.0.0.1/api/{Endpoint.ASSETS.path}"
    made.options["rateGate"] = "redis://127.0.0.1/0"
    rate_limits.learn_quota(made, 200, url, {rate_limits.QUOTA_HEADER: "0"})
    window = rate_limits.window_of(made, Endpoint.ASSETS)
    assert window.start(clock.now) is None
    rate_limits.learn_quota(made, 429, url, {})
    assert window.start(clock.now) == clock.now + 1_001


def test_what_ccxt_hands_on_of_an_answer_is_learned_from(clock: Clock) -> None:
    url = f"https://127.0.0.1/api/{Endpoint.ASSETS.path}"
    for status, headers, left in ((200, {rate_limits.QUOTA_HEADER: "9"}, 9), (429, {}, 0)):
        made = paced(str(status))
        try:
            made.handle_errors(status, "why", url, "GET", headers, "{}", {"code": "00000", "msg": "success"}, {}, "")
        except ccxt.BaseError:
            assert status == 429
        assert [first(made) for _ in range(left)] == [LEFT] * left
        assert isinstance(first(made), Pause)


@pytest.mark.parametrize("left", ["", "-1", "many", None, "²"])
def test_a_quota_that_cannot_be_read_teaches_nothing(clock: Clock, left: Any) -> None:
    made = paced()
    for url in (f"https://127.0.0.1/api/{Endpoint.ASSETS.path}", "https://127.0.0.1/api/v2/other", None, 5):
        rate_limits.learn_quota(made, 200, url, {rate_limits.QUOTA_HEADER: left})
    for headers in (None, {}, {"Date": "now"}):
        rate_limits.learn_quota(made, 200, f"https://127.0.0.1/api/{Endpoint.ASSETS.path}", headers)
    rate_limits.learn_quota(made, 200, "https://127.0.0.1/api/v2/other", {rate_limits.QUOTA_HEADER: "0"})
    assert [first(made) for _ in range(10)] == [LEFT] * 10
