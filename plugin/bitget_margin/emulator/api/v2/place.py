"""A request to place an order, checked."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal

from bitget_margin.emulator.api.parameters import Params
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import ZERO, fits, floor_to, write_decimal
from bitget_margin.emulator.market.order import Force, LoanType, OrderType, SelfTrade, Side, Ticket
from bitget_margin.emulator.market.symbol import Symbol

_CLIENT_ID = re.compile(r"[0-9A-Za-z\-+_#]+")
_LONGEST_CLIENT_ID = 50


def read_ticket(params: Params, symbol: Symbol, market_price: Decimal) -> Ticket:
    """Read the fields of a placing request.

    :param market_price: in quote coins, to value a market order
    """
    if not symbol.cross_borrowable:
        raise VenueError(Refusal.NOT_CROSS, symbol.symbol)
    side = params.choice("side", Side)
    order_type = params.choice("orderType", OrderType)
    loan_type = params.choice("loanType", LoanType)
    force = params.choice("force", Force)
    self_trade = params.choice("stpMode", SelfTrade, SelfTrade.NONE)
    client_oid = _read_client_id(params)
    price = base_size = quote_size = ZERO
    if order_type is OrderType.LIMIT:
        price = read_scaled(params, "price", symbol.price_precision)
        base_size = read_scaled(params, "baseSize", symbol.quantity_precision)
        value = quote_size = price * base_size
    elif side is Side.BUY:
        value = quote_size = read_scaled(params, "quoteSize", symbol.price_precision + symbol.quantity_precision)
    else:
        base_size = read_scaled(params, "baseSize", symbol.quantity_precision)
        value = base_size * market_price
    if value < symbol.min_quote_value:
        raise VenueError(Refusal.TOO_SMALL, write_decimal(symbol.min_quote_value), symbol.quote)
    if (base_size or floor_to(quote_size / market_price, symbol.quantity_precision)) < symbol.min_amount:
        raise VenueError(Refusal.TOO_SMALL, write_decimal(symbol.min_amount), symbol.base)
    return Ticket(symbol, client_oid, side, order_type, force, loan_type, price, base_size, quote_size, self_trade)


def new_client_id() -> str:
    """Return a client id for an order that came without one."""
    return uuid.uuid4().hex


def _read_client_id(params: Params) -> str:
    client_oid = params.optional_text("clientOid")
    if client_oid is None:
        return new_client_id()
    if len(client_oid) > _LONGEST_CLIENT_ID:
        raise VenueError(Refusal.LONG_CLIENT_ID)
    if not _CLIENT_ID.fullmatch(client_oid):
        raise VenueError(Refusal.BAD_CLIENT_ID)
    return client_oid


def read_scaled(params: Params, name: str, decimals: int) -> Decimal:
    """Return a required positive number with no more than so many decimals."""
    number = params.amount(name)
    if not fits(number, decimals):
        raise VenueError(Refusal.BAD_SCALE, name, write_decimal(number), decimals)
    return number
