"""Promise: an exit that follows an exit order cancels what was placed since.

freqtrade asks the strategy about neither of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.bot import live_of
from support.stage import Stage, agree, closed, enter, exit_posts, not_filled, on_stage

RUNGS = 3
pytestmark = pytest.mark.timeout(150)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    unfilled = {"entry": 10, "exit": 10, "unit": "minutes", "exit_timeout_count": 1}
    with on_stage(tmp_path_factory.mktemp("bot"), 6, unfilledtimeout=unfilled) as running:
        yield running


@pytest.mark.parametrize("kind", ["timeout", pytest.param("replace", marks=pytest.mark.slow)])
def test_exits_that_follow_an_exit_order_cancel_what_was_placed_since(stage: Stage, kind: str) -> None:
    """The emergency exit after a timeout, and a replaced exit order; each for three pairs at once.

    One ladder is untouched at the first exit, one is partly filled before it, one fills while it is cancelled.
    """
    pairs = [next(stage.pairs) for _ in range(3)]
    for number, pair in enumerate(pairs):
        _, rungs = enter(stage, pair)
        if number == 1:
            stage.venue.fill(rungs[0].order_id, "0.5")
        if number == len(pairs) - 1:
            stage.venue.knobs(fill_wins=1)
        stage.bot.say(pair, exit=True, exit_price=1.015)
        stage.bot.until(lambda pair=pair: not_filled(stage, pair), "the exit order rests")
        stage.bot.say(pair, exit=False, late=RUNGS)
        live = lambda pair=pair: len(live_of(stage.venue, pair))  # noqa: E731
        stage.bot.until(lambda live=live: live() == RUNGS + 1, "a second ladder rests beside it")
    since = len(stage.venue.requests)
    for pair in pairs:
        if kind == "timeout":
            stage.bot.say(pair, exit_timeout=True, exit_price=1)
        else:
            stage.bot.say(pair, replace_exit=0.999, exit_price=1)
    for pair in pairs:
        # A replacement waits for the next candle.
        ended = closed(stage, pair, seconds=90)
        # freqtrade cancels its own exit order, then places the new one.
        assert exit_posts(stage, pair, since)[-2:] == ["batch-cancel-order", "place-order"]
        assert live_of(stage.venue, pair) == []
        agree(stage, ended)
