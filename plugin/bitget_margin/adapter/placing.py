"""Placing orders, once: an ambiguous answer is resolved by look-ups, never by sending again.

The venue knows a client order id for six hours, and only while its order is unfilled, so a second request could buy
twice (https://www.bitget.com/api-doc/margin/cross/trade/Cross-Place-Order, December 2025).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import ccxt

from bitget_margin.adapter import asking
from bitget_margin.adapter.base import Order, Params
from bitget_margin.adapter.context import SIGNATURES, Signatures
from bitget_margin.adapter.desk import load_markets, open_desk
from bitget_margin.adapter.errors import PlaceUnresolved, documented
from bitget_margin.adapter.margin import CROSS
from bitget_margin.adapter.order_input import check_order
from bitget_margin.adapter.orders import parsed_or_bare, readable, unknown
from bitget_margin.core.account import AccountKind
from bitget_margin.core.answers import BatchAnswer
from bitget_margin.core.ask import find
from bitget_margin.core.call import Answer, Call, Endpoint, Fault, Flow, Perform, Reply, Send, Wait
from bitget_margin.core.codes import Verdict, verdict
from bitget_margin.core.delivery import Desk, deliver
from bitget_margin.core.row import Row
from bitget_margin.core.target import BadInput, IdKind, Target, client_id
from bitget_margin.core.view import view

if TYPE_CHECKING:
    from bitget_margin.adapter.margin import CrossedMargin

_PLACES: Final = {AccountKind.CLASSIC: Endpoint.PLACE, AccountKind.UNIFIED: Endpoint.UNIFIED_PLACE}


def create_order(
    exchange: CrossedMargin,
    stock: Callable[..., Any],
    symbol: object,
    order: tuple[Any, ...],
    params: Params,
) -> Flow[Order]:
    """Place a crossed order through stock ccxt; `order` is its type, side, amount and price."""
    method = "create_order"
    unified = asking.required_symbol(exchange, method, symbol)
    check_order(exchange, method, "", *order)
    asking.refuse_conditional(exchange, method, params)
    exchange.refuse_sandbox(method)
    exchange.check_required_credentials()
    settings = asking.settings(exchange, method, params, confirm=False)
    name = _name(exchange, method, params, "clientOrderId")
    sent = {**exchange.omit(params, ["clientOid", *asking.BOUNDS]), "clientOrderId": name, "maxRetriesOnFailure": 0}
    desk = open_desk(exchange, settings, params)
    yield from load_markets(exchange, desk)
    reply, signed = yield from _place(desk, lambda: stock(unified, *order, {**sent, **_kind(desk)}))
    fault = _doubt(reply, signed)
    if fault is None:
        return cast("Order", reply.body if isinstance(reply, Answer) else None)
    market = asking.spot_market(exchange, method, unified)
    row = yield from _find_placed(
        desk, Target(market["id"], IdKind.CLIENT, name), ours_alone=asking.named(params) is None
    )
    if row is None:
        raise PlaceUnresolved(method, [unknown(exchange, name, market)], fault.error) from fault.error
    return cast("Order", readable(exchange, row, market))


def batch_is_cross(exchange: CrossedMargin, orders: object, params: Params) -> bool:
    """Whether all of these order requests are for the crossed account; a mixture is refused."""
    listed = asking.listed(exchange, "create_orders", "orders", orders)
    modes = set()
    for i, order in enumerate(listed):
        if not isinstance(order, Mapping):
            raise asking.bad(exchange, "create_orders", BadInput(f"orders[{i}] is {order!r}; give a dict"))
        named = {**params, **(order.get("params") or {})}
        modes.add(asking.places_cross(exchange, "createOrders", order.get("symbol"), named))
    if len(modes) > 1:
        raise asking.bad(exchange, "create_orders", BadInput("some orders are for crossed margin and some are not"))
    return modes == {True}


def create_orders(
    exchange: CrossedMargin,
    orders: Sequence[Mapping[str, Any]],
    params: Params,
) -> Flow[list[Order]]:
    """Place crossed orders of one symbol with one request; one structure each."""
    method = "create_orders"
    asking.prepare(exchange, method, params, {"timeout"})
    settings = asking.settings(exchange, method, params, confirm=False)
    symbols = {
        asking.required_symbol(exchange, method, o.get("symbol"), f" in orders[{i}]") for i, o in enumerate(orders)
    }
    if len(symbols) > 1:
        raise asking.bad(
            exchange, method, BadInput(f"orders of {', '.join(sorted(symbols))}; give those of one symbol")
        )
    named = [_named(exchange, method, i, order) for i, order in enumerate(orders)]
    names = [given["clientOrderId"] for given in named]
    if len(set(names)) < len(names):
        raise asking.bad(exchange, method, BadInput("two orders have the same client order id"))
    desk = open_desk(exchange, settings, params)
    _refuse_too_many(exchange, method, desk, orders)
    yield from load_markets(exchange, desk)
    market = asking.spot_market(exchange, method, symbols.pop())
    while True:
        dialect = desk.dialect
        requests = [_request(exchange, desk, market, order, given) for order, given in zip(orders, named, strict=True)]
        (reply,) = yield from deliver(desk, [desk.send(dialect.batch_place(market["id"], requests))])
        if desk.dialect is dialect:
            break
        _refuse_too_many(exchange, method, desk, orders)
    if isinstance(reply, Fault) and not (reply.sent and verdict(reply) is Verdict.AMBIGUOUS):
        raise reply.error
    answer = dialect.read_batch(reply.body) if isinstance(reply, Answer) else None
    placed = {} if answer is None else _answered(exchange, answer, market)
    yield from _view_placed(exchange, desk, market, names, placed)
    answers = [placed.get(name) or unknown(exchange, name, market) for name in names]
    if any(name not in placed for name in names):
        error = reply.error if isinstance(reply, Fault) else None
        raise PlaceUnresolved(method, answers, error) from error
    return answers


def _named(exchange: CrossedMargin, method: str, i: int, order: Mapping[str, Any]) -> Params:
    """Return the parameters of one order request with a client order id, made up where there is none."""
    given_order = (order.get(key) for key in ("type", "side", "amount", "price"))
    check_order(exchange, method, f" in orders[{i}]", *given_order)
    given = dict(order.get("params") or {})
    asking.refuse_conditional(exchange, method, given)
    name = _name(exchange, method, given, f"orders[{i}] clientOrderId")
    return {**exchange.omit(given, [*asking.CLIENT_ID]), "marginMode": CROSS, "clientOrderId": name}


def _name(exchange: CrossedMargin, method: str, params: Mapping[str, Any], where: str) -> str:
    """Return the client order id that the parameters give, or one that no other order ever had."""
    given = asking.named(params)
    try:
        return uuid.uuid4().hex if given is None else client_id(given, where)
    except BadInput as error:
        raise asking.bad(exchange, method, error) from None


def _refuse_too_many(exchange: CrossedMargin, method: str, desk: Desk, orders: Sequence[object]) -> None:
    most, kind = desk.dialect.batch_max, desk.dialect.kind.value
    if len(orders) > most:
        refusal = BadInput(f"there are {len(orders)} orders; one request takes {most} on a {kind} account")
        raise asking.bad(exchange, method, refusal)


def _request(
    exchange: CrossedMargin,
    desk: Desk,
    market: Mapping[str, Any],
    order: Mapping[str, Any],
    params: Params,
) -> Any:
    """Return one order in the venue's own form."""
    unified = desk.dialect.kind is AccountKind.UNIFIED
    build = exchange.create_uta_order_request if unified else exchange.create_order_request
    try:
        return build(market["symbol"], order["type"], order["side"], order["amount"], order.get("price"), params)
    except Exception as error:
        raise documented(f"{exchange.id} create_orders()", error) from error


def _answered(exchange: CrossedMargin, answer: BatchAnswer, market: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the answer says of each order, by client order id; a refused one as rejected."""
    placed: dict[str, Any] = {}
    for item in answer.failures:
        if item.client_id is not None and item.order_id is None:
            parsed = parsed_or_bare(exchange, dict(item.raw), market)
            placed[item.client_id] = {**parsed, "id": None, "status": "rejected", "symbol": market["symbol"]}
    for item in answer.successes:
        if item.client_id is not None and item.order_id is not None:
            placed[item.client_id] = parsed_or_bare(exchange, dict(item.raw), market)
    return placed


def _view_placed(
    exchange: CrossedMargin,
    desk: Desk,
    market: Mapping[str, Any],
    names: Sequence[str],
    placed: dict[str, Any],
) -> Flow[None]:
    """Look up, until they show or the time is up, the orders that the answer does not tell of."""
    tries = 0
    while missing := [name for name in names if name not in placed]:
        targets = [Target(market["id"], IdKind.CLIENT, name) for name in missing]
        rows = yield from view(desk, market["id"], targets, placed_in_call=True, thorough=True)
        if not isinstance(rows, Fault):
            placed.update({target.value: readable(exchange, row, market) for target, row in rows.items()})
        pause_ms = desk.settings.pacing.poll_ms(tries)
        if desk.deadline.left_ms() <= pause_ms:
            return
        tries += 1
        if any(name not in placed for name in names):
            yield Wait(desk.deadline.now_ms() + pause_ms)


def _kind(desk: Desk) -> Params:
    """Return ccxt's own parameter for the kind of account, so that it does not ask, nor guess."""
    return {asking.KIND: desk.dialect.kind is AccountKind.UNIFIED}


def _place(desk: Desk, method: Callable[[], Any]) -> Flow[tuple[Reply, tuple[str, ...]]]:
    """Run a placing method of stock ccxt, again where the account is of the other kind: then nothing was placed."""
    while True:
        dialect = desk.dialect
        reply, signed = yield from _perform(desk, method)
        if isinstance(reply, Fault):
            desk.see_kind(reply)
        if desk.dialect is dialect:
            return reply, signed


def _perform(desk: Desk, method: Callable[[], Any]) -> Flow[tuple[Reply, tuple[str, ...]]]:
    """Run a placing method of stock ccxt; return its reply, and what was signed and so may have been sent."""
    signatures = Signatures()
    token = SIGNATURES.set(signatures)
    try:
        reply: Reply = yield Perform(method, _place_of(desk))
    finally:
        signed = signatures.close()
        SIGNATURES.reset(token)
    return reply, signed


def _place_of(desk: Desk) -> Send:
    """Return the request that stock ccxt makes, which leaves time for look-ups after it."""
    endpoint = _PLACES[desk.dialect.kind]
    return Send(Call(endpoint, {}), desk.settings.request_ms, desk.deadline.at_ms - desk.settings.request_ms)


def _maybe_placed(fault: Fault, signed: tuple[str, ...]) -> bool:
    """Whether the request may have been executed without an answer."""
    return any(sent.endswith("place-order") for sent in signed) and verdict(fault) is Verdict.AMBIGUOUS


def _doubt(reply: Reply, signed: tuple[str, ...]) -> Fault | None:
    """Return the fault if the order may have been placed without an answer; raise what certainly placed nothing."""
    if isinstance(reply, Answer):
        order = reply.body
        if isinstance(order, dict) and order.get("id"):
            return None
        return Fault(ccxt.BadResponse("the answer names no order"))
    if _maybe_placed(reply, signed):
        return reply
    raise documented("bitget create_order()", reply.error) from reply.error


def _find_placed(desk: Desk, target: Target, *, ours_alone: bool) -> Flow[Row | None]:
    """Look the order up until it shows or the time is up; `ours_alone` is a name that no other order ever had."""
    tries = 0
    while True:
        row = yield from find(desk, target, placed_in_call=not ours_alone)
        if isinstance(row, Row):
            return row
        pause_ms = desk.settings.pacing.poll_ms(tries)
        if desk.deadline.left_ms() <= pause_ms:
            return None
        tries += 1
        yield Wait(desk.deadline.now_ms() + pause_ms)
