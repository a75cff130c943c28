"""Promise: rare sequences of events neither end the bot, nor lose coins, nor sell foreign ones."""

import threading
import time
from decimal import Decimal
from typing import Any

import ccxt
import pytest
from freqtrade.exceptions import TemporaryError
from freqtrade.persistence import Trade
from freqtrade.rpc import RPC
from sqlalchemy import text

from bitget_margin.adapter.errors import PlaceUnresolved
from support.in_process_bot import CONTROLS, InProcessBot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own


def sells(*shares: float) -> Any:
    """Return a ladder that sells these shares of a trade."""
    return lambda trade: [
        {"side": "sell", "price": trade.open_rate * (1.2 + 0.1 * i), "amount": trade.amount * share}
        for i, share in enumerate(shares)
    ]


def buys(trade: Any) -> list[dict[str, Any]]:
    return [{"side": "buy", "price": trade.open_rate * down, "amount": trade.amount} for down in (0.9, 0.8)]


def test_an_exit_of_the_other_thread_in_the_middle_of_a_loop_books_a_fill_once(bot: InProcessBot) -> None:
    """The main loop has read the trade before; a second row of the fill would end the bot."""
    trade = bot.enter(sells(0.25, 0.25))
    first = bot.live()[0]
    refresh = bot.bot.dataprovider.refresh

    def meanwhile(*args: Any, **named: Any) -> Any:
        bot.bot.dataprovider.refresh = refresh
        bot.venue.fill(first.order_id)

        def force_exit() -> None:
            RPC(bot.bot)._rpc_force_exit(str(trade.id))
            Trade.session.remove()

        thread = threading.Thread(target=force_exit)
        thread.start()
        thread.join()
        return refresh(*args, **named)

    bot.bot.dataprovider.refresh = meanwhile
    bot.loop(3)
    filled = [row for row in bot.trade.orders if row.order_id == first.order_id]
    assert [row.filled for row in filled] == [float(first.base_size)]
    assert bot.live() == []


def test_an_order_that_recovery_has_adopted_is_not_adopted_again(
    bot: InProcessBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.enter()
    api, view = bot.exchange.api, bot.exchange.managers.client.view
    place = api.create_order

    def lost(*args: Any, **named: Any) -> None:
        place(*args, **named)
        raise PlaceUnresolved("create_order", [{"id": None, "status": None, "clientOrderId": "x"}])

    with monkeypatch.context() as patched:
        patched.setattr(api, "create_order", lost)
        CONTROLS.adjust = lambda trade: -trade.stake_amount * 0.4
        bot.loop()
    CONTROLS.adjust = None
    fails = iter([True])

    def once(*args: Any) -> Any:
        if next(fails, False):
            raise ccxt.RequestTimeout("once")
        return view(*args)

    monkeypatch.setattr(bot.exchange.managers.client, "view", once)
    bot.bot.wallets.update()
    bot.loop(3)
    assert bot.trade.amount == pytest.approx(bot.held(), abs=1e-6)
    assert len({row.order_id for row in bot.trade.orders}) == len(bot.trade.orders) == 2


def test_a_partly_filled_buy_stays_out_of_freqtrade_s_hands(bot: InProcessBot) -> None:
    """Freqtrade reads the fee of the newest entry again; it would adopt a live order, and cancel it at its timeout."""
    bot.enter(buys)
    far, near = bot.live()
    bot.venue.fill(near.order_id)
    bot.venue.fill(far.order_id, "0.005")
    bot.loop(3)
    bot.venue.fill(far.order_id, "0.004")
    bot.loop(2)
    assert bot.trade.open_orders == []
    assert bot.trade.amount == pytest.approx(bot.held(), abs=1e-6)
    assert [order.order_id for order in bot.live()] == [far.order_id]


def test_an_order_that_fills_after_a_long_pause_is_not_given_up(bot: InProcessBot) -> None:
    """The bot was down for longer than it looks an order up, and history lags at its first lookup."""
    bot.enter(sells(0.5))
    with Trade.session.get_bind().begin() as database:
        database.execute(text("update bitget_margin_orders set intended_ms = intended_ms - 7200000"))
    bot.venue.knobs(history_lag_ms=1_000)
    (rung,) = bot.live()
    bot.venue.fill(rung.order_id)
    bot.loop()
    time.sleep(1.1)
    bot.loop(2)
    assert bot.trade.amount == pytest.approx(bot.held(), abs=1e-6)


def test_an_exit_never_sells_the_coins_of_others_while_its_own_rung_lives(rich_bot: InProcessBot) -> None:
    rich_bot.enter(sells(0.6))
    rich_bot.venue.knobs(cancel_never_lands=1_000)
    CONTROLS.exit = True
    rich_bot.loop(2)
    (rung,) = rich_bot.live()
    rich_bot.venue.fill(rung.order_id)
    rich_bot.venue.knobs(cancel_never_lands=0)
    rich_bot.loop(3)
    assert not rich_bot.trade.is_open
    # Less the fee of the entry, which freqtrade takes from the coins that are there.
    assert rich_bot.held() == pytest.approx(5, abs=2e-5)


def test_a_ladder_in_the_loop_in_which_another_ended_sells_what_is_left(rich_bot: InProcessBot) -> None:
    rich_bot.enter(sells(0.6))
    for rung in rich_bot.live():
        rich_bot.venue.fill(rung.order_id)
    seen = []

    def loop(strategy: Any) -> None:
        trade = rich_bot.trade
        seen.append(trade.amount)
        strategy.place_resting_orders(trade, [{"side": "sell", "price": 90_000, "amount": trade.amount}], key="second")

    CONTROLS.loop = loop
    rich_bot.loop()
    (rung,) = rich_bot.live()
    assert float(rung.base_size) == pytest.approx(seen[0], abs=1e-6)
    assert seen[0] == pytest.approx(0.4 * 0.016666, abs=1e-6)


def test_a_busy_venue_does_not_stop_the_bot(bot: InProcessBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its errors are ccxt.ExchangeError; an OperationalException would stop the bot with its position open."""

    def busy(*_: Any) -> None:
        raise ccxt.ExchangeError('bitget {"code":"40015","msg":"System is abnormal"}')

    monkeypatch.setattr(bot.exchange.api, "fetch_order", busy)
    with pytest.raises(TemporaryError, match="40015"):
        bot.exchange.fetch_order("1", "BTC/USDT")


def test_an_entry_that_is_not_proven_canceled_is_canceled_again_and_holds_up_nobody(bot: InProcessBot) -> None:
    bot.venue.set_price("BTCUSDT", "60000")
    CONTROLS.enter = True
    bot.bot.strategy.custom_entry_price = lambda **given: given["proposed_rate"] * 0.99
    bot.loop()
    CONTROLS.enter = False
    (entry,) = bot.live()
    bot.venue.knobs(cancel_never_lands=4)
    exchange = bot.exchange
    row = exchange.cancel_order_with_result(entry.order_id, "BTC/USDT", 0.01)
    assert row["status"] == "open"
    # An exception would end a loop in which freqtrade asks again at once.
    assert exchange.fetch_order(entry.order_id, "BTC/USDT")["status"] == "open"
    bot.loop(2)
    assert bot.live() == []
    assert exchange.fetch_order(entry.order_id, "BTC/USDT")["status"] == "canceled"


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_fill_whose_booking_was_cut_off_in_the_middle_is_booked_again(bot: InProcessBot, share: float) -> None:
    """Freqtrade commits the row first and the trade later; killed between the two, it does not repeat it."""
    bot.enter(sells(share))
    (rung,) = bot.live()
    bot.venue.fill(rung.order_id)
    freqtrade = bot.bot
    handle = freqtrade.handle_order_fee

    def killed(*_: Any) -> None:
        freqtrade.handle_order_fee = handle
        raise KeyboardInterrupt

    freqtrade.handle_order_fee = killed
    with pytest.raises(KeyboardInterrupt):
        bot.loop()
    bot.exchange.maintenance._handed_over.clear()  # as after a restart
    bot.loop(2)
    trade = bot.trade
    assert trade.is_open is (share < 1)
    if trade.is_open:
        assert trade.amount == pytest.approx(bot.held(), abs=1e-6)


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_an_exit_whose_booking_was_cut_off_in_the_middle_is_booked_again(bot: InProcessBot, share: float) -> None:
    """The same for an order that freqtrade placed itself: half of the position, or all of it."""
    bot.enter()
    if share < 1:
        CONTROLS.adjust = lambda trade: -trade.stake_amount * share
    else:
        CONTROLS.exit = True
    bot.loop()
    CONTROLS.adjust, CONTROLS.exit = None, False
    (order,) = bot.trade.open_orders
    # What freqtrade writes first.
    order.update_from_ccxt_object(bot.exchange.api.fetch_order(order.order_id, "BTC/USDT", {}))
    Trade.commit()
    bot.exchange.maintenance._repaired = False  # as after a restart
    bot.bot.wallets.update()
    bot.loop(3)
    trade = bot.trade
    assert trade.is_open is (share < 1)
    if trade.is_open:
        assert trade.amount == pytest.approx(bot.held(), abs=1e-6)


def test_an_exit_that_replaces_a_half_filled_one_is_booked(bot: InProcessBot) -> None:
    """As a stop-loss does; here by a bot that was started again and forgot that it had exited already."""
    CONTROLS.exit_price = 1.01
    bot.enter()
    CONTROLS.exit = True
    bot.loop()
    (resting,) = bot.live()
    bot.venue.fill(resting.order_id, str(round(resting.base_size / 2 + Decimal("0.001"), 6)))
    bot.loop()
    bot.restart()
    CONTROLS.exit_price = 1.0
    bot.loop(4)
    trade = bot.trade
    assert not trade.is_open
    sold = [order for order in bot.venue.orders() if order.side == "sell" and order.filled]
    assert {
        order.order_id: order.filled for order in trade.orders if order.ft_order_side == "sell" and order.filled
    } == {order.order_id: float(order.filled) for order in sold}
    assert sum(order.filled for order in sold) == resting.base_size
