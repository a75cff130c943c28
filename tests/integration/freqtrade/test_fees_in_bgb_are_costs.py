"""Promise: a trade whose fees are paid in BGB books them as a cost.

freqtrade converts a fee in another coin by its price; without one, it logs that and keeps the usual rate of the pair.
"""

import logging
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind, Symbol, synthetic_symbols
from bitget_margin.freqtrade.exchange import Bitgetcross
from support.bot import PAIRS
from support.in_process_bot import CONTROLS, InProcessBot, in_process_bot

PAIR = PAIRS[0]
BGB = Symbol("BGBUSDT", "BGB", "USDT", Decimal("0.5"))


@pytest.mark.filterwarnings("default")  # freqtrade's own
@pytest.mark.parametrize("kind", AccountKind, ids=lambda kind: kind.value)
@pytest.mark.parametrize("listed", [True, False], ids=["BGB has a price", "BGB has none"])
def test_a_flat_round_trip_loses_its_fees(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: AccountKind, *, listed: bool
) -> None:
    """0.08 % of 1000 USDT, twice."""
    caplog.set_level(logging.INFO)
    (symbol,) = synthetic_symbols(1)
    rates = {"maker_fee_rate": Decimal("0.0008"), "taker_fee_rate": Decimal("0.0008")}
    symbols = (Symbol(**{name: getattr(symbol, name) for name in symbol.__slots__} | rates), *([BGB] if listed else []))
    with in_process_bot(tmp_path, kind=kind, pairs=[PAIR], symbols=symbols, BGB="1000") as bot:
        bot.venue.knobs(fees_in_bgb=True)
        CONTROLS.enter = True
        until(bot, lambda: bot.trades() and bot.trade.amount and (bot.trade.fee_open_cost or not listed))
        CONTROLS.enter, CONTROLS.exit = False, True
        until(bot, lambda: not bot.trade.is_open)
        trade, balances = bot.trade, bot.venue.balances(bot.venue.accounts[0].uid)
        paid = Decimal(1000) - balances["BGB"].available
        worth = float(paid * (BGB.start_price if listed else 1))
        assert (worth, balances["USDT"].available) == (pytest.approx(1.6, abs=0.001), 1_000_000)
        assert trade.close_profit_abs == pytest.approx(-worth, abs=1e-5 * 1_000)
        assert (trade.fee_open, trade.fee_close) == pytest.approx((0.0008, 0.0008))
        if listed or kind is AccountKind.UNIFIED:
            assert (trade.fee_open_currency, trade.fee_close_currency) == ("BGB", "BGB")
    if not listed and kind is AccountKind.CLASSIC:
        assert "Not updating buy-fee - rate: None, BGB" in caplog.text


def until(bot: InProcessBot, condition: Callable[[], object]) -> None:
    """Run loops until a condition holds."""
    for _ in range(20):
        if condition():
            return
        bot.loop()
    raise AssertionError("not within 20 loops")


def cost(currency: str, amount: float) -> dict[str, Any]:
    return {"currency": currency, "cost": amount}


@pytest.mark.parametrize(
    ("fees", "base_fee"),
    [
        ([[cost("BTC", 0.1)], [cost("BTC", 0.2)]], 0.3),
        ([[cost("BTC", 0.1)], [cost("BGB", 5)]], 0.1),
        ([[cost("BTC", 0.1), cost("BGB", 5)], [cost("BGB", 5)]], 0.1),
        ([[cost("BGB", 5)], [cost("BGB", 0)]], 0),
        ([[cost("BTC", 0.1)], []], None),
    ],
)
def test_the_coins_that_a_fee_took_are_known_of_every_fill_or_not_at_all(fees: Any, base_fee: float | None) -> None:
    """What is not known stays the estimate that it was."""
    fills = [{"amount": 0.5, "fee": None, "fees": listed} for listed in fees]
    exchange: Any = SimpleNamespace(get_trades_for_order=lambda *_: fills, _fills_of_booking={})
    known = Bitgetcross.fee_of(exchange, "1", "BTC/USDT", 0, "BTC", 1.0)
    assert known == (None if base_fee is None else pytest.approx(base_fee))
    assert Bitgetcross.fee_of(exchange, "1", "BTC/USDT", 0, "BTC", 1.5) is None
