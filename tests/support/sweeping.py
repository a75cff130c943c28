"""An account to sweep, with a balance that follows its orders, and ways to get in the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bitget_margin.core.cancel_all import CancelAllResult, cancel_account, cancel_symbol
from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.requests import CallContext, Progress
from support.script import Script, fault, page, row

COINS = {f"{base}USDT": (base, "USDT") for base in ("BTC", "ETH", "SOL", *(f"C{i}" for i in range(25)))}
COINS["BTCUSDC"] = ("BTC", "USDC")
DENIED = fault("40014", "Incorrect permissions")
NEEDS_SYMBOL = fault("40019", "Parameter symbol cannot be empty")


@dataclass
class Account:
    """The open orders of an account, what else it holds frozen, and how it answers."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)
    all_at_once: bool = True
    denied: frozenset[str | None] = frozenset()
    stubborn: frozenset[str] = frozenset()
    """Orders whose cancel is refused."""
    ghosts: dict[str, int] = field(default_factory=dict)
    """Orders whose cancel is taken so many times without effect."""
    unreadable: bool = False
    thaws_after: int | None = None
    """How many looks at the balance still show what is hidden."""
    shy: frozenset[str] = frozenset()
    """Orders that only the list of their own symbol shows."""
    refusal: Fault | None = None
    """What every cancel is answered with."""
    odd: dict[str, str] = field(default_factory=dict)
    """What its lists show instead of the truth."""
    silent: frozenset[str] = frozenset()
    """Coins that the balance leaves out."""
    late: frozenset[str] = frozenset()
    """Orders that show in the list of all symbols alone."""
    looks: int = 0

    def say(self, call: Call) -> object:
        """Answer one request."""
        params: Any = call.params
        if call.endpoint is Endpoint.BATCH_CANCEL:
            if self.refusal is not None:
                return self.refusal
            return self._cancelled([item["orderId"] for item in params["orderIdList"]])
        if call.endpoint is Endpoint.ASSETS:
            return [{"coin": "USDT"}] if self.unreadable else self._assets()
        symbol = params.get("symbol")
        if symbol in self.denied:
            return DENIED
        if symbol is None and not self.all_at_once:
            return NEEDS_SYMBOL
        if call.endpoint is Endpoint.HISTORY_ORDERS:
            return page()
        below = int(params.get("idLessThan", 10**9))
        out = self.shy if symbol is None else self.late
        shown = [o for o in self.orders if o["orderId"] not in out]
        chosen = [o for o in shown if symbol in {None, o["symbol"]} and int(o["orderId"]) < below]
        return page(*({**o, **self.odd} for o in chosen if params.get("orderId") in {None, o["orderId"]}))

    def _cancelled(self, ids: Sequence[str]) -> object:
        taken = [i for i in ids if i not in self.stubborn]
        for i in taken:
            self.ghosts[i] = self.ghosts.get(i, 0) - 1
        self.orders = [o for o in self.orders if o["orderId"] not in taken or self.ghosts[o["orderId"]] >= 0]
        failed = [{"orderId": i, "errorMsg": "no"} for i in ids if i in self.stubborn]
        return {"successList": [{"orderId": i} for i in taken], "failureList": failed}

    def _assets(self) -> list[dict[str, str]]:
        held = {coin: Decimal(0) for pair in COINS.values() for coin in pair}
        for o in self.orders:
            base, quote = COINS[o["symbol"]]
            left = Decimal(o["baseSize"]) - Decimal(o["size"])
            sells = o["side"].endswith("sell")
            held[base if sells else quote] += left if sells else left * Decimal(o["price"])
        self.looks += 1
        thawed = self.thaws_after is not None and self.looks > self.thaws_after
        for coin, amount in () if thawed else self.hidden.items():
            held[coin] += Decimal(amount)
        return [{"coin": coin, "frozen": str(amount)} for coin, amount in held.items() if coin not in self.silent]


def order(order_id: int, symbol: str = "BTCUSDT", side: str = "buy", **more: str) -> dict[str, Any]:
    """Return an open order of 2 at 10, of which a half is filled."""
    return row(order_id, symbol=symbol, **{"side": side, "baseSize": "2", "size": "0.5", "price": "10", **more})


def sweep(
    account: Account,
    symbol: str | None,
    symbols: Sequence[str] = (),
    *,
    progress: Progress | None = None,
    seen: Callable[[CallContext], object] | None = None,
    known: set[str] | None = None,
    **settings: Any,
) -> tuple[CancelAllResult, CallContext, Script]:
    """Sweep a symbol, or the account."""
    venue = Script(account.say)
    ctx = venue.ctx(**{"confirm": False, **settings})
    ctx.progress = progress or ctx.progress
    if seen is not None:
        seen(ctx)
    named = symbol is not None
    flow = cancel_symbol(ctx, symbol, COINS, symbols, known) if named else cancel_account(ctx, COINS, symbols, known)
    return venue.run(flow), ctx, venue


def asked(venue: Script) -> list[Any]:
    """Return the endpoint of each request, and of a list its symbol."""
    listed = {Endpoint.OPEN_ORDERS}
    return [dict(c.params).get("symbol") if c.endpoint in listed else c.endpoint for c in venue.calls]  # type: ignore[call-overload]


def outcomes(ctx: CallContext) -> dict[str, Outcome | None]:
    """Return how each order ended."""
    return {target.value: entry.outcome for target, entry in ctx.cancel_state.orders.items()}
