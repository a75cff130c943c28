"""A request leaves when the window that processes share has room for it; a cancel never waits for its store."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.adapter import cancel, params, rate_limits
from bitget_margin.adapter import fetch as fetch_flows
from bitget_margin.adapter import transport as clocks
from bitget_margin.adapter.params import BadLimiterConfig, shared_limiter_of
from bitget_margin.adapter.rate_limits import Knock, Pause
from bitget_margin.core.effects import Call, Fault, Send, SendAll
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.rate_limit import LimiterDown, SharedLimiter, Slot, WhenDown
from bitget_margin.rate_limit.registry import _windows
from support.calling import BTC, CROSS, Caller, exchange
from support.script import EPOCH_MS, fault, in_turn, page, row

LEFT = "left"
PATH = Endpoint.ASSETS.path
DOWN = "the shared rate window redis://127.0.0.1/0 cannot be asked"
NO_ROOM = "the rate limit left no room before the deadline"


class Clock:
    """A clock that stands still until it is told."""

    now = 5_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Store:
    """A store that is asked, and says what it was told to say."""

    said: object = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def reserve(self, *asked: Any) -> Any:
        """Note what was asked for."""
        self.asked.append(asked)
        return self.said


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Let departures and the health of a store go by a clock of this test's own."""
    made = Clock()
    with (
        mock.patch.object(rate_limits, "monotonic_ms", made),
        mock.patch("bitget_margin.rate_limit.shared._now_ms", made),
        mock.patch.dict(_windows, clear=True),
    ):
        yield made


def shared(when_down: WhenDown = WhenDown.WAIT) -> SharedLimiter:
    """Return a shared window."""
    return SharedLimiter("redis://127.0.0.1/0", Store(), 100.0, when_down)


def departing(
    gate: SharedLimiter, *, urgent: bool = False, left_ms: float = 3_000
) -> tuple[Send, rate_limits.Departure]:
    """Return a request, and its departure from an exchange that shares this window."""
    made = exchange(uid="7")
    made.enableRateLimit = True
    leaving = Send(Call(Endpoint.ASSETS, {}), 1_000, 5_000 + left_ms, is_cancel=urgent)
    with mock.patch.object(rate_limits, "shared_limiter_of", lambda given: gate if given is made else None):
        steps = rate_limits.acquire(made, leaving)
        first = steps.send(None)
    assert isinstance(first, Knock)
    first.ask()
    store: Any = gate.store
    assert store.asked == [(f"{made.urls['api']['margin']} uid 7 {PATH}", 10, 1_050.0, left_ms)]
    assert first.allowed_ms == min(100, left_ms)
    return leaving, steps


def step(steps: rate_limits.Departure, answer: object = None) -> object:
    """Go on by one step; return it, or that the request has left, or the fault that it did not."""
    try:
        return steps.send(answer)
    except StopIteration as stop:
        return LEFT if stop.value is None else stop.value


def unsent(reply: object) -> str | None:
    """Return why a request certainly did not leave."""
    assert isinstance(reply, Fault)
    assert isinstance(reply.error, ccxt.RequestTimeout)
    assert not reply.sent
    assert str(reply.error) == f"bitget {PATH} was not sent: {reply.text}"
    return reply.text


def test_a_request_leaves_when_its_place_in_the_shared_window_begins(clock: Clock) -> None:
    leaving, steps = departing(shared())
    assert step(steps, Slot(40)) == Pause(40)
    clock.now = 5_040
    assert step(steps) == LEFT
    assert (leaving.started, leaving.left_ms, leaving.slot_ms) == (True, 5_040, 5_040)


def test_what_left_through_the_shared_window_is_known_here_when_its_store_fails(clock: Clock) -> None:
    """Else twice as many would leave in that second."""
    for _ in range(10):
        _, steps = departing(shared(), urgent=True)
        step(steps, Slot(0))
        assert step(steps) == LEFT
    _, steps = departing(shared(), urgent=True)
    assert step(steps, LimiterDown("refused")) == Pause(1_050)
    steps.close()
    # While the store answers, it is the store that says when; only what has not arrived yet is waited for.
    _, steps = departing(shared())
    step(steps, Slot(0))
    assert step(steps) == Pause(1_001)
    steps.close()


def test_a_place_that_could_not_be_kept_is_asked_for_again(clock: Clock) -> None:
    _, steps = departing(shared(), left_ms=60)
    assert step(steps, Slot(50, kept=False)) == Pause(50)
    clock.now = 5_050
    again = step(steps)
    assert isinstance(again, Knock)
    assert again.allowed_ms == 10
    assert step(steps, Slot(0)) == Pause(0)
    assert step(steps) == LEFT


def test_a_shared_window_without_room_lets_nothing_leave(clock: Clock) -> None:
    assert unsent(step(departing(shared())[1], None)) == NO_ROOM
    assert unsent(step(departing(shared(), left_ms=1)[1], None)) == NO_ROOM
    for late_ms in (5_060, 5_061):
        clock.now = 5_000
        leaving, steps = departing(shared(), left_ms=60)
        step(steps, Slot(50, kept=False))
        clock.now = late_ms
        assert unsent(step(steps)) == NO_ROOM
        assert not leaving.started


def test_a_place_that_began_too_late_is_not_used(clock: Clock) -> None:
    leaving, steps = departing(shared(), left_ms=60)
    step(steps, Slot(50))
    clock.now = 5_060
    assert unsent(step(steps)) == NO_ROOM
    assert (leaving.started, leaving.left_ms) == (False, None)


def test_what_belongs_to_a_cancel_goes_by_the_window_of_this_process_while_the_store_is_down(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    leaving, steps = departing(shared(WhenDown.FAIL), urgent=True)
    assert step(steps, LimiterDown("refused")) == LEFT
    assert (leaving.left_ms, leaving.slot_ms) == (5_000, 5_000)
    assert len(_windows) == 1
    assert "cannot be asked (refused)" in caplog.text


@pytest.mark.parametrize(
    ("flow", "urgent"),
    [
        (lambda made: cancel.batch_cancel(made, ["1"], BTC, (), CROSS), True),
        (lambda made: cancel.cancel_orders(made, ["1"], BTC, CROSS), True),
        (lambda made: cancel.cancel_order(made, "1", BTC, CROSS), True),
        (lambda made: cancel.cancel_all_orders(made, BTC, CROSS), True),
        (lambda made: cancel.cancel_all_orders(made, None, CROSS), True),
        (lambda made: fetch_flows.fetch_order(made, "1", BTC, CROSS), False),
        (lambda made: fetch_flows.fetch_balance(made, CROSS), False),
    ],
)
def test_every_request_of_a_cancel_belongs_to_it_and_no_question_does(flow: Any, urgent: bool) -> None:
    steps = flow(exchange())
    effect = next(steps)
    assert isinstance(effect, SendAll)
    assert [send.is_cancel for send in effect.sends] == [urgent] * len(effect.sends)
    steps.close()


def test_what_can_wait_waits_for_the_store_until_its_deadline(clock: Clock) -> None:
    gate = shared()
    _, steps = departing(gate, left_ms=1_050)
    assert step(steps, LimiterDown("refused")) == Pause(100)
    assert gate.in_backoff()
    clock.now = 5_999
    assert step(steps) == Pause(51)  # not asked: it has just failed
    clock.now = 6_000
    assert isinstance(step(steps), Knock)
    assert step(steps, Slot(0)) == Pause(0)
    assert not gate.in_backoff()
    assert step(steps) == LEFT
    clock.now = 5_000
    _, steps = departing(shared(), left_ms=1_000)
    step(steps, LimiterDown("refused"))
    clock.now = 6_000
    assert unsent(step(steps)) == f"{DOWN} (refused)"


def test_what_is_not_to_wait_fails_at_once_and_says_why(clock: Clock) -> None:
    gate = shared(WhenDown.FAIL)
    assert unsent(step(departing(gate)[1], LimiterDown("refused"))) == f"{DOWN} (refused)"
    made = exchange()
    made.enableRateLimit = True
    with mock.patch.object(rate_limits, "shared_limiter_of", return_value=gate):
        resting = step(rate_limits.acquire(made, Send(Call(Endpoint.ASSETS, {}), 1_000, 9_000)))
    assert unsent(resting) == f"{DOWN} (it has just failed)"


def test_without_a_rate_limit_no_window_is_asked(clock: Clock) -> None:
    made = exchange()
    with mock.patch.object(rate_limits, "shared_limiter_of", side_effect=AssertionError):
        assert step(rate_limits.acquire(made, Send(Call(Endpoint.ASSETS, {}), 1_000, 9_000))) == LEFT


# -- whose window it is -----------------------------------------------------------------------------------------------


def test_a_shared_window_that_cannot_be_used_is_refused_before_anything_is_sent() -> None:
    made = exchange(rateGate="redis:/nowhere")
    venue = Caller(in_turn(page()))
    with (
        mock.patch.object(params, "open_limiter", side_effect=BadLimiterConfig("it names no host")) as opened,
        pytest.raises(ccxt.BadRequest, match=r"^bitget: options\['rateGate'\]: it names no host$"),
    ):
        venue.call(fetch_flows.fetch_order(made, "12", BTC, CROSS))
    opened.assert_called_once_with("redis:/nowhere")
    assert venue.calls == []
    assert shared_limiter_of(exchange()) is None


@pytest.fixture
def sharing() -> Iterator[Any]:
    """Return an exchange that shares a window, and does not know its UID."""
    with (
        mock.patch.object(params, "open_limiter", return_value=shared()),
        mock.patch.dict(rate_limits._uids, clear=True),
    ):
        yield another()


def another(**options: Any) -> Any:
    """Return an exchange that shares a window."""
    made = exchange(rateGate="redis://127.0.0.1/0", **options)
    made.enableRateLimit = True
    return made


def fetch(made: Any, *said: object) -> list[Endpoint]:
    """Fetch an order; return what was asked."""
    venue = Caller(in_turn(*said))
    assert venue.call(fetch_flows.fetch_order(made, "12", BTC, CROSS))["id"] == "12"
    return [call.endpoint for call in venue.calls]


def test_whose_account_it_is_is_asked_once_where_the_window_is_shared(sharing: Any) -> None:
    assert fetch(sharing, {"userId": "77"}, page(row(12))) == [Endpoint.ACCOUNT, Endpoint.OPEN_ORDERS]
    assert sharing.options["uid"] == "77"
    assert fetch(sharing, page(row(12))) == [Endpoint.OPEN_ORDERS]
    sibling = another()
    assert fetch(sibling, page(row(12))) == [Endpoint.OPEN_ORDERS]
    assert sibling.options["uid"] == "77"
    unpaced = another()
    unpaced.enableRateLimit = False
    unpaced.apiKey = "another"
    assert fetch(unpaced, page(row(12))) == [Endpoint.OPEN_ORDERS]
    alone = exchange()
    assert fetch(alone, page(row(12))) == [Endpoint.OPEN_ORDERS]
    assert "uid" not in alone.options


def test_a_unified_account_is_asked_in_its_own_words(sharing: Any) -> None:
    ours = {"orderId": "12", "category": "MARGIN", "symbol": "BTCUSDT", "qty": "1", "cumExecQty": "0"}
    found = {"orderStatus": "live", "createdTime": str(EPOCH_MS), "updatedTime": str(EPOCH_MS), **ours}
    asked = fetch(sharing, fault("40085"), {"uid": "78"}, found)
    assert asked == [Endpoint.ACCOUNT, Endpoint.UNIFIED_SETTINGS, Endpoint.UNIFIED_ORDER]
    assert sharing.options["uid"] == "78"


@pytest.mark.parametrize("said", [{}, fault("40014"), fault()], ids=str)
def test_where_the_venue_does_not_say_whose_account_it_is_the_key_counts(
    sharing: Any, said: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "bitget_margin.windows"):
        assert fetch(sharing, said, page(row(12))) == [Endpoint.ACCOUNT, Endpoint.OPEN_ORDERS]
    assert [record.getMessage() for record in caplog.records] == [
        "The venue does not say whose account this is: the shared rate window goes by the key alone"
    ]
    assert sharing.options["uid"] == ""
    # Asked again, but not while a cancel waits.
    cancelling = cancel.cancel_orders(sharing, ["12"], BTC, CROSS)
    effect = next(cancelling)
    assert [send.call.endpoint for send in effect.sends] == [Endpoint.BATCH_CANCEL]  # type: ignore[union-attr]
    cancelling.close()
    assert fetch(sharing, {"userId": "77"}, page(row(12))) == [Endpoint.ACCOUNT, Endpoint.OPEN_ORDERS]
    assert sharing.options["uid"] == "77"


def test_the_question_whose_account_it_is_takes_a_second_of_a_cancel_at_most(sharing: Any) -> None:
    cancelling = cancel.cancel_orders(sharing, ["12"], BTC, CROSS)
    effect: Any = next(cancelling)
    (asked,) = effect.sends
    assert (asked.call.endpoint, asked.request_ms, asked.urgent) == (Endpoint.ACCOUNT, 1_000, True)
    assert 0 < asked.deadline_ms - clocks.monotonic_ms() <= 1_000
    refused = cancelling.send((fault("429", status=429),))
    assert [send.call.endpoint for send in refused.sends] == [Endpoint.BATCH_CANCEL]  # type: ignore[union-attr]
    cancelling.close()
