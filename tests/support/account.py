"""An account for cancels of all orders: balance and orders agree, responses can be disturbed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bitget_margin.core.cancel_all import Progress, SymbolStages, cancel_account, cancel_symbol
from bitget_margin.core.cancel_proof import CancelAllResult, CancelAllScope
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.requests import CallContext
from support.script import Script, fault, page, row

COINS = {f"{base}USDT": (base, "USDT") for base in ("BTC", "ETH", "SOL", *(f"C{i}" for i in range(25)))}
COINS["BTCUSDC"] = ("BTC", "USDC")
DENIED = fault("40014", "Incorrect permissions")
UNKNOWN_SYMBOL = fault("40034", "Parameter ETHEUR does not exist")
NEEDS_SYMBOL = fault("40019", "Parameter symbol cannot be empty")


@dataclass
class Account:
    """An account with open orders and frozen coins, whose responses can be disturbed."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    extra_frozen: dict[str, str] = field(default_factory=dict)
    """Frozen amounts that no order explains."""
    all_at_once: bool = True
    """Whether open orders can be listed without a symbol."""
    denied: frozenset[str | None] = frozenset()
    unknown: frozenset[str] = frozenset()
    """Symbols that do not exist."""
    refused: frozenset[str] = frozenset()
    """Orders whose cancel is refused."""
    ineffective: dict[str, int] = field(default_factory=dict)
    """How often the cancel of an order is accepted without effect."""
    unreadable: bool = False
    unfreezes_after: int | None = None
    """How many queries of the balance still show the extra frozen amounts."""
    only_by_symbol: frozenset[str] = frozenset()
    """Orders that only the list of their own symbol shows."""
    refusal: Fault | None = None
    """The response to every cancel."""
    overrides: dict[str, str] = field(default_factory=dict)
    """Fields of listed orders that differ from the truth."""
    omitted_coins: frozenset[str] = frozenset()
    """Coins that the balance leaves out."""
    only_by_account: frozenset[str] = frozenset()
    """Orders that only the list of all symbols shows."""
    balance_queries: int = 0

    def respond(self, call: Call) -> object:
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
        if symbol in self.unknown:
            return UNKNOWN_SYMBOL
        if symbol is None and not self.all_at_once:
            return NEEDS_SYMBOL
        if call.endpoint is Endpoint.HISTORY_ORDERS:
            return page()
        below = int(params.get("idLessThan", 10**9))
        out = self.only_by_symbol if symbol is None else self.only_by_account
        shown = [o for o in self.orders if o["orderId"] not in out]
        chosen = [o for o in shown if symbol in {None, o["symbol"]} and int(o["orderId"]) < below]
        return page(*({**o, **self.overrides} for o in chosen if params.get("orderId") in {None, o["orderId"]}))

    def _cancelled(self, ids: Sequence[str]) -> object:
        accepted = [i for i in ids if i not in self.refused]
        for i in accepted:
            self.ineffective[i] = self.ineffective.get(i, 0) - 1
        self.orders = [o for o in self.orders if o["orderId"] not in accepted or self.ineffective[o["orderId"]] >= 0]
        failed = [{"orderId": i, "errorMsg": "no"} for i in ids if i in self.refused]
        return {"successList": [{"orderId": i} for i in accepted], "failureList": failed}

    def _assets(self) -> list[dict[str, str]]:
        held = {coin: Decimal(0) for pair in COINS.values() for coin in pair}
        for o in self.orders:
            base, quote = COINS[o["symbol"]]
            left = Decimal(o["baseSize"]) - Decimal(o["size"])
            sells = o["side"].endswith("sell")
            held[base if sells else quote] += left if sells else left * Decimal(o["price"])
        self.balance_queries += 1
        unfrozen = self.unfreezes_after is not None and self.balance_queries > self.unfreezes_after
        for coin, amount in () if unfrozen else self.extra_frozen.items():
            held[coin] += Decimal(amount)
        return [
            {"coin": coin, "frozen": str(amount)} for coin, amount in held.items() if coin not in self.omitted_coins
        ]


def order(order_id: int, symbol: str = "BTCUSDT", side: str = "buy", **more: str) -> dict[str, Any]:
    """Return an open order of 2 at 10, of which a half is filled."""
    return row(order_id, symbol=symbol, **{"side": side, "baseSize": "2", "size": "0.5", "price": "10", **more})


def cancel_all(
    account: Account,
    symbol: str | None,
    symbols: Sequence[str] = (),
    *,
    progress: Progress | None = None,
    on_start: Callable[[CallContext], object] = lambda _: None,
    known: set[str] | None = None,
    further: Sequence[str] = (),
    guess: Callable[[Iterable[str]], Sequence[str]] = lambda _: (),
    **settings: Any,
) -> tuple[CancelAllResult, CallContext, CancelState, Script]:
    """Cancel all orders of a symbol, or of the account."""
    venue, state = Script(account.respond), CancelState()
    ctx = venue.ctx(**{"confirm": False, **settings})
    on_start(ctx)
    known_coins = set() if known is None else known
    if symbol is not None:
        flow = cancel_symbol(ctx, state, CancelAllScope(COINS, symbol, symbols, known_coins))
    else:
        stages = SymbolStages(symbols, further, guess)
        flow = cancel_account(
            ctx, state, CancelAllScope(COINS, known_coins=known_coins), stages, progress or (lambda *_: None)
        )
    return venue.run(flow), ctx, state, venue


def requested(venue: Script) -> list[Any]:
    """Return the endpoint of each request, and of a list its symbol."""
    listed = {Endpoint.OPEN_ORDERS}
    return [dict(c.params).get("symbol") if c.endpoint in listed else c.endpoint for c in venue.calls]  # type: ignore[call-overload]


def outcomes(state: CancelState) -> dict[str, Outcome | None]:
    """Return the outcome of each order."""
    return {target.value: order.outcome for target, order in state.orders.items()}
