"""Promise: on the prices of `up`, the strategy of `init` buys at once, and sells once they have recovered."""

import importlib.util
import time
from decimal import Decimal
from threading import Event, Thread
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from bitget_margin.cli.start import first_trade
from bitget_margin.cli.start.first_trade import MARKET, RISE, RISE_SECONDS
from bitget_margin.emulator import Account, AccountKind, Emulator
from support.documents import ROOT

MINUTE_MS = 60_000
CANDLES = 100
START_MS = 1_780_000_020_000
SYMBOL = MARKET.symbol


def strategy_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("LadderExample", ROOT / "user_data/strategies/LadderExample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STRATEGY = strategy_module().LadderExample
SIGNALS = STRATEGY({"stake_currency": "USDT", "user_data_dir": ROOT})


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def last_candle(venue: Emulator, now_ms: int) -> dict[str, Any]:
    """Return the last complete candle of a minute, with the signals of the strategy."""
    end_ms = now_ms // MINUTE_MS * MINUTE_MS
    market = venue._venue.engine.market
    starts = range(end_ms - CANDLES * MINUTE_MS, end_ms, MINUTE_MS)
    candles = [market.candle(SYMBOL, start_ms, start_ms + MINUTE_MS) for start_ms in starts]
    names = ("open", "high", "low", "close", "volume")
    frame = pd.DataFrame([{name: float(getattr(candle, name)) for name in names} for candle in candles])
    for add in (SIGNALS.populate_indicators, SIGNALS.populate_entry_trend, SIGNALS.populate_exit_trend):
        frame = add(frame, {"pair": "BTC/USDT"})
    row: dict[str, Any] = frame.reindex(columns=[*frame.columns, "enter_long", "exit_long"]).iloc[-1].to_dict()
    return row


@pytest.mark.parametrize("second", range(0, 60, 7))
@pytest.mark.parametrize("waited", [0, 30, 300])
def test_it_buys_at_the_start_and_sells_after_the_recovery(second: int, waited: int) -> None:
    """Whenever in a minute the venue starts, and however long the bot takes until its ladder rests."""
    clock = Clock(START_MS + second * 1_000)
    venue = Emulator(path=first_trade.past(), clock=clock)
    clock.now_ms += waited * 1_000
    assert last_candle(venue, clock.now_ms)["enter_long"] == 1
    venue.schedule(first_trade.recovery())
    clock.now_ms += round(RISE_SECONDS * 1_000)
    venue.orders()
    risen = MARKET.start_price * Decimal(str(1 + RISE))
    assert venue._venue.engine.market.price(SYMBOL) == risen
    clock.now_ms = (clock.now_ms // MINUTE_MS + 1) * MINUTE_MS
    row = last_candle(venue, clock.now_ms)
    assert (row["exit_long"], row["enter_long"]) == (1, pytest.approx(float("nan"), nan_ok=True))


def test_the_recovery_fills_two_of_the_three_steps() -> None:
    assert [profit < RISE for profit in STRATEGY.take_profits] == [True, True, False]
    # The strategy's average is what lets it sell; before it, the first step has filled.
    assert STRATEGY.take_profits[0] < first_trade.FALL


def test_the_other_prices_walk_and_this_one_waits() -> None:
    clock = Clock(START_MS)
    venue = Emulator(path=first_trade.past(), clock=clock)
    venue.walk(1, first_trade.others())
    clock.now_ms += 5_000
    venue.orders()
    market = venue._venue.engine.market
    moved = {name: market.price(name) != symbol.start_price for name, symbol in market.symbols.items()}
    assert moved == {"BTCUSDT": False, "ETHUSDT": True, "SOLUSDT": True, "XRPUSDT": True}


@pytest.mark.parametrize("kind", list(AccountKind))
def test_the_script_follows_the_orders_of_the_bot(monkeypatch: pytest.MonkeyPatch, kind: AccountKind) -> None:
    monkeypatch.setattr(first_trade, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(first_trade, "RISE_SECONDS", 0.05)
    texts: list[str] = []
    stopping = Event()
    with Emulator(accounts=(Account(kind=kind),)) as venue:
        uid = venue.accounts[0].uid
        thread = Thread(target=first_trade.play, args=(venue, texts.append, stopping))
        thread.start()
        entry = {"symbol": SYMBOL, "side": "buy", "price": "60000", "baseSize": "0.01", "clientOid": "entry"}
        assert venue.order(venue.place(uid, entry)).filled > 0
        step = {"symbol": SYMBOL, "side": "sell", "price": "60600", "baseSize": "0.004", "clientOid": "step"}
        resting = venue.place(uid, step)
        while not texts:
            thread.join(0.01)
        assert "its ladder rests" in texts[0]
        assert not first_trade.has_ended(venue.orders())
        while venue.order(resting).live:
            thread.join(0.01)
        thread.join(0.1)
        # It waits for the exit where it is: the limit order of an exit would rest below a price that falls.
        assert texts[1:] == []
        assert venue._venue.engine.market.price(SYMBOL) == MARKET.start_price * Decimal(str(1 + RISE))
        venue.place(uid, {**step, "clientOid": "exit", "orderType": "market", "baseSize": "0.006"})
        thread.join(5)
        assert not thread.is_alive()
    assert "the first trade has ended" in texts[1]


def test_the_script_ends_with_the_run() -> None:
    stopping = Event()
    with Emulator() as venue:
        thread = Thread(target=first_trade.play, args=(venue, print, stopping))
        thread.start()
        stopping.set()
        thread.join(2)
        assert not thread.is_alive()


def test_prices_move_on_for_a_strategy_without_a_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_trade, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(first_trade, "RISE_SECONDS", 0.05)
    monkeypatch.setattr(first_trade, "PATIENCE_SECONDS", 0.03)
    risen = MARKET.start_price * Decimal(str(1 + RISE))
    with Emulator() as venue:
        first_trade.play(venue, pytest.fail, Event())
        time.sleep(0.05)
        assert venue._venue.engine.market.price(SYMBOL) != risen
        assert venue._venue.engine.market.price(SYMBOL) == pytest.approx(risen, rel=Decimal("0.01"))
