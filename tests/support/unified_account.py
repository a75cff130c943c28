"""A unified account for cancels of all orders: spot and strategy orders share the wallet, lists can hide orders."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bitget_margin.core.cancel_all import SymbolStages, cancel_account, cancel_symbol
from bitget_margin.core.cancel_proof import CancelAllResult, CancelAllScope
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import AccountKind, Endpoint
from support.account import COINS
from support.script import Script, fault

UNKNOWN = fault("25204", "Order does not exist")
NEEDS_SYMBOL = fault("40019", "Parameter symbol cannot be empty")


@dataclass
class UnifiedAccount:
    """An account with open orders of every category, whose responses can be disturbed."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    """Margin and spot orders, newest first."""
    strategies: list[dict[str, Any]] = field(default_factory=list)
    extra_locked: dict[str, str] = field(default_factory=dict)
    margin_locks: bool = True
    """Whether `locked` counts margin orders."""
    coins: tuple[str, ...] = ("USDT", "BTC", "ETH")
    """Coins that the balance names, also if nothing is locked."""
    unlisted: frozenset[str] = frozenset()
    """Orders that the list of all symbols leaves out."""
    omitting_lists: dict[str, int] = field(default_factory=dict)
    """Number of lists that leave out an order."""
    needs_symbol: bool = False
    history: bool = True
    """Whether an ended order has a row."""
    ineffective: dict[str, int] = field(default_factory=dict)
    """How often the cancel of an order is acknowledged without effect."""
    vanishing: frozenset[str] = frozenset()
    """Orders that no list shows once their cancel was acknowledged, also if they live."""
    stuck_locked: dict[str, str] = field(default_factory=dict)
    """Locked amounts that appear with the first cancel."""
    faults: dict[Endpoint, object] = field(default_factory=dict)
    answer_all: Callable[[list[dict[str, str]]], object] = lambda items: {"list": items}
    """The response to an executed cancel of all orders, by its items."""
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)

    def respond(self, call: Call) -> object:
        """Answer one request."""
        if call.endpoint in self.faults:
            return self.faults[call.endpoint]
        params: Any = call.params
        if call.endpoint is Endpoint.UNIFIED_BATCH_CANCEL:
            return [self._cancel(item["orderId"]) for item in params]
        if call.endpoint is Endpoint.UNIFIED_CANCEL_ALL:
            symbols = {params.get("symbol", row["symbol"]) for row in self.orders}
            ids = [row["orderId"] for row in self.orders if row["category"] == "MARGIN" and row["symbol"] in symbols]
            return self.answer_all([self._cancel(order_id) for order_id in ids])
        if call.endpoint is Endpoint.UNIFIED_ASSETS:
            return {"assets": self._assets()}
        if call.endpoint is Endpoint.UNIFIED_STRATEGY_ORDERS:
            return [row for row in self.strategies if row["category"] == params["category"]] or None
        if call.endpoint is Endpoint.UNIFIED_ORDER:
            return self._order(params["orderId"])
        rows = list(self.ended.values()) if call.endpoint is Endpoint.UNIFIED_HISTORY_ORDERS else self._open(params)
        if isinstance(rows, Fault):
            return rows
        page = [row for row in rows if self._matches(row, params)]
        return {"list": page or None, "cursor": page[-1]["orderId"] if page else None}

    def live(self, category: str = "MARGIN") -> list[str]:
        """Return the ids of the open orders of a category."""
        return [row["orderId"] for row in self.orders if row["category"] == category]

    def _matches(self, row: dict[str, Any], params: Any) -> bool:
        below = int(params.get("cursor", 10**9))
        wanted = params.get("symbol", row["symbol"]), params["category"]
        return (row["symbol"], row["category"]) == wanted and int(row["orderId"]) < below

    def _open(self, params: Any) -> list[dict[str, Any]] | Fault:
        symbol = params.get("symbol")
        if symbol is None and self.needs_symbol and params["category"] == "MARGIN":
            return NEEDS_SYMBOL
        shown = []
        for row in self.orders:
            order_id = row["orderId"]
            left = self.omitting_lists.get(order_id, 0)
            if "cursor" not in params:
                self.omitting_lists[order_id] = left - 1
            if left <= 0 and not (symbol is None and order_id in self.unlisted):
                shown.append(row)
        return shown

    def _order(self, order_id: str) -> object:
        found = {row["orderId"]: row for row in self.orders} | self.ended
        return found.get(order_id, UNKNOWN)

    def _cancel(self, order_id: str) -> dict[str, str]:
        self.ineffective[order_id] = self.ineffective.get(order_id, 0) - 1
        self.extra_locked |= self.stuck_locked
        if order_id in self.vanishing:
            self.omitting_lists[order_id] = 99
        if self.ineffective[order_id] < 0:
            (row,) = [row for row in self.orders if row["orderId"] == order_id]
            self.orders.remove(row)
            if self.history:
                self.ended[order_id] = {**row, "orderStatus": "cancelled"}
        return {"orderId": order_id}

    def _assets(self) -> list[dict[str, str]]:
        held = {coin: Decimal(0) for coin in self.coins}
        for coin, amount in self.extra_locked.items():
            held[coin] = held.get(coin, Decimal(0)) + Decimal(amount)
        for row in self.orders:
            if row["category"] == "SPOT" or self.margin_locks:
                base, quote = COINS[row["symbol"]]
                left = Decimal(row["qty"]) - Decimal(row["cumExecQty"])
                coin, amount = (base, left) if row["side"] == "sell" else (quote, left * Decimal(row["price"]))
                held[coin] = held.get(coin, Decimal(0)) + amount
        return [{"coin": coin, "locked": str(amount), "available": "1"} for coin, amount in held.items()]


def order(number: int, symbol: str = "BTCUSDT", side: str = "buy", category: str = "MARGIN") -> dict[str, Any]:
    """Return an open order of 2 at 10, of which a half is filled."""
    amounts = {"qty": "2", "cumExecQty": "0.5", "price": "10", "orderStatus": "live"}
    return {"orderId": str(number), "category": category, "symbol": symbol, "side": side, **amounts}


def strategy(number: int, symbol: str = "BTCUSDT", category: str = "MARGIN", **more: str) -> dict[str, Any]:
    """Return a strategy order, whose documented row has no side."""
    return {"orderId": str(number), "category": category, "symbol": symbol, "qty": "0.5", **more}


def cancel_all(
    account: UnifiedAccount,
    symbol: str | None,
    symbols: Sequence[str] = (),
    *,
    further: Sequence[str] = (),
    guess: Callable[[Iterable[str]], Sequence[str]] = lambda _: (),
    known: set[str] | None = None,
    **settings: Any,
) -> tuple[CancelAllResult, CancelState, Script]:
    """Cancel all orders of a symbol, or of the account."""
    venue, state = Script(account.respond), CancelState()
    ctx = venue.ctx(kind=AccountKind.UNIFIED, **{"confirm": False, **settings})
    coins = set() if known is None else known
    if symbol is not None:
        return venue.run(cancel_symbol(ctx, state, CancelAllScope(COINS, symbol, symbols, coins))), state, venue
    flow = cancel_account(ctx, state, CancelAllScope(COINS, known_coins=coins), SymbolStages(symbols, further, guess))
    return venue.run(flow), state, venue
