"""Edits of orders of a unified account, and its timer that cancels all of them."""

from decimal import Decimal
from functools import partial
from typing import Final

from bitget_margin.emulator.api.request import PrivateRequest, Row
from bitget_margin.emulator.api.v3.category import Category, read_category
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import fits, write_decimal
from bitget_margin.emulator.market.engine import Engine
from bitget_margin.emulator.market.orders import Order, OrderType
from bitget_margin.emulator.market.symbol import Symbol

_YES: Final = "yes"
_NO: Final = "no"
_COUNTDOWNS: Final = (0, *range(5, 61))
"""Times of the timer in seconds; 0 ends it."""


def modify_order(request: PrivateRequest) -> Row:
    """Change amount or price of a live order, which keeps its id.

    Symbol and category are required, as announced for September 2026.
    """
    params = request.params
    symbol, category = request.symbol(), read_category(params)
    order_id, client_oid = params.optional_text("orderId"), params.optional_text("clientOid")
    if order_id is None and client_oid is None:
        raise VenueError(Refusal.EMPTY_PARAMETER, "orderId")
    given = params.optional_text("autoCancel") or _NO
    if given not in (_YES, _NO):
        raise VenueError(Refusal.BAD_PARAMETER, "autoCancel")
    order = request.engine.orders.find(request.account.uid, symbol.symbol, order_id, client_oid)
    if order is None or not order.live or category is not Category.MARGIN:
        raise VenueError(Refusal.NO_SUCH_ORDER)
    base_size, price = _read_changes(request, symbol, order)
    if request.engine.edits.get(order.order_id, 0) > request.now_ms:
        raise VenueError(Refusal.UNIFIED_EDIT_IN_PROGRESS)
    if not request.take("edit_never_lands"):
        edit = partial(_edit, request.engine, order.order_id, base_size, price, given == _YES)
        delay_ms = request.knobs.edit_delay_ms
        if delay_ms:
            request.engine.edits[order.order_id] = request.now_ms + delay_ms
            request.engine.at(request.now_ms + delay_ms, partial(_edit_later, edit))
        else:
            edit(request.now_ms)
    return {"orderId": order.order_id, "clientOid": order.client_oid}


def countdown_cancel_all(request: PrivateRequest) -> str:
    """Start the timer of the account anew, or end it."""
    if not request.knobs.countdown_access:
        raise VenueError(Refusal.UNIFIED_NO_PERMISSION)
    seconds = request.params.integer("countdown")
    if seconds not in _COUNTDOWNS:
        raise VenueError(Refusal.BAD_PARAMETER, "countdown")
    uid, board = request.account.uid, request.board
    request.engine.start_countdown(uid, seconds, lambda: board.of(uid).countdown_cancels_strategies, request.now_ms)
    return "success"


def _read_changes(request: PrivateRequest, symbol: Symbol, order: Order) -> tuple[Decimal, Decimal]:
    """Return the new amount and the new price; of a value that is not given, the present one."""
    params = request.params
    given = {name for name in ("qty", "price") if params.optional_text(name) is not None}
    if not given:
        raise VenueError(Refusal.EMPTY_PARAMETER, "qty")
    base_size = params.amount("qty") if "qty" in given else order.base_size
    price = params.amount("price") if "price" in given else order.price
    for name, number, decimals in (
        ("qty", base_size, symbol.quantity_precision),
        ("price", price, symbol.price_precision),
    ):
        if not fits(number, decimals):
            raise VenueError(Refusal.BAD_SCALE, name, write_decimal(number), decimals)
    if order.order_type is not OrderType.LIMIT or base_size <= order.filled:
        raise VenueError(Refusal.UNIFIED_NOT_EDITABLE)
    if (base_size, price) == (order.base_size, order.price):
        raise VenueError(Refusal.UNIFIED_UNCHANGED)
    if base_size * price < symbol.min_quote_value:
        raise VenueError(Refusal.UNIFIED_SMALL_AMOUNT)
    if base_size < symbol.min_amount:
        raise VenueError(Refusal.UNIFIED_SMALL_QUANTITY, symbol.symbol, write_decimal(symbol.min_amount))
    return base_size, price


def _edit(
    engine: Engine,
    order_id: str,
    base_size: Decimal,
    price: Decimal,
    cancels: bool,
    now_ms: int,
) -> None:
    """Change an order; if that fails, cancel it where the request says so."""
    try:
        engine.edit(order_id, base_size, price, now_ms)
    except VenueError:
        if cancels:
            engine.cancel(order_id, now_ms)
        raise


def _edit_later(edit: partial[None], due_ms: int) -> None:
    """Change an order after its acknowledgement; nobody is informed of a failure."""
    try:
        edit(due_ms)
    except VenueError:
        return
