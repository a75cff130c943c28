"""The rules for calls that place: what is said to be placed is there, once, and what is refused is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .evidence import Evidence
from .verdict import Finding, Flaw

_PLACES: Final = ("place-order", "place-batch")


def judge_placing(e: Evidence) -> Iterator[Finding]:
    """Yield what is wrong with what was said of the orders that were to be placed."""
    new = e.new()
    if e.answer.placed is None:
        for order in new:
            yield Finding(Flaw.FALSE, f"{e.answer.error!r}, and {order.client_oid} was placed as {order.order_id}")
    else:
        yield from _judge_accounting(e, e.answer.placed)
        for placed in e.answer.placed:
            yield from _judge_placed(e, placed)
    yield from _judge_doubles(e)


def undecided(placed: Mapping[str, Any]) -> bool:
    """Whether a structure leaves it open whether its order was placed."""
    return placed["id"] is None and placed["status"] is None


def was_there(e: Evidence, placed: Mapping[str, Any]) -> bool:
    """Whether the order that is said to be placed lived under that name before the call.

    The venue refuses a second one meanwhile; where its refusal is lost, the look-up shows the first one.
    """
    before = e.before.get(placed["id"] or "")
    return before is not None and before.live


def _judge_accounting(e: Evidence, placed: tuple[Mapping[str, Any], ...]) -> Iterator[Finding]:
    wishes = e.scenario.wishes
    if len(placed) != len(wishes):
        yield Finding(Flaw.LOST, f"{len(placed)} answers for {len(wishes)} orders")
        return
    for i, (order, wish) in enumerate(zip(placed, wishes, strict=True)):
        if order["clientOrderId"] is None or (wish.name or order["clientOrderId"]) != order["clientOrderId"]:
            yield Finding(Flaw.LOST, f"answer {i} is about {order['clientOrderId']}, not about {wish.name}")


def _judge_placed(e: Evidence, placed: Mapping[str, Any]) -> Iterator[Finding]:
    name, order_id, status = placed["clientOrderId"], placed["id"], placed["status"]
    if status == "rejected":
        if any(order.client_oid == name for order in e.new()):
            yield Finding(Flaw.FALSE, f"{name} is said to be rejected, and was placed")
    elif order_id is None:
        if e.answer.error is None:
            yield Finding(Flaw.FALSE, f"{name} comes back with neither id nor refusal, and without an exception")
    else:
        order = e.final.get(order_id)
        if order is None or not e.owns(order) or order.client_oid != name:
            yield Finding(Flaw.FALSE, f"{name} is said to be order {order_id}, and is not")
        elif order_id in e.before and not e.before[order_id].live:
            yield Finding(Flaw.FALSE, f"{name} is said to be placed as {order_id}, which had ended before the call")


def _judge_doubles(e: Evidence) -> Iterator[Finding]:
    new = e.new()
    for name, count in Counter(order.client_oid for order in new).items():
        if count > 1:
            yield Finding(Flaw.DOUBLED, f"{name} was placed {count} times")
    if len(new) > len(e.scenario.wishes):
        yield Finding(Flaw.DOUBLED, f"{len(new)} orders were placed for {len(e.scenario.wishes)}")
    executed = [record for record in e.requests if record.path.endswith(_PLACES) and record.executed]
    if len(executed) > 1:
        yield Finding(Flaw.DOUBLED, f"{len(executed)} placing requests were carried out")
