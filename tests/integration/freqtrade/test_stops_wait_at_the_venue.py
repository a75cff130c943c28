"""Promise: a bot on a unified account leaves a stop-loss at the venue, and it never costs an exit, a loan or a coin."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind
from support.in_process_bot import CONTROLS, InProcessBot, in_process_bot

pytestmark = [
    pytest.mark.classic,  # these bring accounts of their own
    pytest.mark.filterwarnings("default"),  # freqtrade's own
]
DRILL = partial(pytest.param, marks=pytest.mark.drill)
"""One case of each kind runs with the slow tests, the others as a drill."""
ORDER_TYPES = {"entry": "limit", "exit": "limit", "stoploss": "market", "stoploss_on_exchange": True}
SETTINGS: dict[str, Any] = {"bitget_margin": {"strategy_orders": True}, "order_types": ORDER_TYPES, "stoploss": -0.1}
KNOBS: list[dict[str, Any]] = [{"strategy_freezes": True}, {"strategy_ids": "none"}, {"strategy_types": "trigger"}]
KNOBS += [{"strategy_row_side": True}, {"strategy_sub_orders": False}, {"history_lag_ms": 1_200}]


@contextmanager
def stopped_bot(folder: Path, knobs: dict[str, Any] | None = None, **balances: str) -> Iterator[InProcessBot]:
    """Run a bot with stops at the venue, which must not have borrowed anything at the end."""
    with in_process_bot(folder, kind=AccountKind.UNIFIED, settings=SETTINGS, **balances) as bot:
        bot.venue.knobs(**(knobs or {}))
        yield bot
        assert bot.venue.borrowed(uid(bot)) == {}
        assert len(waiting(bot)) <= 1


def uid(bot: InProcessBot) -> str:
    return bot.venue.accounts[0].uid


def waiting(bot: InProcessBot) -> list[Any]:
    return bot.venue.strategy_orders(uid(bot), live_only=True)


def ladder(share: float) -> Any:
    return lambda trade: [{"side": "sell", "price": trade.open_rate * 1.2, "amount": trade.amount * share}]


def fall(bot: InProcessBot, share: float = 0.85) -> None:
    """Let the price fall below the stop."""
    bot.venue.set_price("BTCUSDT", str(round(60_000 * share)))


def agree(bot: InProcessBot, trade: Any) -> None:
    """Compare the trade's rows with the venue's orders: all fills, and nothing else."""
    rows = {row.order_id: row for row in trade.orders if row.filled}
    stops = {order.order_id: order.placed_id for order in bot.venue.strategy_orders(uid(bot))}
    theirs = {order.order_id: order for order in bot.venue.orders(uid(bot)) if order.filled}
    assert {stops.get(order_id, order_id) for order_id in rows} == set(theirs)
    for order_id, row in rows.items():
        assert row.filled == float(theirs[stops.get(order_id) or order_id].filled)


def loop_until(bot: InProcessBot, condition: Callable[[], object], seconds: float = 6.0) -> None:
    """Run loops until a condition holds: evidence takes time, as two lookups that are apart."""
    end = time.monotonic() + seconds
    bot.loop()
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)
        bot.loop()


def total(trade: Any) -> float:
    return float(sum(row.filled or 0.0 for row in trade.orders if row.ft_order_side != "buy"))


def sold_while_down(folder: Path, knobs: dict[str, Any]) -> None:
    with stopped_bot(folder, knobs) as bot:
        trade = bot.enter(ladder(0.4))
        loop_until(bot, lambda: waiting(bot) and bot.live())
        (stop,), (rung,) = waiting(bot), bot.live()
        amount = trade.amount
        assert float(stop.size) == pytest.approx(amount - float(rung.base_size), abs=1e-6)
        bot.restart(while_down=lambda: fall(bot))
        loop_until(bot, lambda: not bot.trade.is_open)
        trade = bot.trade
        assert [row.filled for row in trade.orders if row.ft_order_side == "stoploss"] == [float(stop.size)]
        assert not trade.is_open
        agree(bot, trade)
        assert total(trade) == pytest.approx(amount, abs=1e-5)
        assert bot.held() < 0.0001


def test_the_venue_sells_while_the_bot_is_down_and_the_books_agree(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sold_while_down(tmp_path, {})
    assert "Resting orders hold the other" in caplog.text
    assert "which have a stop-loss only while the bot runs" in caplog.text


@pytest.mark.slow
@pytest.mark.drill
@pytest.mark.parametrize("knobs", KNOBS, ids=str)
def test_it_does_so_whatever_the_documents_leave_open(tmp_path: Path, knobs: dict[str, Any]) -> None:
    sold_while_down(tmp_path, knobs)


@pytest.mark.slow
@pytest.mark.parametrize("knobs", [{}, DRILL({"strategy_freezes": True})], ids=str)
def test_its_amount_follows_the_coins_that_no_resting_order_holds(tmp_path: Path, knobs: dict[str, Any]) -> None:
    with stopped_bot(tmp_path, knobs) as bot:
        trade = bot.enter()
        bot.loop()
        amount = trade.amount
        assert float(waiting(bot)[0].size) == pytest.approx(amount, abs=1e-6)
        CONTROLS.loop = lambda strategy: strategy.place_resting_orders(bot.trade, ladder(0.5)(bot.trade), "later")
        bot.loop()
        CONTROLS.loop = None
        (stop,), (rung,) = waiting(bot), bot.live()
        assert float(stop.size + rung.base_size) == pytest.approx(amount, abs=1e-6)
        bot.venue.fill(rung.order_id, str(rung.base_size / 2))
        bot.loop(2)
        assert waiting(bot)[0].size == stop.size
        bot.venue.cancel(rung.order_id)
        bot.loop(2)
        left = bot.trade.amount
        assert float(waiting(bot)[0].size) == pytest.approx(left, abs=1e-6)
        assert len(bot.venue.strategy_orders(uid(bot))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("owned", [DRILL("0"), "3"])
def test_a_stop_that_fires_is_booked_and_nothing_is_sold_twice(tmp_path: Path, owned: str) -> None:
    with stopped_bot(tmp_path, BTC=owned) as bot:
        trade = bot.enter()
        bot.loop()
        amount = trade.amount
        fall(bot)
        bot.loop(3)
        trade = bot.trade
        assert (trade.is_open, trade.exit_reason) == (False, "stoploss_on_exchange")
        assert total(trade) == pytest.approx(amount, abs=1e-5)
        assert bot.held() == pytest.approx(float(owned), abs=1e-4)
        agree(bot, trade)


@pytest.mark.slow
@pytest.mark.parametrize("owned", [DRILL("0"), "3"])
def test_one_that_fires_as_an_exit_cancels_it_sells_nothing_of_the_owner(tmp_path: Path, owned: str) -> None:
    with stopped_bot(tmp_path, BTC=owned) as bot:
        trade = bot.enter()
        bot.loop()
        amount = trade.amount
        CONTROLS.exit, begin = True, bot.exchange.get_funding_fees

        def falls(*args: Any, **kwargs: Any) -> float:
            fall(bot)
            return float(begin(*args, **kwargs))

        bot.exchange.get_funding_fees = falls
        bot.loop(3)
        trade = bot.trade
        assert not trade.is_open
        assert total(trade) == pytest.approx(amount, abs=1e-5)
        assert bot.held() == pytest.approx(float(owned), abs=1e-4)
        agree(bot, trade)


@pytest.mark.slow
@pytest.mark.parametrize("share", [DRILL(0.0), 0.4])
def test_an_exit_cancels_it_and_sells_everything(tmp_path: Path, share: float) -> None:
    with stopped_bot(tmp_path) as bot:
        bot.enter(ladder(share) if share else None)
        bot.loop()
        CONTROLS.exit = True
        bot.loop(3)
        trade = bot.trade
        assert not trade.is_open
        assert (waiting(bot), bot.live()) == ([], [])
        agree(bot, trade)


CANCEL = "/cancel-strategy-order"
NO_PROOF: list[dict[str, Any]] = [
    {"kind": "reset-before"},
    {"kind": "code-before", "code": "45001"},
    {"kind": "code-before", "code": "25004"},
    {"kind": "stall-before"},
]


@pytest.mark.slow
@pytest.mark.parametrize("knobs", [{}, DRILL({"strategy_freezes": True})], ids=str)
@pytest.mark.parametrize("fault", [NO_PROOF[0], *map(DRILL, NO_PROOF[1:])], ids=str)
def test_an_exit_goes_out_beside_a_stop_whose_end_is_not_proven(
    tmp_path: Path, fault: dict[str, Any], knobs: dict[str, Any]
) -> None:
    """It sells what is free beyond the stop, and the rest once the stop is gone; never with a loan."""
    with stopped_bot(tmp_path, knobs) as bot:
        bot.enter(ladder(0.4))
        bot.loop()
        (stop,), (rung,) = waiting(bot), bot.live()
        CONTROLS.exit = True
        bot.venue.add_fault(path=CANCEL, **fault)
        bot.loop(2)
        (sold,) = (order for order in bot.venue.orders(uid(bot)) if order.side == "sell" and order.filled)
        assert sold.filled == rung.base_size
        assert bot.trade.is_open
        assert waiting(bot) == [stop]
        bot.venue.clear_faults()
        bot.loop(3)
        assert (waiting(bot), bot.trade.is_open) == ([], False)
        agree(bot, bot.trade)


PLACE = "/place-strategy-order"


@pytest.mark.slow
@pytest.mark.parametrize("ids", ["all", "none"])
@pytest.mark.parametrize("kind", ["reset-after", *map(DRILL, ("html-502", "other-answer", "code-after", "late"))])
def test_an_unclear_answer_places_no_second_stop(tmp_path: Path, kind: str, ids: str) -> None:
    with stopped_bot(tmp_path, {"strategy_ids": ids, "strategy_freezes": True}) as bot:
        bot.venue.add_fault(kind, PLACE, count=1)
        bot.enter()
        for _ in range(4):
            bot.loop()
            time.sleep(0.4 if kind == "late" else 0)
        assert len(waiting(bot)) == len(bot.venue.strategy_orders(uid(bot))) == 1
        assert [row.order_id for row in bot.trade.open_sl_orders] == [waiting(bot)[0].order_id]
        fall(bot)
        bot.loop(3)
        assert not bot.trade.is_open
        agree(bot, bot.trade)


@pytest.mark.slow
def test_one_that_was_not_placed_blocks_another_and_no_exit(tmp_path: Path) -> None:
    with stopped_bot(tmp_path) as bot:
        bot.venue.add_fault("reset-before", PLACE, count=1)
        bot.enter()
        bot.loop(3)
        assert sum(record.path.endswith(PLACE) for record in bot.venue.requests) == 1
        time.sleep(1.6)
        bot.loop()
        CONTROLS.exit = True
        bot.loop(2)
        assert not bot.trade.is_open
        agree(bot, bot.trade)


@pytest.mark.slow
@pytest.mark.parametrize("code", ["25240", DRILL("40020"), DRILL("25202")])
def test_where_the_venue_refuses_it_freqtrade_watches_the_price(tmp_path: Path, code: str) -> None:
    with stopped_bot(tmp_path) as bot:
        bot.venue.add_fault("code-before", PLACE, code=code)
        bot.enter(ladder(0.4))
        bot.loop(2)
        assert (waiting(bot), bot.trade.is_open) == ([], True)
        fall(bot)
        bot.loop(2)
        trade = bot.trade
        assert (trade.is_open, trade.exit_reason) == (False, "stop_loss")
        agree(bot, trade)


@pytest.mark.slow
@pytest.mark.parametrize("after", ["prepare", "placed"])
def test_a_kill_beside_its_placing_leaves_one_stop(tmp_path: Path, after: str) -> None:
    """Before it is sent, or before freqtrade has stored it."""
    with stopped_bot(tmp_path) as bot:
        stops, killed = bot.exchange.managers.stops, [False]
        own = getattr(stops, after)

        def kill(*args: Any, **kwargs: Any) -> Any:
            result = own(*args, **kwargs)
            if not killed[0]:
                killed[0] = True
                raise KeyboardInterrupt
            return result

        setattr(stops, after, kill)
        with pytest.raises(KeyboardInterrupt):
            bot.enter()
        bot.restart()
        bot.loop(2)
        assert len(bot.venue.strategy_orders(uid(bot))) == (1 if after == "placed" else 0)
        fall(bot)
        loop_until(bot, lambda: not bot.trade.is_open)
        agree(bot, bot.trade)
