"""Promise: a trade that ends without an exit order leaves no resting order; a partial exit leaves the ladder."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from support.bot import endpoint_name, live_orders, signed_requests, symbol_of
from support.running_bot import (
    RunningBot,
    assert_books_agree,
    enter,
    exit_requests,
    place_foreign_order,
    running_bot,
    wait_until_closed,
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with running_bot(tmp_path_factory.mktemp("bot"), 12) as running:
        yield running


def test_a_ladder_that_sells_everything_closes_the_trade_with_its_profit(running: RunningBot) -> None:
    pair = next(running.pairs)
    _, rungs = enter(running, pair, share=1.0)
    foreign = place_foreign_order(running.venue, pair)
    for rung in rungs[:-1]:
        running.venue.fill(rung.order_id)
    running.venue.fill(rungs[-1].order_id, rungs[-1].base_size / 2)
    running.bot.wait_until(
        lambda: len(running.bot.orders(running.bot.trade(pair)["id"])) == 4, "what was filled is booked"
    )
    running.venue.fill(rungs[-1].order_id)
    ended = wait_until_closed(running, pair)
    assert_books_agree(running, ended)
    assert ended["exit_reason"] == "ladder"
    assert exit_requests(running, pair, 0) == ["place-order", "batch-place-order"]
    assert [order.order_id for order in live_orders(running.venue, pair)] == [foreign]


def test_a_deleted_trade_leaves_no_resting_order(running: RunningBot) -> None:
    pair = next(running.pairs)
    trade, _ = enter(running, pair)
    foreign = place_foreign_order(running.venue, pair)
    running.bot.api("DELETE", f"trades/{trade}")
    running.bot.wait_until(lambda: len(live_orders(running.venue, pair)) == 1, "the ladder is gone")
    assert [order.order_id for order in live_orders(running.venue, pair)] == [foreign]
    phases = lambda: {row["phase"] for row in running.bot.resting() if row["trade_id"] == trade}  # noqa: E731
    running.bot.wait_until(lambda: phases() == {"ended"}, "it is proven")


@pytest.mark.parametrize("kind", ["adjust", "force_exit"])
def test_a_partial_exit_leaves_the_ladder(running: RunningBot, kind: str) -> None:
    pair = next(running.pairs)
    trade, rungs = enter(running, pair)
    # Another rung has filled a part before; the trade is smaller than what was bought.
    running.venue.fill(rungs[-1].order_id, "0.5")
    rungs = live_orders(running.venue, pair)
    running.bot.wait_until(
        lambda: len([o for o in running.bot.orders(trade) if o["filled"]]) == 2, "the part is booked"
    )
    if kind == "adjust":
        running.bot.instruct(pair, adjust=-300)
    else:
        running.bot.api("POST", "forceexit", tradeid=str(trade), amount=3)
    running.bot.wait_until(lambda: len([o for o in running.bot.orders(trade) if o["filled"]]) == 3, "a part is sold")
    assert live_orders(running.venue, pair) == rungs
    assert running.bot.trade(pair)["is_open"]
    running.bot.instruct(pair, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))
    assert live_orders(running.venue, pair) == []


def test_a_partial_exit_that_wants_more_than_is_free_sells_what_is_free(running: RunningBot) -> None:
    pair = next(running.pairs)
    trade, rungs = enter(running, pair, share=0.9)
    running.bot.instruct(pair, adjust=-300)
    running.bot.wait_until(lambda: len([o for o in running.bot.orders(trade) if o["filled"]]) == 2, "a part is sold")
    assert live_orders(running.venue, pair) == rungs
    held = sum(rung.base_size for rung in rungs)
    bought, sold = (row["filled"] for row in running.bot.orders(trade) if row["filled"])
    assert sold == pytest.approx(bought * 0.999 - float(held), abs=2e-4)
    running.bot.instruct(pair, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))


@pytest.mark.classic
def test_an_exit_asks_the_venue_equally_often_for_1_and_for_50_resting_orders(running: RunningBot) -> None:
    counts = {}
    for rungs in (1, 10, 50):
        pair = next(running.pairs)
        enter(running, pair, rungs=rungs)
        running.bot.wait_until(
            lambda pair=pair: running.bot.trade(pair)["fee_open_currency"] is not None, "the entry is booked"
        )
        running.bot.instruct(pair, exit=True)
        assert_books_agree(running, wait_until_closed(running, pair))
        counts[rungs] = len(requests_of_exit(running, pair))
    assert max(counts.values()) <= 8
    assert len(set(counts.values())) == 1, counts


@pytest.mark.classic
def test_60_resting_orders_take_two_batches(running: RunningBot) -> None:
    pair = next(running.pairs)
    enter(running, pair, rungs=50, share=0.5)
    running.bot.instruct(pair, late=10)
    running.bot.wait_until(lambda: len(live_orders(running.venue, pair)) == 60, "both ladders rest")
    since = len(running.venue.requests)
    running.bot.instruct(pair, exit=True)
    wait_until_closed(running, pair)
    assert exit_requests(running, pair, since) == ["batch-cancel-order", "batch-cancel-order", "place-order"]
    assert live_orders(running.venue, pair) == []


def requests_of_exit(running: RunningBot, pair: str) -> list[Any]:
    """Return the signed requests from the decision of an exit to its order."""
    sent = signed_requests(running.venue)
    placed = max(
        i
        for i, record in enumerate(sent)
        if endpoint_name(record) == "place-order" and symbol_of(pair) in record.body and '"sell"' in record.body
    )
    detected = running.bot.log_text().index(f"Exit for {pair} detected")
    at = running.bot.log_text()[:detected].rsplit("\n", 1)[1][:23]
    return [record for record in sent[: placed + 1] if stamp(record.at_ms) >= at]


def stamp(at_ms: int) -> str:
    """Return a time in the format of freqtrade's log."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S,%f")[:23]
