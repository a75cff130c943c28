"""Promise: a venue in trouble holds the bot up for a bounded time, and nothing is called gone that may live."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import pytest

from bitget_margin.emulator import RequestRecord
from support.bot import live_of, private, symbol_of, word
from support.stage import Stage, agree, closed, enter, on_stage

BOUND_SECONDS = 3.0
GRACE_SECONDS = 2.0
"""For the machine, on which a bot has to stand back behind the tests beside it; the venue hangs for 20 s."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with on_stage(tmp_path_factory.mktemp("bot"), 8) as running:
        yield running


@pytest.fixture(autouse=True)
def _well_again(stage: Stage) -> Iterator[None]:
    yield
    stage.venue.knobs(
        batch_cancel_stall_ms=0, batch_cancel_trickle_ms=0, cancel_never_lands=0, fill_wins=0, history_lag_ms=0
    )


@pytest.mark.parametrize("how", ["batch_cancel_stall_ms", "batch_cancel_trickle_ms"])
def test_a_hanging_batch_sells_the_free_part_in_time_and_the_rest_when_it_is_over(stage: Stage, how: str) -> None:
    pair = next(stage.pairs)
    trade, rungs = enter(stage, pair)
    stage.venue.knobs(cancel_never_lands=1_000, **{how: 20_000})
    stage.bot.say(pair, exit=True)
    stage.bot.until(lambda: len(sells(stage, pair)) == 1, "the free part is sold")
    (first,) = sells(stage, pair)
    assert first.at_ms / 1_000 - detected(stage, pair) <= BOUND_SECONDS + GRACE_SECONDS
    assert live_of(stage.venue, pair) == rungs
    assert "are not proven cancelled" in stage.bot.said()
    stage.bot.say(pair, exit=False)
    loops = len(looks(stage, pair))
    stage.bot.until(lambda: len(looks(stage, pair)) >= loops + 1, "a loop with a venue that still hangs")
    stage.venue.knobs(cancel_never_lands=0, **{how: 0})
    since = len(looks(stage, pair))
    ended = closed(stage, pair)
    second = sells(stage, pair)[1]
    assert len([look for look in looks(stage, pair)[since:] if look.at_ms <= second.at_ms]) <= 4  # two per loop
    assert live_of(stage.venue, pair) == []
    agree(stage, ended)
    assert ended["id"] == trade


def test_an_entry_that_fills_while_its_timeout_cancels_it_keeps_its_trade(stage: Stage) -> None:
    pair = next(stage.pairs)
    stage.bot.say(pair, enter=True, entry_price=0.99)
    stage.bot.until(lambda: live_of(stage.venue, pair), "the entry rests")
    stage.bot.say(pair, enter=False)
    (entry,) = live_of(stage.venue, pair)
    stage.venue.knobs(fill_wins=1, history_lag_ms=5_000)
    stage.bot.say(pair, entry_timeout=True)
    stage.bot.until(lambda: not stage.venue.order(entry.order_id).live, "the fill wins")
    stage.bot.until(lambda: (stage.bot.trade(pair) or {}).get("amount"), "the entry is booked")
    trade = stage.bot.trade(pair)
    assert trade is not None
    assert trade["is_open"]
    assert trade["amount"] == pytest.approx(float(entry.base_size) * 0.999, abs=1e-4)
    stage.bot.say(pair, entry_timeout=False, exit=True)
    agree(stage, closed(stage, pair))


def sells(stage: Stage, pair: str) -> list[RequestRecord]:
    """Return freqtrade's own sell orders on a pair as they were sent."""
    sent = private(stage.venue, [symbol_of(pair)])
    return [record for record in sent if word(record) == "place-order" and '"sell"' in record.body]


def looks(stage: Stage, pair: str) -> list[RequestRecord]:
    """Return the look-ups of open orders on a pair, of which every loop sends one first."""
    return [record for record in private(stage.venue, [symbol_of(pair)]) if word(record) == "open-orders"]


def detected(stage: Stage, pair: str) -> float:
    """Return when freqtrade first said that it exits, in seconds since the epoch."""
    found = re.search(rf"(\S+ \S+) - \S+ - INFO - Exit for {re.escape(pair)} detected", stage.bot.said())
    assert found is not None
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp()
