"""The bot's managers without a bot: records in memory, a scripted venue, a clock that a test moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.client import CancelBatchResult
from bitget_margin.freqtrade.config import BotSettings
from bitget_margin.freqtrade.holdings import Holding
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey

PAIR = "BTC/USDT"


def rung(name: str = "k-1-x-0", **more: Any) -> TrackedOrder:
    """Return a resting sell of trade 1, about to be sent."""
    made = TrackedOrder(name, Origin.LADDER, 1, 1_000, PAIR, "sell", "entry", 0, 60_000.0, 0.5, 0)
    return replace(made, **more)


def own(name: str = "k-o1", **more: Any) -> TrackedOrder:
    """Return freqtrade's own sell order of trade 1, about to be sent."""
    return rung(name, **{"kind": Origin.FREQTRADE, "ladder": "", **more})


class Records:
    """The bot's tables, in memory."""

    def __init__(self, *rungs: TrackedOrder) -> None:
        self.rows = {row.client_id: row for row in rungs}

    def key(self) -> str:
        """Return the bot's key."""
        return "k"

    def add(self, rungs: Iterable[TrackedOrder]) -> None:
        """Write down."""
        self.rows.update({row.client_id: row for row in rungs})

    def update(self, news: Iterable[tuple[TrackedOrder, TrackedOrder]], _batch: object = None) -> None:
        """Write down what has changed."""
        self.rows.update({new.client_id: new for _, new in news})

    def forget(self, row: TrackedOrder) -> None:
        """Remove."""
        self.rows.pop(row.client_id, None)

    def open(self, kind: Origin) -> list[TrackedOrder]:
        """Return what may still trade."""
        return [row for row in self.rows.values() if row.kind is kind and row.phase.open]

    def in_phase(self, phase: Phase) -> list[TrackedOrder]:
        """Return what is in this phase."""
        return [row for row in self.rows.values() if row.phase is phase]

    def unsettled(self) -> list[TrackedOrder]:
        """Return what has ended with a fill, and is not booked by freqtrade."""
        return [row for row in self.in_phase(Phase.ENDED) if row.filled and not row.settled]

    def of_trade(self, trade: TradeKey, ladder: str | None = None) -> list[TrackedOrder]:
        """Return the resting orders of a trade."""
        rungs = [row for row in self.rows.values() if row.trade == trade and row.kind is Origin.LADDER]
        return [row for row in rungs if ladder in {None, row.ladder}]


@dataclass
class Venue:
    """What the venue shows, by client order id, and what comes of placing."""

    shown: dict[str, TrackedOrder] = field(default_factory=dict)
    placing: Callable[[TrackedOrder], TrackedOrder] = lambda row: replace(row, phase=Phase.LIVE, order_id="7")
    cancel_takes_seconds: float = 0.0
    on_cancel: Callable[[float], None] = lambda _seconds: None
    looks: int = 0
    placed: list[list[str]] = field(default_factory=list)

    def view(self, _pair: str, rungs: Sequence[TrackedOrder], _budget: object) -> list[TrackedOrder | None]:
        """Return what is shown."""
        self.looks += 1
        return [self.shown.get(row.client_id) for row in rungs]

    def cancel(
        self, _pair: str, rungs: Sequence[TrackedOrder], _budget: object, _others: object = ()
    ) -> CancelBatchResult:
        """Cancel nothing, and take a while."""
        self.on_cancel(self.cancel_takes_seconds)
        return CancelBatchResult(tuple(rungs), None, {row.client_id: "no answer" for row in rungs})

    def place(self, _pair: str, rungs: Sequence[TrackedOrder], _budget: object) -> list[TrackedOrder]:
        """Place."""
        self.placed.append([row.client_id for row in rungs])
        return [self.placing(row) for row in rungs]


@dataclass
class Holdings:
    """Balance readings that a test sets."""

    holding: Holding | None = None
    booked: float = 1.0
    before: float | None = 1.0
    classic: bool = True

    def freezes(self) -> bool:
        """Whether it is a classic account."""
        return self.classic

    @staticmethod
    def base_of(pair: str) -> str:
        """Return the base coin."""
        return pair.split("/", maxsplit=1)[0]

    def read(self, _coin: str) -> Holding | None:
        """Return the reading."""
        return self.holding

    def has_others(self, _coin: str, total: float) -> bool:
        """Whether there is more than the books have."""
        return total > self.booked * 1.002

    def shows(self, _coin: str, total: float, missing: float) -> bool:
        """Whether all is there."""
        return total > self.booked - missing

    def last_total(self, _coin: str) -> float | None:
        """Return what the wallet had before an exit."""
        return self.before


@dataclass
class Stand:
    """A resting on a scripted venue."""

    records: Records
    venue: Venue = field(default_factory=Venue)
    holdings: Holdings = field(default_factory=Holdings)
    seconds: float = 1_000.0
    trades: dict[TradeKey, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    resting: Any = None
    exchange: Any = None

    def __post_init__(self) -> None:
        markets = {PAIR: {"base": "BTC", "quote": "USDT", "limits": {"amount": {"min": 0}, "cost": {"min": 0}}}}
        self.exchange = SimpleNamespace(holdings=self.holdings, markets=markets)
        self.resting = RestingOrders(self.exchange, BotSettings())
        self.resting.store, self.resting.client = self.records, self.venue
        self.resting.seconds = lambda: self.seconds
        self.resting.lock = threading.RLock()
        self.resting.alerts = SimpleNamespace(
            warn=lambda text, _about=None: self.said.append(text), info=self.said.append, clear=lambda _about: None
        )

    def trade(self, **more: Any) -> Any:
        """Return the open trade 1, as far as the managers look at it."""
        opened = datetime.fromtimestamp(1, UTC)
        found = SimpleNamespace(
            open_date_utc=opened, id=1, pair=PAIR, is_open=True, open_orders=[], orders=[], exit_side="sell", **more
        )
        self.trades[TradeKey(1, 1_000)] = found
        return found


def without_freqtrade(monkeypatch: Any, stand: Stand) -> None:
    """Let the managers find the trades of the stand, and no database."""
    for name, stub in {
        "refresh": lambda: None,
        "open_trades": lambda: stand.trades,
        "open_trade": lambda _pair: next(iter(stand.trades.values()), None),
        "record_fill": lambda *_: None,
        "remaining_amount": lambda _trade: 1.0,
    }.items():
        monkeypatch.setattr(trade_rows, name, stub)


def structure(status: str | None, order_id: str | None = None, info: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an order structure of ccxt, as far as placing reads it."""
    return {"id": order_id, "status": status, "info": dict(info or {}), "filled": 0.0, "average": None}
