"""Promise: a trade that ends without an exit order leaves no resting order; a partial exit leaves what it should."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bitget_margin.emulator import Emulator
from support.bot import live_of, private, symbol_of, word
from support.stage import Stage, agree, closed, enter, exit_posts, on_stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with on_stage(tmp_path_factory.mktemp("bot"), 12) as running:
        yield running


def stranger(venue: Emulator, pair: str) -> str:
    """Place an order that is not the bot's, on a pair that it trades."""
    fields = {
        "symbol": symbol_of(pair),
        "side": "buy",
        "price": "50",
        "baseSize": "1",
        "clientOid": f"by-hand-{pair[:4]}",
    }
    return venue.place(venue.accounts[0].uid, fields)


def test_a_ladder_that_sells_everything_closes_the_trade_with_its_profit(stage: Stage) -> None:
    pair = next(stage.pairs)
    _, rungs = enter(stage, pair, share=1.0)
    strange = stranger(stage.venue, pair)
    for rung in rungs[:-1]:
        stage.venue.fill(rung.order_id)
    stage.venue.fill(rungs[-1].order_id, rungs[-1].base_size / 2)
    stage.bot.until(lambda: len(stage.bot.orders(stage.bot.trade(pair)["id"])) == 4, "what was filled is booked")
    stage.venue.fill(rungs[-1].order_id)
    ended = closed(stage, pair)
    agree(stage, ended)
    assert exit_posts(stage, pair, 0) == ["place-order", "batch-place-order"]
    assert [order.order_id for order in live_of(stage.venue, pair)] == [strange]


def test_a_deleted_trade_leaves_no_resting_order(stage: Stage) -> None:
    pair = next(stage.pairs)
    trade, _ = enter(stage, pair)
    strange = stranger(stage.venue, pair)
    stage.bot.api("DELETE", f"trades/{trade}")
    stage.bot.until(lambda: len(live_of(stage.venue, pair)) == 1, "the ladder is gone")
    assert [order.order_id for order in live_of(stage.venue, pair)] == [strange]
    phases = lambda: {row["phase"] for row in stage.bot.resting() if row["trade_id"] == trade}  # noqa: E731
    stage.bot.until(lambda: phases() == {"ended"}, "it is proven")


@pytest.mark.parametrize("kind", ["adjust", "force_exit"])
def test_a_partial_exit_leaves_the_ladder(stage: Stage, kind: str) -> None:
    pair = next(stage.pairs)
    trade, rungs = enter(stage, pair)
    # Another rung has filled a part before; the trade is smaller than what was bought.
    stage.venue.fill(rungs[-1].order_id, "0.5")
    rungs = live_of(stage.venue, pair)
    stage.bot.until(lambda: len([o for o in stage.bot.orders(trade) if o["filled"]]) == 2, "the part is booked")
    if kind == "adjust":
        stage.bot.say(pair, adjust=-300)
    else:
        stage.bot.api("POST", "forceexit", tradeid=str(trade), amount=3)
    stage.bot.until(lambda: len([o for o in stage.bot.orders(trade) if o["filled"]]) == 3, "a part is sold")
    assert live_of(stage.venue, pair) == rungs
    assert stage.bot.trade(pair)["is_open"]
    stage.bot.say(pair, exit=True)
    agree(stage, closed(stage, pair))
    assert live_of(stage.venue, pair) == []


def test_a_partial_exit_that_wants_more_than_is_free_sells_what_is_free(stage: Stage) -> None:
    pair = next(stage.pairs)
    trade, rungs = enter(stage, pair, share=0.9)
    stage.bot.say(pair, adjust=-300)
    stage.bot.until(lambda: len([o for o in stage.bot.orders(trade) if o["filled"]]) == 2, "a part is sold")
    assert live_of(stage.venue, pair) == rungs
    held = sum(rung.base_size for rung in rungs)
    bought, sold = (row["filled"] for row in stage.bot.orders(trade) if row["filled"])
    assert sold == pytest.approx(bought * 0.999 - float(held), abs=2e-4)
    stage.bot.say(pair, exit=True)
    agree(stage, closed(stage, pair))


@pytest.mark.classic
def test_an_exit_asks_the_venue_equally_often_for_1_and_for_50_resting_orders(stage: Stage) -> None:
    counts = {}
    for rungs in (1, 10, 50):
        pair = next(stage.pairs)
        enter(stage, pair, rungs=rungs)
        stage.bot.until(lambda pair=pair: stage.bot.trade(pair)["fee_open_currency"] is not None, "the entry is booked")
        stage.bot.say(pair, exit=True)
        agree(stage, closed(stage, pair))
        counts[rungs] = len(requests_of_exit(stage, pair))
    assert max(counts.values()) <= 8
    assert len(set(counts.values())) == 1, counts


@pytest.mark.classic
def test_60_resting_orders_take_two_batches(stage: Stage) -> None:
    pair = next(stage.pairs)
    enter(stage, pair, rungs=50, share=0.5)
    stage.bot.say(pair, late=10)
    stage.bot.until(lambda: len(live_of(stage.venue, pair)) == 60, "both ladders rest")
    since = len(stage.venue.requests)
    stage.bot.say(pair, exit=True)
    closed(stage, pair)
    assert exit_posts(stage, pair, since) == ["batch-cancel-order", "batch-cancel-order", "place-order"]
    assert live_of(stage.venue, pair) == []


def requests_of_exit(stage: Stage, pair: str) -> list[Any]:
    """Return the signed requests from the exit's decision, which asks for the ladder, to its order."""
    sent = private(stage.venue)
    placed = max(
        i
        for i, record in enumerate(sent)
        if word(record) == "place-order" and symbol_of(pair) in record.body and '"sell"' in record.body
    )
    detected = stage.bot.said().index(f"Exit for {pair} detected")
    at = stage.bot.said()[:detected].rsplit("\n", 1)[1][:23]
    return [record for record in sent[: placed + 1] if stamp(record.at_ms) >= at]


def stamp(at_ms: int) -> str:
    """Return a time as freqtrade's log writes it."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S,%f")[:23]
