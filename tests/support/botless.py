"""The bot's managers without a bot: records in memory, a scripted venue, and a clock that a test moves."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin import client_order_ids
from bitget_margin.adapter.awaited_change import note_change_sent
from bitget_margin.core.outcome import CancelReport
from bitget_margin.freqtrade import exit_names, own_orders, recovery, trade_rows, unproven_cancels
from bitget_margin.freqtrade.budget import Budget, Pace
from bitget_margin.freqtrade.client import CancelBatchResult, ViewedOrders
from bitget_margin.freqtrade.compat import InsufficientFundsError, Trade
from bitget_margin.freqtrade.config import BotSettings
from bitget_margin.freqtrade.exits import ExitOrder
from bitget_margin.freqtrade.holdings import Holding, Holdings
from bitget_margin.freqtrade.managers import Managers
from bitget_margin.freqtrade.order_store import CancelBatch
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey

PAIR = "BTC/USDT"
KEY = TradeKey(1, 1_000)
"""The trade that a stand starts with."""


def rung(name: str = "k-1-x-0", **more: Any) -> TrackedOrder:
    """Return a resting sell of trade 1, about to be sent."""
    made = TrackedOrder(name, Origin.LADDER, 1, 1_000, PAIR, "sell", "entry", 0, 60_000.0, 0.5, 0)
    return replace(made, **more)


def live(name: str = "k-1-x-0", **more: Any) -> TrackedOrder:
    """Return a resting sell of trade 1 that the venue has given an id."""
    return rung(name, **{"phase": Phase.LIVE, "order_id": f"id-{name}", **more})


def cover(name: str = "k-1-x-0", **more: Any) -> TrackedOrder:
    """Return a resting cover of short trade 1, about to be sent: 0.501 leave 0.5 after the fee."""
    return rung(name, **{"side": "buy", "sent": 0.501, **more})


def live_cover(name: str = "k-1-x-0", **more: Any) -> TrackedOrder:
    """Return a resting cover of short trade 1 that the venue has given an id."""
    return live(name, **{"side": "buy", "sent": 0.501, **more})


def own(name: str = "k-o1", **more: Any) -> TrackedOrder:
    """Return freqtrade's own sell order of trade 1, about to be sent."""
    return rung(name, **{"origin": Origin.FREQTRADE, "ladder": "", **more})


class Records:
    """The bot's tables, in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, TrackedOrder] = {}
        self.batches: list[CancelBatch] = []

    def __getitem__(self, name: str) -> TrackedOrder:
        return self.rows[name]

    def key(self) -> str:
        """Return the bot's key."""
        return "k"

    def add(self, orders: Iterable[TrackedOrder]) -> None:
        """Store."""
        self.rows.update({row.client_id: row for row in orders})

    def update(self, changes: Iterable[tuple[TrackedOrder, TrackedOrder]], batch: CancelBatch | None = None) -> None:
        """Store changes."""
        self.rows.update({new.client_id: new for _, new in changes})
        self.batches += [batch] if batch else []

    def note(self, row: TrackedOrder) -> None:
        """Store one."""
        self.add([row])

    def forget(self, row: TrackedOrder) -> None:
        """Remove."""
        self.rows.pop(row.client_id, None)

    def open(self, origin: Origin) -> list[TrackedOrder]:
        """Return the orders that may still trade."""
        return [row for row in self.rows.values() if row.origin is origin and row.phase.open]

    def in_phase(self, phase: Phase) -> list[TrackedOrder]:
        """Return the orders in this phase."""
        return [row for row in self.rows.values() if row.phase is phase]

    def unsettled(self) -> list[TrackedOrder]:
        """Return the orders that have ended with a fill, and are not booked by freqtrade."""
        return [row for row in self.in_phase(Phase.ENDED) if row.filled and not row.settled]

    def by_order_id(self, order_id: str) -> TrackedOrder | None:
        """Return the order with this order id."""
        return next((row for row in self.rows.values() if row.order_id == order_id), None)

    def by_client_id(self, client_id: str) -> TrackedOrder | None:
        """Return the order with this client order id."""
        return self.rows.get(client_id)

    def of_trade(self, trade: TradeKey, ladder: str | None = None) -> list[TrackedOrder]:
        """Return the resting orders of a trade."""
        rungs = [row for row in self.rows.values() if row.trade == trade and row.origin is Origin.LADDER]
        return [row for row in rungs if ladder in {None, row.ladder}]

    def own_of(self, trade: TradeKey) -> list[TrackedOrder]:
        """Return freqtrade's own orders of a trade."""
        return [row for row in self.rows.values() if row.trade == trade and row.origin is Origin.FREQTRADE]

    def stops_of(self, trade: TradeKey) -> list[TrackedOrder]:
        """Return the stops of a trade."""
        return [row for row in self.rows.values() if row.trade == trade and row.origin is Origin.STOP]

    def resting_on(self, pair: str) -> list[TrackedOrder]:
        """Return the resting orders on a pair."""
        return [row for row in self.rows.values() if row.pair == pair and row.origin is Origin.LADDER]


@dataclass
class Venue:
    """A client whose venue shows what a test has set."""

    shown: dict[str, TrackedOrder] = field(default_factory=dict)
    """Answers of lookups and cancels, by client order id."""
    error: ccxt.BaseError | None = None
    """Raised by lookups, lists and placing."""
    placing: Callable[[TrackedOrder], TrackedOrder] = lambda row: replace(row, phase=Phase.LIVE, order_id="7")
    on_view: Callable[[], object] = lambda: None
    on_cancel: Callable[[], object] = lambda: None
    own: Sequence[Mapping[str, Any]] = ()
    """Other open orders of the bot that each lookup shows."""
    api: Any = None
    is_complete: bool = True
    """Whether the lists of a lookup are read to their end."""
    by_fills: frozenset[str] = frozenset()
    """Client order ids of orders that lookups show by their fills alone: they are in no list."""
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Structures of ccxt that a search finds, by client order id."""
    not_found: frozenset[str] = frozenset()
    """Client order ids that the lookups of a cancel miss."""
    foreign: Sequence[Any] = ()
    listed: Sequence[str] = ()
    own_listed: Sequence[Mapping[str, Any]] = ()
    cancel_one: Callable[[str, str, float], CancelReport] = lambda *_: CancelReport(())
    viewed: list[list[TrackedOrder]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    """Keys with which lookups asked for other orders of the bot."""
    sought: list[list[TrackedOrder]] = field(default_factory=list)
    """Orders that searches named."""
    canceled: list[tuple[list[str], list[str]]] = field(default_factory=list)
    """Client order ids of our orders, and ids of others, of each batch."""
    placed: list[list[str]] = field(default_factory=list)
    loan_types: list[str | None] = field(default_factory=list)
    """Loan type of each request that placed orders."""
    budgets: list[float] = field(default_factory=list)
    """Time that each request could take, in ms."""
    lists_all: bool = False
    """Whether it lists all pairs at once."""
    lists: list[str | None] = field(default_factory=list)
    """Pair of each list that was requested."""
    pace: Pace = field(default_factory=lambda: Pace(1_000, lambda: 0.0))

    def view(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, key: str | None = None) -> ViewedOrders:
        """Look up: what is not shown is in no list."""
        assert {row.pair for row in orders} <= {pair}
        self.budgets.append(budget.left_ms())
        self.viewed.append(list(orders))
        self.keys.append(key)
        self.on_view()
        if self.error is not None:
            raise self.error
        now = tuple(self.shown.get(row.client_id) for row in orders)
        unlisted = {row.client_id for row in orders if row.client_id not in self.shown} | self.by_fills
        return ViewedOrders(now, tuple(self.own), frozenset(unlisted if self.is_complete else ()))

    def view_rows(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget) -> Mapping[str, Mapping[str, Any]]:
        """Look up, for ccxt's structures."""
        assert {row.pair for row in orders} <= {pair}
        self.budgets.append(budget.left_ms())
        self.sought.append(list(orders))
        if self.error is not None:
            raise self.error
        return self.rows

    def open_rows(
        self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, key: str
    ) -> Sequence[Mapping[str, Any]]:
        """List the bot's orders on a pair."""
        assert {row.pair for row in orders} <= {pair}
        return self._list(pair, budget, key)

    def open_rows_everywhere(self, budget: Budget, key: str) -> Sequence[Mapping[str, Any]]:
        """List the bot's orders on all pairs."""
        return self._list(None, budget, key)

    def _list(self, pair: str | None, budget: Budget, key: str) -> Sequence[Mapping[str, Any]]:
        assert key == "k"
        self.budgets.append(budget.left_ms())
        self.lists.append(pair)
        if pair is None and not self.lists_all:
            raise ccxt.ArgumentsRequired("the venue requires a symbol")
        if self.error is not None:
            raise self.error
        return self.own_listed

    def open_ids(self, pair: str, budget: Budget) -> Sequence[str]:
        """List."""
        assert pair == PAIR
        self.budgets.append(budget.left_ms())
        if self.error is not None:
            raise self.error
        return self.listed

    def cancel(
        self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, others: Sequence[str] = ()
    ) -> CancelBatchResult:
        """Cancel: what is shown as ended is proven."""
        assert pair is not None
        assert {row.pair for row in orders} <= {pair}
        self.budgets.append(budget.left_ms())
        self.canceled.append(([row.client_id for row in orders], list(others)))
        self.on_cancel()
        note_change_sent()
        now = tuple(self.shown.get(row.client_id, row) for row in orders)
        unresolved = {row.client_id: "no answer" for row in now if row.phase.open}
        return CancelBatchResult(now, None, unresolved, self.foreign, self.not_found)

    def place(
        self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, loan_type: str | None = None
    ) -> list[TrackedOrder]:
        """Place."""
        assert {row.pair for row in orders} == {pair}
        self.loan_types.append(loan_type)
        self.budgets.append(budget.left_ms())
        if self.error is not None:
            raise self.error
        self.placed.append([row.client_id for row in orders])
        return [self.placing(row) for row in orders]


@dataclass
class Wallet:
    """The balance of the account, as a test sets it."""

    holding: Holding | None = None
    """The base coin now; None where the venue does not answer."""
    classic: bool = True
    readings: int = 0

    def fetch(self) -> Mapping[str, Any]:
        """Return ccxt's balance."""
        self.readings += 1
        if self.holding is None:
            raise ccxt.RequestTimeout("no answer")
        return balance_of(self.holding)


def balance_of(holding: Holding) -> dict[str, Any]:
    """Return ccxt's balance with these BTC, and quote coins."""
    coin = {"total": holding.total, "free": holding.free, "used": holding.frozen, "debt": holding.debt}
    return {"BTC": coin, "total": {"BTC": holding.total, "USDT": 1.0}}


@dataclass
class Rules:
    """Market rules that a test sets: amounts in steps of 0.001, prices in steps of 0.1."""

    markets: Mapping[str, Any] = field(
        default_factory=lambda: {
            pair: {"base": pair[:3], "quote": "USDT", "limits": {"amount": {"min": 0.01}, "cost": {"min": 5.0}}}
            for pair in (PAIR, "ETH/USDT")
        }
    )
    batch_max: int = 3
    free_of: dict[str, float] = field(default_factory=lambda: {"BTC": 1.0, "USDT": 100_000.0})
    fee: float | None = 0.001
    fees_of: list[tuple[Any, ...]] = field(default_factory=list)

    def amount_to_precision(self, _pair: str, amount: float) -> float:
        """Cut to three decimals."""
        return float(Decimal(repr(amount)).quantize(Decimal("0.001"), ROUND_DOWN))

    def price_to_precision(self, _pair: str, price: float) -> float:
        """Round to one decimal."""
        return round(price, 1)

    def cover_amount(self, _pair: str, net: float) -> float:
        """Return the next step above what a fee of 0.1 % leaves these coins of."""
        return float((Decimal(repr(net)) / Decimal("0.999")).quantize(Decimal("0.001"), ROUND_UP))

    def loan_type(self, trade: Any) -> str | None:
        """Return the loan type that is set, of shorts alone."""
        return "autoRepay" if trade.is_short else None

    def free(self, currency: str) -> float:
        """Return the free balance."""
        return self.free_of[currency]

    def free_margin(self, currency: str) -> float:
        """Return the free balance."""
        return self.free(currency)

    def fee_of(self, *order: Any) -> float | None:
        """Return the fee."""
        self.fees_of.append(order)
        return self.fee


class Messages:
    """Alerts that are kept."""

    def __init__(self) -> None:
        self.warnings: list[tuple[str, str | None]] = []
        self.infos: list[str] = []
        self.cleared: list[str] = []

    def warn(self, text: str, about: str | None = None) -> None:
        """Keep a warning."""
        self.warnings.append((text, about))

    def clear(self, about: str) -> None:
        """Keep the subject."""
        self.cleared.append(about)

    def info(self, text: str) -> None:
        """Keep what went as it should."""
        self.infos.append(text)

    def send_info(self, text: str) -> None:
        """Keep what went as it should, and is sent."""
        self.infos.append(text)

    @property
    def texts(self) -> str:
        """All texts so far."""
        return "\n".join([text for text, _ in self.warnings] + self.infos)


@dataclass
class Stand:
    """All managers on a scripted venue, with trade 1 open on BTC/USDT; it has 1 BTC."""

    settings: BotSettings = field(default_factory=BotSettings)
    store: Any = field(default_factory=Records)
    venue: Any = field(default_factory=Venue)
    wallet: Any = field(default_factory=Wallet)
    rules: Rules = field(default_factory=Rules)
    alerts: Any = field(default_factory=Messages)
    seconds: float = 1_000.0
    ms: int = 5_000_000
    trades: dict[TradeKey, Any] = field(default_factory=dict)
    remaining: float = 1.0
    """What each trade still has by its rows."""
    remaining_of: dict[int, float] = field(default_factory=dict)
    """The same of single trades, by number."""
    besides: float = 0.0
    """Base coins of the account that belong to no trade."""
    unrecorded: float = 0.0
    """What resting orders have bought, less what they have sold, and no row has."""
    order_rows: dict[str, Any] = field(default_factory=dict)
    """freqtrade's rows, by order id."""
    owners: dict[str, Any] = field(default_factory=dict)
    """Trades that have the row of an order, by order id."""
    open_rows: set[str] = field(default_factory=set)
    """Client order ids of the orders whose row is open."""
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    """Changes of freqtrade's rows."""
    added: list[Any] = field(default_factory=list)
    """Trades that are added to the session."""
    handed_over: bool = True
    can_write: bool = True
    """Whether freqtrade's database takes the rows of fills."""
    round_trip_ms: float = 0.0
    """Longest of the last round trips."""
    reads_ahead: bool = False
    """Whether an exit reads the balance beside its fills, as a bot does."""

    def __post_init__(self) -> None:
        def clock() -> float:
            return self.seconds

        def epoch_ms() -> int:
            return self.ms

        self.venue.pace = Pace(self.settings.wait_ms, lambda: self.round_trip_ms, clock)
        self.holdings = Holdings(
            self.wallet.fetch,
            lambda pair: pair.split("/", maxsplit=1)[0],
            lambda: self.wallet.classic,
            clock,
            self.wallet.fetch if self.reads_ahead else None,
            lambda _: self.besides,
        )
        self.managers: Any = Managers(
            store=self.store,
            client=self.venue,
            alerts=self.alerts,
            holdings=self.holdings,
            rules=self.rules,
            settings=self.settings,
            new_trade=self.new_trade,
            clock=clock,
            epoch_ms=epoch_ms,
        )
        self.missed, self.resting, self.recovery = self.managers.missed, self.managers.resting, self.managers.recovery
        self.lost, self.ladders, self.exits = self.managers.lost, self.managers.ladders, self.managers.exits
        self.names, self.rests, self.amounts = self.managers.names, self.managers.rests, self.exits.amounts
        self.maintenance, self.unproven = self.managers.maintenance, self.managers.unproven
        self.own, self.late = self.resting.take_in.__self__, self.resting.take_late_buy.__self__
        self.adopted: list[TrackedOrder] = []
        self.lost.adopt = self.own.adopt = self.late.adopt = self.names.adopt = self.adopted.append
        # Trade 1 is younger than the bot's start, so no exit of an earlier run is looked for.
        self.names.started_ms = 0
        self.trade()

    def budget(self, total_ms: float = 3_000) -> Budget:
        """Return a budget on the clock of the stand."""
        return Budget(total_ms, lambda: self.seconds)

    def owe(self, amount: float, *, read: bool = True) -> None:
        """Have the account owe these base coins, and freqtrade read it now."""
        # The total of a unified account is less its debt.
        self.wallet.holding = Holding(0.0 if self.wallet.classic else -amount, 0.0, 0.0, amount)
        if read:
            self.holdings.remember(balance_of(self.wallet.holding))

    def read_balance(self, total: float, free: float | None = None) -> None:
        """Have freqtrade read this balance of the base coin now."""
        free = total if free is None else free
        self.holdings.remember(balance_of(Holding(total, free, total - free)))

    def trade(self, number: int = 1, **more: Any) -> Any:
        """Open a trade, as far as the managers read it."""
        fields = {
            "open_date_utc": datetime.fromtimestamp(1, UTC),
            "id": number,
            "pair": PAIR,
            "is_open": True,
            "amount": 1.0,
            "open_orders": [],
            "orders": [],
            "has_open_orders": False,
            "entry_side": "buy",
            "exit_side": "sell",
            "is_short": False,
            "leverage": 1.0,
            "fee_close": 0.001,
            "fee_open_currency": "USDT",
            "safe_quote_currency": "USDT",
            "amount_precision": 0.001,
            "precision_mode": 4,
            "contract_size": None,
            "exit_reason": None,
            "close": lambda rate: self.calls.append(("close", number, rate)),
            "recalc_trade_from_orders": lambda: self.calls.append(("recalc", number)),
        }
        found = self.trades[TradeKey(number, 1_000)] = SimpleNamespace(**{**fields, **more})
        return found

    def short(self, number: int = 1, **more: Any) -> Any:
        """Open a short trade, as far as the managers read it."""
        return self.trade(number, **{"entry_side": "sell", "exit_side": "buy", "is_short": True, **more})

    def new_trade(self, pair: str, **values: Any) -> Any:
        """Open trade 9 for an entry that freqtrade does not know."""
        self.calls.append(("new trade", pair, values))
        return self.trade(9, pair=pair)

    def patch(self, monkeypatch: Any) -> None:
        """Have the managers find the trades and rows of the stand, and no database."""

        def record_fill(trade: Any, order: TrackedOrder) -> bool:
            self.calls.append(("fill", trade.id, order.client_id, order.filled))
            return self.can_write

        def record_fills(trade: Any, orders: Iterable[TrackedOrder]) -> bool:
            stored = [record_fill(trade, order) for order in orders]
            return all(stored)

        def hand_over(_trade: Any, order: TrackedOrder, fee_base: Callable[[TrackedOrder], float | None]) -> bool:
            self.calls.append(("hand over", order.client_id, fee_base(order)))
            return self.handed_over

        for name, stub in {
            "refresh": lambda: self.calls.append(("refresh",)),
            "record_fill": record_fill,
            "record_fills": record_fills,
            "hand_to_freqtrade": hand_over,
            "is_open": lambda _trade, order: order.client_id in self.open_rows,
            "remaining_amount": lambda trade: self.remaining_of.get(trade.id, self.remaining),
            "unrecorded": lambda _trade, _orders: self.unrecorded,
            "order_row": lambda order_id, pair: pair and self.order_rows.get(order_id),
            "is_exit": lambda row: row.ft_order_side == getattr(row, "exit_side", "sell"),
            "owner_of": lambda order: self.owners.get(order.order_id),
        }.items():
            monkeypatch.setattr(trade_rows, name, stub)
        for module in (exit_names, recovery, unproven_cancels, own_orders):
            monkeypatch.setattr(module, "order_row", lambda order_id, pair: pair and self.order_rows.get(order_id))
        for name in ("commit", "rollback"):
            monkeypatch.setattr(Trade, name, lambda name=name: self.calls.append((name,)))
        monkeypatch.setattr(Trade, "get_trades_proxy", self.trades_proxy)
        by_number = lambda _kind, number: next((t for t in self.trades.values() if t.id == number), None)  # noqa: E731
        session = SimpleNamespace(get=by_number, add=self.added.append)
        monkeypatch.setattr(Trade, "session", session, raising=False)

    def trades_proxy(self, *, pair: str | None = None, is_open: bool | None = None) -> list[Any]:
        """Return trades as freqtrade's own query."""
        trades = [trade for trade in self.trades.values() if is_open is None or trade.is_open is is_open]
        return [trade for trade in trades if pair in {None, trade.pair}]


def structure(status: str | None, order_id: str | None = None, info: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an order structure of ccxt, as far as the managers read it."""
    return {"id": order_id, "status": status, "info": dict(info or {}), "filled": 0.0, "average": None}


def exit_name(number: int) -> str:
    """Return the name of an exit of trade 1."""
    return client_order_ids.exit_order_id("k", 1, 1_000, number)


def sold(stand: Stand, amount: float = 1.0, rate: float = 60_000.0) -> float:
    """Return the amount of the limit order that an exit of trade 1 sends."""
    order = stand.exits.place(PAIR, amount, "limit", rate)
    assert order == ExitOrder(order.amount, "limit", order.owed)
    return order.amount


def refusal(stand: Stand, amount: float = 1.0, rate: float = 60_000.0) -> str:
    """Return the reason with which an exit of trade 1 is refused."""
    with pytest.raises(InsufficientFundsError) as raised:
        stand.exits.place(PAIR, amount, "limit", rate)
    return str(raised.value)


def confirm(stand: Stand, reason: str = "roi") -> bool:
    """Confirm an exit of trade 1; return whether freqtrade sends its order."""
    return bool(stand.exits.confirm(stand.trades[KEY], reason))


def in_another_thread(work: Callable[[], object]) -> Any:
    """Return the result of a call in another thread."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]
