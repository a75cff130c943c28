"""Promise: an exit that follows an exit order cancels the ladders that were placed since.

freqtrade calls `confirm_trade_exit` for neither of them.
"""

from collections.abc import Iterator

import pytest

from support.bot import live_orders
from support.running_bot import (
    RunningBot,
    assert_books_agree,
    enter,
    exit_requests,
    has_open_order,
    running_bot,
    wait_until_closed,
)

RUNGS = 3
pytestmark = pytest.mark.timeout(150)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    unfilled = {"entry": 10, "exit": 10, "unit": "minutes", "exit_timeout_count": 1}
    with running_bot(tmp_path_factory.mktemp("bot"), 6, unfilledtimeout=unfilled) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["timeout", "replace"])
def test_exits_that_follow_an_exit_order_cancel_what_was_placed_since(running: RunningBot, kind: str) -> None:
    """The emergency exit after a timeout, and a replaced exit order; each for three pairs at once.

    One ladder is untouched at the first exit, one is partly filled before it, one fills while it is canceled.
    """
    pairs = [next(running.pairs) for _ in range(3)]
    for number, pair in enumerate(pairs):
        _, rungs = enter(running, pair)
        if number == 1:
            running.venue.fill(rungs[0].order_id, "0.5")
        if number == len(pairs) - 1:
            running.venue.knobs(fill_wins=1)
        running.bot.instruct(pair, exit=True, exit_price=1.015)
        running.bot.wait_until(lambda pair=pair: has_open_order(running, pair), "the exit order rests")
        running.bot.instruct(pair, exit=False, late=RUNGS)
        live = lambda pair=pair: len(live_orders(running.venue, pair))  # noqa: E731
        running.bot.wait_until(lambda live=live: live() == RUNGS + 1, "a second ladder rests beside it")
    since = len(running.venue.requests)
    for pair in pairs:
        if kind == "timeout":
            running.bot.instruct(pair, exit_timeout=True, exit_price=1)
        else:
            running.bot.instruct(pair, replace_exit=0.999, exit_price=1)
    for pair in pairs:
        # A replacement waits for the next candle.
        ended = wait_until_closed(running, pair, seconds=90)
        # freqtrade cancels its own exit order, then places the new one.
        assert exit_requests(running, pair, since)[-2:] == ["batch-cancel-order", "place-order"]
        assert live_orders(running.venue, pair) == []
        assert_books_agree(running, ended)
