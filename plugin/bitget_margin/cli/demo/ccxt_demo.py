"""Demo through ccxt: cancel many resting orders, some of which have filled or ended meanwhile, and an unknown id."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Final

import ccxt

import bitget_margin
from bitget_margin.cli.operator.results import OUTCOMES
from bitget_margin.core.outcome import CancelResult, Outcome
from bitget_margin.emulator import Account, AccountKind, Emulator, Order, ccxt_urls

CROSS: Final = {"marginMode": "cross"}
SYMBOLS: Final = ("BTC/USDT", "ETH/USDT")
PER_SYMBOL: Final = 60
FILLED: Final = 3
CANCELED: Final = 2
UNKNOWN_ID: Final = "1000000000000000001"
UNKNOWN_CLIENT_ID: Final = "nobody-knows-me"
_MESSAGE: Final = re.compile(r'"msg":"([^"]*)"')
_SIZES: Final = {"BTC/USDT": (50_000, 0.001), "ETH/USDT": (2_500, 0.01)}


class CancelCall(Enum):
    """Call that cancels the orders of one round; the value describes it."""

    IDS = "by order id: batch_cancel(ids, symbol)"
    CLIENT_IDS = "by client order id: batch_cancel((), symbol, client_order_ids)"
    SYMBOLS = "over several symbols: cancel_orders_for_symbols(orders, {'marginMode': 'cross', 'confirm': True})"


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Displayed result of one order."""

    name: str
    symbol: str
    outcome: str
    reason: str
    filled: float | None
    """None where nobody knows it."""


@dataclass(frozen=True, slots=True)
class DemoRound:
    """Results of one call, and the differences from the state of the venue."""

    call: CancelCall
    kind: AccountKind
    results: tuple[DemoResult, ...]
    requests: int
    elapsed_ms: float
    stock: str
    """Result of stock ccxt for the same orders."""
    differences: tuple[str, ...]


PlacedOrders = dict[str, list[Order]]
"""Orders of one round by symbol, in the order of their placement."""


def rounds(venue: Emulator) -> Iterator[DemoRound]:
    """Run the demo once for each call, on the first account; stock ccxt does the same on the second one."""
    ours, stocks = venue.accounts
    exchange, stock = bitget_margin.bitget(_config(venue, ours)), ccxt.bitget(_config(venue, stocks))
    for call in CancelCall:
        placed = _place(venue, exchange, ours)
        foreign = [_place_foreign(venue, ours, symbol) for symbol in SYMBOLS]
        before = len(venue.requests)
        started = time.monotonic()
        results = tuple(_cancel(call, exchange, placed))
        elapsed_ms = (time.monotonic() - started) * 1_000
        requests = len(venue.requests) - before
        differences = tuple(_differences(venue, exchange, placed, foreign, results, call))
        for order_id in foreign:
            venue.cancel(order_id)
        same = _place(venue, stock, stocks)
        reported = _cancel_with_stock(call, stock, same)
        live = venue.orders(stocks.uid, live_only=True)
        for order in live:
            venue.cancel(order.order_id)
        yield DemoRound(
            call,
            ours.kind,
            results,
            requests,
            elapsed_ms,
            f"{reported}; {len(live)} of the orders live on",
            differences,
        )


def _config(venue: Emulator, account: Account) -> Any:
    return {
        "apiKey": account.api_key,
        "secret": account.secret,
        "password": account.password,
        "urls": ccxt_urls(venue.url),
        "options": {"fetchMarkets": {"types": ["spot"], "uta": False}, "uta": account.kind is AccountKind.UNIFIED},
    }


def _place(venue: Emulator, exchange: Any, account: Account) -> PlacedOrders:
    """Place the resting orders over HTTP, then fill three and cancel two of them on the venue itself."""
    for symbol, (price, amount) in _SIZES.items():
        orders = [
            {"symbol": symbol, "type": "limit", "side": "buy", "amount": amount, "price": price - i, "params": CROSS}
            for i in range(PER_SYMBOL)
        ]
        batch_size = 20 if account.kind is AccountKind.UNIFIED else 50
        for start in range(0, PER_SYMBOL, batch_size):
            exchange.create_orders(orders[start : start + batch_size])
    live = venue.orders(account.uid, live_only=True)
    placed = {s: [order for order in live if order.symbol == s.replace("/", "")] for s in SYMBOLS}
    for i, order in enumerate(placed[SYMBOLS[0]][: FILLED + CANCELED]):
        if i < FILLED:
            venue.fill(order.order_id)
        else:
            venue.cancel(order.order_id)
    return placed


def _place_foreign(venue: Emulator, account: Account, symbol: str) -> str:
    """Place an order that the cancel must not touch."""
    price, amount = _SIZES[symbol]
    fields = {"symbol": symbol.replace("/", ""), "side": "buy", "price": str(price - 500), "baseSize": str(amount)}
    return venue.place(account.uid, fields)


def _named(call: CancelCall, placed: PlacedOrders, symbol: str) -> list[str]:
    """Return the ids of one symbol, and with the first symbol an unknown one."""
    by_id = call is not CancelCall.CLIENT_IDS
    unknown = UNKNOWN_ID if by_id else UNKNOWN_CLIENT_ID
    ids = [order.order_id if by_id else order.client_oid for order in placed[symbol]]
    return [*ids, unknown] if symbol == SYMBOLS[0] else ids


def _named_with_symbols(placed: PlacedOrders) -> list[dict[str, str]]:
    return [{"id": id_, "symbol": symbol} for symbol in SYMBOLS for id_ in _named(CancelCall.SYMBOLS, placed, symbol)]


def _cancel(call: CancelCall, exchange: Any, placed: PlacedOrders) -> Iterator[DemoResult]:
    if call is CancelCall.SYMBOLS:
        orders = exchange.cancel_orders_for_symbols(_named_with_symbols(placed), {**CROSS, "confirm": True})
        yield from map(_of_order, orders)
        return
    for symbol in SYMBOLS:
        named = _named(call, placed, symbol)
        ids, client_ids = (named, []) if call is CancelCall.IDS else ([], named)
        yield from map(_of_result, exchange.batch_cancel(ids, symbol, client_ids).results)


def _of_result(result: CancelResult) -> DemoResult:
    name = str(result.id or result.client_order_id)
    outcome = result.outcome.value
    return DemoResult(name, result.symbol, outcome, result.reason or "", _filled(outcome, result.order))


def _of_order(order: Any) -> DemoResult:
    outcome = OUTCOMES.get(order["status"])
    text = str(order["status"]) if outcome is None else outcome.value
    reason = order["info"].get("errorMsg", "")
    return DemoResult(order["id"], order["symbol"], text, reason, _filled(text, order))


def _filled(outcome: str, order: Any) -> float | None:
    """Return the filled amount; of an order that was not found, it is not known."""
    return None if outcome == Outcome.NOT_FOUND.value else float(order["filled"] or 0.0)


def _cancel_with_stock(call: CancelCall, stock: Any, placed: PlacedOrders) -> str:
    """Cancel the same orders with stock ccxt and describe its result."""
    by_id = call is CancelCall.IDS
    cancel = stock.cancel_orders if by_id else stock.cancel_orders_with_client_order_ids
    calls = [partial(cancel, _named(call, placed, symbol), symbol, CROSS) for symbol in SYMBOLS]
    if call is CancelCall.SYMBOLS:
        calls = [partial(stock.cancel_orders_for_symbols, _named_with_symbols(placed), CROSS)]
    reported = []
    for request in calls:
        try:
            reported.append(f"{len(request())} orders, without a status")
        except ccxt.BaseError as error:
            message = _MESSAGE.search(str(error))
            reported.append(f"{type(error).__name__} ({message[1] if message else error})")
    return ", then ".join(dict.fromkeys(reported))


def _differences(
    venue: Emulator,
    exchange: Any,
    placed: PlacedOrders,
    foreign: Sequence[str],
    results: Sequence[DemoResult],
    call: CancelCall,
) -> Iterator[str]:
    """Compare the results with the state of the venue, read over HTTP and directly."""
    orders = [order for symbol in SYMBOLS for order in placed[symbol]]
    by_name = {result.name: result for result in results}
    if len(results) != len(orders) + 1:
        yield f"{len(results)} results for {len(orders) + 1} orders"
    for order in orders:
        now = venue.order(order.order_id)
        outcome = Outcome.FILLED.value if str(now.status) == "filled" else Outcome.CANCELED.value
        result = by_name.get(order.order_id)
        if now.live:
            yield f"{order.order_id} lives"
        elif result is None or result.outcome != outcome or result.filled != float(now.filled):
            yield f"{order.order_id} is {outcome}, and was reported as {result}"
    unknown = by_name.get(UNKNOWN_CLIENT_ID if call is CancelCall.CLIENT_IDS else UNKNOWN_ID)
    if unknown is None or unknown.outcome != Outcome.NOT_FOUND.value:
        yield f"the unknown id was reported as {unknown}"
    open_ids = {str(order["id"]) for symbol in SYMBOLS for order in exchange.fetch_open_orders(symbol, params=CROSS)}
    if open_ids != set(foreign):
        yield f"open are {sorted(open_ids)}, and should be just the orders that were not named: {sorted(foreign)}"
