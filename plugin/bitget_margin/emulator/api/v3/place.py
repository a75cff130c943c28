"""Placing one order of a unified account, or many."""

from __future__ import annotations

import re
from decimal import Decimal

from bitget_margin.emulator.api.parameters import Params
from bitget_margin.emulator.api.request import PrivateRequest
from bitget_margin.emulator.api.v2.place import new_client_id, read_scaled
from bitget_margin.emulator.api.v2.rows import Row
from bitget_margin.emulator.api.v3.category import Category, read_category, read_common_category
from bitget_margin.emulator.api.v3.errors import item_refusal
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import ZERO, floor_to, write_decimal
from bitget_margin.emulator.market.order import Force, LoanType, OrderType, SelfTrade, Side, Ticket
from bitget_margin.emulator.market.symbol import Symbol


def place_order(call: PrivateRequest) -> Row:
    """Place one order."""
    return _place(call, call.params)


def place_batch(call: PrivateRequest) -> list[Row]:
    """Place up to 20 orders of one category, each for itself."""
    items = call.params.rows()
    read_common_category(items)
    rows: list[Row] = []
    for item in items:
        try:
            rows.append(_place(call, item))
        except VenueError as error:
            reason = item_refusal(error, call.knobs.now.language)
            rows.append({"clientOid": item.text_or_empty("clientOid")} | reason)
    return rows


def _place(call: PrivateRequest, params: Params) -> Row:
    symbol = call.symbol_named(params.text("symbol"))
    ticket = read_unified_ticket(params, symbol, call.engine.market.price(symbol.symbol))
    # However old its order is, a client id is taken until the order has ended (change log, October 9, 2025).
    if call.engine.orders.live_with_client_id(call.account.uid, ticket.client_oid):
        raise VenueError(Refusal.DUPLICATE_CLIENT_ID)
    order = call.engine.place(call.account.uid, ticket, call.now_ms)
    return {"orderId": order.order_id, "clientOid": order.client_oid}


_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,32}")
_TRIGGERS = ("takeProfit", "stopLoss")


def read_unified_ticket(params: Params, symbol: Symbol, market_price: Decimal) -> Ticket:
    """Read the fields of a placing request.

    :param market_price: in quote coins, to value a market order
    """
    category = read_category(params)
    if category is not Category.MARGIN:
        raise VenueError(Refusal.UNIFIED_UNSUPPORTED, category)
    if not symbol.cross_borrowable:
        raise VenueError(Refusal.NOT_CROSS, symbol.symbol)
    if any(params.optional_text(name) for name in _TRIGGERS):
        raise VenueError(Refusal.UNIFIED_NO_TRIGGERS)
    side = params.choice("side", Side)
    order_type = params.choice("orderType", OrderType)
    force = params.choice("timeInForce", Force, Force.GTC)
    self_trade = params.choice("stpMode", SelfTrade, SelfTrade.NONE)
    client_oid = _read_client_id(params)
    price = base_size = quote_size = ZERO
    if order_type is OrderType.MARKET:
        force = Force.GTC
        if side is Side.BUY:
            # The page: for market buy orders the unit of qty is the quote coin.
            quote_size = read_scaled(params, "qty", symbol.price_precision + symbol.quantity_precision)
        else:
            base_size = read_scaled(params, "qty", symbol.quantity_precision)
    else:
        price = read_scaled(params, "price", symbol.price_precision)
        base_size = read_scaled(params, "qty", symbol.quantity_precision)
        quote_size = price * base_size
    _check_size(symbol, base_size, quote_size, market_price)
    # The page: margin orders borrow what they lack.
    loan_type = LoanType.AUTO_LOAN
    return Ticket(symbol, client_oid, side, order_type, force, loan_type, price, base_size, quote_size, self_trade)


def _check_size(symbol: Symbol, base_size: Decimal, quote_size: Decimal, market_price: Decimal) -> None:
    if (quote_size or base_size * market_price) < symbol.min_quote_value:
        raise VenueError(Refusal.UNIFIED_SMALL_AMOUNT)
    if (base_size or floor_to(quote_size / market_price, symbol.quantity_precision)) < symbol.min_amount:
        raise VenueError(Refusal.UNIFIED_SMALL_QUANTITY, symbol.symbol, write_decimal(symbol.min_amount))


def _read_client_id(params: Params) -> str:
    client_oid = params.optional_text("clientOid")
    if client_oid is None:
        return new_client_id()
    if not _CLIENT_ID.fullmatch(client_oid):
        raise VenueError(Refusal.UNIFIED_INVALID, "clientOid")
    return client_oid
