"""Promise: with `cancel_open_orders_on_exit`, and only with it, a reload or the end of the bot cancels all ladders."""

from pathlib import Path

import pytest

from bitget_margin.emulator import Emulator
from support.bot import PAIRS, Bot, config, live_orders
from support.running_bot import RunningBot, enter


@pytest.mark.parametrize("setting", [True, False])
def test_ladders_end_with_the_bot_where_the_setting_is_on(venue: Emulator, tmp_path: Path, setting: bool) -> None:
    pair, left = PAIRS[0], 0 if setting else 3
    with Bot(tmp_path, config(venue, [pair], tmp_path, cancel_open_orders_on_exit=setting)).start() as bot:
        trade, rungs = enter(RunningBot(bot, venue, iter([pair])), pair)
        venue.fill(rungs[0].order_id, "0.5")
        bot.api("POST", "reload_config")
        bot.wait_for_log("config reloaded")
        assert len(live_orders(venue, pair)) == left
        bot.wait_until(
            lambda: [row["filled"] for row in bot.orders(trade)[1:]] == [0.5], "the part that filled is booked"
        )
        bot.stop()
    assert len(live_orders(venue, pair)) == left
