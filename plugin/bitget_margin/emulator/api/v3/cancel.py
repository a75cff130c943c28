"""Cancel endpoints of a unified account."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bitget_margin.emulator.api.params import Params
from bitget_margin.emulator.api.request import PrivateRequest, Row
from bitget_margin.emulator.api.trading import Target, cancel_item, cancel_one, failure_text, read_target
from bitget_margin.emulator.api.v3.category import (
    Category,
    is_requested,
    read_category,
    read_common_category,
    read_optional_category,
)
from bitget_margin.emulator.api.v3.errors import item_refusal
from bitget_margin.emulator.behaviour.knobs import AllFailed, EmptyLists, Knobs
from bitget_margin.emulator.errors import Refusal, VenueError, in_language

_DEFAULTS: Final = Knobs()


def cancel_order(request: PrivateRequest) -> Row:
    """Cancel one order."""
    return cancel_one(request, _read_target(request, request.params, read_optional_category(request.params)))


def cancel_batch(request: PrivateRequest) -> list[Row] | None:
    """Cancel up to 20 orders of one category, one after the other."""
    items = request.params.rows()
    category = read_common_category(items)
    # All items are read before anything is canceled, so that a malformed batch changes nothing.
    for item in items:
        item.text("symbol")
        _read_target(request, item, category)
    # If one item has an order id, client ids are ignored.
    by_order_id = any(item.optional_text("orderId") for item in items)
    return _cancel(request, (_read_item(request, item, category, by_order_id=by_order_id) for item in items))


def cancel_symbol_orders(request: PrivateRequest) -> Row:
    """Cancel all orders of a category, or of one of its symbols."""
    category = read_category(request.params)
    live = [
        order
        for symbol in request.symbols()
        for order in request.engine.orders.of_account(request.account.uid, symbol.symbol)
        if order.live and is_requested(order, category)
    ]
    return {"list": _cancel(request, (Target(order.order_id, order.client_oid, order) for order in live))}


def _cancel(request: PrivateRequest, targets: Iterable[Target]) -> list[Row] | None:
    """Cancel orders and return one row per item, with the reason if it failed."""
    knobs = request.knobs
    rows: list[Row] = []
    succeeded = False
    for target in targets:
        for refusal in cancel_item(request, target):
            succeeded = succeeded or refusal is None
            rows.append(target.ids(knobs.echo_ids) | ({} if refusal is None else _reason(knobs, refusal)))
    if rows and not succeeded and knobs.all_failed is AllFailed.ERROR:
        raise VenueError(Refusal.NO_SUCH_ORDER)
    return None if not rows and knobs.empty_lists is EmptyLists.NULL else rows


def _reason(knobs: Knobs, refusal: Refusal) -> Row:
    reason, text = item_refusal(VenueError(refusal), knobs.language), failure_text(knobs, refusal)
    # The default texts of the knobs are those of a classic account.
    own = text != failure_text(_DEFAULTS, refusal)
    return reason | {"msg": in_language(text, knobs.language)} if own else reason


def _read_item(request: PrivateRequest, item: Params, category: Category, *, by_order_id: bool) -> Target:
    target = _read_target(request, item, category)
    return replace(target, order=None) if by_order_id and target.order_id is None else target


def _read_target(request: PrivateRequest, item: Params, category: Category | None) -> Target:
    missing = VenueError(Refusal.EMPTY_PARAMETER, "orderId")
    target = read_target(request, item, item.optional_text("symbol"), missing)
    return target if target.order is None or is_requested(target.order, category) else replace(target, order=None)
