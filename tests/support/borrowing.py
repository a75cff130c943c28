"""The margin account of a leveraged bot without a bot: a balance, trades and a clock that a test sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from freqtrade.persistence import LocalTrade, Order, Trade

from bitget_margin.freqtrade.compat import TemporaryError
from bitget_margin.freqtrade.margin_account import MarginAccount
from bitget_margin.freqtrade.margin_entries import MarginEntry

OPENED = datetime(2026, 1, 1, 10, 20, tzinfo=UTC)
OPENED_MS = int(OPENED.timestamp() * 1_000)


def coin(total: float = 0.0, debt: float = 0.0, free: float | None = None) -> dict[str, float]:
    """Return the row of a coin in ccxt's balance of a classic account."""
    free = total if free is None else free
    return {"total": total, "free": free, "used": total - free, "debt": debt}


def position(pair: str, *, short: bool = False, leverage: float = 3.0, stake: float = 1_000.0, **fields: Any) -> Any:
    """Return an open trade of freqtrade's with a filled entry at 100."""
    amount = fields.pop("amount", stake * leverage / 100.0)
    plain = {
        "id": 1,
        "pair": pair,
        "base_currency": pair.partition("/")[0],
        "stake_currency": "USDT",
        "exchange": "bitgetcross",
        "open_date": OPENED,
        "fee_open": 0.001,
        "fee_close": 0.001,
        "is_short": short,
        "is_open": True,
        "leverage": leverage,
        "amount": amount,
        "stake_amount": stake,
        "open_rate": 100.0,
        "amount_precision": 1e-4,
        "precision_mode": 4,
        "contract_size": 1.0,
    }
    trade = LocalTrade(**plain | fields)
    trade.orders = [
        Order(
            order_id="1",
            ft_order_side=trade.entry_side,
            ft_pair=pair,
            ft_is_open=False,
            ft_amount=amount,
            ft_price=100.0,
            status="closed",
            amount=amount,
            filled=amount,
            average=100.0,
            order_date=OPENED,
            order_filled_date=OPENED,
        )
    ]
    return trade


@dataclass
class Entries:
    """Records of entries, in memory."""

    of: dict[str, MarginEntry] = field(default_factory=dict)
    """First entry of the trade on a pair."""
    error: Exception | None = None

    def first_of(self, trade: Any) -> MarginEntry | None:
        """Return the entry of a trade."""
        if self.error is not None:
            raise self.error
        return self.of.get(trade.pair)


@dataclass
class Borrower:
    """A bot's account, as far as the modules of its loans ask for it."""

    balance: dict[str, Any] = field(default_factory=lambda: {"USDT": coin(10_000.0)})
    trades: list[Any] = field(default_factory=list)
    prices: dict[str, float | None] = field(default_factory=lambda: {"BTC": 100.0, "ETH": 10.0})
    """Prices by the tickers."""
    seconds: float = 100_000.0
    is_unified: bool = False
    error: Exception | None = None
    """Raised by readings."""
    readings: int = 0
    asked: list[str] = field(default_factory=list)
    """Coins of which the tickers were asked for."""
    entries: Entries = field(default_factory=Entries)

    def __post_init__(self) -> None:
        self.account = MarginAccount(
            read=self.read,
            is_unified=lambda: self.is_unified,
            stake_coin="USDT",
            entries=self.entries,  # type: ignore[arg-type]
            convert=self.convert,
            clock=self.clock,
        )

    def clock(self) -> float:
        """Return the time."""
        return self.seconds

    def read(self) -> Mapping[str, Any]:
        """Return the balance."""
        self.readings += 1
        if self.error is not None:
            raise self.error
        return dict(self.balance)

    def convert(self, code: str) -> float | None:
        """Return a price."""
        self.asked.append(code)
        if code not in self.prices:
            raise TemporaryError("the tickers are down")
        return self.prices[code]

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let freqtrade have these trades."""
        monkeypatch.setattr(Trade, "get_trades_proxy", staticmethod(self._trades_of))

    def _trades_of(
        self, *, pair: str | None = None, is_open: bool | None = None, close_date: datetime | None = None
    ) -> list[Any]:
        found = [trade for trade in self.trades if pair in {None, trade.pair} and is_open in {None, trade.is_open}]
        return [trade for trade in found if close_date is None or _ended_after(trade, close_date)]


def _ended_after(trade: Any, moment: datetime) -> bool:
    return trade.close_date_utc is not None and trade.close_date_utc > moment
