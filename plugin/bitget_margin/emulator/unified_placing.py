"""Placing one order of a unified account, or many."""

from __future__ import annotations

from bitget_margin.emulator.call import PrivateCall
from bitget_margin.emulator.params import Params
from bitget_margin.emulator.rows import Row
from bitget_margin.emulator.texts import Refusal, VenueError
from bitget_margin.emulator.unified_category import read_common_category
from bitget_margin.emulator.unified_refusal import item_refusal
from bitget_margin.emulator.unified_ticket import read_unified_ticket


def place_order(call: PrivateCall) -> Row:
    """Place one order."""
    return _place(call, call.params)


def place_batch(call: PrivateCall) -> list[Row]:
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


def _place(call: PrivateCall, params: Params) -> Row:
    symbol = call.symbol_named(params.text("symbol"))
    ticket = read_unified_ticket(params, symbol, call.engine.market.price(symbol.symbol))
    # However old its order is, a client id is taken until the order has ended (change log, October 9, 2025).
    if call.engine.orders.live_with_client_id(call.account.uid, ticket.client_oid):
        raise VenueError(Refusal.DUPLICATE_CLIENT_ID)
    order = call.engine.place(call.account.uid, ticket, call.now_ms)
    return {"orderId": order.order_id, "clientOid": order.client_oid}
