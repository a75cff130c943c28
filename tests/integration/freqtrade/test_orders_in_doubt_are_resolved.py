"""Promise: an unresolved order is found, or proven not to exist; nothing is bought or sold twice."""

from collections.abc import Iterator

import pytest

from bitget_margin.emulator import FaultKind, RequestRecord
from support.bot import endpoint_name, live_orders, signed_requests, symbol_of
from support.running_bot import RunningBot, assert_books_agree, enter, running_bot, wait_until_closed

ONE = "place-order"
CODES = (
    "25202",
    "99999",
    *(pytest.param(code, marks=pytest.mark.drill) for code in ("25001", "50008", "40808", "43012")),
)
"""Codes of every verdict, sent although the order was placed: a refusal for funds, an unknown code, and the others."""
AGAIN_LOOPS = 5
"""The loop with the fault, and those of its two lookups and the balance; in 30 s there are more than ten."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with running_bot(tmp_path_factory.mktemp("bot"), 20) as running:
        yield running


@pytest.fixture(autouse=True)
def _reset_faults(running: RunningBot) -> Iterator[None]:
    yield
    running.venue.clear_faults()
    running.venue.knobs(history_lag_ms=0)


def many(running: RunningBot) -> str:
    """Return the last part of the path of a batch of new orders, on this kind of account."""
    return "place-batch" if running.venue.accounts[0].kind.value == "unified" else "batch-place-order"


def posts(running: RunningBot, pair: str, side: str) -> list[RequestRecord]:
    """Return the requests for freqtrade's own orders of a side."""
    sent = signed_requests(running.venue, [symbol_of(pair)])
    return [record for record in sent if endpoint_name(record) == ONE and f'"{side}"' in record.body]


def executed(running: RunningBot, pair: str, side: str) -> int:
    """Return the number of orders of a side that the venue has had on a pair."""
    return len([o for o in running.venue.orders() if o.symbol == symbol_of(pair) and o.side.value == side])


def exits(running: RunningBot, pair: str) -> int:
    """Return in how many loops freqtrade has exited the trade on a pair, or tried to."""
    return running.bot.log_text().count(f"Exit for {pair} detected")


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_an_entry_behind_any_code_is_one_trade_with_all_of_its_coins(running: RunningBot, code: str) -> None:
    pair = next(running.pairs)
    running.venue.add_fault(FaultKind.CODE_AFTER, ONE, count=1, code=code)
    running.bot.instruct(pair, enter=True)
    running.bot.wait_until(lambda: (running.bot.trade(pair) or {}).get("amount"), "the entry is booked")
    running.bot.instruct(pair, enter=False, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))
    assert (executed(running, pair, "buy"), executed(running, pair, "sell")) == (1, 1)


@pytest.mark.parametrize("code", CODES)
def test_an_exit_behind_any_code_sells_once(running: RunningBot, code: str) -> None:
    pair = next(running.pairs)
    enter(running, pair)
    running.venue.add_fault(FaultKind.CODE_AFTER, ONE, count=1, code=code)
    running.bot.instruct(pair, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))
    assert len(posts(running, pair, "sell")) == 1
    assert live_orders(running.venue, pair) == []


@pytest.mark.classic
@pytest.mark.parametrize("fault", [pytest.param(FaultKind.UNAVAILABLE, marks=pytest.mark.slow), FaultKind.RESET_BEFORE])
def test_an_exit_that_never_arrived_is_sent_again_once_its_coins_show(running: RunningBot, fault: FaultKind) -> None:
    pair = next(running.pairs)
    enter(running, pair)
    running.venue.add_fault(fault, ONE, count=1)
    running.bot.instruct(pair, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))
    assert 1 < exits(running, pair) <= AGAIN_LOOPS
    assert executed(running, pair, "sell") == 1 + 3, "the exit, and three rungs that were canceled"


@pytest.mark.classic
def test_a_ladder_that_never_arrived_holds_no_exit_back(running: RunningBot) -> None:
    """The first exit sells, and not one after its orders are given up."""
    pair = next(running.pairs)
    running.venue.add_fault(FaultKind.UNAVAILABLE, many(running), count=1)
    running.bot.instruct(pair, enter=True, rungs=3)
    running.bot.wait_until(lambda: (running.bot.trade(pair) or {}).get("amount"), "the entry is booked")
    running.bot.instruct(pair, enter=False, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))
    assert exits(running, pair) == 1
    assert executed(running, pair, "sell") == 1


def test_a_ladder_that_is_refused_for_the_moment_rests_a_loop_later(running: RunningBot) -> None:
    pair = next(running.pairs)
    running.venue.add_fault(FaultKind.ITEM_CODE_BEFORE, many(running), count=1, code="12001")
    enter(running, pair)
    phases = lambda: {row["phase"] for row in running.bot.resting() if row["pair"] == pair}  # noqa: E731
    running.bot.wait_until(lambda: phases() == {"live"}, "the bot has written down that they rest")
    running.bot.instruct(pair, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))


def test_an_exit_that_is_executed_late_is_found_and_booked_once(running: RunningBot) -> None:
    pair = next(running.pairs)
    enter(running, pair)
    running.venue.add_fault(FaultKind.LATE, ONE, count=1, duration_ms=1_000)
    running.bot.instruct(pair, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))
    assert len(posts(running, pair, "sell")) == 1
