"""Promise: ladders close leveraged and short trades, and an exit cancels them with one batch."""

import json
from pathlib import Path

import pytest

from bitget_margin.emulator import AccountKind
from bitget_margin.freqtrade.free_quote import free_quote
from bitget_margin.freqtrade.ladder_spec import LadderRefused
from support.borrowing_bot import CLASSIC_AT_LEAST, KINDS, WAYS, allowed, borrowing_bot, difference, enter, leave, rungs

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
CANCEL = {"/api/v2/margin/crossed/batch-cancel-order", "/api/v3/trade/cancel-batch"}
PRICE = 60_000
DRILL = pytest.mark.drill


@CLASSIC_AT_LEAST
@WAYS
@pytest.mark.parametrize(
    "filled", [pytest.param(0, marks=DRILL), pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=DRILL), 4]
)
def test_a_ladder_closes_what_it_fills_and_the_exit_the_rest(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool, filled: int
) -> None:
    """With none, one, half and all of its orders filled."""
    with borrowing_bot(tmp_path, kind) as bot:
        before = bot.venue.worth()
        trade = enter(bot, leverage, short=short, ladder=rungs(4))
        assert len(bot.live()) == 4
        if filled:
            bot.venue.set_price("BTCUSDT", PRICE + (-1 if short else 1) * (600 * filled + 60))
        bot.loop(2)
        assert len(bot.live()) == 4 - filled
        trade = bot.trade
        assert trade.is_open is (filled < 4)
        if filled < 4:
            trade = leave(bot)
        assert not trade.is_open
        assert bot.live() == []
        bot.loop(2)
        assert bot.venue.debts() == {}
        assert difference(bot, before) <= allowed(leverage)


def test_orders_of_a_ladder_repay_and_never_borrow(tmp_path: Path) -> None:
    """Asserted on the wire of a classic account."""
    for leverage, short in ((3, False), (2, True)):
        folder = tmp_path / str(short)
        folder.mkdir()
        with borrowing_bot(folder, AccountKind.CLASSIC) as bot:
            enter(bot, leverage, short=short, ladder=rungs(3))
            (request,) = [request for request in bot.venue.requests if request.path.endswith("batch-place-order")]
            assert {order["loanType"] for order in json.loads(request.body)["orderList"]} == {"autoRepay"}


@CLASSIC_AT_LEAST
@WAYS
def test_orders_that_add_to_the_trade_are_refused(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    """They would borrow while they rest."""
    with borrowing_bot(tmp_path, kind) as bot:
        trade = enter(bot, leverage, short=short)
        adding = [{"side": trade.entry_side, "price": trade.open_rate, "share": 0.5}]
        with pytest.raises(LadderRefused, match="would borrow"):
            bot.bot.strategy.place_resting_orders(trade, adding)
        assert bot.live() == []


@CLASSIC_AT_LEAST
def test_a_short_without_free_quote_gets_no_ladder(tmp_path: Path, kind: AccountKind) -> None:
    """The owner's orders hold the money that the covers would freeze."""
    with borrowing_bot(tmp_path, kind) as bot:
        trade = enter(bot, 2, short=True)
        uid = bot.venue.accounts[0].uid
        free = bot.venue.balances(uid)["USDT"].available
        bot.venue.place(
            uid, {"symbol": "ETHUSDT", "side": "buy", "price": "1000", "baseSize": str(int(free / 1000) - 2)}
        )
        with pytest.raises(LadderRefused, match="are free"):
            bot.bot.strategy.place_resting_orders(trade, rungs(3)(trade))


@pytest.mark.slow
@KINDS
def test_a_simulated_ladder_has_the_money_of_a_live_one_or_less(tmp_path: Path, kind: AccountKind) -> None:
    """Beside a long that has borrowed 10,000: what a short sells pays it back on a unified account alone."""
    with borrowing_bot(tmp_path, kind) as bot:
        enter(bot, 3, short=False)
        assert bot.bot.execute_entry("ETH/USDT", 6_000.0, is_short=True, leverage_=2.0)
        bot.loop(2)
        trades = bot.trades()
        assert [trade.is_short for trade in trades] == [False, True]
        simulated = free_quote(bot.bot.wallets.get_collateral(), trades, 0.0)
        live = bot.exchange.free("USDT")
        # The shares of a lot, and an hour of interest.
        assert live - simulated == pytest.approx(10_000.0 if kind is AccountKind.CLASSIC else 0.0, abs=20.0)
        assert live - simulated > -1.0


@CLASSIC_AT_LEAST
def test_fifty_orders_are_canceled_with_as_few_requests_as_the_account_allows(
    tmp_path: Path, kind: AccountKind
) -> None:
    """One for 50 on a classic account; a unified one takes 20 orders in a ladder."""
    count = 50 if kind is AccountKind.CLASSIC else 20
    with borrowing_bot(tmp_path, kind) as bot:
        enter(bot, 2, short=True, ladder=rungs(count))
        assert len(bot.live()) == count
        sent = len(bot.venue.requests)
        trade = leave(bot)
        assert not trade.is_open
        assert [request.path in CANCEL for request in bot.venue.requests[sent:] if "cancel" in request.path] == [True]
