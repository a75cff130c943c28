"""Cancelling orders of a unified account, with every misbehaviour that the knobs allow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bitget_margin.emulator.api.parameters import Params
from bitget_margin.emulator.api.request import PrivateRequest
from bitget_margin.emulator.api.v2.cancel import Target, cancel_item, cancel_one
from bitget_margin.emulator.api.v2.rows import Row
from bitget_margin.emulator.api.v3.category import Category, read_any_category, read_category, read_common_category
from bitget_margin.emulator.api.v3.errors import item_refusal
from bitget_margin.emulator.behaviour.knobs import AllFailed, EmptyLists, Knobs
from bitget_margin.emulator.errors import Refusal, VenueError, in_language

_DEFAULTS: Final = Knobs()


def cancel_order(call: PrivateRequest) -> Row:
    """Cancel one order."""
    return cancel_one(call, _read_target(call, call.params, read_any_category(call.params)))


def cancel_batch(call: PrivateRequest) -> list[Row] | None:
    """Cancel up to 20 orders of one category, one after the other."""
    items = call.params.rows()
    category = read_common_category(items)
    # All items are read before anything is done, so that a malformed batch changes nothing.
    for item in items:
        item.text("symbol")
        _read_target(call, item, category)
    # Where one item has an order id, client ids do not count.
    by_order_id = any(item.optional_text("orderId") for item in items)
    return _rows(call, (_read_item(call, item, category, by_order_id=by_order_id) for item in items))


def cancel_symbol_orders(call: PrivateRequest) -> Row:
    """Cancel all orders of a category, or of one of its symbols."""
    category, asked = read_category(call.params), call.params.optional_text("symbol")
    symbols = list(call.engine.market.symbols) if asked is None else [call.symbol_named(asked).symbol]
    live = [
        order
        for symbol in symbols
        for order in call.engine.orders.of_account(call.account.uid, symbol)
        if order.live and category is Category.MARGIN
    ]
    return {"list": _rows(call, (Target(order.order_id, order.client_oid, order) for order in live))}


def _rows(call: PrivateRequest, targets: Iterable[Target]) -> list[Row] | None:
    """Cancel, and return one row per item: that of a failed one says why."""
    knobs, rows, succeeded = call.knobs, [], False
    for target in targets:
        for refusal in cancel_item(call, target):
            succeeded = succeeded or refusal is None
            rows.append(target.ids(knobs.now.echo_ids) | ({} if refusal is None else _reason(call, refusal)))
    if rows and not succeeded and knobs.now.all_failed is AllFailed.ERROR:
        raise VenueError(Refusal.NO_SUCH_ORDER)
    return None if not rows and knobs.now.empty_lists is EmptyLists.NULL else rows


def _reason(call: PrivateRequest, refusal: Refusal) -> Row:
    knobs = call.knobs.now
    own_texts = {
        Refusal.NO_SUCH_ORDER: (knobs.failure_text_unknown, _DEFAULTS.failure_text_unknown),
        Refusal.ORDER_ENDED: (knobs.failure_text_ended, _DEFAULTS.failure_text_ended),
    }
    reason = item_refusal(VenueError(refusal), knobs.language)
    own, default = own_texts.get(refusal, ("", ""))
    # The default is a classic account's text.
    return reason if own == default else reason | {"msg": in_language(own, knobs.language)}


def _read_item(call: PrivateRequest, item: Params, category: Category, *, by_order_id: bool) -> Target:
    target = _read_target(call, item, category)
    return Target(None, target.client_oid, None) if by_order_id and target.order_id is None else target


def _read_target(call: PrivateRequest, item: Params, category: Category) -> Target:
    order_id, client_oid = item.optional_text("orderId"), item.optional_text("clientOid")
    if order_id is None and client_oid is None:
        raise VenueError(Refusal.EMPTY_PARAMETER, "orderId")
    symbol = item.optional_text("symbol")
    found = call.engine.orders.find(call.account.uid, symbol, order_id, client_oid)
    return Target(order_id, client_oid, found if category is Category.MARGIN else None)
