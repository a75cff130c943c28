"""Place endpoints of a unified account."""

import re

from bitget_margin.emulator.api.params import Params
from bitget_margin.emulator.api.request import PrivateRequest, Row
from bitget_margin.emulator.api.trading import place, read_client_id, read_sizes
from bitget_margin.emulator.api.v3.category import Category, read_category, read_common_category
from bitget_margin.emulator.api.v3.errors import item_refusal
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import write_decimal
from bitget_margin.emulator.market.orders import Force, LoanType, OrderType, SelfTrade, Side, Ticket

_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,32}")
_TRIGGERS = ("takeProfit", "stopLoss")


def place_order(request: PrivateRequest) -> Row:
    """Place one order."""
    return _place(request, request.params)


def place_batch(request: PrivateRequest) -> list[Row]:
    """Place up to 20 orders of one category, each independent of the others."""
    items = request.params.rows()
    read_common_category(items)
    rows: list[Row] = []
    for item in items:
        try:
            rows.append(_place(request, item))
        except VenueError as error:
            reason = item_refusal(error, request.knobs.language)
            rows.append({"clientOid": item.text_or_empty("clientOid")} | reason)
    return rows


def _place(request: PrivateRequest, params: Params) -> Row:
    ticket = _read_ticket(request, params)
    # A client id is in use until its order has ended, however old it is (change log, October 9, 2025).
    if request.engine.orders.live_with_client_id(request.account.uid, ticket.client_oid):
        raise VenueError(Refusal.DUPLICATE_CLIENT_ID)
    return place(request, ticket)


def _read_ticket(request: PrivateRequest, params: Params) -> Ticket:
    symbol = request.tradable_symbol_named(params.text("symbol"))
    market_price = request.engine.market.price(symbol.symbol)
    category = read_category(params)
    if category is not Category.MARGIN or not request.knobs.account_level.has_margin:
        raise VenueError(Refusal.UNIFIED_UNSUPPORTED, category)
    if not symbol.cross_borrowable:
        raise VenueError(Refusal.NOT_CROSS, symbol.symbol)
    if any(params.optional_text(name) for name in _TRIGGERS):
        raise VenueError(Refusal.UNIFIED_NO_TRIGGERS)
    side = params.choice("side", Side)
    order_type = params.choice("orderType", OrderType)
    force = params.choice("timeInForce", Force, Force.GTC)
    self_trade = params.choice("stpMode", SelfTrade, SelfTrade.NONE)
    client_oid = read_client_id(params)
    if not _CLIENT_ID.fullmatch(client_oid):
        raise VenueError(Refusal.UNIFIED_INVALID, "clientOid")
    # The documents: the unit of qty is the quote coin for market buy orders, and the base coin for all others.
    sizes = read_sizes(params, symbol, side, order_type, base="qty", quote="qty")
    if sizes.value(market_price) < symbol.min_quote_value:
        raise VenueError(Refusal.UNIFIED_SMALL_AMOUNT)
    if sizes.amount(symbol, market_price) < symbol.min_amount:
        raise VenueError(Refusal.UNIFIED_SMALL_QUANTITY, symbol.symbol, write_decimal(symbol.min_amount))
    return Ticket(
        client_oid=client_oid,
        symbol=symbol.symbol,
        side=side,
        order_type=order_type,
        force=Force.GTC if order_type is OrderType.MARKET else force,
        # The documents: margin orders borrow missing coins automatically.
        loan_type=LoanType.AUTO_LOAN,
        price=sizes.price,
        base_size=sizes.base,
        quote_size=sizes.quote,
        self_trade=self_trade,
    )
