"""Find the reason why an order is unresolved: an obstacle until the deadline, or none."""

from collections.abc import Iterator, Sequence
from typing import Final

from bitget_margin.core.endpoints import Endpoint
from bitget_margin.core.error_codes import Verdict
from bitget_margin.core.place_state import CLOCKS_APART_MS
from bitget_margin.core.settings import Settings
from bitget_margin.emulator import AccountKind, FaultKind, Order, RequestRecord
from bitget_margin.emulator.market.orders import Side
from campaign.code_responses import KINDS
from campaign.evidence import NEVER_EXECUTED, Evidence, Name, is_cancel
from campaign.judge_placing import is_placing, placed_as, placing_names, response_to
from campaign.scenario import PACING, By
from campaign.verdict import Reason

NEED_MS: Final = 200.0
"""Longest time of a proof without obstacles: two pauses, a second refusal or lookup, a few requests."""
_ROUND_TRIPS: Final = 14
"""Requests of a long proof: several pages, several ids twice, balance and fills for a new order."""
_LAST_LOOKUP_MS: Final = 30.0
"""Latest lookup before the end of a call."""
_KNOWN_TEXTS: Final = frozenset({"no order to cancel", "订单不存在"})
_HARMLESS: Final = NEVER_EXECUTED | {FaultKind.TWICE, FaultKind.UNASKED_IDS, FaultKind.WRONG_SYMBOL}
"""Faults after which it is clear whether a cancel was executed."""
_OF_DATA: Final = frozenset({FaultKind.NULL_DATA, FaultKind.NULL_LISTS, FaultKind.MISSING_LISTS})
_STALLS: Final = frozenset({FaultKind.STALL_BEFORE, FaultKind.STALL_AFTER})
_PER_SECOND: Final = {f"/api/{endpoint.path}": endpoint.per_second for endpoint in Endpoint}
_WINDOW_MS: Final = 1_050

Obstacle = tuple[float, Reason]
"""End of an obstacle on the venue's clock, and its reason."""


def explain(e: Evidence, name: Name) -> Reason | None:
    """Return the reason why one order is unresolved, or None if there is none."""
    meant, faults = e.meant(name), e.scenario.faults
    # It ends a call with time left, whatever else is in the way.
    contradiction = _contradiction(e)
    if contradiction is not None:
        return contradiction
    if e.successor(name) is not None:
        return Reason.HEIR
    cancels = e.cancels(name.value, *(() if meant is None else (meant.order_id, meant.client_oid)))
    doubtful = faults.has_knob("omit_ids", "omit_refused", "both_lists") or any(_unanswered(e, r) for r in cancels)
    if meant is None and doubtful:
        return Reason.ABSENT
    if e.is_elsewhere(name):
        return Reason.ELSEWHERE
    if e.is_beyond_pages(name):
        return Reason.PAGES
    if meant is None and _has_unknown_text(e):
        return Reason.WORDS
    if meant is not None and name.by is By.CLIENT_ID and not meant.live and doubtful:
        return Reason.OLD_NAME
    obstacles = list(obstacles_of(e))
    if meant is not None:
        obstacles.append(_end(e, e.after[meant.order_id], cancels))
    return reason_of(e, obstacles)


def explain_cancel_all(e: Evidence) -> Reason | None:
    """Return the reason why `cancel_all_orders` is unresolved although every single order is resolved."""
    contradiction = _contradiction(e)
    if contradiction is not None:
        return contradiction
    market = e.scenario.pair.market
    obstacles = list(obstacles_of(e))
    obstacles += [_end(e, e.after[order_id], e.cancels(order_id)) for order_id in e.touchable()]
    elsewhere = any(o.live and e.owns(o) and o.symbol != market for o in e.after.values())
    answers = e.scenario.account is AccountKind.UNIFIED or e.scenario.faults.has_knob("open_orders_without_symbol")
    if elsewhere and not e.scenario.others and not answers:
        return Reason.FROZEN
    return reason_of(e, obstacles)


def explain_placing(e: Evidence, client_id: str) -> Reason | None:
    """Return the reason why a new order is unresolved."""
    order = placed_as(e, client_id)
    seen_ms = e.began_ms + e.answer.elapsed_ms - _LAST_LOOKUP_MS
    # Lists that are null count as empty, as they are in captures.
    hidden = any(record.method == "GET" and record.fault is FaultKind.NULL_LISTS for record in e.requests)
    unseen = order is None or hidden or _appearance(e, order)[0] > seen_ms
    if unseen and e.scenario.ends_when_missed and getattr(e.answer.error, "missed_twice", False):
        return Reason.MISSED
    if order is None and any(e.owns(o) and o.live and o.client_oid == client_id for o in e.before.values()):
        return Reason.NAMESAKE
    if order is None and not _is_refused(e, client_id):
        return Reason.NEVER_PLACED
    contradiction = _contradiction(e)
    if contradiction is not None:
        return contradiction
    if order is None and e.scenario.apart_ms < CLOCKS_APART_MS and any(not o.live for o in e.before.values()):
        return Reason.CLOSE
    if order is None and _is_frozen_elsewhere(e):
        return Reason.FROZEN
    return reason_of(e, [*obstacles_of(e), *([] if order is None else [_appearance(e, order)])])


def _is_frozen_elsewhere(e: Evidence) -> bool:
    """Whether orders of another symbol freeze quote coins and cannot be listed."""
    if e.scenario.account is AccountKind.UNIFIED or e.scenario.faults.has_knob("open_orders_without_symbol"):
        return False
    market, buys = e.scenario.pair.market, any(new_order.side == Side.BUY for new_order in e.scenario.new_orders)
    others = [o for o in e.after.values() if o.live and e.owns(o) and o.symbol != market]
    return buys and any(order.side is Side.BUY for order in others)


def _is_refused(e: Evidence, client_id: str) -> bool:
    """Whether all responses about an order are refusals that lookups can confirm."""
    sent = [record for record in e.requests if is_placing(record) and client_id in placing_names(record)]
    return bool(sent) and all(_refuses(e, record, client_id) for record in sent)


def _refuses(e: Evidence, record: RequestRecord, client_id: str) -> bool:
    if record.fault in {None, FaultKind.REPEAT, FaultKind.TWICE, FaultKind.UNASKED_IDS}:
        return True
    response = response_to(e, record, client_id)
    if response is None:
        return record.fault in {FaultKind.ITEM_CODE_BEFORE, FaultKind.ITEM_CODE_AFTER}
    return not response.leaves_open and response.verdict is not Verdict.LIMITED


def _appearance(e: Evidence, order: Order) -> Obstacle:
    """Return the time until which a new order could not be seen."""
    if order.live:
        return order.created_ms, Reason.LATE
    lag_ms = e.scenario.faults.knob("history_lag_ms")
    return order.updated_ms + lag_ms, Reason.LAG if lag_ms else Reason.LATE


def reason_of(e: Evidence, obstacles: Sequence[Obstacle]) -> Reason | None:
    """Return the last obstacle, if too little time was left after it."""
    latest_ms, reason = max(obstacles, default=(e.began_ms, None))
    latency_ms = _ROUND_TRIPS * e.scenario.faults.knob("latency_ms")
    if latest_ms + NEED_MS + latency_ms > e.deadline_ms:
        return reason or Reason.FAULT
    if any(record.fault is FaultKind.REFUSE for record in e.requests):
        # The emulator does not record refused connections, but they count in the library's rate windows.
        return Reason.REFUSED
    return Reason.WINDOW if _window_is_full(e) else None


def obstacles_of(e: Evidence) -> Iterator[Obstacle]:
    """Yield the obstacles for all orders: requests with a fault, each until its end."""
    for record in e.requests:
        late_ms = _slowness_ms(e, record)
        if record.fault is not None or late_ms:
            yield record.at_ms + min(late_ms, _longest_ms(e, record)), Reason.FAULT


def _longest_ms(e: Evidence, record: RequestRecord) -> float:
    """Return the time limit of a request; a single order may use all the time but a third."""
    settings = Settings(timeout_ms=e.scenario.timeout_ms)
    if record.fault in {FaultKind.REFUSE, FaultKind.TOO_MANY}:
        return float("inf")  # the port or the window is the obstacle, not the request
    if record.path.endswith("/place-order"):
        return max(settings.request_ms, e.deadline_ms - settings.request_ms - record.at_ms)
    return settings.lookup_ms if record.method == "GET" else settings.change_ms


def _slowness_ms(e: Evidence, record: RequestRecord) -> float:
    """Return the delay by a request's fault."""
    faults = e.scenario.faults
    knobs = ("batch_cancel_stall_ms", "batch_cancel_trickle_ms")
    slow_ms = sum(faults.knob(knob) for knob in knobs) if is_cancel(record) else 0
    if record.fault in _STALLS:
        return float("inf")
    if record.fault in {FaultKind.SLOW_BYTES, FaultKind.REFUSE}:
        return slow_ms + max(rule.duration_ms for rule in faults.rules if rule.kind is record.fault)
    # After this refusal the library treats the rate window as full.
    return slow_ms + (_WINDOW_MS if record.fault is FaultKind.TOO_MANY else 0)


def _end(e: Evidence, truth: Order, cancels: Sequence[RequestRecord]) -> Obstacle:
    """Return the time until which the final state of an order could not be seen."""
    faults = e.scenario.faults
    if truth.live:
        last_ms = max((record.at_ms for record in cancels if record.executed), default=e.began_ms)
        return last_ms + PACING.recancel_ms + faults.knob("ack_delay_ms"), Reason.LIVES
    lag_ms = faults.knob("history_lag_ms")
    return truth.updated_ms + lag_ms, Reason.LAG if lag_ms else Reason.ACK_DELAY


def _contradiction(e: Evidence) -> Reason | None:
    faults = [record.fault for record in e.requests]
    codes = [rule.code for rule in e.scenario.faults.rules if rule.kind in faults]
    if FaultKind.UNIFIED in faults or KINDS & set(codes):
        return Reason.KIND
    return Reason.CLOCK if faults.count(FaultKind.CLOCK_SKEW) > 1 else None


def _unanswered(e: Evidence, record: RequestRecord) -> bool:
    """Whether the response to a cancel left its result open."""
    if record.fault in _OF_DATA and not record.executed:
        return False  # a refusal has no data that the fault could remove
    if _slowness_ms(e, record) >= e.scenario.timeout_ms / 4:
        return True
    return record.fault not in _HARMLESS | {None, FaultKind.SLOW_BYTES}


def _has_unknown_text(e: Evidence) -> bool:
    knobs = dict(e.scenario.faults.knobs)
    text = knobs.get("failure_text_unknown")
    coded = e.scenario.account is AccountKind.UNIFIED or "failure_code" in knobs
    return text is not None and text not in _KNOWN_TEXTS and not coded


def _window_is_full(e: Evidence) -> bool:
    """Whether one of the endpoints had no room for the rest of the call."""
    for path, limit in _PER_SECOND.items():
        sent = sorted(record.at_ms for record in e.requests if record.path == path)
        if len(sent) >= limit and sent[-limit] + _WINDOW_MS + NEED_MS > e.deadline_ms:
            return True
    return False
