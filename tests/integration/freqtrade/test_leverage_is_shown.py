"""Promise: a bot with leverage shows what it may borrow, its margin level, and what its loans cost."""

import time
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind
from bitget_margin.freqtrade import unfilled_entries
from support.borrowing_bot import CLASSIC_AT_LEAST, WAYS, borrowing_bot, enter, leave
from support.in_process_bot import CONTROLS, InProcessBot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own


class Logged:
    """Messages of the plugin so far."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", "bitget_margin")
        self._caplog = caplog

    def having(self, text: str) -> list[str]:
        """Return those with a text."""
        found = [record.getMessage() for record in self._caplog.records if record.name == "bitget_margin"]
        return [message for message in found if text in message]


@pytest.fixture
def messages(caplog: pytest.LogCaptureFixture) -> Logged:
    return Logged(caplog)


def data_of(trade: Any) -> dict[str, Any]:
    """Return the custom data of a trade, by key."""
    return {entry.cd_key: entry.value for entry in trade.get_all_custom_data()}


def loop_until(bot: InProcessBot, condition: Any, seconds: float = 10.0) -> None:
    """Run loops until a condition holds: the margin level is read beside them."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        bot.loop()


@CLASSIC_AT_LEAST
def test_the_start_and_the_trade_show_what_is_borrowed(tmp_path: Path, kind: AccountKind, messages: Logged) -> None:
    """Limits and rates at the start; margin level and interest as custom data; a restart beside the debt."""
    with borrowing_bot(tmp_path, kind) as bot:
        (started,) = messages.having("Trading on Bitget's CROSS MARGIN account")
        assert "EXPERIMENTAL: its entries BORROW" in started
        assert "up to a leverage of 3, or to the venue's own limit" in started
        assert "up to a margin level of 0.95" in started
        assert "Interest a day: 0.024 % of USDT, BTC." in started
        enter(bot, 3, short=False)
        bot.venue.charge_interest()
        bot.bot.update_funding_fees()
        data = bot.exchange.margin_loop.data
        data._at = float("-inf")
        loop_until(bot, lambda: bot.exchange.levels.last)
        data._at = float("-inf")
        bot.loop()
        shown = data_of(bot.trade)
        assert shown["margin_level"] == pytest.approx(float(bot.venue.risk()), abs=1e-3)
        assert shown["interest"] == pytest.approx(float(sum(charge.amount for charge in bot.venue.interest())))
        bot.restart()
        (owed,) = messages.having("The cross margin account owes")
        assert "USDT. What open trades of this bot have borrowed belongs to them." in owed
        assert messages.having("The cross margin account carries loans") == []
        assert not leave(bot).is_open


def test_rates_that_cannot_be_read_are_one_warning_and_no_reason_to_stop(tmp_path: Path, messages: Logged) -> None:
    with borrowing_bot(tmp_path, AccountKind.CLASSIC) as bot:
        bot.venue.add_fault("html-502", "/interest-rate-record", count=99)
        bot.restart()
        assert len(messages.having("The interest rates of USDT, BTC are not known: 0.0002 a day is assumed")) == 1
        assert messages.having("Interest a day: 0.02 % of USDT, BTC.")


def test_interest_of_an_entry_that_never_fills_is_reported_once(
    tmp_path: Path, messages: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It rests below the price until it is canceled."""
    monkeypatch.setattr(unfilled_entries, "_SETTLED_MS", 0)
    monkeypatch.setattr(unfilled_entries, "_CHECK_SECONDS", 0.0)
    resting = {
        "entry_pricing": {"price_side": "same", "use_order_book": False},
        "unfilledtimeout": {"entry": 1, "exit": 10, "unit": "seconds"},
    }
    with borrowing_bot(tmp_path, AccountKind.CLASSIC, **resting) as bot:
        CONTROLS.short, CONTROLS.leverage, CONTROLS.enter = False, 3, True
        bot.loop()
        CONTROLS.enter = False
        bot.loop()
        assert bot.venue.debts()["USDT"].principal > 0
        assert messages.having("belong to no trade") == []
        time.sleep(1.1)
        bot.loop(3)
        assert bot.trades() == []
        paid = sum(charge.amount for charge in bot.venue.interest())
        (reported,) = messages.having("belong to no trade")
        assert reported.startswith(f"{float(paid):.8g} USDT of interest")


@WAYS
def test_a_liquidation_is_one_message(tmp_path: Path, messages: Logged, leverage: float, short: bool) -> None:
    with borrowing_bot(tmp_path, AccountKind.CLASSIC) as bot:
        enter(bot, leverage, short=short)
        bot.venue.liquidate()
        CONTROLS.exit = True
        bot.loop(4)
        assert not bot.trade.is_open
        (reported,) = messages.having("LIQUIDATED")
        assert f"of trade {bot.trade.id} on BTC/USDT" in reported
