"""Promise: killed at any moment and started again, the bot doubles nothing, loses nothing, and touches nobody's order.

`CRASHES` in the environment says how often (1 unless told); every run has a seed of its own, which a failure names.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from bitget_margin.emulator import Emulator, synthetic_symbols
from bitget_margin.freqtrade.maintenance import LOST_AFTER_SECONDS
from support.bot import PAIRS, Bot, account, config, endpoint_name, live_orders, signed_requests, symbol_of
from support.running_bot import RunningBot, assert_books_agree, wait_until_closed

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
    dice = random.Random(seed)  # noqa: S311 - a test that can be told to do the same again
    with Emulator(accounts=(account(),), symbols=synthetic_symbols(1)) as venue:
        settings = config(venue, [PAIR], tmp_path)
        venue.knobs(latency_ms=dice.choice((0, 20, 60)), history_lag_ms=dice.choice((0, 0, 700)))
        with Bot(tmp_path, settings) as bot:
            bot.instruct(PAIR, enter=True, rungs=4, share=0.8)
            bot.start()
            strange = live_until_killed(bot, venue, dice)
            while_down(venue, dice)
            bot.start()
            bot.wait_until(lambda: bot.log_text().count("Changing state to: RUNNING") == 2, "it is back")
            strange = strange or stranger(venue)
            finish(RunningBot(bot, venue, iter(())), venue)
            no_rung_twice(venue)
            assert [order.order_id for order in live_orders(venue, PAIR)] == [strange]
        assert venue.errors == ()


def stranger(venue: Emulator) -> str:
    """Place somebody else's order on the pair."""
    return venue.place(
        venue.accounts[0].uid,
        {"symbol": symbol_of(PAIR), "side": "buy", "price": "50", "baseSize": "1", "clientOid": "somebody-else"},
    )


def live_until_killed(bot: Bot, venue: Emulator, dice: random.Random) -> str:
    """Let the bot trade, fill some of its ladder, let it exit, and kill it somewhere on the way.

    Not before it runs: freqtrade itself does not survive a half-made database.
    """
    bot.wait_for_log("Changing state to: RUNNING")
    begun = len(signed_requests(venue))
    point, strange, told = dice.choice(POINTS), "", False
    nth, pause = dice.randint(1, 4 if point in {"open-orders", "assets"} else 2), dice.uniform(0, 0.12)
    end = time.monotonic() + 12
    while time.monotonic() < end:
        hits = [record for record in signed_requests(venue)[begun:] if endpoint_name(record) == point]
        if len(hits) >= nth:
            break
        rungs = live_orders(venue, PAIR)
        if not strange and rungs:
            strange = stranger(venue)
        if not told and len(rungs) == 5:
            told = True
            venue.fill(rungs[0].order_id)
            venue.fill(rungs[1].order_id, "0.7")
            if dice.random() < 0.7:
                bot.instruct(PAIR, enter=False, exit=True)
        time.sleep(0.005)
    time.sleep(pause)
    bot.kill()
    return strange


def while_down(venue: Emulator, dice: random.Random) -> None:
    """Let something happen that the bot does not see."""
    ours = [order for order in live_orders(venue, PAIR) if order.client_oid != "somebody-else" and order.side == "sell"]
    if ours and dice.random() < 0.5:
        venue.fill(dice.choice(ours).order_id)


def finish(running: RunningBot, venue: Emulator) -> None:
    """Let the bot bring its trade to an end, and hold its books against the venue's."""
    bot = running.bot
    bot.instruct(PAIR, enter=True, exit=False)
    bot.wait_until(lambda: bot.trade(PAIR), "there is a trade")
    bot.instruct(PAIR, enter=False, exit=True)
    # Killed between writing its ladder down and sending it, the bot looks for it for a while before it gives it up.
    ended = wait_until_closed(running, PAIR, LOST_AFTER_SECONDS + 40)
    bot.wait_until(lambda: len(live_orders(venue, PAIR)) == 1, "no resting order of the closed trade lives")
    assert len(bot.rows("select id from trades")) == 1
    assert_books_agree(running, ended)
    held = venue.balances(venue.accounts[0].uid).get(symbol_of(PAIR).removesuffix("USDT"))
    assert held is None or held.available + held.frozen < 0.0002


def no_rung_twice(venue: Emulator) -> None:
    """Hold that no client order id was used for two orders."""
    names = Counter(order.client_oid for order in venue.orders() if order.symbol == symbol_of(PAIR))
    assert {name: count for name, count in names.items() if count > 1} == {}
