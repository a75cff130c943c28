"""Promise: a venue that hangs delays the bot for a bounded time, and no order counts as ended that may live."""

import re
from collections.abc import Iterator
from datetime import datetime

import pytest

from bitget_margin.emulator import RequestRecord
from support.bot import endpoint_name, live_orders, signed_requests, symbol_of
from support.running_bot import RunningBot, assert_books_agree, enter, running_bot, wait_until_closed

BOUND_SECONDS = 3.0
GRACE_SECONDS = 2.0
"""Allowance for a busy machine, on which bots have a low priority; the venue hangs for 20 s."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with running_bot(tmp_path_factory.mktemp("bot"), 8) as running:
        yield running


@pytest.fixture(autouse=True)
def _reset_knobs(running: RunningBot) -> Iterator[None]:
    yield
    running.venue.knobs(
        batch_cancel_stall_ms=0, batch_cancel_trickle_ms=0, cancel_never_lands=0, fill_wins=0, history_lag_ms=0
    )


@pytest.mark.parametrize("how", ["batch_cancel_stall_ms", "batch_cancel_trickle_ms"])
def test_a_hanging_batch_sells_the_free_part_in_time_and_the_rest_when_it_is_over(
    running: RunningBot, how: str
) -> None:
    pair = next(running.pairs)
    trade, rungs = enter(running, pair)
    running.venue.knobs(cancel_never_lands=1_000, **{how: 20_000})
    running.bot.instruct(pair, exit=True)
    running.bot.wait_until(lambda: len(sells(running, pair)) == 1, "the free part is sold")
    (first,) = sells(running, pair)
    assert first.at_ms / 1_000 - detected(running, pair) <= BOUND_SECONDS + GRACE_SECONDS
    assert live_orders(running.venue, pair) == rungs
    assert "are not proven canceled" in running.bot.log_text()
    running.bot.instruct(pair, exit=False)
    loops = len(lookups(running, pair))
    running.bot.wait_until(lambda: len(lookups(running, pair)) >= loops + 1, "a loop with a venue that still hangs")
    running.venue.knobs(cancel_never_lands=0, **{how: 0})
    since = len(lookups(running, pair))
    ended = wait_until_closed(running, pair)
    second = sells(running, pair)[1]
    assert (
        len([lookup for lookup in lookups(running, pair)[since:] if lookup.at_ms <= second.at_ms]) <= 4
    )  # two per loop
    assert live_orders(running.venue, pair) == []
    assert_books_agree(running, ended)
    assert ended["id"] == trade


@pytest.mark.slow
def test_an_entry_that_fills_while_its_timeout_cancels_it_keeps_its_trade(running: RunningBot) -> None:
    pair = next(running.pairs)
    running.bot.instruct(pair, enter=True, entry_price=0.99)
    running.bot.wait_until(lambda: live_orders(running.venue, pair), "the entry rests")
    running.bot.instruct(pair, enter=False)
    (entry,) = live_orders(running.venue, pair)
    running.venue.knobs(fill_wins=1, history_lag_ms=5_000)
    running.bot.instruct(pair, entry_timeout=True)
    running.bot.wait_until(lambda: not running.venue.order(entry.order_id).live, "the fill wins")
    running.bot.wait_until(lambda: (running.bot.trade(pair) or {}).get("amount"), "the entry is booked")
    trade = running.bot.trade(pair)
    assert trade is not None
    assert trade["is_open"]
    assert trade["amount"] == pytest.approx(float(entry.base_size) * 0.999, abs=1e-4)
    running.bot.instruct(pair, entry_timeout=False, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))


def sells(running: RunningBot, pair: str) -> list[RequestRecord]:
    """Return the requests for freqtrade's own sell orders on a pair."""
    sent = signed_requests(running.venue, [symbol_of(pair)])
    return [record for record in sent if endpoint_name(record) == "place-order" and '"sell"' in record.body]


def lookups(running: RunningBot, pair: str) -> list[RequestRecord]:
    """Return the requests for the open orders on a pair; each loop begins with one."""
    return [
        record for record in signed_requests(running.venue, [symbol_of(pair)]) if endpoint_name(record) == "open-orders"
    ]


def detected(running: RunningBot, pair: str) -> float:
    """Return the time at which freqtrade decided to exit, in seconds since the epoch."""
    found = re.search(rf"(\S+ \S+) - \S+ - INFO - Exit for {re.escape(pair)} detected", running.bot.log_text())
    assert found is not None
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp()
