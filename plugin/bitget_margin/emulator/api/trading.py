"""Placing and canceling, as far as it is the same for both kinds of account."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from bitget_margin.emulator.api.params import Params
from bitget_margin.emulator.api.request import PrivateRequest, Row
from bitget_margin.emulator.behaviour.knobs import EchoIds, Knobs
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import ZERO, fits, floor_to, write_decimal
from bitget_margin.emulator.market.orders import Order, OrderType, Side, Ticket
from bitget_margin.emulator.market.symbol import Symbol


class Sizes(NamedTuple):
    """Price and sizes of an order to be placed; 0 where they do not apply."""

    price: Decimal
    base: Decimal
    quote: Decimal

    def value(self, market_price: Decimal) -> Decimal:
        """Return the order's value in quote coins."""
        return self.quote or self.base * market_price

    def amount(self, symbol: Symbol, market_price: Decimal) -> Decimal:
        """Return the order's amount in base coins."""
        return self.base or floor_to(self.quote / market_price, symbol.quantity_precision)


def read_sizes(params: Params, symbol: Symbol, side: Side, order_type: OrderType, *, base: str, quote: str) -> Sizes:
    """Read price and sizes of an order.

    :param base: name of the parameter for an amount of base coins
    :param quote: name of the parameter for an amount of quote coins, which sizes a market buy
    """
    if order_type is OrderType.LIMIT:
        price = _read_scaled(params, "price", symbol.price_precision)
        amount = _read_scaled(params, base, symbol.quantity_precision)
        return Sizes(price, amount, price * amount)
    if side is Side.BUY:
        return Sizes(ZERO, ZERO, _read_scaled(params, quote, symbol.price_precision + symbol.quantity_precision))
    return Sizes(ZERO, _read_scaled(params, base, symbol.quantity_precision), ZERO)


def _read_scaled(params: Params, name: str, decimals: int) -> Decimal:
    number = params.amount(name)
    if not fits(number, decimals):
        raise VenueError(Refusal.BAD_SCALE, name, write_decimal(number), decimals)
    return number


def read_client_id(params: Params) -> str:
    """Return the client order id of an order to be placed, or a new one."""
    return params.optional_text("clientOid") or uuid.uuid4().hex


def place(request: PrivateRequest, ticket: Ticket) -> Row:
    """Place an order and return its ids."""
    order = request.engine.place(request.account.uid, ticket, request.now_ms)
    return {"orderId": order.order_id, "clientOid": order.client_oid}


@dataclass(frozen=True, slots=True)
class Target:
    """Order to be canceled: the ids of the request, and the order that they identify."""

    order_id: str | None
    client_oid: str | None
    order: Order | None

    def ids(self, echo: EchoIds) -> Row:
        """Return the ids of the item's row in a response."""
        if echo is EchoIds.REQUESTED:
            ids = {"orderId": self.order_id, "clientOid": None if self.order_id else self.client_oid}
            return {name: value for name, value in ids.items() if value is not None}
        if self.order is not None:
            return {"orderId": self.order.order_id, "clientOid": self.order.client_oid}
        return {"orderId": self.order_id or "", "clientOid": self.client_oid or ""}


def read_target(request: PrivateRequest, item: Params, symbol: str | None, missing: VenueError) -> Target:
    """Read the ids of an order to be canceled, and find the order.

    :param symbol: only orders of this symbol are found; None for any
    :param missing: error of an item without ids
    """
    order_id, client_oid = item.optional_text("orderId"), item.optional_text("clientOid")
    if order_id is None and client_oid is None:
        raise missing
    order = request.engine.orders.find(request.account.uid, symbol, order_id, client_oid)
    return Target(order_id, client_oid, order)


def cancel_one(request: PrivateRequest, target: Target) -> Row:
    """Cancel one order and return its ids, or refuse."""
    refusal = _cancel(request, target.order)
    if refusal is Refusal.ORDER_ENDED:
        # The real venue refuses a single cancel of an ended order like that of an unknown one.
        refusal = Refusal.NO_SUCH_ORDER
    if refusal:
        raise VenueError(refusal)
    return target.ids(EchoIds.BOTH)


def cancel_item(request: PrivateRequest, target: Target) -> list[Refusal | None]:
    """Cancel an item of a batch, and return the outcomes to be reported: None stands for a success."""
    if request.take("omit_refused"):
        return []
    refusal = _cancel(request, target.order)
    if request.take("omit_ids"):
        return []
    if refusal is None and request.take("both_lists"):
        return [None, Refusal.ORDER_ENDED]
    return [refusal]


def failure_text(knobs: Knobs, refusal: Refusal) -> str:
    """Return the English text of a failed item."""
    texts = {Refusal.NO_SUCH_ORDER: knobs.failure_text_unknown, Refusal.ORDER_ENDED: knobs.failure_text_ended}
    return texts.get(refusal, refusal.english)


def _cancel(request: PrivateRequest, order: Order | None) -> Refusal | None:
    """Cancel an order, and return the refusal, or None if it is acknowledged."""
    engine, knobs, now_ms = request.engine, request.knobs, request.now_ms
    if order is None:
        return Refusal.NO_SUCH_ORDER
    order_id = order.order_id
    if knobs.cancel_once_per_second and not request.cancels.of(request.account.uid, order_id, 1).admit(now_ms):
        return Refusal.CANCEL_TOO_FREQUENT
    if not order.live:
        return Refusal.ORDER_ENDED
    if request.take("refuse_cancels"):
        return Refusal.CANCEL_FAILED
    if request.take("cancel_never_lands"):
        return None
    if request.take("fill_wins"):
        engine.fill(order_id, None, now_ms)
    elif knobs.ack_delay_ms:
        engine.at(now_ms + knobs.ack_delay_ms, lambda due_ms: engine.cancel(order_id, due_ms))
    else:
        engine.cancel(order_id, now_ms)
    return None
