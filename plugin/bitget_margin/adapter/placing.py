"""Placing an order, once: an ambiguous answer is resolved by look-ups, never by sending again.

The venue knows a client order id for six hours, and only while its order is unfilled, so a second request could buy
twice (https://www.bitget.com/api-doc/margin/cross/trade/Cross-Place-Order, December 2025).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import ccxt

from bitget_margin.adapter import asking
from bitget_margin.adapter.base import Order, Params
from bitget_margin.adapter.context import SIGNATURES, Signatures
from bitget_margin.adapter.desk import load_markets, open_desk
from bitget_margin.adapter.orders import readable
from bitget_margin.core.ask import find
from bitget_margin.core.call import Answer, Fault, Flow, Perform, Reply, Wait
from bitget_margin.core.codes import Verdict, verdict
from bitget_margin.core.delivery import Desk
from bitget_margin.core.row import Row
from bitget_margin.core.target import BadInput, IdKind, Target, client_id

if TYPE_CHECKING:
    from bitget_margin.adapter.margin import CrossedMargin


def create_order(
    exchange: CrossedMargin,
    stock: Callable[..., Any],
    symbol: object,
    order: tuple[Any, ...],
    params: Params,
) -> Flow[Order]:
    """Place a crossed order through stock ccxt; `order` is its type, side, amount and price."""
    method = "create_order"
    unified = asking.required_symbol(exchange, method, symbol)
    asking.refuse_conditional(exchange, method, params)
    exchange.refuse_sandbox(method)
    exchange.check_required_credentials()
    settings = asking.settings(exchange, method, params, confirm=False)
    given = next((params[key] for key in ("clientOrderId", "clientOid") if params.get(key) is not None), None)
    try:
        name = uuid.uuid4().hex if given is None else client_id(given, "clientOrderId")
    except BadInput as error:
        raise asking.bad(exchange, method, error) from None
    sent = {**exchange.omit(params, ["clientOid", *asking.BOUNDS]), "clientOrderId": name, "maxRetriesOnFailure": 0}
    signatures = Signatures()
    desk = open_desk(exchange, settings)
    yield from load_markets(exchange, desk)
    token = SIGNATURES.set(signatures)
    try:
        reply: Reply = yield Perform(lambda: stock(unified, *order, sent), desk.deadline.at_ms - settings.request_ms)
    finally:
        signed = signatures.close()
        SIGNATURES.reset(token)
    fault = _doubt(reply, signed)
    if fault is None:
        return cast("Order", reply.body if isinstance(reply, Answer) else None)
    market = asking.spot_market(exchange, method, unified)
    row = yield from _find_placed(desk, Target(market["id"], IdKind.CLIENT, name), ours_alone=given is None)
    if row is None:
        raise ccxt.NetworkError(
            f"{exchange.id} {method}(): the order with client order id {name} may have been placed ({fault.error}); "
            "no look-up shows it so far: look it up again before you place another",
        ) from fault.error
    return cast("Order", readable(exchange, row, market))


def _doubt(reply: Reply, signed: tuple[str, ...]) -> Fault | None:
    """Return the fault if the order may have been placed without an answer; raise what certainly placed nothing."""
    if isinstance(reply, Answer):
        order = reply.body
        if isinstance(order, dict) and order.get("id"):
            return None
        return Fault(ccxt.BadResponse("the answer names no order"))
    placing = any(path.endswith("crossed/place-order") for path in signed)
    if placing and verdict(reply) is Verdict.AMBIGUOUS:
        return reply
    raise reply.error


def _find_placed(desk: Desk, target: Target, *, ours_alone: bool) -> Flow[Row | None]:
    """Look the order up until it shows or the time is up; `ours_alone` is a name that no other order ever had."""
    tries = 0
    while True:
        row = yield from find(desk, target, placed_in_call=not ours_alone)
        if isinstance(row, Row):
            return row
        pause_ms = desk.settings.pacing.poll_ms(tries)
        if desk.deadline.left_ms() <= pause_ms:
            return None
        tries += 1
        yield Wait(desk.deadline.now_ms() + pause_ms)
