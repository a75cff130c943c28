"""A request leaves when the rate window has room for it, and within its time; what does not leave takes no room."""

import logging
from collections.abc import Iterator
from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.adapter import call, cancel, params, rate_limits, transport
from bitget_margin.adapter import fetch as fetch_flows
from bitget_margin.adapter.params import shared_limiter_of
from bitget_margin.core.effects import Block, Call, Fault, Flow, Reply, Send, SendAll, TimeUp, Wait
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.rate_limit import BadLimiterConfig, LimiterDown, SharedLimiter, Slot, WhenDown, shared
from bitget_margin.rate_limit.registry import _names, _windows
from support.calling import BTC, CROSS, Caller, exchange
from support.frozen_clock import FrozenClock
from support.script import EPOCH_MS, fault, in_turn, page, row

RESPONSE = Reply({})
ASSETS = Call(Endpoint.ASSETS, {"coin": "BTC"})
PLACE = Call(Endpoint.PLACE, {"symbol": "BTCUSDT"})
URL = f"https://127.0.0.1/api/{Endpoint.ASSETS.path}"
PATH = Endpoint.ASSETS.path
LEFT = "left"
DOWN = "the shared rate window redis://127.0.0.1/0 is down"
NO_SLOT = "the rate limit left no room before the deadline"

open_flows: list[Flow[Fault | None]] = []
"""Flows that a test leaves where they are: a generator without a reference is closed, which releases its slot."""


@pytest.fixture
def clock() -> Iterator[FrozenClock]:
    """Return the clock of departures and of the health of a store."""
    made = FrozenClock()
    with (
        mock.patch.object(rate_limits, "monotonic_ms", made),
        mock.patch.object(shared, "monotonic_ms", made),
        mock.patch.dict(_windows, clear=True),
        mock.patch.dict(_names, clear=True),
    ):
        yield made


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Close the flows that a test has left open."""
    yield
    for flow in open_flows:
        flow.close()
    open_flows.clear()


def paced(uid: str = "1") -> Any:
    """Return an exchange that keeps to the venue's windows."""
    made = exchange(uid=uid)
    made.enableRateLimit = True
    return made


def send(deadline_ms: float = 10_000, call: Call = ASSETS) -> Send:
    """Return a request."""
    return Send(call, 3_000, deadline_ms)


def step(flow: Flow[Fault | None], reply: object = None) -> object:
    """Advance by one effect; return it, or that the request has left, or the fault that it did not."""
    try:
        return flow.throw(reply) if isinstance(reply, Exception) else flow.send(reply)
    except StopIteration as stop:
        return LEFT if stop.value is None else stop.value


def first(made: Any, leaving: Send | None = None) -> object:
    """Return the first effect of a request, and leave it there."""
    flow = rate_limits.acquire(made, leaving or send())
    open_flows.append(flow)
    return step(flow)


def all_left(made: Any, count: int = 10) -> list[Send]:
    """Return requests that have left at once."""
    sends = [send() for _ in range(count)]
    assert [first(made, leaving) for leaving in sends] == [LEFT] * count
    return sends


def unsent(reply: object) -> str | None:
    """Return why a request certainly did not leave."""
    assert isinstance(reply, Fault)
    assert isinstance(reply.error, ccxt.RequestTimeout)
    assert not reply.sent
    sent_to = (PATH, PLACE.endpoint.path)
    assert str(reply.error) in [f"bitget {path} was not sent: {reply.text}" for path in sent_to]
    return reply.text


# -- the window of this process ---------------------------------------------------------------------------------------


def test_ten_requests_leave_at_once_and_the_eleventh_a_window_later(clock: FrozenClock) -> None:
    made = paced()
    assert [first(made) for _ in range(11)] == [LEFT] * 10 + [Wait(1_050)]


def test_an_account_has_one_window_for_all_its_exchange_objects_and_another_has_its_own(clock: FrozenClock) -> None:
    for _ in range(10):
        first(paced())
    assert first(paced()) == Wait(1_050)
    assert first(paced("2")) == LEFT
    assert first(paced(), send(call=Call(Endpoint.OPEN_ORDERS, {}))) == LEFT
    keyed, other = paced(""), paced("")
    other.apiKey = "another"
    all_left(keyed)
    assert (first(keyed), first(other)) == (Wait(1_050), LEFT)
    elsewhere = paced()
    elsewhere.urls = {"api": {"margin": "http://127.0.0.1"}}
    assert first(elsewhere) == LEFT


def test_an_account_is_its_uid_else_its_key_which_is_not_shown() -> None:
    assert rate_limits.account_name("7", "key", "url") == rate_limits.account_name("7", "other", "url") == "url uid 7"
    assert rate_limits.account_name(None, "key", "url") != rate_limits.account_name(None, "other", "url")
    assert "key" not in rate_limits.account_name(None, "key", "url")
    assert rate_limits.account_name(None, "key", "url").startswith("url ")


def test_a_window_has_the_limit_of_its_endpoint(clock: FrozenClock) -> None:
    assert rate_limits.window_of(paced(), Endpoint.UNIFIED_OPEN_ORDERS).limit == 20
    assert rate_limits.window_of(paced(), Endpoint.ASSETS).limit == 10


def test_a_request_without_room_before_its_deadline_was_never_sent(clock: FrozenClock) -> None:
    made = paced()
    all_left(made)
    leaving = send(1_049)
    assert unsent(first(made, leaving)) == NO_SLOT
    assert (leaving.started, leaving.left_ms) == (False, None)
    assert first(made, send(1_050)) == Wait(1_050)


@pytest.mark.parametrize("limited", [True, False])
def test_a_request_whose_time_is_up_was_never_sent(clock: FrozenClock, limited: bool) -> None:
    made = paced() if limited else exchange()
    clock.now = 10_000
    assert unsent(first(made, send(10_000))) == "no time was left before the deadline"
    leaving = send(10_001)
    assert first(made, leaving) == LEFT
    assert (leaving.started, leaving.left_ms) == (True, 10_000)


def test_without_a_rate_limit_every_request_leaves_at_once_and_no_window_is_asked(clock: FrozenClock) -> None:
    made = exchange()
    with mock.patch.object(rate_limits, "shared_limiter_of", side_effect=AssertionError):
        for leaving in all_left(made, 20):
            rate_limits.record_reply(made, leaving, RESPONSE)
    assert _windows == {}


def test_a_request_waits_for_those_before_it_to_arrive(clock: FrozenClock) -> None:
    """Slots are given for departures; the venue counts arrivals."""
    made = paced()
    sends = all_left(made)
    clock.now = 1_000
    flow = rate_limits.acquire(made, send())
    assert step(flow) == Wait(1_050)
    for leaving in sends:
        rate_limits.record_reply(made, leaving, RESPONSE)
    clock.now = 1_050
    assert step(flow) == Wait(2_001)
    clock.now = 2_001
    assert step(flow) == LEFT


def test_a_response_counts_for_its_own_request(clock: FrozenClock) -> None:
    made = paced()
    clock.now = 5_000
    sends = all_left(made)
    clock.now = 5_900
    for leaving in sends:
        rate_limits.record_reply(made, leaving, RESPONSE)
    clock.now = 6_050
    assert first(made) == Wait(6_901)


def test_a_request_does_not_wait_beyond_its_deadline(clock: FrozenClock) -> None:
    made = paced()
    sends = all_left(made)
    clock.now = 900
    for leaving in sends:
        rate_limits.record_reply(made, leaving, RESPONSE)
    clock.now = 1_050
    leaving = send(1_500)
    flow = rate_limits.acquire(made, leaving)
    assert step(flow) == Wait(1_500)
    clock.now = 1_500
    assert unsent(step(flow)) == NO_SLOT
    assert not leaving.started
    clock.now = 1_901
    assert first(made) == LEFT  # its slot was released


def test_a_request_that_found_no_connection_takes_no_room(clock: FrozenClock) -> None:
    made = paced()
    sends = all_left(made)
    rate_limits.record_reply(made, sends[0], Fault(OSError("refused"), sent=False))
    assert first(made) == LEFT
    rate_limits.record_reply(made, sends[1], Fault(OSError("disconnected")))
    assert first(made) == Wait(1_050)


@pytest.mark.parametrize("interrupt", [GeneratorExit, KeyboardInterrupt])
def test_a_request_that_is_interrupted_before_it_leaves_gives_its_slot_to_the_next(
    clock: FrozenClock, interrupt: type[BaseException]
) -> None:
    made = paced()
    all_left(made)
    flow = rate_limits.acquire(made, send())
    assert step(flow) == Wait(1_050)
    with pytest.raises(interrupt):
        flow.throw(interrupt())
    assert [first(made) for _ in range(11)] == [Wait(1_050)] * 10 + [Wait(2_100)]


# -- requests of other programs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x-mbx-used-remain-limit", "X-MBX-USED-REMAIN-LIMIT"])
def test_the_quota_that_other_programs_used_takes_room_here(
    clock: FrozenClock, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Seven are left of ten after one request: two were of another program, and are counted once."""
    caplog.set_level(logging.INFO, "bitget_margin.windows")
    made = paced()
    (leaving,) = all_left(made, 1)
    clock.now = 100
    rate_limits.record_reply(made, leaving, RESPONSE)
    for _ in range(3):
        rate_limits.learn_quota(made, 200, f"{URL}?coin=BTC", {"Date": "now", name: "7"}, counted=True)
    assert [first(made) for _ in range(8)] == [LEFT] * 7 + [Wait(1_101)]
    clock.now = 1_101
    assert first(made) == LEFT
    assert caplog.messages == [f"{PATH}: 2 requests were of other programs, 7 are left"]


def test_a_refusal_for_too_many_requests_means_that_nothing_is_left(
    clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    made = paced()
    rate_limits.learn_quota(made, 429, URL, {}, counted=True)
    assert first(made) == Wait(1_001)
    assert caplog.messages == [f"{PATH}: the rate limit is used up; 10 requests were of other programs"]


def test_only_a_refusal_tells_how_full_a_shared_window_is(clock: FrozenClock) -> None:
    """Requests that its store has granted to other processes would be taken for those of other programs."""
    made = paced()
    made.options["rateGate"] = "redis://127.0.0.1/0"
    rate_limits.learn_quota(made, 200, URL, {rate_limits.QUOTA_HEADER: "0"}, counted=True)
    window = rate_limits.window_of(made, Endpoint.ASSETS)
    assert window.start(clock.now) is None
    rate_limits.learn_quota(made, 429, URL, {}, counted=True)
    assert window.start(clock.now) == clock.now + 1_001


def test_the_quota_is_read_from_what_ccxt_passes_on_of_a_response(clock: FrozenClock) -> None:
    for status, headers, left in ((200, {rate_limits.QUOTA_HEADER: "9"}, 9), (429, {}, 0)):
        made = paced(str(status))
        try:
            made.handle_errors(status, "why", URL, "GET", headers, "{}", {"code": "00000", "msg": "success"}, {}, "")
        except ccxt.BaseError:
            assert status == 429
        all_left(made, left)
        assert isinstance(first(made), Wait)


def test_a_request_of_ccxt_s_own_methods_is_ours(clock: FrozenClock, caplog: pytest.LogCaptureFixture) -> None:
    """It waits for no slot, and takes room all the same."""
    caplog.set_level(logging.INFO, "bitget_margin.windows")
    made = paced()
    for left in ("9", "8"):
        headers = {rate_limits.QUOTA_HEADER: left}
        made.handle_errors(200, "why", URL, "GET", headers, "{}", {"code": "00000", "msg": "success"}, {}, "")
    assert caplog.messages == []
    all_left(made, 8)
    assert first(made) == Wait(1_001)


def test_a_request_that_is_answered_late_is_ours(clock: FrozenClock, caplog: pytest.LogCaptureFixture) -> None:
    """The first one opens its connection on the way: it departs longer ago than the venue counts."""
    caplog.set_level(logging.INFO, "bitget_margin.windows")
    made = paced()
    all_left(made, 1)
    clock.now = 1_500
    rate_limits.learn_quota(made, 200, URL, {rate_limits.QUOTA_HEADER: "9"}, counted=True)
    assert caplog.messages == []
    rate_limits.learn_quota(made, 200, URL, {rate_limits.QUOTA_HEADER: "8"}, counted=True)
    assert caplog.messages == [f"{PATH}: 1 requests were of other programs, 8 are left"]


def test_requests_before_the_uid_is_known_are_ours(clock: FrozenClock, caplog: pytest.LogCaptureFixture) -> None:
    """The account has the same windows under its UID as under its key, for all exchange objects with the key."""
    caplog.set_level(logging.INFO, "bitget_margin.windows")
    made, sibling = paced(""), paced("")
    all_left(made, 4)
    with mock.patch.dict(rate_limits._uids, clear=True):
        rate_limits.learn_uid(made, "77")
    assert made.options["uid"] == "77"
    rate_limits.learn_quota(made, 200, URL, {rate_limits.QUOTA_HEADER: "6"}, counted=True)
    assert caplog.messages == []
    all_left(made, 3)
    all_left(sibling, 3)
    assert (first(made), first(sibling), first(paced("77"))) == (Wait(1_050), Wait(1_050), Wait(1_050))


@pytest.mark.parametrize("left", ["", "-1", "many", None, "²"])
def test_a_quota_that_cannot_be_read_is_ignored(clock: FrozenClock, left: Any) -> None:
    made = paced()
    for url in (URL, "https://127.0.0.1/api/v2/other", None, 5):
        rate_limits.learn_quota(made, 200, url, {rate_limits.QUOTA_HEADER: left}, counted=True)
    for headers in (None, {}, {"Date": "now"}):
        rate_limits.learn_quota(made, 200, URL, headers, counted=True)
    rate_limits.learn_quota(made, 200, "https://127.0.0.1/api/v2/other", {rate_limits.QUOTA_HEADER: "0"}, counted=True)
    all_left(made)


# -- a window that processes share ------------------------------------------------------------------------------------


def shared_limiter(when_down: WhenDown = WhenDown.WAIT) -> SharedLimiter:
    """Return a shared window."""
    return SharedLimiter("redis://127.0.0.1/0", mock.Mock(), 100.0, when_down)


def acquiring(
    limiter: SharedLimiter, *, urgent: bool = False, left_ms: float = 3_000, call: Call = PLACE
) -> tuple[Send, Flow[Fault | None]]:
    """Return a request from an exchange that shares this window, and its flow, which has asked for a slot."""
    made = exchange(uid="7")
    made.enableRateLimit = True
    leaving = Send(call, 1_000, 5_000 + left_ms, urgent=urgent)
    with mock.patch.object(rate_limits, "shared_limiter_of", lambda given: limiter if given is made else None):
        flow = rate_limits.acquire(made, leaving)
        block = flow.send(None)
    open_flows.append(flow)
    assert isinstance(block, Block)
    block.work()
    store: Any = limiter.store
    name = f"{made.urls['api']['margin']} uid 7 {call.endpoint.path}"
    store.reserve.assert_called_once_with(name, 10, 1_050.0, left_ms)
    assert block.allowed_ms == min(100, left_ms)
    return leaving, flow


@pytest.fixture
def at_5_s(clock: FrozenClock) -> FrozenClock:
    """Return the clock, at five seconds."""
    clock.now = 5_000
    return clock


def test_a_request_leaves_when_its_slot_in_the_shared_window_begins(at_5_s: FrozenClock) -> None:
    leaving, flow = acquiring(shared_limiter())
    assert step(flow, Slot(40)) == Wait(5_040)
    at_5_s.now = 5_040
    assert step(flow) == LEFT
    assert (leaving.started, leaving.left_ms, leaving.slot_ms) == (True, 5_040, 5_040)


def test_departures_through_the_shared_window_are_known_here_when_its_store_fails(at_5_s: FrozenClock) -> None:
    """Else twice as many would leave in that second."""
    for _ in range(10):
        _, flow = acquiring(shared_limiter(), urgent=True)
        step(flow, Slot(0))
        assert step(flow) == LEFT
    _, flow = acquiring(shared_limiter(), urgent=True)
    assert step(flow, LimiterDown("refused")) == Wait(6_050)
    flow.close()
    # While the store responds, it decides; only requests that have not arrived yet are waited for.
    _, flow = acquiring(shared_limiter())
    step(flow, Slot(0))
    assert step(flow) == Wait(6_001)


def test_a_slot_that_could_not_be_kept_is_requested_again(at_5_s: FrozenClock) -> None:
    _, flow = acquiring(shared_limiter(), left_ms=60)
    assert step(flow, Slot(50, kept=False)) == Wait(5_050)
    at_5_s.now = 5_050
    again = step(flow)
    assert isinstance(again, Block)
    assert again.allowed_ms == 10
    assert step(flow, Slot(0)) == Wait(5_050)
    assert step(flow) == LEFT


def test_a_shared_window_without_room_lets_nothing_leave(at_5_s: FrozenClock) -> None:
    for left_ms in (3_000, 1):
        assert unsent(step(acquiring(shared_limiter(), left_ms=left_ms)[1], None)) == NO_SLOT
    for late_ms in (5_060, 5_061):
        at_5_s.now = 5_000
        leaving, flow = acquiring(shared_limiter(), left_ms=60)
        step(flow, Slot(50, kept=False))
        at_5_s.now = late_ms
        assert unsent(step(flow)) == NO_SLOT
        assert not leaving.started


def test_a_slot_that_began_too_late_is_not_used(at_5_s: FrozenClock) -> None:
    leaving, flow = acquiring(shared_limiter(), left_ms=60)
    step(flow, Slot(50))
    at_5_s.now = 5_060
    assert unsent(step(flow)) == NO_SLOT
    assert (leaving.started, leaving.left_ms) == (False, None)


@pytest.mark.parametrize(
    ("error", "why"),
    [(LimiterDown("refused"), "refused"), (TimeUp(), "no response within 100 ms"), (OSError("odd"), "odd")],
)
def test_requests_of_a_cancel_use_the_window_of_this_process_while_the_store_is_down(
    at_5_s: FrozenClock, caplog: pytest.LogCaptureFixture, error: Exception, why: str
) -> None:
    leaving, flow = acquiring(shared_limiter(WhenDown.FAIL), urgent=True)
    assert step(flow, error) == LEFT
    assert (leaving.left_ms, leaving.slot_ms) == (5_000, 5_000)
    assert len(_windows) == 1
    assert f"is down ({why})" in caplog.text


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
def test_every_request_of_a_cancel_is_urgent_and_no_query_is(flow: Any, urgent: bool) -> None:
    running = flow(exchange())
    effect = next(running)
    assert isinstance(effect, SendAll)
    assert [each.urgent for each in effect.sends] == [urgent] * len(effect.sends)
    running.close()


def test_orders_that_are_not_urgent_wait_for_the_store_until_their_deadline(at_5_s: FrozenClock) -> None:
    limiter = shared_limiter()
    _, flow = acquiring(limiter, left_ms=1_050)
    assert step(flow, LimiterDown("refused")) == Wait(5_100)
    assert not limiter.may_try()
    at_5_s.now = 5_999
    assert step(flow) == Wait(6_050)  # not asked: it has just failed
    at_5_s.now = 6_000
    assert isinstance(step(flow), Block)
    assert step(flow, Slot(0)) == Wait(6_000)
    assert limiter.may_try()
    assert step(flow) == LEFT
    at_5_s.now = 5_000
    _, flow = acquiring(shared_limiter(), left_ms=1_000)
    step(flow, LimiterDown("refused"))
    at_5_s.now = 6_000
    assert unsent(step(flow)) == f"{DOWN} (refused)"


def test_orders_that_are_not_urgent_fail_at_once_where_that_is_configured_with_the_reason(at_5_s: FrozenClock) -> None:
    limiter = shared_limiter(WhenDown.FAIL)
    assert unsent(step(acquiring(limiter)[1], LimiterDown("refused"))) == f"{DOWN} (refused)"
    with mock.patch.object(rate_limits, "shared_limiter_of", return_value=limiter):
        assert unsent(first(paced(), send(call=PLACE))) == f"{DOWN} (it has just failed: refused)"


def test_an_interrupt_while_the_store_is_asked_goes_through(at_5_s: FrozenClock) -> None:
    limiter = shared_limiter()
    _, flow = acquiring(limiter, urgent=True)
    with pytest.raises(KeyboardInterrupt):
        flow.throw(KeyboardInterrupt())
    assert limiter.may_try()


# -- the account of a shared window -----------------------------------------------------------------------------------


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
        mock.patch.object(params, "open_limiter", return_value=shared_limiter()),
        mock.patch.dict(rate_limits._uids, clear=True),
    ):
        yield another()


def another(**options: Any) -> Any:
    """Return an exchange that shares a window."""
    made = exchange(rateGate="redis://127.0.0.1/0", **options)
    made.enableRateLimit = True
    return made


def fetch(made: Any, *replies: object) -> list[Endpoint]:
    """Fetch an order; return the endpoints that were called."""
    venue = Caller(in_turn(*replies))
    assert venue.call(fetch_flows.fetch_order(made, "12", BTC, CROSS))["id"] == "12"
    return [call.endpoint for call in venue.calls]


def test_the_uid_is_queried_once_where_the_window_is_shared(sharing: Any) -> None:
    assert fetch(sharing, {"userId": "77"}, page(row(12))) == [
        Endpoint.ACCOUNT,
        Endpoint.OPEN_ORDERS,
        Endpoint.HISTORY_ORDERS,
    ]
    assert sharing.options["uid"] == "77"
    assert fetch(sharing, page(row(12))) == [Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS]
    sibling = another()
    assert fetch(sibling, page(row(12))) == [Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS]
    assert sibling.options["uid"] == "77"
    unlimited = another()
    unlimited.enableRateLimit = False
    unlimited.apiKey = "another"
    assert fetch(unlimited, page(row(12))) == [Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS]
    alone = exchange()
    assert fetch(alone, page(row(12))) == [Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS]
    assert "uid" not in alone.options


@pytest.mark.parametrize(
    ("flow", "uid", "limit_ms"),
    [
        (lambda made: fetch_flows.fetch_order(made, "12", BTC, CROSS), None, 3_500),
        (lambda made: fetch_flows.fetch_order(made, "12", BTC, CROSS), "", 1_000),
        (lambda made: cancel.cancel_orders(made, ["12"], BTC, CROSS), None, 1_000),
    ],
    ids=["first", "later", "cancel"],
)
def test_only_a_first_query_for_the_uid_waits_for_those_of_other_programs(
    sharing: Any, flow: Any, uid: str | None, limit_ms: int
) -> None:
    sharing.options["uid"] = uid
    with mock.patch.object(call, "monotonic_ms", return_value=5_000.0):
        effect = next(flow(sharing))
    assert [send.deadline_ms for send in effect.sends] == [5_000 + limit_ms]


def test_the_uid_of_a_unified_account_is_queried_by_its_own_endpoint(sharing: Any) -> None:
    ours = {"orderId": "12", "category": "MARGIN", "symbol": "BTCUSDT", "qty": "1", "cumExecQty": "0"}
    found = {"orderStatus": "live", "createdTime": str(EPOCH_MS), "updatedTime": str(EPOCH_MS), **ours}
    assert fetch(sharing, fault("40085"), {"uid": "78"}, found) == [
        Endpoint.ACCOUNT,
        Endpoint.UNIFIED_SETTINGS,
        Endpoint.UNIFIED_ORDER,
    ]
    assert sharing.options["uid"] == "78"


@pytest.mark.parametrize("response", [{}, fault("40014"), fault()], ids=str)
def test_without_a_uid_in_the_response_the_key_names_the_account(
    sharing: Any, response: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "bitget_margin.windows"):
        assert fetch(sharing, response, page(row(12))) == [
            Endpoint.ACCOUNT,
            Endpoint.OPEN_ORDERS,
            Endpoint.HISTORY_ORDERS,
        ]
    assert [record.getMessage() for record in caplog.records] == [
        (
            "The UID of the account could not be read: the shared rate limit window is that of the key alone. "
            "options['uid'] sets it"
        )
    ]
    assert sharing.options["uid"] == ""
    caplog.clear()
    with caplog.at_level(logging.WARNING, "bitget_margin.windows"):
        assert fetch(sharing, response, page(row(12))) == [
            Endpoint.ACCOUNT,
            Endpoint.OPEN_ORDERS,
            Endpoint.HISTORY_ORDERS,
        ]
    assert caplog.records == [], "it is logged once"
    # Asked again, but not while a cancel waits.
    canceling = cancel.cancel_orders(sharing, ["12"], BTC, CROSS)
    effect = next(canceling)
    assert [send.call.endpoint for send in effect.sends] == [Endpoint.BATCH_CANCEL]  # type: ignore[union-attr]
    canceling.close()
    assert fetch(sharing, {"userId": "77"}, page(row(12))) == [
        Endpoint.ACCOUNT,
        Endpoint.OPEN_ORDERS,
        Endpoint.HISTORY_ORDERS,
    ]
    assert sharing.options["uid"] == "77"


def test_the_query_for_the_uid_takes_a_second_of_a_cancel_at_most(sharing: Any) -> None:
    canceling = cancel.cancel_orders(sharing, ["12"], BTC, CROSS)
    effect: Any = next(canceling)
    (query,) = effect.sends
    assert (query.call.endpoint, query.request_ms, query.urgent) == (Endpoint.ACCOUNT, 1_000, False)
    assert 0 < query.deadline_ms - transport.monotonic_ms() <= 1_000
    refused = canceling.send((fault("429", status=429),))
    assert [send.call.endpoint for send in refused.sends] == [Endpoint.BATCH_CANCEL]  # type: ignore[union-attr]
    canceling.close()
