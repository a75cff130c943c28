"""Promise: killed at any moment and restarted, the bot neither duplicates nor loses an order, and cancels no others.

The variable `CRASHES` sets the number of runs (default 1), `FIRST_SEED` the first seed; a failure names its seed.
"""

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from bitget_margin.emulator import Emulator, synthetic_symbols
from bitget_margin.freqtrade.maintenance import LOST_AFTER_SECONDS
from support.bot import PAIRS, Bot, account, config, endpoint_name, live_orders, signed_requests, symbol_of
from support.running_bot import RunningBot, assert_books_agree, place_foreign_order, wait_until_closed

CRASHES = int(os.environ.get("CRASHES", "1"))
FIRST = int(os.environ.get("FIRST_SEED", "1"))
PAIR = PAIRS[0]
POINTS = (
    "place-order",
    "batch-place-order",
    "batch-cancel-order",
    "open-orders",
    "history-orders",
    "fills",
    "assets",
)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + CRASHES))
def test_a_kill_at_any_moment_leaves_books_and_venue_agreed(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test that can be repeated
    with Emulator(accounts=(account(),), symbols=synthetic_symbols(1)) as venue:
        settings = config(venue, [PAIR], tmp_path)
        venue.knobs(latency_ms=dice.choice((0, 20, 60)), history_lag_ms=dice.choice((0, 0, 700)))
        with Bot(tmp_path, settings) as bot:
            bot.instruct(PAIR, enter=True, rungs=4, share=0.8)
            bot.start()
            foreign = live_until_killed(bot, venue, dice)
            while_down(venue, dice)
            bot.start()
            bot.wait_until(lambda: bot.log_text().count("Changing state to: RUNNING") == 2, "it is back")
            foreign = foreign or place_foreign_order(venue, PAIR)
            finish(RunningBot(bot, venue, iter(())), venue)
            no_rung_twice(venue)
            assert [order.order_id for order in live_orders(venue, PAIR)] == [foreign]
        assert venue.errors == ()


def live_until_killed(bot: Bot, venue: Emulator, dice: random.Random) -> str:
    """Let the bot trade, fill a part of its ladder, let it exit, and kill it at a random request.

    Not before it runs: freqtrade itself does not survive an incomplete database.
    """
    bot.wait_for_log("Changing state to: RUNNING")
    begun = len(signed_requests(venue))
    point, foreign, has_filled = dice.choice(POINTS), "", False
    nth, pause = dice.randint(1, 4 if point in {"open-orders", "assets"} else 2), dice.uniform(0, 0.12)
    end = time.monotonic() + 12
    while time.monotonic() < end:
        hits = [record for record in signed_requests(venue)[begun:] if endpoint_name(record) == point]
        if len(hits) >= nth:
            break
        rungs = live_orders(venue, PAIR)
        if not foreign and rungs:
            foreign = place_foreign_order(venue, PAIR)
        if not has_filled and len(rungs) == 5:
            has_filled = True
            venue.fill(rungs[0].order_id)
            venue.fill(rungs[1].order_id, "0.7")
            if dice.random() < 0.7:
                bot.instruct(PAIR, enter=False, exit=True)
        time.sleep(0.005)
    time.sleep(pause)
    bot.kill()
    return foreign


def while_down(venue: Emulator, dice: random.Random) -> None:
    """Fill a rung while no bot runs, in half of the runs."""
    rungs = [order for order in live_orders(venue, PAIR) if order.side == "sell"]
    if rungs and dice.random() < 0.5:
        venue.fill(dice.choice(rungs).order_id)


def finish(running: RunningBot, venue: Emulator) -> None:
    """Let the bot end its trade, and compare its books with the venue."""
    bot = running.bot
    bot.instruct(PAIR, enter=True, exit=False)
    bot.wait_until(lambda: bot.trade(PAIR), "there is a trade")
    bot.instruct(PAIR, enter=False, exit=True)
    # Killed between storing its ladder and sending it, the bot looks it up for a while before it gives it up.
    ended = wait_until_closed(running, PAIR, LOST_AFTER_SECONDS + 40)
    bot.wait_until(lambda: len(live_orders(venue, PAIR)) == 1, "no resting order of the closed trade lives")
    assert len(bot.rows("select id from trades")) == 1
    assert_books_agree(running, ended)
    held = venue.balances(venue.accounts[0].uid).get(symbol_of(PAIR).removesuffix("USDT"))
    assert held is None or held.available + held.frozen < 0.0002


def no_rung_twice(venue: Emulator) -> None:
    """Check that no client order id was used for two orders."""
    names = Counter(order.client_oid for order in venue.orders() if order.symbol == symbol_of(PAIR))
    assert {name: count for name, count in names.items() if count > 1} == {}
