"""Promise: a stop-loss leaves in time and once, whatever fails around it, and no crumb keeps a trade open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind, synthetic_symbols
from support.in_process_bot import PAIR
from support.measured_exits import FULL, HALF, OWN_MS, MeasuredBot, kinds, measured_bot, no_file_grows, sells

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own


@pytest.fixture(params=kinds(AccountKind.UNIFIED))
def bot(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MeasuredBot]:
    with measured_bot(tmp_path, request.param) as running:
        yield running


@pytest.fixture(params=kinds(AccountKind.CLASSIC))
def rich_bot(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MeasuredBot]:
    """Run a bot on an account with coins of others, so that the venue refuses no second sale."""
    with measured_bot(tmp_path, request.param, others="5") as running:
        yield running


@pytest.mark.parametrize(
    "restarted", [pytest.param(False, id="goes on", marks=pytest.mark.drill), pytest.param(True, id="restarted")]
)
@pytest.mark.parametrize(
    "ladder", [pytest.param(None, id="none", marks=pytest.mark.drill), pytest.param(HALF, id="half")]
)
def test_a_locked_database_neither_holds_it_back_nor_repeats_it(
    rich_bot: MeasuredBot, ladder: Any, *, restarted: bool
) -> None:
    """Freqtrade's commit after the order fails."""
    rich_bot.running.enter(ladder)
    rich_bot.fall()
    with rich_bot.locked_database():
        rich_bot.loop_despite_errors()
    rich_bot.assert_exit_left()
    if restarted:
        rich_bot.running.restart()
    rich_bot.assert_ends_well()


@pytest.mark.drill
def test_a_database_that_stays_locked_does_not_repeat_it(rich_bot: MeasuredBot) -> None:
    rich_bot.running.enter(HALF)
    rich_bot.fall()
    with rich_bot.locked_database():
        rich_bot.loop_despite_errors(3)
    rich_bot.assert_exit_left()
    rich_bot.assert_ends_well()


@pytest.mark.parametrize(
    "restarted", [pytest.param(True, id="restarted", marks=pytest.mark.drill), pytest.param(False, id="goes on")]
)
@pytest.mark.parametrize(
    "ladder", [pytest.param(None, id="none", marks=pytest.mark.drill), pytest.param(HALF, id="half")]
)
def test_a_full_disk_neither_holds_it_back_nor_repeats_it(
    rich_bot: MeasuredBot, ladder: Any, *, restarted: bool
) -> None:
    rich_bot.running.enter(ladder)
    rich_bot.fall()
    with no_file_grows():
        rich_bot.loop_despite_errors(2)
    rich_bot.assert_exit_left()
    if restarted:
        rich_bot.running.restart()
    rich_bot.assert_ends_well()


@pytest.mark.parametrize("count", [pytest.param(1, id="one", marks=pytest.mark.drill), pytest.param(None, id="all")])
@pytest.mark.parametrize("kind", kinds(AccountKind.UNIFIED))
def test_balances_that_fail_skip_no_exit_of_that_loop(tmp_path: Path, kind: AccountKind, count: int | None) -> None:
    symbols = synthetic_symbols(2)
    pairs = [f"{symbol.base}/USDT" for symbol in symbols]
    with measured_bot(tmp_path, kind, pairs=pairs, symbols=symbols) as bot:
        bot.running.enter(HALF)
        bot.loop()
        bot.fall(0.8, pairs[0])
        bot.fall(0.8, pairs[1])
        bot.venue.add_fault("html-502", "/account/assets", count=count)
        bot.loop()
        for pair in pairs:
            # A balance that nothing answers is asked for a while before an older one is used.
            bot.assert_exit_left(pair, own_ms=OWN_MS if count else 10_000)
        bot.venue.clear_faults()
        for pair in pairs:
            bot.assert_ends_well(pair)


def test_an_exit_that_a_gateway_repeats_is_filled_and_recorded_as_such(
    bot: MeasuredBot, caplog: pytest.LogCaptureFixture
) -> None:
    """The second copy is refused for its funds; a unified account would borrow for it, which no client can prevent."""
    bot.venue.knobs(auto_borrow=False)
    bot.running.enter(HALF)
    bot.fall()
    bot.venue.add_fault("repeat", "/place-order", count=1)
    bot.loop()
    bot.assert_exit_left()
    bot.assert_ends_well()
    assert len(bot.sent()) == 1
    assert "Unable to exit trade" not in caplog.text
    assert "Unable to place order" not in caplog.text


def test_a_ladder_that_leaves_too_little_to_sell_ends_its_trade(bot: MeasuredBot) -> None:
    """Its rungs sell 99.85 %; the rest is under the venue's minimum."""
    bot.running.enter(sells(0.5, 0.4985))
    rungs = bot.live()
    assert len(rungs) == 2
    bot.mark()
    for rung in rungs:
        bot.venue.fill(rung.order_id)
    bot.loop_until(lambda: not bot.running.trade_on(PAIR).is_open, "the trade is closed")
    bot.assert_quiet()
    assert len(bot.sent()) <= 1
    assert bot.venue.borrowed(bot.uid) == {}


@pytest.mark.drill
@pytest.mark.parametrize("price", [0.8, 1.25], ids=["stop due", "no exit"])
def test_a_rung_filled_but_for_a_crumb_does_not_keep_its_trade(bot: MeasuredBot, price: float) -> None:
    bot.running.enter(sells(1.0))
    (rung,) = bot.live()
    bot.venue.fill(rung.order_id, str(rung.base_size - bot.lot()))
    bot.loop()
    if price < 1:
        bot.fall(price)
    else:
        bot.venue.fill(rung.order_id)
        bot.mark()
    bot.loop(4)
    assert not bot.running.trade_on(PAIR).is_open
    bot.assert_quiet()
    assert bot.live() == []
    assert len(bot.sent()) <= 1
    assert bot.venue.borrowed(bot.uid) == {}


@pytest.mark.parametrize(
    "ladder", [pytest.param(FULL, id="full"), pytest.param(HALF, id="half", marks=pytest.mark.drill)]
)
@pytest.mark.parametrize(
    "knob",
    ["cancel_never_lands", *(pytest.param(knob, marks=pytest.mark.drill) for knob in ("refuse_cancels", "fill_wins"))],
)
def test_no_order_of_a_bot_borrows(bot: MeasuredBot, ladder: Any, knob: str) -> None:
    """Cancels are acknowledged and not executed, refused, or lose against a fill; what is not free is not sold."""
    bot.running.enter(ladder)
    bot.venue.knobs(**{knob: 30})
    bot.fall()
    bot.loop()
    assert bot.venue.borrowed(bot.uid) == {}
    bot.venue.knobs(**{knob: 0})
    bot.loop_until(lambda: bot.held() < bot.lot(), "all coins are sold", 8)
    bot.assert_ends_well()
