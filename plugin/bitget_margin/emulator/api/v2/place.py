"""Place endpoints of a classic account."""

import re
from decimal import Decimal

from bitget_margin.emulator.api.params import Params
from bitget_margin.emulator.api.request import PrivateRequest, Row
from bitget_margin.emulator.api.trading import place, read_client_id, read_sizes
from bitget_margin.emulator.api.v2.rows import batch_lists, failure_reason
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import write_decimal
from bitget_margin.emulator.market.orders import Force, LoanType, OrderType, SelfTrade, Side, Ticket
from bitget_margin.emulator.market.symbol import Symbol

_CLIENT_ID = re.compile(r"[0-9A-Za-z\-+_#]+")
_LONGEST_CLIENT_ID = 50


def place_order(request: PrivateRequest) -> Row:
    """Place one order."""
    return _place(request, request.params, request.tradable_symbol_named(request.params.text("symbol")))


def batch_place_orders(request: PrivateRequest) -> Row:
    """Place up to 50 orders of a symbol, each independent of the others."""
    symbol, knobs = request.tradable_symbol_named(request.params.text("symbol")), request.knobs
    successes: list[Row] = []
    failures: list[Row] = []
    for item in request.params.items("orderList"):
        try:
            successes.append(_place(request, item, symbol))
        except VenueError as error:
            reason = failure_reason(knobs, error.refusal.code, error.text(knobs.language))
            failures.append({"orderId": "", "clientOid": item.text_or_empty("clientOid")} | reason)
    return batch_lists(knobs, successes, failures)


def _place(request: PrivateRequest, params: Params, symbol: Symbol) -> Row:
    return place(request, read_ticket(params, symbol, request.engine.market.price(symbol.symbol)))


def read_ticket(params: Params, symbol: Symbol, market_price: Decimal) -> Ticket:
    """Read and check the fields of an order to be placed.

    :param market_price: in quote coins, to value a market order
    """
    if not symbol.cross_borrowable:
        raise VenueError(Refusal.NOT_CROSS, symbol.symbol)
    side = params.choice("side", Side)
    order_type = params.choice("orderType", OrderType)
    loan_type = params.choice("loanType", LoanType)
    force = params.choice("force", Force)
    self_trade = params.choice("stpMode", SelfTrade, SelfTrade.NONE)
    client_oid = read_client_id(params)
    if len(client_oid) > _LONGEST_CLIENT_ID:
        raise VenueError(Refusal.LONG_CLIENT_ID)
    if not _CLIENT_ID.fullmatch(client_oid):
        raise VenueError(Refusal.BAD_CLIENT_ID)
    sizes = read_sizes(params, symbol, side, order_type, base="baseSize", quote="quoteSize")
    if sizes.value(market_price) < symbol.min_quote_value:
        raise VenueError(Refusal.TOO_SMALL, write_decimal(symbol.min_quote_value), symbol.quote)
    if sizes.amount(symbol, market_price) < symbol.min_amount:
        raise VenueError(Refusal.TOO_SMALL, write_decimal(symbol.min_amount), symbol.base)
    return Ticket(
        client_oid=client_oid,
        symbol=symbol.symbol,
        side=side,
        order_type=order_type,
        force=force,
        loan_type=loan_type,
        price=sizes.price,
        base_size=sizes.base,
        quote_size=sizes.quote,
        self_trade=self_trade,
    )
