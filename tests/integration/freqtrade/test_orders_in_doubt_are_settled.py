"""Promise: an order in doubt is found, or proven not to be there; nothing is sold or bought twice."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bitget_margin.emulator import FaultKind, RequestRecord
from support.bot import live_of, private, symbol_of, word
from support.stage import Stage, agree, closed, enter, on_stage

ONE = "place-order"
AGAIN_SECONDS = 20.0
"""For the loop that meets the fault, its two look-ups, and the next loop, on a busy machine; 40 s before."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with on_stage(tmp_path_factory.mktemp("bot"), 30) as running:
        yield running


@pytest.fixture(autouse=True)
def _well_again(stage: Stage) -> Iterator[None]:
    yield
    stage.venue.clear_faults()
    stage.venue.knobs(history_lag_ms=0)


def many(stage: Stage) -> str:
    """Return how the path of a batch of new orders ends on this kind of account."""
    return "place-batch" if stage.venue.accounts[0].kind.value == "unified" else "batch-place-order"


def posts(stage: Stage, pair: str, side: str) -> list[RequestRecord]:
    """Return freqtrade's own orders of a side as they were sent."""
    sent = private(stage.venue, [symbol_of(pair)])
    return [record for record in sent if word(record) == ONE and f'"{side}"' in record.body]


def executed(stage: Stage, pair: str, side: str) -> int:
    """Return how many orders of a side the venue has had on a pair."""
    return len([o for o in stage.venue.orders() if o.symbol == symbol_of(pair) and o.side.value == side])


@pytest.mark.parametrize("code", ["25001", "50008", "40808", "43012", "25202", "99999"])
def test_an_entry_behind_any_code_is_one_trade_with_all_of_its_coins(stage: Stage, code: str) -> None:
    pair = next(stage.pairs)
    stage.venue.add_fault(FaultKind.CODE_AFTER, ONE, count=1, code=code)
    stage.bot.say(pair, enter=True)
    stage.bot.until(lambda: (stage.bot.trade(pair) or {}).get("amount"), "the entry is booked")
    stage.bot.say(pair, enter=False, exit=True)
    agree(stage, closed(stage, pair))
    assert (executed(stage, pair, "buy"), executed(stage, pair, "sell")) == (1, 1)


@pytest.mark.parametrize("code", ["25001", "50008", "40808", "43012", "25202", "99999"])
def test_an_exit_behind_any_code_sells_once(stage: Stage, code: str) -> None:
    pair = next(stage.pairs)
    enter(stage, pair)
    stage.venue.add_fault(FaultKind.CODE_AFTER, ONE, count=1, code=code)
    stage.bot.say(pair, exit=True)
    agree(stage, closed(stage, pair))
    assert len(posts(stage, pair, "sell")) == 1
    assert live_of(stage.venue, pair) == []


@pytest.mark.classic
@pytest.mark.parametrize("fault", [FaultKind.UNAVAILABLE, FaultKind.RESET_BEFORE])
def test_an_exit_that_never_arrived_is_sent_again_once_its_coins_show(stage: Stage, fault: FaultKind) -> None:
    pair = next(stage.pairs)
    enter(stage, pair)
    stage.venue.add_fault(fault, ONE, count=1)
    began = time.monotonic()
    stage.bot.say(pair, exit=True)
    agree(stage, closed(stage, pair))
    assert time.monotonic() - began < AGAIN_SECONDS
    assert executed(stage, pair, "sell") == 1 + 3, "the exit, and three rungs that were cancelled"


@pytest.mark.classic
def test_a_ladder_that_never_arrived_holds_no_exit_back(stage: Stage) -> None:
    pair = next(stage.pairs)
    stage.venue.add_fault(FaultKind.UNAVAILABLE, many(stage), count=1)
    stage.bot.say(pair, enter=True, rungs=3)
    stage.bot.until(lambda: (stage.bot.trade(pair) or {}).get("amount"), "the entry is booked")
    began = time.monotonic()
    stage.bot.say(pair, enter=False, exit=True)
    agree(stage, closed(stage, pair))
    assert time.monotonic() - began < AGAIN_SECONDS
    assert executed(stage, pair, "sell") == 1


def test_a_ladder_that_is_refused_for_the_moment_rests_a_loop_later(stage: Stage) -> None:
    pair = next(stage.pairs)
    stage.venue.add_fault(FaultKind.ITEM_CODE_BEFORE, many(stage), count=1, code="12001")
    enter(stage, pair)
    phases = lambda: {row["phase"] for row in stage.bot.resting() if row["pair"] == pair}  # noqa: E731
    stage.bot.until(lambda: phases() == {"live"}, "the bot has written down that they rest")
    stage.bot.say(pair, exit=True)
    agree(stage, closed(stage, pair))


def test_an_exit_that_is_executed_late_is_found_and_booked_once(stage: Stage) -> None:
    pair = next(stage.pairs)
    enter(stage, pair)
    stage.venue.add_fault(FaultKind.LATE, ONE, count=1, duration_ms=1_000)
    stage.bot.say(pair, exit=True)
    agree(stage, closed(stage, pair))
    assert len(posts(stage, pair, "sell")) == 1
