"""Rules for calls that place: an order reported as placed exists once, a refused one does not."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

from bitget_margin.core.error_codes import Verdict
from bitget_margin.emulator import FaultKind, Order, RequestRecord
from campaign.code_responses import KINDS, CodeResponse, code_response_of
from campaign.evidence import NEVER_EXECUTED, Evidence, Settled, Statement
from campaign.judge_outcomes import judge_numbers
from campaign.scenario import NewOrder
from campaign.verdict import Finding, Flaw

SETTLED_MS: Final = 30_000.0
"""Time limit for resolving every order after the faults have ended."""
_PLACES: Final = ("/place-order", "/batch-place-order", "/place-batch")
_STATUSES: Final = {"closed": "filled", "canceled": "cancelled"}
_NAME_IN_USE: Final = "nothing was placed: give a new one"
_CENT: Final = Decimal("0.01")
"""Precision to which ccxt rounds the cost of a market buy."""


def judge_placing(e: Evidence) -> Iterator[Finding]:
    """Yield what is wrong with the answer to a call that places."""
    if e.answer.placed is None:
        yield from _judge_refusal(e)
    else:
        yield from _judge_accounting(e, e.answer.placed)
        for placed in e.answer.placed:
            yield from _judge_placed(e, placed)
    for settled in e.settled:
        yield from _judge_settled(e, settled)
    yield from _judge_doubles(e)


def undecided(placed: Mapping[str, Any]) -> bool:
    """Whether an order structure is neither placed nor rejected."""
    return placed["id"] is None and placed["status"] is None


def was_there(e: Evidence, placed: Mapping[str, Any]) -> bool:
    """Whether the placed order is an identical one that was live under this name before the call.

    The venue refuses a second order under the same name, so the call returns the existing one.
    """
    before, new_order = e.before.get(placed["id"] or ""), new_orders(e).get(placed["clientOrderId"])
    return (
        before is not None and before.live and new_order is not None and e.owns(before) and _fits(e, before, new_order)
    )


def is_placing(record: RequestRecord) -> bool:
    """Whether this request places orders."""
    return record.path.endswith(_PLACES)


def placing_names(record: RequestRecord) -> list[str]:
    """Return the client order ids in the body of a request that places."""
    body = json.loads(record.body)
    items = body.get("orderList", [body]) if isinstance(body, dict) else body
    return [item["clientOid"] for item in items]


def response_to(e: Evidence, record: RequestRecord, name: str) -> CodeResponse | None:
    """Return the faulty response about this order; None for a documented response, or for none."""
    rule = e.scenario.faults.rule(record.fault)
    response = None if rule is None else code_response_of(rule)
    if rule is None or response is None or not response.is_item:
        return response
    names = placing_names(record)
    if rule.kind is FaultKind.ITEM_CODE_AFTER:  # only orders that were placed are reported as failed
        new = {order.client_oid for order in e.new()}
        names = [name for name in names if name in new]
    return response if name in names[: rule.items] else None


def placed_as(e: Evidence, name: str) -> Order | None:
    """Return the new order that has this client order id."""
    return next((order for order in e.new() if order.client_oid == name), None)


def new_orders(e: Evidence) -> dict[str, NewOrder]:
    """Map client order ids to the requested orders; generated ids as far as they were seen."""
    requested = next((placing_names(record) for record in e.requests if is_placing(record)), [])
    reported = [order["clientOrderId"] for order in e.answer.placed or ()]
    wanted: dict[str, NewOrder] = {}
    for i, new_order in enumerate(e.scenario.new_orders):
        made_up = next((names[i] for names in (requested, reported) if i < len(names)), None)
        name = new_order.name or made_up
        if name is not None:
            wanted[name] = new_order
    return wanted


def _fits(e: Evidence, order: Order, new_order: NewOrder) -> bool:
    """Whether an order has exactly the requested terms; the cost of a market buy is rounded."""
    if (order.symbol, order.side.value, order.order_type.value) != (
        e.scenario.pair.market,
        new_order.side,
        new_order.order_type,
    ):
        return False
    price, size = Decimal(new_order.price), Decimal(new_order.size)
    if (new_order.order_type, new_order.side) == ("market", "buy"):
        return abs(order.quote_size - price * size) <= _CENT
    return order.base_size == size and (new_order.order_type == "market" or order.price == price)


def _judge_refusal(e: Evidence) -> Iterator[Finding]:
    """Yield orders that were placed although the exception excludes it."""
    for order in e.new():
        yield Finding(Flaw.LOST, f"{e.answer.error!r}, and {order.client_oid} was placed as {order.order_id}")
    if str(e.answer.error).endswith(_NAME_IN_USE):
        names = {order.client_oid for order in e.before.values() if e.owns(order)}
        for name in new_orders(e).keys() - names:
            yield Finding(Flaw.FALSE, f"another order is reported to have the name {name}, and there is none")


def _judge_accounting(e: Evidence, placed: tuple[Mapping[str, Any], ...]) -> Iterator[Finding]:
    wanted = e.scenario.new_orders
    if len(placed) != len(wanted):
        yield Finding(Flaw.LOST, f"{len(placed)} answers for {len(wanted)} orders")
        return
    for i, (order, new_order) in enumerate(zip(placed, wanted, strict=True)):
        if order["clientOrderId"] is None or (new_order.name or order["clientOrderId"]) != order["clientOrderId"]:
            yield Finding(Flaw.LOST, f"answer {i} is about {order['clientOrderId']}, not about {new_order.name}")
    for order_id, count in Counter(order["id"] for order in placed if order["id"] is not None).items():
        if count > 1:
            yield Finding(Flaw.INVENTED, f"{count} orders are reported as placed as {order_id}")


def _judge_placed(e: Evidence, placed: Mapping[str, Any]) -> Iterator[Finding]:
    name, order_id, status = placed["clientOrderId"], placed["id"], placed["status"]
    order = placed_as(e, name)
    if order_id is not None:
        yield from _judge_id(e, placed)
    elif status == "rejected":
        if order is not None:
            yield Finding(Flaw.LOST, f"{name} is reported as rejected, and was placed as {order.order_id}")
    elif status is not None:
        yield Finding(Flaw.FALSE, f"{name} is reported as {status}, without an id")
    elif e.answer.error is None:
        yield Finding(Flaw.FALSE, f"{name} comes back with neither id nor refusal, and without an exception")


def _judge_id(e: Evidence, placed: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with an id: it has to be that of the requested order, placed by this call."""
    name, order_id = placed["clientOrderId"], placed["id"]
    order, new_order = e.final.get(order_id), new_orders(e).get(name)
    if order is None or not e.owns(order) or order.client_oid != name:
        yield Finding(Flaw.INVENTED, f"{name} is reported as order {order_id}, and is not")
    elif order_id in e.before and not was_there(e, placed):
        yield Finding(Flaw.INVENTED, f"{name} is reported as placed as {order_id}, which is older than the call")
    elif new_order is not None and not _fits(e, order, new_order):
        yield Finding(Flaw.INVENTED, f"{name} is reported as placed as {order_id}, which is not what was wanted")
    else:
        yield from _judge_state(placed, order)


def _judge_state(placed: Mapping[str, Any], order: Order) -> Iterator[Finding]:
    """Yield what is false about the state of a new order, which does not change after it was placed."""
    what, status = f"{placed['clientOrderId']} is reported as placed", placed["status"]
    if status is not None and _STATUSES.get(status, "live") != order.status:
        yield Finding(Flaw.FALSE, f"{what} and {status}, and is {order.status}")
    elif placed["filled"] is not None:
        yield from judge_numbers(what, Statement(order.order_id, order.client_oid, "", "placed", placed), order)


def _judge_settled(e: Evidence, settled: Settled) -> Iterator[Finding]:
    """Yield what is wrong once the faults have ended: the order is there, or two lookups do not show it."""
    order = placed_as(e, settled.name)
    if settled.order is not None and (order is None or settled.order["id"] != order.order_id):
        yield Finding(Flaw.INVENTED, f"{settled.name}, looked up later, is reported as {settled.order['id']}")
    elif settled.is_missed and order is not None:
        yield Finding(Flaw.LOST, f"{settled.name}, looked up later, is not found, and is {order.order_id}")
    elif (settled.order is None and not settled.is_missed) or settled.elapsed_ms > SETTLED_MS:
        after = f"after {settled.elapsed_ms:.0f} ms: {settled.error!r}"
        yield Finding(Flaw.UNEXPLAINED, f"{settled.name} is not settled once the faults have ended, {after}")


def _judge_doubles(e: Evidence) -> Iterator[Finding]:
    new, wanted = e.new(), new_orders(e)
    for name, count in Counter(order.client_oid for order in new).items():
        if count > 1:
            yield Finding(Flaw.DOUBLED, f"{name} was placed {count} times")
        if name not in wanted:
            yield Finding(Flaw.DOUBLED, f"{name} was placed, and was not requested")
    for name in wanted:
        sent = [record for record in e.requests if is_placing(record) and name in placing_names(record)]
        if not all(_may_be_repeated(e, record, name) for record in sent[:-1]):
            yield Finding(Flaw.DOUBLED, f"{name} was sent {len(sent)} times, and may have been placed before the last")
    if len(new) > len(e.scenario.new_orders):
        yield Finding(Flaw.DOUBLED, f"{len(new)} orders were placed for {len(e.scenario.new_orders)}")


def _may_be_repeated(e: Evidence, record: RequestRecord, name: str) -> bool:
    """Whether the response proves that the order was not placed, so that it can be sent again."""
    if record.fault in NEVER_EXECUTED or record.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    response = response_to(e, record, name)
    return response is not None and (response.verdict in {Verdict.LIMITED, Verdict.CLOCK} or response.code in KINDS)
