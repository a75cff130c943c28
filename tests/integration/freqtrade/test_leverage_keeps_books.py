"""Promise: the books of trades with leverage and of shorts agree with the venue."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind
from support.in_process_bot import CONTROLS, InProcessBot, in_process_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
LEVERAGE = {"max": 3, "daily_interest": {"USDT": 0.0002, "BTC": 0.0002}}
MODE = {
    "trading_mode": "futures",
    "stake_amount": 10_000,
    "bitget_margin": {"leverage": LEVERAGE},
}
KINDS = pytest.mark.parametrize("kind", list(AccountKind), ids=lambda kind: kind.value)


@contextmanager
def borrowing(folder: Path, kind: AccountKind, **more: Any) -> Iterator[InProcessBot]:
    """Start a bot that may borrow, on an account with 20,000 USDT."""
    balances = {"USDT": "20000", **more.pop("balances", {})}
    with in_process_bot(folder, strategy="Borrowing", kind=kind, settings={**MODE, **more}, **balances) as bot:
        yield bot


def enter(bot: InProcessBot, leverage: float, *, short: bool, ladder: Callable[[Any], Any] | None = None) -> Any:
    """Enter with this leverage."""
    CONTROLS.short, CONTROLS.leverage = short, leverage
    return bot.enter(ladder)


def leave(bot: InProcessBot) -> Any:
    """Exit by signal, and return the trade."""
    CONTROLS.exit = True
    bot.loop(3)
    CONTROLS.exit = False
    return bot.trade


def in_balance(bot: InProcessBot, before: Decimal) -> float:
    """Return the difference of the books and the venue, in USDT, since the account had this worth."""
    from freqtrade.persistence import Trade  # noqa: PLC0415

    profit = sum(trade.realized_profit for trade in Trade.get_trades_proxy())
    return abs(float(profit) - float(bot.venue.worth() - before))


@KINDS
@pytest.mark.parametrize(("leverage", "short"), [(1, False), (2, False), (3, False), (1, True), (2, True)])
def test_an_exit_leaves_books_that_agree_and_no_debt(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    """A limit exit after the price has moved."""
    with borrowing(tmp_path, kind) as bot:
        before = bot.venue.worth()
        trade = enter(bot, leverage, short=short)
        assert trade.is_open
        assert trade.is_short is short
        assert trade.leverage == leverage
        bot.venue.set_price("BTCUSDT", 58_000)
        bot.loop(2)
        trade = leave(bot)
        assert not trade.is_open
        assert bot.venue.debts() == {}
        assert bot.live() == []
        print("DIFF", leverage, short, in_balance(bot, before))
        assert in_balance(bot, before) <= 2e-6 * 10_000 * leverage + 0.06


@KINDS
@pytest.mark.parametrize(("leverage", "short"), [(3, False), (2, True)])
def test_interest_is_a_cost_of_its_trade(tmp_path: Path, kind: AccountKind, leverage: float, short: bool) -> None:
    """Two charges while the trade is open, one booked by the hourly update and one by the exit."""
    with borrowing(tmp_path, kind) as bot:
        before = bot.venue.worth()
        enter(bot, leverage, short=short)
        bot.venue.charge_interest()
        bot.bot.update_funding_fees()
        assert bot.trade.funding_fees < 0
        bot.venue.charge_interest()
        bot.venue.set_price("BTCUSDT", 61_000)
        bot.loop(2)
        trade = leave(bot)
        assert not trade.is_open
        paid = sum(charge.amount * (61_000 if short else 1) for charge in bot.venue.interest())
        assert trade.funding_fees == pytest.approx(-float(paid), rel=1e-6)
        assert in_balance(bot, before) <= 2e-6 * 10_000 * leverage + 0.06
        bot.loop()
        assert bot.venue.debts() == {}


@KINDS
@pytest.mark.parametrize(("leverage", "short"), [(3, False), (2, True)])
def test_the_margin_is_what_the_account_is_worth(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    """freqtrade's total, with the unrealized profit of the trade, beside the venue's worth at three prices."""
    with borrowing(tmp_path, kind) as bot:
        enter(bot, leverage, short=short)
        for price in (60_000, 57_000, 62_000):
            bot.venue.set_price("BTCUSDT", price)
            bot.loop()
            bot.bot.wallets.update()
            position = bot.bot.wallets.get_all_positions()["BTC/USDT"]
            total = bot.bot.wallets.get_total("USDT")
            sign = -1 if short else 1
            worth = total + sign * (price - bot.trade.open_rate) * position.position
            assert worth == pytest.approx(float(bot.venue.worth()), abs=0.05)
            assert position.position == pytest.approx(bot.trade.amount)


@KINDS
@pytest.mark.parametrize(("leverage", "short"), [(3, False), (2, True)])
def test_a_stop_loss_at_market_ends_the_trade(tmp_path: Path, kind: AccountKind, leverage: float, short: bool) -> None:
    """A cover is a limit order that fills at once or not at all."""
    with borrowing(tmp_path, kind, stoploss=-0.1) as bot:
        before = bot.venue.worth()
        enter(bot, leverage, short=short)
        bot.venue.set_price("BTCUSDT", 66_500 if short else 57_000)
        bot.loop(3)
        trade = bot.trade
        assert not trade.is_open
        assert trade.exit_reason == "stop_loss"
        assert bot.venue.debts() == {}
        assert in_balance(bot, before) <= 2e-6 * 10_000 * leverage + 0.06
