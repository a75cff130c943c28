"""Promise: a dry run simulates ladders by the order book, books them as a live bot does, and signs no request."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ccxt
import pytest

from support.bot import signed_requests
from support.botless import in_another_thread
from support.in_process_bot import CONTROLS, InProcessBot, in_process_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
SYMBOL = "BTCUSDT"
OPEN = 100.01
"""Price of the entry: what the local venue asks for at 100."""
FEE = 0.001
DRY = {"dry_run": True, "dry_run_wallet": 10_000}


@pytest.fixture
def dry(tmp_path: Path) -> Iterator[InProcessBot]:
    """Run a bot without real orders."""
    with in_process_bot(tmp_path, settings=DRY) as started:
        started.venue.set_price(SYMBOL, "100")
        yield started
        assert signed_requests(started.venue) == []
        assert started.live() == []


def sells(*prices: float, share: float | None = None) -> Callable[[Any], list[dict[str, Any]]]:
    return lambda _: [{"side": "sell", "price": price, "share": share or 1 / len(prices)} for price in prices]


def buys(*prices: float, amount: float) -> Callable[[Any], list[dict[str, Any]]]:
    return lambda _: [{"side": "buy", "price": price, "amount": amount} for price in prices]


def resting(bot: InProcessBot) -> list[tuple[float, str]]:
    """Return price and status of each resting order of the newest trade."""
    return [(order["price"], order["status"]) for order in bot.bot.strategy.resting_orders(bot.trade)]


def fills(trade: Any) -> list[tuple[str, float, float]]:
    """Return side, amount and price of each filled order of a trade."""
    return [(row.ft_order_side, row.filled, row.safe_price) for row in trade.orders if row.filled]


def profit(trade: Any) -> float:
    """Return the profit of a trade by its fills; freqtrade counts all fees as costs in a dry run."""
    return sum(amount * price * (-1 - FEE if side == "buy" else 1 - FEE) for side, amount, price in fills(trade))


def test_orders_are_filled_by_the_order_book_and_end_the_trade(dry: InProcessBot) -> None:
    trade = dry.enter(sells(102.0, 104.0))
    amount = trade.amount
    assert resting(dry) == [(102.0, "open"), (104.0, "open")]
    dry.venue.set_price(SYMBOL, "102")  # the best bid is below that
    dry.loop()
    assert fills(dry.trade) == [("buy", amount, OPEN)]
    dry.venue.set_price(SYMBOL, "102.5")
    dry.loop()
    assert [each[0::2] for each in fills(dry.trade)] == [("buy", OPEN), ("sell", 102.0)]
    assert resting(dry) == [(102.0, "closed"), (104.0, "open")]
    dry.venue.set_price(SYMBOL, "110")
    dry.loop()
    ended = dry.trade
    assert (ended.is_open, ended.exit_reason, ended.close_rate) == (False, "ladder", 104.0)
    assert [each[0::2] for each in fills(ended)[1:]] == [("sell", 102.0), ("sell", 104.0)]
    assert ended.close_profit_abs == pytest.approx(profit(ended), abs=1e-6)


def test_an_exit_cancels_the_orders_and_sells_what_is_left(dry: InProcessBot) -> None:
    trade = dry.enter(sells(102.0, 104.0, share=0.25))
    amount = trade.amount
    dry.venue.set_price(SYMBOL, "102.5")
    dry.loop()
    CONTROLS.exit = True
    dry.loop(2)
    ended = dry.trade
    assert not ended.is_open
    assert ended.exit_reason == "exit_signal"
    assert resting(dry) == [(102.0, "closed"), (104.0, "canceled")]
    assert sum(sold for side, sold, _ in fills(ended) if side == "sell") == pytest.approx(amount, abs=1e-9)


def test_an_order_that_is_filled_as_the_exit_begins_is_not_sold_twice(dry: InProcessBot) -> None:
    trade = dry.enter(sells(102.0, share=0.25))
    amount = trade.amount
    # No loop has seen the price yet: the exit itself does.
    CONTROLS.loop = lambda _: dry.venue.set_price(SYMBOL, "103")
    CONTROLS.exit = True
    dry.loop(2)
    ended = dry.trade
    assert [side for side, _, _ in fills(ended)] == ["buy", "sell", "sell"]
    assert sum(sold for side, sold, _ in fills(ended) if side == "sell") == pytest.approx(amount, abs=1e-9)


def test_a_stop_loss_sells_everything_under_a_full_ladder(dry: InProcessBot) -> None:
    trade = dry.enter(sells(102.0, 104.0))
    amount = trade.amount
    dry.bot.strategy.stoploss = -0.05
    trade.adjust_stop_loss(trade.open_rate, -0.05, allow_refresh=True)
    dry.venue.set_price(SYMBOL, "90")
    dry.loop(2)
    ended = dry.trade
    assert ended.exit_reason == "stop_loss"
    assert [sold for side, sold, _ in fills(ended) if side == "sell"] == [amount]
    assert {status for _, status in resting(dry)} == {"canceled"}


def test_buys_add_to_the_position_and_hold_their_stake_until_then(dry: InProcessBot) -> None:
    trade = dry.enter(buys(98.0, amount=50.0))
    stake, amount = trade.stake_amount, trade.amount
    wallets = dry.bot.wallets
    assert wallets.get_free("USDT") == pytest.approx(10_000 - stake - 50 * 98)
    with pytest.raises(ValueError, match="are free: buy less"):
        dry.bot.strategy.place_resting_orders(dry.trade, buys(95.0, amount=50.0)(trade), key="more")
    dry.venue.set_price(SYMBOL, "97")
    dry.loop()
    bought = dry.trade
    assert bought.amount == pytest.approx(amount + 50)
    assert bought.open_rate == pytest.approx((amount * OPEN + 50 * 98) / (amount + 50), abs=0.01)
    CONTROLS.exit = True
    dry.loop(2)
    ended = dry.trade
    assert not ended.is_open
    assert ended.close_profit_abs == pytest.approx(profit(ended), abs=1e-6)
    assert wallets.get_free("USDT") == pytest.approx(10_000 + profit(ended), abs=1e-6)


def test_a_stop_loss_at_the_venue_is_watched_by_the_bot(tmp_path: Path) -> None:
    """A simulated one would be over all coins, and would sell those of the ladder again."""
    types = {"entry": "limit", "exit": "limit", "stoploss": "market", "stoploss_on_exchange": True}
    settings = {**DRY, "order_types": types, "bitget_margin": {"strategy_orders": True}}
    with in_process_bot(tmp_path, settings=settings) as dry:
        dry.venue.set_price(SYMBOL, "100")
        amount = dry.enter(sells(102.0, share=0.3)).amount
        dry.venue.set_price(SYMBOL, "103")
        dry.loop()
        dry.venue.set_price(SYMBOL, "9")
        dry.loop(3)
        ended = dry.trade
        assert not ended.is_open
        assert sum(sold for side, sold, _ in fills(ended) if side == "sell") == pytest.approx(amount, abs=1e-9)
        assert ended.close_profit_abs == pytest.approx(profit(ended), abs=1e-6)


def test_an_entry_that_is_added_by_another_thread_does_not_blind_the_ladder(dry: InProcessBot) -> None:
    dry.enter(sells(102.0, share=0.3))
    in_another_thread(lambda: dry.bot.execute_entry("BTC/USDT", 500.0, trade=dry.trade))
    dry.venue.set_price(SYMBOL, "103")
    dry.loop(2)
    assert resting(dry) == [(102.0, "closed")]


def test_the_data_of_a_trade_show_its_end(dry: InProcessBot) -> None:
    dry.enter(sells(102.0, 104.0))
    CONTROLS.exit = True
    dry.loop(3)
    assert not dry.trade.is_open
    assert {order["status"] for order in dry.trade.get_custom_data("resting_orders")} == {"canceled"}


def test_a_ladder_is_changed_while_it_rests(dry: InProcessBot) -> None:
    trade = dry.enter(sells(102.0, 104.0))
    half = trade.amount / 2
    orders = [{"side": "sell", "price": price, "amount": half} for price in (102.0, 103.0)]
    changed = dry.bot.strategy.replace_resting_orders(dry.trade, orders)
    assert [(order["price"], order["status"]) for order in changed] == [(102.0, "open"), (103.0, "open")]
    assert resting(dry) == [(102.0, "open"), (104.0, "canceled"), (103.0, "open")]
    dry.venue.set_price(SYMBOL, "110")
    dry.loop(2)
    assert [price for side, _, price in fills(dry.trade) if side == "sell"] == [102.0, 103.0]
    assert not dry.trade.is_open


def test_orders_are_kept_over_a_restart(dry: InProcessBot) -> None:
    dry.enter(sells(102.0, 104.0))
    dry.restart()
    assert resting(dry) == [(102.0, "open"), (104.0, "open")]
    dry.venue.set_price(SYMBOL, "110")
    dry.loop(2)
    assert (dry.trade.is_open, dry.trade.exit_reason) == (False, "ladder")


def test_an_order_book_that_cannot_be_read_costs_no_loop_and_no_exit(dry: InProcessBot) -> None:
    trade = dry.enter(sells(102.0))
    amount = trade.amount
    dry.venue.set_price(SYMBOL, "103")
    # Not those of freqtrade, whose own orders need one.
    dry.exchange.managers.client.best_prices = failing
    dry.loop(2)
    assert resting(dry) == [(102.0, "open")]
    CONTROLS.exit = True
    dry.loop(2)
    ended = dry.trade
    assert [sold for side, sold, _ in fills(ended) if side == "sell"] == [amount]
    assert resting(dry) == [(102.0, "canceled")]


def failing(*_: object) -> Any:
    raise ccxt.NetworkError("no order book")


@pytest.mark.parametrize(("setting", "sold"), [("leave", 0.4), ("cancel", 0.6)])
def test_a_partial_exit_leaves_or_cancels_the_ladder_as_live(tmp_path: Path, setting: str, sold: float) -> None:
    settings = {**DRY, "bitget_margin": {"partial_exits": setting}}
    with in_process_bot(tmp_path, settings=settings) as dry:
        dry.venue.set_price(SYMBOL, "100")
        trade = dry.enter(sells(102.0, share=0.6))
        amount = trade.amount
        CONTROLS.adjust = lambda trade: -trade.stake_amount * 0.6
        dry.loop()
        CONTROLS.adjust = None
        dry.loop()
        assert [part for side, part, _ in fills(dry.trade) if side == "sell"] == [
            pytest.approx(amount * sold, abs=1e-5)
        ]
        assert resting(dry) == [(102.0, "open" if setting == "leave" else "canceled")]
        assert signed_requests(dry.venue) == []
