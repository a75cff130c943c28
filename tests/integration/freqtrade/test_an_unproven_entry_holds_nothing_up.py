"""Promise: an entry whose cancel is not proven ends no loop, holds up no other pair, and is replaced once.

freqtrade cancels an entry at its timeout, for another price of the strategy, and for none.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind, RequestRecord
from support.in_process_bot import PAIR
from support.measured_exits import MeasuredBot, kinds, measured_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
OTHER = "ETH/USDT"
"""The pair of the entry."""
STRATEGY = """
import sys
sys.path.insert(0, {folder!r})
from controlled import Controlled


class Adjusting(Controlled):
    position_adjustment_enable = False
    entry_share = {{}}
    wanted_share = {{}}
    timed_out = set()

    def custom_entry_price(self, pair, trade, current_time, proposed_rate, entry_tag, side, **kwargs):
        return proposed_rate * self.entry_share.get(pair, 1)

    def adjust_order_price(self, pair, order, current_order_rate, **kwargs):
        share = self.wanted_share.get(pair, 1)
        return share and round(current_order_rate * share, 2)

    def check_entry_timeout(self, pair, trade, order, current_time, **kwargs):
        return pair in self.timed_out
"""
LONG_MS = 120_000
"""Age of an entry of which freqtrade asks for the price: a candle has closed since."""
LOOP_SECONDS = 3.0 + 4.0
"""The bound of a loop's entries, and the rest of the loop on a busy machine; freqtrade would sleep 30 s."""


@pytest.fixture(params=kinds(AccountKind.UNIFIED))
def bot(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MeasuredBot]:
    """Run a bot with a trade on one pair, and an entry of two minutes ago that rests on the other."""
    from support.bot import STRATEGIES  # noqa: PLC0415

    (tmp_path / "adjusting.py").write_text(STRATEGY.format(folder=str(STRATEGIES)))
    which = {"strategy": "Adjusting", "strategy_path": str(tmp_path)}
    with measured_bot(tmp_path, request.param, pairs=(PAIR, OTHER), **which) as running:
        running.running.bot.strategy.entry_share = {OTHER: 0.99}
        running.running.enter()
        (entry,) = running.live(OTHER)
        running.venue.backdate(entry.order_id, LONG_MS)
        yield running


def another_price(strategy: Any) -> None:
    strategy.wanted_share = {OTHER: 0.999}


def no_price(strategy: Any) -> None:
    strategy.wanted_share = {OTHER: None}


def timeout(strategy: Any) -> None:
    strategy.timed_out = {OTHER}


def buys(bot: MeasuredBot) -> list[RequestRecord]:
    """Return the requests that place an entry on the other pair."""
    sent = bot.venue.requests
    return [record for record in sent if record.path.endswith("/place-order") and '"ETHUSDT"' in record.body]


def held(bot: MeasuredBot) -> float:
    """Return the coins of the other pair."""
    balance = bot.venue.balances(bot.uid).get("ETH")
    return 0.0 if balance is None else float(balance.available + balance.frozen)


def trades_on_other(bot: MeasuredBot) -> list[Any]:
    """Return the open trades on the other pair."""
    from freqtrade.persistence import Trade  # noqa: PLC0415

    Trade.session.rollback()
    return list(Trade.get_trades_proxy(pair=OTHER, is_open=True))


ASKS = [another_price, *(pytest.param(ask, marks=pytest.mark.drill) for ask in (no_price, timeout))]
"""Ways in which a strategy ends an entry; the first stands for all."""


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("fault", ["never lands", pytest.param("no answer", marks=pytest.mark.drill)])
def test_the_stop_loss_of_another_pair_leaves_in_the_same_loop(
    bot: MeasuredBot, ask: Callable[[Any], None], fault: str
) -> None:
    strategy = bot.running.bot.strategy
    (entry,) = bot.live(OTHER)
    (trade,) = trades_on_other(bot)
    ask(strategy)
    bot.venue.knobs(cancel_never_lands=1_000, batch_cancel_stall_ms=10_000 if fault == "no answer" else 0)
    bot.fall()
    began = time.monotonic()
    bot.loop()
    assert time.monotonic() - began < LOOP_SECONDS
    bot.assert_exit_left()
    bot.assert_sold_once()
    bot.loop()
    assert [order.order_id for order in bot.live(OTHER)] == [entry.order_id], "the venue has not canceled it"
    assert [each.id for each in trades_on_other(bot)] == [trade.id], "its trade is there as long as it is"
    assert len(buys(bot)) == 1

    bot.venue.knobs(cancel_never_lands=0, batch_cancel_stall_ms=0)
    bot.loop(3)
    assert not bot.venue.order(entry.order_id).live
    assert held(bot) == 0
    if ask is not another_price:
        assert (bot.live(OTHER), trades_on_other(bot), len(buys(bot))) == ([], [], 1)
        return
    (again,) = bot.live(OTHER)
    assert len(buys(bot)) == 2, "it is bought at the other price, once"
    assert [each.id for each in trades_on_other(bot)] == [trade.id]
    strategy.wanted_share = {}
    bot.venue.fill(again.order_id)
    bot.loop(2)
    assert held(bot) == pytest.approx(bot.running.trade_on(OTHER).amount, abs=float(bot.lot(OTHER)))


@pytest.mark.parametrize("bot", [AccountKind.CLASSIC], indirect=True)
@pytest.mark.parametrize("ask", ASKS)
def test_an_entry_that_fills_while_it_is_canceled_keeps_its_trade(bot: MeasuredBot, ask: Callable[[Any], None]) -> None:
    (trade,) = trades_on_other(bot)
    ask(bot.running.bot.strategy)
    bot.venue.knobs(fill_wins=1)
    bot.loop(2)
    assert [each.id for each in trades_on_other(bot)] == [trade.id]
    assert len(buys(bot)) == 1
    assert held(bot) == pytest.approx(bot.running.trade_on(OTHER).amount, abs=float(bot.lot(OTHER)))


@pytest.mark.parametrize("bot", [AccountKind.CLASSIC], indirect=True)
@pytest.mark.parametrize("ask", ASKS)
def test_an_entry_whose_cancel_is_proven_is_replaced_or_ended_in_the_same_loop(
    bot: MeasuredBot, ask: Callable[[Any], None]
) -> None:
    (trade,) = trades_on_other(bot)
    ask(bot.running.bot.strategy)
    bot.loop()
    replaced = ask is another_price
    assert [each.id for each in trades_on_other(bot)] == [trade.id] * replaced
    assert (len(bot.live(OTHER)), len(buys(bot))) == ((1, 2) if replaced else (0, 1))
