"""Promise: nothing is borrowed unasked, and a loan that is refused leaves nothing behind."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind
from support.borrowing_bot import CLASSIC_AT_LEAST, WAYS, allowed, borrowing_bot, difference, enter, leave
from support.in_process_bot import CONTROLS, InProcessBot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
PLACE = {"/api/v2/margin/crossed/place-order", "/api/v2/margin/crossed/batch-place-order"}


def loan_types(bot: InProcessBot) -> list[str]:
    """Return the loan type of each order that was sent, in the order of the requests."""
    found = []
    for request in bot.venue.requests:
        if request.path in PLACE:
            body: Any = json.loads(request.body)
            found += [order["loanType"] for order in body.get("orderList", [body])]
    return found


@CLASSIC_AT_LEAST
def test_a_trade_without_leverage_borrows_nothing(tmp_path: Path, kind: AccountKind) -> None:
    """On an account that has what it costs."""
    with borrowing_bot(tmp_path, kind) as bot:
        enter(bot, 1, short=False)
        leave(bot)
        assert bot.venue.borrowings() == []
        assert set(loan_types(bot)) <= {"normal"}


def test_entries_borrow_what_they_lack_and_exits_pay_back(tmp_path: Path) -> None:
    """Asserted on the wire of a classic account; the debt is what the entry lacked."""
    with borrowing_bot(tmp_path, AccountKind.CLASSIC) as bot:
        trade = enter(bot, 3, short=False)
        owed = float(bot.venue.debts()["USDT"].principal)
        assert owed == pytest.approx(trade.amount / (1 - 0.001) * trade.open_rate - 20_000, rel=1e-6)
        leave(bot)
        assert loan_types(bot) == ["autoLoan", "autoRepay"]


@CLASSIC_AT_LEAST
@WAYS
def test_a_debt_that_no_trade_explains_refuses_the_entry(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Another program owes the coin that the entry would borrow, and holds most of the money in an order."""
    with borrowing_bot(tmp_path, kind, stake_amount=3_000) as bot:
        uid = bot.venue.accounts[0].uid
        bot.venue.set_debt("BTC" if short else "USDT", "0.05" if short else "5000")
        bot.venue.place(uid, {"symbol": "ETHUSDT", "side": "buy", "price": "1000", "baseSize": "15"})
        before = dict(bot.venue.debts())
        CONTROLS.short, CONTROLS.leverage, CONTROLS.enter = short, leverage, True
        bot.loop(2)
        assert len(bot.venue.orders(uid)) == 1
        assert bot.venue.debts() == before
        assert "the leverage of this bot's trades explains" in caplog.text


@CLASSIC_AT_LEAST
def test_an_entry_above_the_highest_margin_level_is_refused(
    tmp_path: Path, kind: AccountKind, caplog: pytest.LogCaptureFixture
) -> None:
    """It would borrow twice what the account is worth."""
    with borrowing_bot(tmp_path, kind, stake_amount=19_000, leverage={"max_risk": 0.05}) as bot:
        CONTROLS.short, CONTROLS.leverage, CONTROLS.enter = False, 3, True
        bot.loop(2)
        assert bot.venue.orders(bot.venue.accounts[0].uid) == []
        assert "max_risk" in caplog.text


@CLASSIC_AT_LEAST
def test_a_refused_loan_leaves_nothing_and_pauses_the_pair(
    tmp_path: Path, kind: AccountKind, caplog: pytest.LogCaptureFixture
) -> None:
    """The venue lends less than the bot expects."""
    with borrowing_bot(tmp_path, kind) as bot:
        bot.venue.change_loan_terms(leverage=Decimal("1.1"))
        CONTROLS.short, CONTROLS.leverage, CONTROLS.enter = False, 3, True
        sent = len(bot.venue.requests)
        bot.loop(3)
        placing = [request for request in bot.venue.requests[sent:] if "place-order" in request.path]
        assert len(placing) == 1
        assert bot.venue.debts() == {}
        assert "Unable to create trade" in caplog.text
        assert bot.trades() == []
        refusals = [record.getMessage() for record in caplog.records if record.name == "bitget_margin"]
        (refused,) = [text for text in refusals if text.startswith("The venue has refused an entry on BTC/USDT")]
        assert "would have borrowed USDT: bitget {" in refused


@CLASSIC_AT_LEAST
@WAYS
def test_coins_of_the_owner_stay_his(tmp_path: Path, kind: AccountKind, leverage: float, short: bool) -> None:
    """0.05 BTC are on the account before the trade, and after it; a short sells them, and borrows what it lacks."""
    with borrowing_bot(tmp_path, kind, {"BTC": "0.05"}) as bot:
        before = bot.venue.worth()
        trade = enter(bot, leverage, short=short)
        bot.loop()
        if short:
            assert bot.held() == 0.0
            # With the interest of the first hour.
            assert float(bot.venue.debts()["BTC"].total) == pytest.approx(trade.amount - 0.05, rel=1e-4)
        trade = leave(bot)
        assert not trade.is_open
        assert bot.held() == pytest.approx(0.05, abs=6e-6)  # a lot, and an hour of interest
        assert difference(bot, before) <= allowed(leverage)
        assert bot.venue.debts() == {}
