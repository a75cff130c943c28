"""Judge a round: from its evidence to a verdict.

The rules read the venue's books and nothing of the library's implementation.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import ccxt

from bitget_margin import CancelUnresolved, Outcome, PlaceUnresolved
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.emulator import FaultKind
from bitget_margin.emulator.market.orders import Status
from campaign.evidence import ENDED, Evidence, Name, Statement
from campaign.judge_cancelling import answers, judge_cancelling, lagged
from campaign.judge_outcomes import UNRESOLVED, is_lagged, judge_numbers
from campaign.judge_placing import judge_placing, placed_as, undecided, was_there
from campaign.scenario import Method
from campaign.unresolved_reasons import NEED_MS, explain, explain_cancel_all, explain_placing
from campaign.verdict import Finding, Flaw, Orders, Reason, Verdict
from support.owner_orders import may_touch_them

GRACE_MS: Final = 200.0
"""Time that a call may take beyond its `timeout`, in addition to delays of the machine."""
_REFUSALS: Final = (FaultKind.CLOCK_SKEW, FaultKind.UNIFIED)
"""Faults that end a call with a definitive error."""
_PER_SECOND: Final = {f"/api/{endpoint.path}": endpoint.per_second for endpoint in Endpoint}
_PLACE_PER_SECOND: Final = 10
_AT_ONCE: Final = frozenset({Reason.KIND, Reason.CLOCK, Reason.FROZEN, Reason.LIVES, Reason.MISSED})
"""Reasons that more time would not remove."""
_ENDS: Final = frozenset({Outcome.CANCELED.value, Outcome.FILLED.value})


def judge(e: Evidence) -> Verdict:
    """Return the verdict on a round."""
    reasons = list(_reasons(e))
    findings = [
        *(judge_placing(e) if e.scenario.method.places else judge_cancelling(e)),
        *_judge_books(e),
        *_judge_exception(e),
        *_judge_bounds(e),
        *_judge_again(e),
        *(Finding(Flaw.UNEXPLAINED, text) for text, reason in reasons if reason is None),
    ]
    return Verdict(
        seed=e.scenario.seed,
        number=e.scenario.number,
        label=e.scenario.faults.label,
        method=e.scenario.method.value,
        outcomes=_outcomes(e),
        placing=_placing(e) if e.scenario.method.places else Orders(),
        cancelling=Orders() if e.scenario.method.places else _cancelling(e),
        unresolved=bool(reasons),
        reasons=Counter(reason.value for _, reason in reasons if reason is not None),
        lagged=0 if e.scenario.method.places else lagged(e),
        findings=tuple(findings),
        requests=len(e.requests),
        elapsed_ms=e.answer.elapsed_ms,
        over_ms=e.answer.elapsed_ms - e.scenario.timeout_ms,
        lag_ms=e.lag_ms,
        account=e.scenario.account.value,
        owner_orders=(len(e.scenario.spot_orders), len(e.scenario.stops)),
    )


def _outcomes(e: Evidence) -> Counter[str]:
    if not e.scenario.method.places:
        return Counter(statement.outcome for statement in e.answer.statements or ())
    if e.answer.placed is None:
        return Counter({"refused": len(e.scenario.new_orders)})
    return Counter(_placing_outcome(e, order) for order in e.answer.placed)


def _placing(e: Evidence) -> Orders:
    """Count the orders to be placed; a call without an answer per order has refused them all."""
    wanted = len(e.scenario.new_orders)
    outcomes = [_placing_outcome(e, order) for order in e.answer.placed or ()]
    placed = [
        order
        for reported in e.answer.placed or ()
        if reported["id"] is not None and (order := placed_as(e, reported["clientOrderId"])) is not None
    ]
    return Orders(
        wanted,
        wanted - outcomes.count("unplaced"),
        len(placed),
        sum(order.status is Status.FILLED for order in placed),
        len(e.settled),
        max((settled.elapsed_ms for settled in e.settled), default=0.0),
    )


def _cancelling(e: Evidence) -> Orders:
    statements = e.answer.statements or ()
    return Orders(len(statements), sum(statement.outcome not in UNRESOLVED for statement in statements))


def _placing_outcome(e: Evidence, order: Mapping[str, Any]) -> str:
    if undecided(order):
        return "unplaced"
    if order["status"] == "rejected":
        return "refused"
    return "kept" if was_there(e, order) else "placed"


def _reasons(e: Evidence) -> Iterator[tuple[str, Reason | None]]:
    """Yield each unresolved order as text, with the reason; None if the call gave up with time left."""
    used_ms = e.answer.elapsed_ms + NEED_MS
    for text, reason in _explained(e):
        yield text, reason if reason in _AT_ONCE or e.began_ms + used_ms > e.deadline_ms else None


def _explained(e: Evidence) -> Iterator[tuple[str, Reason | None]]:
    """Yield each unresolved order as text, with the obstacle."""
    if isinstance(e.answer.error, PlaceUnresolved):
        for order in e.answer.placed or ():
            if undecided(order):
                name = order["clientOrderId"]
                yield f"{name} is not known to be placed", explain_placing(e, name)
    if not isinstance(e.answer.error, CancelUnresolved):
        return
    by_name = answers(e, e.answer.statements or ())
    open_ends = {name: one for name, one in by_name.items() if one is not None and one.outcome in UNRESOLVED}
    for name, one in open_ends.items():
        yield f"{name.value} is {one.outcome}", explain(e, name)
    if e.scenario.method is Method.CANCEL_ALL and not open_ends:
        alive = Outcome.OPEN.value in {one.outcome for one in by_name.values() if one is not None}
        yield str(e.answer.error), Reason.LIVES if alive else explain_cancel_all(e)


def _judge_books(e: Evidence) -> Iterator[Finding]:
    """Yield orders that changed without being named, and orders placed by a call that cancels."""
    touchable = e.touchable()
    for order_id, before in e.before.items():
        if order_id not in touchable and e.final[order_id] != before:
            yield Finding(Flaw.FOREIGN, f"{order_id} was not named, and is {e.final[order_id].status} now")
    for successor in (e.final[done.successor] for done in e.done if done.successor is not None):
        if not (successor.live and not successor.filled) and not e.is_indistinguishable(successor):
            yield Finding(Flaw.FOREIGN, f"{successor.order_id} got its name later, and is {successor.status}")
    yield from _judge_owner_orders(e)
    if not e.scenario.method.places:
        for order in e.new():
            yield Finding(Flaw.DOUBLED, f"{order.order_id} was placed by a call that cancels")


def _judge_owner_orders(e: Evidence) -> Iterator[Finding]:
    """Yield changes of the owner's strategy orders, and requests that could change spot or strategy orders."""
    for order_id, before in e.stops_before.items():
        if e.stops[order_id] != before:
            yield Finding(Flaw.FOREIGN, f"strategy order {order_id} was not named, and is {e.stops[order_id].status}")
    for order_id in e.stops.keys() - e.stops_before.keys():
        yield Finding(Flaw.DOUBLED, f"strategy order {order_id} was placed, and was not requested")
    for record in e.requests:
        if may_touch_them(record):
            yield Finding(Flaw.FOREIGN, f"{record.path} is no endpoint of margin orders, or its body names spot orders")


def _judge_exception(e: Evidence) -> Iterator[Finding]:
    error = e.answer.error
    if error is None or _is_documented(e, error):
        return
    yield Finding(Flaw.UNDOCUMENTED, f"{type(error).__name__}: {error}")


def _is_documented(e: Evidence, error: BaseException) -> bool:
    outcomes = [one.outcome for one in e.answer.statements or ()]
    if e.scenario.method.places:
        return isinstance(error, PlaceUnresolved) or (
            isinstance(error, ccxt.BaseError) and not isinstance(error, CancelUnresolved)
        )
    if isinstance(error, CancelUnresolved):
        return e.scenario.method is Method.CANCEL_ALL or bool(UNRESOLVED & set(outcomes))
    if e.scenario.method is Method.CANCEL_ORDER and outcomes == [Outcome.NOT_FOUND.value]:
        return isinstance(error, ccxt.OrderNotFound)
    if e.scenario.method is Method.CANCEL_ORDER and outcomes == [Outcome.OPEN.value]:
        return isinstance(error, ccxt.ExchangeError)
    refused = any(record.fault in _REFUSALS for record in e.requests)
    return refused and isinstance(error, ccxt.BaseError) and not isinstance(error, PlaceUnresolved)


def _judge_bounds(e: Evidence) -> Iterator[Finding]:
    """Yield calls that took too long or sent more requests than the rate limits allow."""
    over_ms = e.answer.elapsed_ms - e.scenario.timeout_ms
    if over_ms > GRACE_MS + e.lag_ms:
        yield Finding(Flaw.LATE, f"{e.answer.elapsed_ms:.0f} ms with a timeout of {e.scenario.timeout_ms}")
    for (method, path), count in Counter((record.method, record.path) for record in e.requests).items():
        # aiohttp itself repeats a GET once, where a connection that was kept turns out to be broken.
        tries = 2 if method == "GET" else 1
        bound = tries * _PER_SECOND.get(path, _PLACE_PER_SECOND) * (1 + int(e.answer.elapsed_ms // 1_000))
        if count > bound:
            yield Finding(Flaw.EXCESS, f"{count} requests to {path}, {bound} are allowed")


def _judge_again(e: Evidence) -> Iterator[Finding]:
    """Yield contradictions between the first answer and a second call after the faults ended."""
    if e.again is None:
        return
    if e.again.statements is None:
        yield Finding(Flaw.UNDOCUMENTED, f"canceled again: {e.again.error!r}")
        return
    if e.again.error is not None and not isinstance(e.again.error, CancelUnresolved):
        yield Finding(Flaw.UNDOCUMENTED, f"canceled again: {e.again.error!r}")
    first = answers(e, e.answer.statements or ())
    for name, second in zip(dict.fromkeys(e.again_names), e.again.statements, strict=True):
        if second.outcome not in UNRESOLVED:
            yield from _judge_second(e, name, first.get(name), second)
        elif not e.is_elsewhere(name):  # it claims nothing that could be false
            yield Finding(Flaw.UNEXPLAINED, f"{name.value} is {second.outcome} after the second call")


def _judge_second(e: Evidence, name: Name, before: Statement | None, second: Statement) -> Iterator[Finding]:
    """Yield what is false about the second statement, or contradicts the first one."""
    meant = e.meant(name)
    if meant is not None and e.final[meant.order_id].live:
        yield Finding(Flaw.FALSE, f"{name.value} is alive after the second call: {second.outcome}")
    if before is None or before.outcome not in _ENDS or is_lagged(e, name, before) or e.is_moved(name):
        return
    if (before.outcome, before.id) != (second.outcome, second.id):
        yield Finding(Flaw.FALSE, f"{name.value} was {before.outcome}, and in the second call is {second.outcome}")
    elif meant is not None and e.final[meant.order_id].status in ENDED:
        yield from judge_numbers(f"{name.value}, in the second call,", second, e.final[meant.order_id])
