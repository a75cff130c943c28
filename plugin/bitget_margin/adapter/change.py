"""Changes of open orders: `edit_order`, and the timer that cancels every order of the account.

Both exist for unified accounts only. A request is sent once; what its response does not prove is looked up.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, cast

import ccxt

from bitget_margin.adapter import strategy
from bitget_margin.adapter.account import confirm_account_kind, require_margin
from bitget_margin.adapter.call import load_markets, open_call, to_exception
from bitget_margin.adapter.ccxt_types import MarginExchange, Order, Params
from bitget_margin.adapter.errors import ChangeUnresolved, cause_of, documented
from bitget_margin.adapter.order_numbers import amount_text, price_text
from bitget_margin.adapter.orders import parsed_or_bare, readable
from bitget_margin.adapter.params import (
    CLIENT_ID,
    account_kind_of,
    bad_request,
    check_order,
    known_kind,
    order_ref,
    parse_settings,
    refuse_conditional,
    required_symbol,
    split_params,
    spot_market,
)
from bitget_margin.adapter.strategy_orders import is_trigger
from bitget_margin.core.change import Change, ChangeOutcome, ChangeResult, Lookup, Sight, change_once
from bitget_margin.core.effects import Call, Fault, Flow
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import BadInput, IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow
from bitget_margin.core.queries import find_order, query_open_orders
from bitget_margin.core.requests import CallContext, query
from bitget_margin.core.responses import data_of, decimal, list_of

_AUTO_CANCEL: Final = "autoCancel"
"""The venue's parameter: whether an edit that fails cancels the order."""
_REQUEST_ID: Final = "requestId"
"""The venue's parameter: a text that the websocket pushes with the changed order."""
_YES_OR_NO: Final = ("yes", "no")
_COUNTDOWN_SECONDS: Final = (5, 60)
"""Shortest and longest time of the timer."""
_MS: Final = 1_000


def refuse_classic(exchange: MarginExchange, method: str, ctx: CallContext, params: Params, missing: str) -> Flow[None]:
    """Raise NotSupported on a classic account; query the account kind, in the time of the call, if it is not known yet.

    :param missing: what the venue does not have for a classic account
    """
    if known_kind(exchange, params) is None:
        yield from confirm_account_kind(exchange, method, ctx)
    if account_kind_of(exchange, params) is AccountKind.CLASSIC:
        raise not_on_classic(exchange, method, missing)


def not_on_classic(exchange: MarginExchange, method: str, missing: str) -> ccxt.NotSupported:
    """Return the exception for a method that only a unified account has."""
    return ccxt.NotSupported(f"{exchange.id} {method}(): {missing} on a classic account; a unified account has it")


def raise_unless_done(
    exchange: MarginExchange,
    method: str,
    result: ChangeResult[Any],
    *,
    change: str,
    missing: str | None = None,
    found: Any = None,
) -> None:
    """Raise the exception for any outcome but DONE and IMPOSSIBLE.

    :param change: the change, for the message
    :param missing: what the venue does not have for a classic account
    :param found: structure of the last record, for an unresolved change
    """
    error = None if result.fault is None else result.fault.error
    if result.outcome is ChangeOutcome.OTHER_KIND and missing is not None:
        raise not_on_classic(exchange, method, missing)
    if result.outcome is ChangeOutcome.REFUSED and result.fault is not None:
        raise to_exception(exchange, method, result.fault)
    if result.outcome in {ChangeOutcome.REFUSED, ChangeOutcome.OTHER_KIND, ChangeOutcome.UNRESOLVED}:
        raise ChangeUnresolved(method, change, found, error) from error


# -- edit_order ---------------------------------------------------------------------------------------------------

_NO_EDIT: Final = "the venue has no endpoint that edits a cross margin order (cancel it and place a new one)"


def edit_order(
    exchange: MarginExchange, given_id: object, symbol: object, order: tuple[Any, ...], params: Params
) -> Flow[Order]:
    """Change amount or price of a cross margin order; `order` is its type, side, new amount and new price."""
    if is_trigger(params):
        return (yield from strategy.edit_order(exchange, given_id, symbol, order, params))
    method = "edit_order"
    unified = required_symbol(exchange, method, symbol)
    refuse_conditional(exchange, method, params)
    split_params(exchange, method, params, {"timeout", _AUTO_CANCEL, _REQUEST_ID, *CLIENT_ID})
    settings = parse_settings(exchange, method, params, confirm=False)
    ref = order_ref(exchange, method, given_id, unified, params)
    _check_edit(exchange, method, *order)
    extra = _extra(exchange, method, params)
    ctx = open_call(exchange, settings, params)
    yield from refuse_classic(exchange, method, ctx, params, _NO_EDIT)
    yield from load_markets(exchange, ctx)
    yield from require_margin(exchange, method, ctx, ask=False)
    market = spot_market(exchange, method, unified)
    _, side, amount, price = order
    terms = _terms(exchange, method, market, amount, price)
    row = yield from _order_to_edit(exchange, method, ctx, OrderRef(market["id"], ref.kind, ref.value))
    _check_row(exchange, method, row, side, terms)
    target = OrderRef(market["id"], IdKind.ORDER, row.order_id)

    def look_up() -> Flow[Lookup[OrderRow]]:
        found = yield from find_order(ctx, target)
        if isinstance(found, Fault):
            return Lookup(Sight.NOTHING)
        if found is None:
            return Lookup(Sight.NOT_YET)
        if _has(found, terms):
            return Lookup(Sight.DONE, found)
        return Lookup(Sight.IMPOSSIBLE if found.state.ended else Sight.NOT_YET, found)

    # An acknowledgement is no proof: the venue carries a change out later, and may fail to.
    result = yield from change_once(
        Change(ctx, lambda api: api.edit_request(target, {**terms, **extra}), lambda _: None, look_up)
    )
    return _edited(exchange, method, result, market, row)


def _edited(
    exchange: MarginExchange,
    method: str,
    result: ChangeResult[OrderRow],
    market: Mapping[str, Any],
    before: OrderRow,
) -> Order:
    """Return the structure of the changed order, or raise."""
    row = result.found or before
    if result.outcome is ChangeOutcome.DONE:
        return cast("Order", readable(exchange, row, market))
    found = {**parsed_or_bare(exchange, dict(row.raw), market), "symbol": market["symbol"]}
    edit = f"the edit of order {row.order_id}"
    raise_unless_done(exchange, method, result, change=edit, missing=_NO_EDIT, found=found)
    raise ccxt.OrderNotFound(
        f"{exchange.id} {method}(): order {row.order_id} has ended unchanged, it is {row.state.value}"
    )


def _check_edit(
    exchange: MarginExchange, method: str, kind: object, side: object, amount: object, price: object
) -> None:
    """Refuse values that no order can be changed to."""
    if kind == "market":
        raise ccxt.InvalidOrder(f"{exchange.id} {method}(): a market order is filled at once; give type 'limit'")
    if amount is None and price is None:
        raise ccxt.ArgumentsRequired(f"{exchange.id} {method}(): give a new amount, a new price, or both")
    # Either value may stay as it is; the other one has to be valid.
    check_order(
        exchange, method, "", kind, side, price if amount is None else amount, amount if price is None else price
    )


def _extra(exchange: MarginExchange, method: str, params: Params) -> dict[str, str]:
    """Return the parameters that the venue has for an edit, checked."""
    extra = {key: params[key] for key in (_AUTO_CANCEL, _REQUEST_ID) if params.get(key) is not None}
    if extra.get(_AUTO_CANCEL, "no") not in _YES_OR_NO:
        raise bad_request(exchange, method, BadInput(f"{_AUTO_CANCEL} is {extra[_AUTO_CANCEL]!r}; give 'yes' or 'no'"))
    if not isinstance(extra.get(_REQUEST_ID, ""), str):
        raise bad_request(exchange, method, BadInput(f"{_REQUEST_ID} is {extra[_REQUEST_ID]!r}; give a text"))
    return extra


def _terms(
    exchange: MarginExchange, method: str, market: Mapping[str, Any], amount: object, price: object
) -> dict[str, str]:
    """Return the new values by the venue's names, rounded as those of new orders."""
    try:
        terms = {} if amount is None else {"qty": amount_text(exchange, method, market, amount)}
        return terms if price is None else {**terms, "price": price_text(exchange, method, market, price)}
    except Exception as error:  # noqa: BLE001 - it is raised again
        raise documented(f"{exchange.id} {method}()", error) from cause_of(error)


def _has(row: OrderRow, terms: Mapping[str, str]) -> bool:
    """Whether a row shows these values."""
    return all(decimal(row.raw.get(name)) == Decimal(value) for name, value in terms.items())


def _order_to_edit(exchange: MarginExchange, method: str, ctx: CallContext, target: OrderRef) -> Flow[OrderRow]:
    """Return the row of the order to change; of several with one client order id, the one that is open."""
    row = yield from find_order(ctx, target)
    if isinstance(row, Fault):
        raise to_exception(exchange, method, row)
    if target.kind is IdKind.CLIENT and (row is None or row.state.ended):
        rows = yield from query_open_orders(ctx, target.symbol)
        if isinstance(rows, Fault):
            raise to_exception(exchange, method, rows)
        row = next((found for found in rows if found.client_id == target.value and not found.state.ended), row)
    if row is None:
        raise ccxt.OrderNotFound(
            f"{exchange.id} {method}(): the venue shows no cross margin order {target.value} of {target.symbol}; "
            "nothing was changed"
        )
    return row


def _check_row(exchange: MarginExchange, method: str, row: OrderRow, side: str, terms: Mapping[str, str]) -> None:
    """Refuse a change that this order does not allow."""
    problem = None
    if row.state.ended:
        raise ccxt.OrderNotFound(
            f"{exchange.id} {method}(): order {row.order_id} has ended, it is {row.state.value}; nothing was changed"
        )
    if not str(row.raw.get("side", side)).lower().endswith(side):
        problem = f"it is a {row.raw['side']}, not a {side}; the side cannot be changed"
    elif str(row.raw.get("orderType", "limit")).lower() != "limit":
        problem = "it is no limit order"
    elif (filled := decimal(row.raw.get(row.fields.filled))) is not None and filled > Decimal(
        terms.get("qty", "Infinity")
    ):
        problem = f"{filled} of it is filled, more than the new amount {terms['qty']}"
    if problem is not None:
        raise ccxt.InvalidOrder(f"{exchange.id} {method}(): order {row.order_id}: {problem}; nothing was changed")


# -- cancel_all_orders_after --------------------------------------------------------------------------------------

_NO_COUNTDOWN: Final = "the venue has no timer that cancels orders"


def cancel_all_orders_after(exchange: MarginExchange, timeout_ms: object, params: Params) -> Flow[dict[str, Any]]:
    """Start the timer of the account anew, or end it with 0; return the venue's response."""
    method = "cancel_all_orders_after"
    split_params(exchange, method, params, {"timeout"})
    settings = parse_settings(exchange, method, params, confirm=False)
    seconds = _countdown_seconds(exchange, method, timeout_ms)
    # No wait for the shared rate window: without the timer's new start, it would cancel everything.
    ctx = open_call(exchange, settings, params, urgent=True)
    yield from refuse_classic(exchange, method, ctx, params, _NO_COUNTDOWN)
    result: ChangeResult[dict[str, Any]] = yield from change_once(
        Change(
            ctx,
            lambda api: api.countdown_request(seconds),
            lambda body: dict(body) if isinstance(body, Mapping) else None,
        )
    )
    change = "the end of the timer" if seconds == 0 else f"the start of the timer of {seconds} s"
    raise_unless_done(exchange, method, result, change=change, missing=_NO_COUNTDOWN)
    return result.found or {}


def open_rows(exchange: MarginExchange, endpoint: Endpoint, category: str) -> Flow[list[Any]]:
    """Return the first page of open orders of one category of a unified account: orders that the timer would cancel.

    :param endpoint: the list of orders, or that of strategy orders
    """
    method = "cancel_all_orders_after"
    ctx = open_call(exchange, parse_settings(exchange, method, {}, confirm=False), {}, reads_only=True)
    found = yield from query(ctx, lambda _: Call(endpoint, {"category": category}), lambda _: _read_rows)
    if isinstance(found.result, Fault):
        raise to_exception(exchange, method, found.result)
    return found.result


def _read_rows(body: object) -> list[Any] | None:
    """Return the rows of a list, which is the data itself or in it, or null; None where there is none."""
    data = data_of(body)
    if isinstance(data, Mapping):
        data = list_of(body, "list")
    elif data is None and isinstance(body, Mapping) and "data" in body:
        data = []
    return data if isinstance(data, list) else None


def _countdown_seconds(exchange: MarginExchange, method: str, timeout_ms: object) -> int:
    """Return the time of the timer in seconds."""
    least, most = _COUNTDOWN_SECONDS
    if isinstance(timeout_ms, bool) or not isinstance(timeout_ms, int) or timeout_ms % _MS:
        raise bad_request(exchange, method, BadInput(f"timeout is {timeout_ms!r}; give whole seconds, in ms: 10000"))
    seconds = timeout_ms // _MS
    if seconds != 0 and not least <= seconds <= most:
        raise bad_request(
            exchange,
            method,
            BadInput(
                f"timeout is {timeout_ms} ms; the venue takes {least * _MS} to {most * _MS}, and 0 to end the timer"
            ),
        )
    return seconds
