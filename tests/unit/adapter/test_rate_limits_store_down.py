"""A shared rate window that is down costs queries, cancels and urgent orders one try per second, and fails none."""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.adapter import place as place_flows
from bitget_margin.adapter import rate_limits
from bitget_margin.core.effects import Block, Call, Fault, Flow, Send, TimeUp, Wait
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.rate_limit import LimiterDown, SharedLimiter, Slot, WhenDown, config, shared
from bitget_margin.rate_limit.registry import _windows
from support.calling import BTC, CROSS, Caller, exchange
from support.frozen_clock import FrozenClock

BUY = ("limit", "buy", 0.001, 50_000)
LEFT = "left"
URL = "redis://127.0.0.1/0"
READS = [endpoint for endpoint in Endpoint if endpoint.method == "GET" and not endpoint.is_public]
WRITES = [endpoint for endpoint in Endpoint if endpoint.method != "GET"]


@pytest.fixture(autouse=True)
def clock() -> Iterator[FrozenClock]:
    """Return the clock of departures and of the health of a store."""
    made = FrozenClock(5_000)
    with (
        mock.patch.object(rate_limits, "monotonic_ms", made),
        mock.patch.object(shared, "monotonic_ms", made),
        mock.patch.dict(_windows, clear=True),
        mock.patch.dict(config._limiters, clear=True),
    ):
        yield made


@pytest.fixture(params=list(WhenDown))
def limiter(request: pytest.FixtureRequest) -> SharedLimiter:
    """Return a shared window, with either behaviour while it is down."""
    return SharedLimiter(URL, mock.Mock(), 100.0, request.param)


def acquiring(limiter: SharedLimiter, endpoint: Endpoint, *, urgent: bool = False, left_ms: float = 3_000) -> Any:
    """Return the flow of a request from an exchange that shares this window."""
    made = exchange(uid="7")
    made.enableRateLimit = True
    leaving = Send(Call(endpoint, {}), 1_000, rate_limits.monotonic_ms() + left_ms, urgent=urgent)

    def flow() -> Flow[Fault | None]:
        with mock.patch.object(rate_limits, "shared_limiter_of", return_value=limiter):
            return (yield from rate_limits.acquire(made, leaving))

    return flow()


def step(flow: Any, reply: object = None) -> object:
    """Advance by one effect; return it, or that the request has left, or its fault."""
    try:
        return flow.throw(reply) if isinstance(reply, Exception) else flow.send(reply)
    except StopIteration as stop:
        return LEFT if stop.value is None else stop.value


@pytest.mark.parametrize(
    ("endpoint", "urgent"), [*((read, False) for read in READS), *((write, True) for write in WRITES)]
)
@pytest.mark.parametrize("error", [LimiterDown("refused"), TimeUp(), OSError("odd")], ids=repr)
def test_a_query_and_an_urgent_request_leave_without_the_store(
    limiter: SharedLimiter, endpoint: Endpoint, urgent: bool, error: Exception
) -> None:
    flow = acquiring(limiter, endpoint, urgent=urgent)
    assert isinstance(step(flow), Block)
    assert step(flow, error) == LEFT
    assert step(acquiring(limiter, endpoint, urgent=urgent)) == (LEFT if endpoint.per_second > 1 else Wait(6_050))


def test_a_public_request_is_none_of_the_account_and_waits_for_no_store(limiter: SharedLimiter) -> None:
    for endpoint in Endpoint:
        if endpoint.is_public:
            assert step(acquiring(limiter, endpoint)) == LEFT


def test_all_requests_of_a_second_cost_one_try(limiter: SharedLimiter, clock: FrozenClock) -> None:
    """Also of several threads: the try of one of them is still open while the others leave."""
    step(first := acquiring(limiter, Endpoint.ASSETS))
    assert step(first, TimeUp()) == LEFT
    for began_ms in (6_000, 7_000):
        clock.now = began_ms
        assert isinstance(step(trying := acquiring(limiter, Endpoint.ASSETS)), Block)
        assert [step(acquiring(limiter, Endpoint.UNIFIED_ORDER)) for _ in range(5)] == [LEFT] * 5
        assert step(trying, TimeUp()) == LEFT


@pytest.mark.parametrize(
    ("endpoint", "urgent", "left_ms", "allowed_ms"),
    [
        (Endpoint.ASSETS, False, 3_000, 100),
        (Endpoint.ASSETS, False, 200, 50),
        (Endpoint.PLACE, True, 200, 50),
        (Endpoint.PLACE, False, 200, 100),
        (Endpoint.PLACE, False, 60, 60),
    ],
)
def test_a_store_that_hangs_leaves_most_of_the_time_to_a_request_that_goes_without_it(
    limiter: SharedLimiter, endpoint: Endpoint, urgent: bool, left_ms: float, allowed_ms: float
) -> None:
    block = step(acquiring(limiter, endpoint, urgent=urgent, left_ms=left_ms))
    assert isinstance(block, Block)
    assert block.allowed_ms == allowed_ms


def test_a_store_that_fails_while_a_query_waits_for_its_slot_lets_it_leave(
    limiter: SharedLimiter, clock: FrozenClock
) -> None:
    step(flow := acquiring(limiter, Endpoint.ASSETS))
    assert step(flow, Slot(50, kept=False)) == Wait(5_050)
    clock.now = 5_050
    assert isinstance(step(flow), Block)
    assert step(flow, LimiterDown("refused")) == LEFT


@pytest.mark.parametrize("url", [URL, "sqlite:///not/there/windows.db"])
def test_the_venue_s_count_replaces_that_of_the_store_while_it_is_down(clock: FrozenClock, url: str) -> None:
    made = exchange(uid="1", rateGate=url)
    made.enableRateLimit = True
    window = rate_limits.window_of(made, Endpoint.ASSETS)
    told = (200, f"https://127.0.0.1/api/{Endpoint.ASSETS.path}", {rate_limits.QUOTA_HEADER: "0"})
    with mock.patch("threading.Thread"):
        rate_limits.learn_quota(made, *told, counted=True)
        assert window.start(clock.now) is None
        limiter = config.open_limiter(url)
    limiter.record_failure(LimiterDown("refused"))
    rate_limits.learn_quota(made, *told, counted=True)
    assert window.start(clock.now) == clock.now + 1_001


def test_a_response_is_read_whatever_is_wrong_with_the_option() -> None:
    made = exchange(uid="1", rateGate="file:///windows")
    made.enableRateLimit = True
    url = f"https://127.0.0.1/api/{Endpoint.ASSETS.path}"
    rate_limits.learn_quota(made, 200, url, {rate_limits.QUOTA_HEADER: "0"}, counted=True)
    assert rate_limits.window_of(made, Endpoint.ASSETS).start(5_000) is None


# -- urgent orders ----------------------------------------------------------------------------------------------------


def first_send(flow: Flow[Any]) -> Send:
    """Return the first request of a flow."""
    with Caller(lambda _: Fault(OSError())).clocked():
        effect: Any = next(flow)
    flow.close()
    (send,) = effect.sends
    assert isinstance(send, Send)
    return send


def batch(**params: Any) -> list[dict[str, Any]]:
    """Return the requests of two orders; the second one with these parameters."""
    order = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 50_000}
    return [order | {"params": CROSS}, order | {"params": CROSS | params}]


@pytest.mark.parametrize("unified", [False, True])
@pytest.mark.parametrize("given", [{}, {"urgent": False}, {"urgent": None}, {"urgent": True}], ids=repr)
def test_an_order_is_urgent_where_the_caller_says_so_and_the_venue_does_not_read_it(
    given: dict[str, Any], unified: bool
) -> None:
    flows = (
        place_flows.create_order(exchange(uta=unified), BTC, BUY, CROSS | given),
        place_flows.create_orders(exchange(uta=unified), batch(), CROSS | given),
        place_flows.create_orders(exchange(uta=unified), batch(**given), CROSS),
    )
    for flow in flows:
        send = first_send(flow)
        assert send.urgent is bool(given.get("urgent"))
        assert "urgent" not in repr(send.call.params)


@pytest.mark.parametrize("value", [1, "yes", 0, ""])
def test_an_urgency_that_is_neither_true_nor_false_is_refused(value: object) -> None:
    venue = Caller(lambda _: Fault(OSError()))
    message = rf"^bitget create_order\(\): urgent is {value!r}; give True or False$"
    with pytest.raises(ccxt.BadRequest, match=message):
        venue.call(place_flows.create_order(exchange(), BTC, BUY, CROSS | {"urgent": value}))
    with pytest.raises(ccxt.BadRequest, match="urgent is"):
        venue.call(place_flows.create_orders(exchange(), batch(urgent=value), CROSS))
    assert venue.calls == []
