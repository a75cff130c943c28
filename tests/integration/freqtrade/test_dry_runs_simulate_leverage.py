"""Promise: a dry run in the futures mode borrows, pays interest and covers shorts, and signs no request."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.borrowing_bot import enter, leave
from support.bot import signed_requests
from support.in_process_bot import InProcessBot, in_process_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
SYMBOL = "BTCUSDT"
ASK, BID = 100.01, 99.99
"""Prices of the entries: those of the local venue at 100."""
FEE = 0.001
HOURLY = {"USDT": 0.0001, "BTC": 0.0002}
SETTINGS = {
    "dry_run": True,
    "dry_run_wallet": 10_000,
    "trading_mode": "futures",
    "stake_amount": 4_000,
    "bitget_margin": {"leverage": {"max": 3, "daily_interest": {coin: 24 * rate for coin, rate in HOURLY.items()}}},
}
SHORT = pytest.mark.parametrize("short", [False, True], ids=["long", "short"])


@pytest.fixture
def dry(tmp_path: Path) -> Iterator[InProcessBot]:
    """Run a bot without real orders, which may borrow."""
    with in_process_bot(tmp_path, strategy="Borrowing", settings=SETTINGS) as started:
        started.venue.set_price(SYMBOL, "100")
        yield started
        assert signed_requests(started.venue) == []
        assert started.live() == []


def covers(*prices: float, share: float | None = None) -> Callable[[Any], list[dict[str, Any]]]:
    return lambda _: [{"side": "buy", "price": price, "share": share or 1 / len(prices)} for price in prices]


def resting(bot: InProcessBot) -> list[tuple[float, str]]:
    """Return price and status of each resting order of the newest trade."""
    return [(order["price"], order["status"]) for order in bot.bot.strategy.resting_orders(bot.trade)]


def fills(trade: Any) -> list[tuple[str, float, float]]:
    """Return side, amount and price of each filled order of a trade."""
    return [(row.ft_order_side, row.filled, row.safe_price) for row in trade.orders if row.filled]


def profit(trade: Any) -> float:
    """Return the profit of a trade by its fills and its interest; all fees are costs in a dry run."""
    flows = sum(amount * price * (-1 - FEE if side == "buy" else 1 - FEE) for side, amount, price in fills(trade))
    return float(flows + trade.funding_fees)


def held(trade: Any) -> float:
    """Return the coins that are left of a trade by its fills."""
    return float(sum(amount * (1 if side == trade.entry_side else -1) for side, amount, _ in fills(trade)))


@SHORT
def test_an_exit_pays_the_interest_of_the_hour_that_has_begun(dry: InProcessBot, short: bool) -> None:
    trade = enter(dry, 2.0, short=short)
    amount = 8_000 / (BID if short else ASK)
    assert (trade.is_short, trade.leverage) == (short, 2.0)
    assert trade.amount == pytest.approx(amount, rel=1e-6)
    assert dry.bot.wallets.get_free("USDT") == pytest.approx(6_000, abs=0.01)
    dry.venue.set_price(SYMBOL, "104")
    ended = leave(dry)
    assert (ended.is_open, held(ended)) == (False, 0.0)
    # The interest of a short is in coins, at the price of the exit.
    owed = amount * HOURLY["BTC"] * 104 if short else 4_000 * HOURLY["USDT"]
    hours = round(-ended.funding_fees / owed)
    assert hours in {1, 2}, "two where the clock has struck meanwhile"
    assert ended.funding_fees == pytest.approx(-hours * owed, rel=1e-3)
    assert ended.close_profit_abs == pytest.approx(profit(ended), abs=1e-6)
    assert dry.bot.wallets.get_free("USDT") == pytest.approx(10_000 + profit(ended), abs=1e-6)


def test_the_start_shows_what_is_simulated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"), in_process_bot(tmp_path, strategy="Borrowing", settings=SETTINGS):
        (said,) = (text for text in caplog.messages if text.startswith("EXPERIMENTAL: a dry run"))
        assert said.endswith("Interest a day: 0.24 % of USDT; 0.48 % of BTC.")


def test_covers_are_filled_by_the_order_book_and_end_the_trade(dry: InProcessBot) -> None:
    enter(dry, 2.0, short=True, ladder=covers(98.0, 96.0))
    assert resting(dry) == [(98.0, "open"), (96.0, "open")]
    # They close what has a stake already.
    assert dry.bot.wallets.get_free("USDT") == pytest.approx(6_000, abs=0.01)
    dry.venue.set_price(SYMBOL, "98")  # the best ask is above that
    dry.loop()
    assert len(fills(dry.trade)) == 1
    dry.venue.set_price(SYMBOL, "97.5")
    dry.loop()
    assert [each[0::2] for each in fills(dry.trade)] == [("sell", BID), ("buy", 98.0)]
    assert resting(dry) == [(98.0, "closed"), (96.0, "open")]
    dry.venue.set_price(SYMBOL, "90")
    dry.loop()
    ended = dry.trade
    assert (ended.is_open, ended.exit_reason, ended.close_rate, held(ended)) == (False, "ladder", 96.0, 0.0)
    assert ended.funding_fees < 0
    assert ended.close_profit_abs == pytest.approx(profit(ended), abs=1e-6)
    assert dry.bot.wallets.get_free("USDT") == pytest.approx(10_000 + profit(ended), abs=1e-6)


def test_an_exit_cancels_the_covers_and_buys_what_is_left(dry: InProcessBot) -> None:
    enter(dry, 1.0, short=True, ladder=covers(98.0, 96.0, share=0.25))
    dry.venue.set_price(SYMBOL, "97.5")
    dry.loop()
    ended = leave(dry)
    assert (ended.is_open, ended.exit_reason, held(ended)) == (False, "exit_signal", pytest.approx(0.0, abs=1e-9))
    assert resting(dry) == [(98.0, "closed"), (96.0, "canceled")]
    assert ended.close_profit_abs == pytest.approx(profit(ended), abs=1e-6)


def test_a_stop_loss_above_buys_everything_under_a_full_ladder(dry: InProcessBot) -> None:
    trade = enter(dry, 2.0, short=True, ladder=covers(98.0, 96.0))
    dry.bot.strategy.stoploss = -0.1
    trade.adjust_stop_loss(trade.open_rate, -0.1, allow_refresh=True)
    dry.venue.set_price(SYMBOL, "106")
    dry.loop(2)
    ended = dry.trade
    assert (ended.is_open, ended.exit_reason, held(ended)) == (False, "stop_loss", 0.0)
    assert {status for _, status in resting(dry)} == {"canceled"}


def test_a_ladder_is_paid_by_what_its_short_has_sold(dry: InProcessBot) -> None:
    dry.bot.strategy.stake_amount = 9_000
    dry.bot.config["stake_amount"] = 9_000
    enter(dry, 2.0, short=True, ladder=covers(98.0, share=1.0))
    assert dry.bot.wallets.get_free("USDT") == pytest.approx(1_000, abs=0.01)
    assert resting(dry) == [(98.0, "open")]


def test_covers_are_not_paid_by_what_another_trade_has_borrowed(dry: InProcessBot, monkeypatch: Any) -> None:
    """As on a unified account, where what the short has sold pays the debt of the long back first."""
    monkeypatch.setitem(dry.bot.config, "stake_amount", 8_000)
    trade = enter(dry, 2.0, short=True)
    wallets, exchange = dry.bot.wallets, dry.bot.exchange
    sold = trade.amount * BID
    assert exchange.free("USDT") == pytest.approx(10_000 + sold * (1 - FEE), abs=0.01)
    assert exchange.free_margin("USDT") == pytest.approx(2_000, abs=0.01)
    dry.bot.strategy.place_resting_orders(trade, covers(90.0, share=0.1)(None), key="tenth")
    assert exchange.free("USDT") == pytest.approx(
        10_000 + sold * (1 - FEE) - trade.amount * 0.1 * 90 * (1 + FEE), abs=0.01
    )
    dry.bot.strategy.replace_resting_orders(trade, [], key="tenth")
    # As where a long beside it has bought for 15,000, a part of it borrowed.
    monkeypatch.setattr(wallets, "get_collateral", lambda: 10_000 - 15_000)
    refused = f"and {sold * (1 - FEE) - 5_000:.8g} are free: buy less"
    with pytest.raises(ValueError, match=refused):
        dry.bot.strategy.place_resting_orders(dry.trade, covers(98.0)(None))


def test_what_would_borrow_while_it_rests_is_refused(dry: InProcessBot) -> None:
    enter(dry, 2.0, short=False)
    order = {"side": "buy", "price": 98.0, "amount": 1.0}
    with pytest.raises(ValueError, match="which enlarges the trade"):
        dry.bot.strategy.place_resting_orders(dry.trade, [order])


def test_buys_of_a_long_without_leverage_hold_their_stake(dry: InProcessBot) -> None:
    enter(dry, 1.0, short=False, ladder=lambda _: [{"side": "buy", "price": 98.0, "amount": 50.0}])
    assert dry.bot.wallets.get_free("USDT") == pytest.approx(6_000 - 50 * 98, abs=0.01)
    order = {"side": "buy", "price": 95.0, "amount": 50.0}
    with pytest.raises(ValueError, match="are free: buy less"):
        dry.bot.strategy.place_resting_orders(dry.trade, [order], key="more")


@SHORT
def test_a_trade_is_ended_by_freqtrade_before_the_account_would_be_liquidated(tmp_path: Path, short: bool) -> None:
    settings = {**SETTINGS, "stake_amount": 9_500, "stoploss": -9.0}
    with in_process_bot(tmp_path, strategy="Borrowing", settings=settings) as dry:
        dry.venue.set_price(SYMBOL, "100")
        enter(dry, 2.0 if short else 3.0, short=short, ladder=covers(50.0) if short else None)
        price = dry.trade.liquidation_price
        dry.venue.set_price(SYMBOL, str(round(price * (0.99 if short else 1.01), 2)))
        dry.loop(2)
        assert dry.trade.is_open
        dry.venue.set_price(SYMBOL, str(round(price * (1.01 if short else 0.99), 2)))
        dry.loop(2)
        ended = dry.trade
        assert (ended.is_open, ended.exit_reason, held(ended)) == (False, "liquidation", 0.0)
        assert {status for _, status in resting(dry)} <= {"canceled"}
        assert dry.bot.wallets.get_free("USDT") > 0


def test_a_restart_goes_on_with_the_covers(dry: InProcessBot) -> None:
    enter(dry, 2.0, short=True, ladder=covers(98.0, 96.0))
    dry.restart(lambda: dry.venue.set_price(SYMBOL, "97"))
    dry.loop()
    assert resting(dry) == [(98.0, "closed"), (96.0, "open")]
    ended = leave(dry)
    assert (ended.is_open, held(ended)) == (False, pytest.approx(0.0, abs=1e-9))
    assert ended.close_profit_abs == pytest.approx(profit(ended), abs=1e-6)


def test_the_hourly_update_of_interest_is_no_exit(dry: InProcessBot) -> None:
    enter(dry, 2.0, short=True, ladder=covers(98.0, 96.0))
    dry.bot.update_funding_fees()
    assert dry.trade.funding_fees < 0
    assert resting(dry) == [(98.0, "open"), (96.0, "open")]


def test_a_forced_short_with_too_much_leverage_is_refused_with_a_message(dry: InProcessBot) -> None:
    sent: list[str] = []
    dry.bot.exchange.alerts.send = sent.append
    forced = {"stake_amount": 4_000.0, "is_short": True}
    assert not dry.bot.execute_entry("BTC/USDT", **forced, leverage_=10.0)
    assert sent == [
        (
            "The short on BTC/USDT was not entered: its leverage would be 3, and the highest of a short is 2, since it "
            "borrows all of its value. Nothing was placed."
        )
    ]
    assert dry.trades() == []
    assert dry.bot.execute_entry("BTC/USDT", **forced, leverage_=2.0)
    assert dry.trade.leverage == 2.0
