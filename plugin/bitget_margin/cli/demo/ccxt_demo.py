"""The demo's story: resting orders, some filled, some ended behind our back, one unknown id; then cancel them all."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import ccxt

from bitget_margin.core.outcome import CancelResult, Outcome
from bitget_margin.emulator import Account, AccountKind, Emulator, Order, ccxt_urls
from bitget_margin.sync import bitget

CROSS: Final = {"marginMode": "cross"}
SYMBOLS: Final = ("BTC/USDT", "ETH/USDT")
PER_SYMBOL: Final = 60
FILLED: Final = 3
CANCELLED: Final = 2
UNKNOWN_ID: Final = "1000000000000000001"
UNKNOWN_NAME: Final = "nobody-knows-me"
_SAID: Final = re.compile(r'"msg":"([^"]*)"')
_SIZES: Final = {"BTC/USDT": (50_000, 0.001), "ETH/USDT": (2_500, 0.01)}


class Way(Enum):
    """How the orders are named."""

    IDS = "by order id: batch_cancel(ids, symbol)"
    NAMES = "by client order id: batch_cancel((), symbol, client_order_ids)"
    SYMBOLS = "over several symbols: cancel_orders_for_symbols(orders, {'marginMode': 'cross', 'confirm': True})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown of one order."""

    name: str
    symbol: str
    outcome: str
    reason: str
    filled: float


@dataclass(frozen=True, slots=True)
class Round:
    """One way of asking, and what came of it."""

    way: Way
    answers: tuple[Answer, ...]
    requests: int
    elapsed_ms: float
    stock: str
    faults: tuple[str, ...]
    """What the venue says differently; nothing else may make the demo fail."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The orders of one round: the venue's own, in the order in which they were placed, by symbol."""

    by_symbol: dict[str, list[Order]]

    def ids(self, symbol: str) -> list[str]:
        """Return the order ids of one symbol."""
        return [order.order_id for order in self.by_symbol[symbol]]

    def names(self, symbol: str) -> list[str]:
        """Return the client order ids of one symbol."""
        return [order.client_oid for order in self.by_symbol[symbol]]


def rounds(venue: Emulator) -> Iterator[Round]:
    """Play the story once for each way of asking."""
    ours, stocks = venue.accounts
    exchange, stock = bitget(_config(venue, ours)), ccxt.bitget(_config(venue, stocks))
    for way in Way:
        placed = _place(venue, exchange, ours)
        strangers = [_stranger(venue, ours, symbol) for symbol in SYMBOLS]
        before = len(venue.requests)
        started = time.monotonic()
        answers = tuple(_ask(way, exchange, placed))
        elapsed_ms = (time.monotonic() - started) * 1_000
        requests = len(venue.requests) - before
        faults = tuple(_faults(venue, exchange, placed, strangers, answers, way))
        for order_id in strangers:
            venue.cancel(order_id)
        same = _place(venue, stock, stocks)
        reported = _stock(way, stock, same)
        live = sum(venue.order(order.order_id).live for orders in same.by_symbol.values() for order in orders)
        for order in venue.orders(stocks.uid, live_only=True):
            venue.cancel(order.order_id)
        yield Round(way, answers, requests, elapsed_ms, f"{reported}; {live} of the orders live on", faults)


def _config(venue: Emulator, account: Account) -> Any:
    return {
        "apiKey": account.api_key,
        "secret": account.secret,
        "password": account.password,
        "urls": ccxt_urls(venue.url),
        "options": {"fetchMarkets": {"types": ["spot"], "uta": False}, "uta": account.kind is AccountKind.UNIFIED},
    }


def _place(venue: Emulator, exchange: Any, account: Account) -> Placed:
    """Place the resting orders over HTTP, then let three fill and end two behind the client's back."""
    for symbol, (price, amount) in _SIZES.items():
        orders = [
            {"symbol": symbol, "type": "limit", "side": "buy", "amount": amount, "price": price - i, "params": CROSS}
            for i in range(PER_SYMBOL)
        ]
        most = 20 if account.kind is AccountKind.UNIFIED else 50
        for start in range(0, PER_SYMBOL, most):
            exchange.create_orders(orders[start : start + most])
    live = venue.orders(account.uid, live_only=True)
    placed = Placed({s: [order for order in live if order.symbol == s.replace("/", "")] for s in SYMBOLS})
    first = placed.ids(SYMBOLS[0])
    for order_id in first[:FILLED]:
        venue.fill(order_id)
    for order_id in first[FILLED : FILLED + CANCELLED]:
        venue.cancel(order_id)
    return placed


def _stranger(venue: Emulator, account: Account, symbol: str) -> str:
    """Place an order that nobody names."""
    price, amount = _SIZES[symbol]
    fields = {"symbol": symbol.replace("/", ""), "side": "buy", "price": str(price - 500), "baseSize": str(amount)}
    return venue.place(account.uid, fields)


def _ask(way: Way, exchange: bitget, placed: Placed) -> Iterator[Answer]:
    first, second = SYMBOLS
    match way:
        case Way.IDS:
            yield from map(_of_result, exchange.batch_cancel([*placed.ids(first), UNKNOWN_ID], first).results)
            yield from map(_of_result, exchange.batch_cancel(placed.ids(second), second).results)
        case Way.NAMES:
            yield from map(_of_result, exchange.batch_cancel((), first, [*placed.names(first), UNKNOWN_NAME]).results)
            yield from map(_of_result, exchange.batch_cancel((), second, placed.names(second)).results)
        case Way.SYMBOLS:
            named = [*_requests(placed), {"id": UNKNOWN_ID, "symbol": second}]
            orders = exchange.cancel_orders_for_symbols(named, {**CROSS, "confirm": True})
            yield from map(_of_order, orders)


def _requests(placed: Placed) -> list[dict[str, str]]:
    return [{"id": order_id, "symbol": symbol} for symbol in SYMBOLS for order_id in placed.ids(symbol)]


def _of_result(result: CancelResult) -> Answer:
    name = str(result.id or result.client_order_id)
    return Answer(name, result.symbol, result.outcome.value, result.reason or "", result.order["filled"] or 0.0)


def _of_order(order: Any) -> Answer:
    outcomes = {"canceled": Outcome.CANCELED, "closed": Outcome.FILLED, "rejected": Outcome.NOT_FOUND}
    outcome = outcomes.get(order["status"])
    said = str(order["status"]) if outcome is None else outcome.value
    return Answer(order["id"], order["symbol"], said, order["info"].get("errorMsg", ""), order["filled"] or 0.0)


def _stock(way: Way, stock: Any, placed: Placed) -> str:
    """Return what stock ccxt reports for the same orders, asked in the same way, on an account of its own."""
    first, second = SYMBOLS
    calls: list[Callable[[], Any]]
    match way:
        case Way.IDS:
            calls = [
                lambda: stock.cancel_orders([*placed.ids(first), UNKNOWN_ID], first, CROSS),
                lambda: stock.cancel_orders(placed.ids(second), second, CROSS),
            ]
        case Way.NAMES:
            calls = [
                lambda: stock.cancel_orders_with_client_order_ids([*placed.names(first), UNKNOWN_NAME], first, CROSS),
                lambda: stock.cancel_orders_with_client_order_ids(placed.names(second), second, CROSS),
            ]
        case Way.SYMBOLS:
            calls = [lambda: stock.cancel_orders_for_symbols(_requests(placed), CROSS)]
    reported = []
    for call in calls:
        try:
            reported.append(f"{len(call())} orders, without a status")
        except ccxt.BaseError as error:
            said = _SAID.search(str(error))
            reported.append(f"{type(error).__name__} ({said[1] if said else error})")
    return ", then ".join(dict.fromkeys(reported))


def _faults(
    venue: Emulator,
    exchange: bitget,
    placed: Placed,
    strangers: Sequence[str],
    answers: Sequence[Answer],
    way: Way,
) -> Iterator[str]:
    """Ask the venue, by HTTP and from inside, whether it agrees with every answer."""
    orders = [order for symbol in SYMBOLS for order in placed.by_symbol[symbol]]
    said = {answer.name: answer for answer in answers}
    if len(answers) != len(orders) + 1:
        yield f"{len(answers)} answers for {len(orders) + 1} orders"
    for order in orders:
        now = venue.order(order.order_id)
        truth = Outcome.FILLED.value if str(now.status) == "filled" else Outcome.CANCELED.value
        answer = said.get(order.order_id)
        if now.live:
            yield f"{order.order_id} lives"
        elif answer is None or answer.outcome != truth or answer.filled != float(now.filled):
            yield f"{order.order_id} is {truth}, and was reported as {answer}"
    unknown = said.get(UNKNOWN_NAME if way is Way.NAMES else UNKNOWN_ID)
    if unknown is None or unknown.outcome != Outcome.NOT_FOUND.value:
        yield f"the unknown id was reported as {unknown}"
    open_ids = {str(order["id"]) for symbol in SYMBOLS for order in exchange.fetch_open_orders(symbol, params=CROSS)}
    if open_ids != set(strangers):
        yield f"open are {sorted(open_ids)}, and should be just the orders that nobody named: {sorted(strangers)}"
