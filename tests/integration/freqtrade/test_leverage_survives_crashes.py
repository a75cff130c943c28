"""Promise: killed or without an answer at any moment, a bot with leverage places nothing twice and loses nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind, FaultKind
from support.borrowing_bot import CLASSIC_AT_LEAST, WAYS, allowed, borrowing_bot, difference
from support.borrowing_life import PRICE, STEP, Life, shorten_doubts
from support.crash_points import crash_points
from support.in_process_bot import CONTROLS, PAIR

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
CLASSIC, UNIFIED = AccountKind.CLASSIC, AccountKind.UNIFIED
SAMPLES = pytest.mark.parametrize(
    ("kind", "leverage", "short"),
    [
        pytest.param(CLASSIC, 3, False, id="classic-long"),
        pytest.param(UNIFIED, 2, True, id="unified-short", marks=pytest.mark.slow),
        pytest.param(CLASSIC, 2, True, id="classic-short", marks=pytest.mark.drill),
        pytest.param(UNIFIED, 3, False, id="unified-long", marks=pytest.mark.drill),
    ],
)
PLACE = "place-order"
MOST_STEPS = 60
"""More than the steps of a trade."""


@pytest.fixture(autouse=True)
def _short_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_doubts(monkeypatch)


@contextmanager
def life(folder: Path, kind: AccountKind, leverage: float, *, short: bool, **ladder: float) -> Iterator[Life]:
    """Start a bot that is to live."""
    with crash_points() as points, borrowing_bot(folder, kind) as bot:
        yield Life(bot, points, leverage, short, **ladder)  # type: ignore[arg-type]


def after(name: str, times: int = 1) -> Callable[[Sequence[str]], bool]:
    """Return what kills a bot right after the n-th request to such an endpoint."""
    return lambda steps: steps[-1:] == [name] and steps.count(name) == times


@SAMPLES
def test_a_kill_right_after_a_request_leaves_nothing_twice(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    """Once the entry, the ladder and the exit are executed, and nothing of it is stored."""
    batch = "batch-place-order" if kind is CLASSIC else "place-batch"
    with life(tmp_path, kind, leverage, short=short) as lived:
        for kills in (after(PLACE), after(batch), after(PLACE, 2)):
            lived.live(kills)
            assert lived.killed


@pytest.mark.drill
@pytest.mark.timeout(900)
@CLASSIC_AT_LEAST
@WAYS
@pytest.mark.parametrize(("rungs", "fills", "share"), [(3, 1, 0.2), (2, 2, 0.5)], ids=["exit", "ladder"])
def test_a_kill_at_every_step_leaves_nothing_twice(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool, rungs: int, fills: int, share: float
) -> None:
    """Of a trade that its exit ends, and of one that its ladder sells out."""
    with life(tmp_path, kind, leverage, short=short, rungs=rungs, fills=fills, share=share) as lived:
        for number in range(MOST_STEPS):
            lived.live(lambda steps, number=number: len(steps) == number)
            if not lived.killed:
                break
        assert 20 < number < MOST_STEPS - 1


@pytest.mark.parametrize(
    "fault",
    [
        FaultKind.RESET_AFTER,
        *(
            pytest.param(fault, marks=pytest.mark.drill)
            for fault in (
                FaultKind.HTML_502,
                FaultKind.EMPTY_BODY,
                FaultKind.NULL_DATA,
                FaultKind.CODE_45001,
                FaultKind.CODE_40010,
                FaultKind.OTHER_ANSWER,
                FaultKind.LATE,
                FaultKind.RESET_BEFORE,
                FaultKind.UNAVAILABLE,
            )
        ),
    ],
)
@pytest.mark.parametrize("kind", [CLASSIC, pytest.param(UNIFIED, marks=pytest.mark.drill)])
@pytest.mark.timeout(120)
def test_an_order_without_an_answer_is_placed_once(tmp_path: Path, kind: AccountKind, fault: FaultKind) -> None:
    """Entry and exit of a long and of a short."""
    with life(tmp_path, kind, 3, short=False) as lived:

        def loses() -> None:
            lived.bot.venue.add_fault(fault, PLACE, count=1, duration_ms=100)

        lived.live(before_entry=loses, before_exit=loses)
        lived.leverage, lived.short = 2, True
        lived.live(before_entry=loses, before_exit=loses)


@SAMPLES
def test_fills_of_a_bot_that_is_down_are_booked(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    """A resting entry, then a part of the ladder, and a resting exit; the position and the rest of the ladder stay."""
    with life(tmp_path, kind, leverage, short=short) as lived:
        bot, better = lived.bot, lived.better
        worth = bot.venue.worth()
        CONTROLS.short, CONTROLS.leverage, CONTROLS.ladder = short, leverage, lived.ladder
        CONTROLS.entry_price = 1 - better * 0.005
        CONTROLS.enter = True
        lived.loop()
        CONTROLS.enter = False
        (entry,) = bot.live()
        bot.venue.fill(entry.order_id, "0.1")
        bot.restart(lambda: bot.venue.fill(entry.order_id))
        lived.until(lambda: len(bot.live()) == lived.rungs, "the ladder rests")
        lived.check_trade()
        first, *rest = sorted(bot.live(), key=lambda order: order.price * better)
        bot.restart(lambda: (bot.venue.fill(first.order_id), bot.venue.fill(rest[0].order_id, "0.01")))
        lived.loop(2)
        assert {order.order_id for order in bot.live()} == {order.order_id for order in rest}
        lived.check_trade()
        bot.bot.wallets.update()
        position = bot.bot.wallets.get_all_positions()[PAIR]
        assert (position.side, position.leverage) == ("short" if short else "long", leverage)
        assert position.position == pytest.approx(bot.trade.amount)
        CONTROLS.exit, CONTROLS.exit_price = True, 1 + better * 0.02
        lived.until(lambda: bot.trade.has_open_orders, "the exit rests")
        CONTROLS.exit = False
        (resting,) = bot.live()
        bot.restart(lambda: bot.venue.set_price("BTCUSDT", PRICE + better * STEP * 3))
        lived.until(lambda: not bot.trade.is_open and not bot.venue.debts(), "it has ended")
        assert bot.venue.order(resting.order_id).filled == resting.base_size
        assert bot.live() == []
        assert difference(bot, worth) <= allowed(leverage)


def test_interest_of_a_moment_before_the_ladder_ends_a_trade_is_booked(tmp_path: Path) -> None:
    """Trades that begin and end within the age up to which a reading of the interest is used again."""
    with life(tmp_path, CLASSIC, 2, short=True, rungs=2, fills=2, share=0.5) as lived:
        lived.live()
        lived.live()
        assert [trade.funding_fees < 0 for trade in lived.bot.trades()] == [True, True]


@SAMPLES
def test_an_exit_that_replaces_one_which_fills_at_that_moment_is_not_sent(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    """It would open a position the other way round: no trade would know of it."""
    with life(tmp_path, kind, leverage, short=short) as lived:
        bot, better = lived.bot, lived.better
        worth = bot.venue.worth()
        CONTROLS.short, CONTROLS.leverage, CONTROLS.exit_price = short, leverage, 1 + better * 0.01
        bot.enter()
        CONTROLS.exit = True
        bot.loop()
        (resting,) = bot.live()
        bot.restart()  # it has forgotten that it has exited for this reason
        CONTROLS.exit_price = 1.0
        cancel = bot.exchange.unproven.cancel

        def fills(order_id: str, pair: str) -> Any:
            bot.venue.fill(resting.order_id)
            return cancel(order_id, pair)

        bot.exchange.unproven.cancel = fills
        bot.loop(3)
        assert not bot.trade.is_open
        assert [order.order_id for order in lived.orders() if order.filled][1:] == [resting.order_id]
        assert bot.live() == []
        bot.loop()
        assert bot.venue.debts() == {}
        assert difference(bot, worth) <= allowed(leverage)
