"""The rules for calls that place: what is said to be placed is there, once, and what is refused is not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

from bitget_margin.core.error_codes import Verdict
from bitget_margin.emulator import FaultKind, Order, RequestRecord

from .codes import KINDS, Said, said_by
from .evidence import NEVER_EXECUTED, Evidence, Settled, Statement
from .outcomes import judge_numbers
from .scenario import Wish
from .verdict import Finding, Flaw

SETTLED_MS: Final = 30_000.0
"""How long it may take, once the trouble has ended, until it is known of every order whether it was placed."""
_PLACES: Final = ("/place-order", "/batch-place-order", "/place-batch")
_STATUSES: Final = {"closed": "filled", "canceled": "cancelled"}
_TAKEN: Final = "nothing was placed: give a new one"
_CENT: Final = Decimal("0.01")
"""To which ccxt rounds what a market buy may cost."""


def judge_placing(e: Evidence) -> Iterator[Finding]:
    """Yield what is wrong with what was said of the orders that were to be placed."""
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
    """Whether a structure leaves it open whether its order was placed."""
    return placed["id"] is None and placed["status"] is None


def was_there(e: Evidence, placed: Mapping[str, Any]) -> bool:
    """Whether the order that is said to be placed is one of the same terms that lived under that name before the call.

    The venue refuses a second one meanwhile: whoever asks for the same order again gets the one that there is.
    """
    before, wish = e.before.get(placed["id"] or ""), wishes(e).get(placed["clientOrderId"])
    return before is not None and before.live and wish is not None and e.owns(before) and _fits(e, before, wish)


def is_placing(record: RequestRecord) -> bool:
    """Whether this request wants orders placed."""
    return record.path.endswith(_PLACES)


def placing_names(record: RequestRecord) -> list[str]:
    """Return the client order ids in the body of a request that places."""
    body = json.loads(record.body)
    items = body.get("orderList", [body]) if isinstance(body, dict) else body
    return [item["clientOid"] for item in items]


def said_of(e: Evidence, record: RequestRecord, name: str) -> Said | None:
    """Return what a request that places was answered about this order; None for an answer as documented, or none."""
    rule = e.scenario.trouble.rule(record.fault)
    said = None if rule is None else said_by(rule)
    if rule is None or said is None or not said.is_item:
        return said
    names = placing_names(record)
    if rule.kind is FaultKind.ITEM_CODE_AFTER:  # only what has succeeded is said to have failed
        new = {order.client_oid for order in e.new()}
        names = [name for name in names if name in new]
    return said if name in names[: rule.items] else None


def placed_as(e: Evidence, name: str) -> Order | None:
    """Return the new order that has this client order id."""
    return next((order for order in e.new() if order.client_oid == name), None)


def wishes(e: Evidence) -> dict[str, Wish]:
    """Return what each client order id was to be; of those that the library makes up, as far as one was seen."""
    requested = next((placing_names(record) for record in e.requests if is_placing(record)), [])
    told = [order["clientOrderId"] for order in e.answer.placed or ()]
    wanted: dict[str, Wish] = {}
    for i, wish in enumerate(e.scenario.wishes):
        made_up = next((names[i] for names in (requested, told) if i < len(names)), None)
        name = wish.name or made_up
        if name is not None:
            wanted[name] = wish
    return wanted


def _fits(e: Evidence, order: Order, wish: Wish) -> bool:
    """Whether an order is what was wanted, to the last digit but for what a market buy may cost."""
    if (order.symbol, order.side.value, order.order_type.value) != (e.scenario.pair.market, wish.side, wish.order_type):
        return False
    price, size = Decimal(wish.price), Decimal(wish.size)
    if (wish.order_type, wish.side) == ("market", "buy"):
        return abs(order.quote_size - price * size) <= _CENT
    return order.base_size == size and (wish.order_type == "market" or order.price == price)


def _judge_refusal(e: Evidence) -> Iterator[Finding]:
    """Yield what was placed behind an exception that says that nothing was."""
    for order in e.new():
        yield Finding(Flaw.LOST, f"{e.answer.error!r}, and {order.client_oid} was placed as {order.order_id}")
    if str(e.answer.error).endswith(_TAKEN):
        names = {order.client_oid for order in e.before.values() if e.owns(order)}
        for name in wishes(e).keys() - names:
            yield Finding(Flaw.FALSE, f"another order is said to have the name {name}, and there is none")


def _judge_accounting(e: Evidence, placed: tuple[Mapping[str, Any], ...]) -> Iterator[Finding]:
    wanted = e.scenario.wishes
    if len(placed) != len(wanted):
        yield Finding(Flaw.LOST, f"{len(placed)} answers for {len(wanted)} orders")
        return
    for i, (order, wish) in enumerate(zip(placed, wanted, strict=True)):
        if order["clientOrderId"] is None or (wish.name or order["clientOrderId"]) != order["clientOrderId"]:
            yield Finding(Flaw.LOST, f"answer {i} is about {order['clientOrderId']}, not about {wish.name}")
    for order_id, count in Counter(order["id"] for order in placed if order["id"] is not None).items():
        if count > 1:
            yield Finding(Flaw.INVENTED, f"{count} orders are said to be placed as {order_id}")


def _judge_placed(e: Evidence, placed: Mapping[str, Any]) -> Iterator[Finding]:
    name, order_id, status = placed["clientOrderId"], placed["id"], placed["status"]
    order = placed_as(e, name)
    if order_id is not None:
        yield from _judge_id(e, placed)
    elif status == "rejected":
        if order is not None:
            yield Finding(Flaw.LOST, f"{name} is said to be rejected, and was placed as {order.order_id}")
    elif status is not None:
        yield Finding(Flaw.FALSE, f"{name} is said to be {status}, without an id")
    elif e.answer.error is None:
        yield Finding(Flaw.FALSE, f"{name} comes back with neither id nor refusal, and without an exception")


def _judge_id(e: Evidence, placed: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with an id: it is to be that of the order that was wanted, placed by this call."""
    name, order_id = placed["clientOrderId"], placed["id"]
    order, wish = e.final.get(order_id), wishes(e).get(name)
    if order is None or not e.owns(order) or order.client_oid != name:
        yield Finding(Flaw.INVENTED, f"{name} is said to be order {order_id}, and is not")
    elif order_id in e.before and not was_there(e, placed):
        yield Finding(Flaw.INVENTED, f"{name} is said to be placed as {order_id}, which is older than the call")
    elif wish is not None and not _fits(e, order, wish):
        yield Finding(Flaw.INVENTED, f"{name} is said to be placed as {order_id}, which is not what was wanted")
    else:
        yield from _judge_state(placed, order)


def _judge_state(placed: Mapping[str, Any], order: Order) -> Iterator[Finding]:
    """Yield what is false about the state of a new order, which nobody touches after it was placed."""
    what, said = f"{placed['clientOrderId']} is said to be placed", placed["status"]
    if said is not None and _STATUSES.get(said, "live") != order.status:
        yield Finding(Flaw.FALSE, f"{what} and {said}, and is {order.status}")
    elif placed["filled"] is not None:
        yield from judge_numbers(what, Statement(order.order_id, order.client_oid, "", "placed", placed), order)


def _judge_settled(e: Evidence, settled: Settled) -> Iterator[Finding]:
    """Yield what is wrong once the trouble has ended: the order is there, or two look-ups do not show it."""
    order = placed_as(e, settled.name)
    if settled.order is not None and (order is None or settled.order["id"] != order.order_id):
        yield Finding(Flaw.INVENTED, f"{settled.name}, asked for again, is said to be {settled.order['id']}")
    elif settled.is_missed and order is not None:
        yield Finding(Flaw.LOST, f"{settled.name}, asked for again, is not found, and is {order.order_id}")
    elif (settled.order is None and not settled.is_missed) or settled.elapsed_ms > SETTLED_MS:
        told = f"after {settled.elapsed_ms:.0f} ms: {settled.error!r}"
        yield Finding(Flaw.UNEXPLAINED, f"{settled.name} is not settled once the trouble has ended, {told}")


def _judge_doubles(e: Evidence) -> Iterator[Finding]:
    new, wanted = e.new(), wishes(e)
    for name, count in Counter(order.client_oid for order in new).items():
        if count > 1:
            yield Finding(Flaw.DOUBLED, f"{name} was placed {count} times")
        if name not in wanted:
            yield Finding(Flaw.DOUBLED, f"{name} was placed, and nobody wanted it")
    for name in wanted:
        sent = [record for record in e.requests if is_placing(record) and name in placing_names(record)]
        if not all(_may_be_repeated(e, record, name) for record in sent[:-1]):
            yield Finding(Flaw.DOUBLED, f"{name} was sent {len(sent)} times, and may have been placed before the last")
    if len(new) > len(e.scenario.wishes):
        yield Finding(Flaw.DOUBLED, f"{len(new)} orders were placed for {len(e.scenario.wishes)}")


def _may_be_repeated(e: Evidence, record: RequestRecord, name: str) -> bool:
    """Whether the answer to this request says that the order was not placed, so that it can be sent again."""
    if record.fault in NEVER_EXECUTED or record.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    said = said_of(e, record, name)
    return said is not None and (said.verdict in {Verdict.LIMITED, Verdict.CLOCK} or said.code in KINDS)
