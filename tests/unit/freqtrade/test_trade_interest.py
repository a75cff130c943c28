"""Promise: a charge belongs to the trades that had borrowed its coin then, and to no other."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade import interest as records
from bitget_margin.freqtrade import trade_interest
from bitget_margin.freqtrade.interest import Charge
from bitget_margin.freqtrade.trade_interest import TradeInterest

T0 = datetime(2026, 1, 1, tzinfo=UTC)
T0_MS = int(T0.timestamp() * 1_000)
MINUTE_MS = 60_000


def trade(number: int, *, short: bool = False, leverage: float = 3.0, minutes: tuple[int, int | None]) -> Any:
    """Return a trade that was open in these minutes."""
    begin, end = minutes
    return SimpleNamespace(
        id=number,
        pair="BTC/USDT",
        is_short=short,
        leverage=leverage,
        is_open=end is None,
        open_date_utc=T0 + timedelta(minutes=begin),
        close_date_utc=None if end is None else T0 + timedelta(minutes=end),
    )


def charge(coin: str, minute: float) -> Charge:
    return Charge(coin, 0.5, T0_MS + int(minute * MINUTE_MS))


def interest_of(monkeypatch: pytest.MonkeyPatch, trades: list[Any], charges: list[Charge]) -> TradeInterest:
    """Return the interest of these trades, with the venue's records."""

    def listed(*, pair: str | None = None, is_open: bool | None = None, close_date: Any = None) -> list[Any]:
        found = [each for each in trades if pair in {None, each.pair} and is_open in {None, each.is_open}]
        return [each for each in found if close_date is None or each.close_date_utc > close_date]

    def fetched(_api: Any, coin: str, since_ms: int, _budget_ms: float) -> list[Charge]:
        return [each for each in charges if each.coin == coin and each.at_ms >= since_ms]

    monkeypatch.setattr(trade_interest.Trade, "get_trades_proxy", listed)
    monkeypatch.setattr(records, "fetch_charges", fetched)
    entries = SimpleNamespace(first_of=lambda _: None)
    account: Any = SimpleNamespace(stake_coin="USDT", entries=entries)
    return TradeInterest(
        account=account,
        markets=lambda: {"BTC/USDT": {"base": "BTC"}},
        api=lambda: None,
        timeout_ms=lambda: 500.0,
    )


def test_charges_outside_of_all_trades_that_borrow_the_coin_are_unexplained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the stake coin those outside of leveraged longs, of a base coin those outside of its shorts."""
    trades = [
        trade(1, minutes=(10, 20)),
        trade(2, minutes=(40, None)),
        trade(3, leverage=1.0, minutes=(0, None)),
        trade(4, short=True, minutes=(0, 30)),
    ]
    charges = [charge(coin, minute) for coin in ("USDT", "BTC") for minute in (5, 15, 25, 45)]
    found = interest_of(monkeypatch, trades, charges)
    assert found.unexplained("USDT", T0_MS) == [charge("USDT", 5), charge("USDT", 25)]
    assert found.unexplained("BTC", T0_MS) == [charge("BTC", 45)]


def test_charges_before_the_asked_time_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where an earlier question has read them."""
    charges = [charge("USDT", minute) for minute in (5, 25)]
    found = interest_of(monkeypatch, [trade(1, minutes=(10, 20))], charges)
    assert len(found.unexplained("USDT", T0_MS)) == 2
    assert found.unexplained("USDT", T0_MS + 10 * MINUTE_MS) == [charge("USDT", 25)]
