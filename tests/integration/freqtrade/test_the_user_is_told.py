"""Promise: charts and messages show what the bot did with its orders, and its settings do what they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bitget_margin.emulator import Emulator
from support.bot import live_of, symbol_of
from support.stage import Stage, agree, closed, enter, exit_posts, on_stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Run a bot that cancels everything on the pair, trades at market, and exits within bounds of its own."""
    folder = tmp_path_factory.mktemp("bot")
    gate = f"sqlite:///{folder}/windows.db"
    ours = {"cancel_scope": "pair", "partial_exits": "cancel", "wait_ms": 1_000, "rate_gate": gate}
    types = {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False}
    with on_stage(folder, 9, bitget_margin=ours, order_types=types) as running:
        yield running


def stranger(venue: Emulator, pair: str) -> str:
    fields = {"symbol": symbol_of(pair), "side": "buy", "price": "50", "baseSize": "1", "clientOid": f"hand{pair[1:4]}"}
    return venue.place(venue.accounts[0].uid, fields)


def test_the_start_says_loudly_which_account_it_trades(stage: Stage) -> None:
    said = stage.bot.said()
    uid = stage.venue.accounts[0].uid
    assert "Trading on Bitget's CROSSED MARGIN account" in said
    words = " ".join(said.split())
    assert f"UID {uid}" in words
    assert "10 requests per 1.05 s and endpoint, shared through sqlite:///" in words
    for secret in (stage.venue.accounts[0].secret, stage.venue.accounts[0].password):
        assert secret not in said


def test_the_scope_of_the_pair_cancels_everything_on_it_with_the_same_batch(stage: Stage) -> None:
    pair, other = next(stage.pairs), next(stage.pairs)
    enter(stage, pair)
    stranger(stage.venue, pair)
    untouched = stranger(stage.venue, other)
    since = len(stage.venue.requests)
    stage.bot.say(pair, exit=True)
    agree(stage, closed(stage, pair))
    assert exit_posts(stage, pair, since) == ["batch-cancel-order", "place-order"]
    assert live_of(stage.venue, pair) == []
    assert stage.venue.order(untouched).live


@pytest.mark.parametrize("race", [False, True], ids=["untouched", "a fill wins"])
def test_partial_exits_cancel_the_ladder_where_the_user_wants_it(stage: Stage, race: bool) -> None:
    pair = next(stage.pairs)
    trade, _ = enter(stage, pair)
    since = len(stage.venue.requests)
    if race:
        stage.venue.knobs(fill_wins=1)
    stage.bot.say(pair, adjust=-300)
    sold = 3 if race else 2
    stage.bot.until(lambda: len([o for o in stage.bot.orders(trade) if o["filled"]]) == sold, "a part is sold")
    assert exit_posts(stage, pair, since) == ["batch-cancel-order", "place-order"]
    assert live_of(stage.venue, pair) == []
    stage.bot.say(pair, exit=True)
    agree(stage, closed(stage, pair))


def test_each_batch_is_a_pin_on_the_chart(stage: Stage) -> None:
    pair = next(stage.pairs)
    enter(stage, pair)
    stage.bot.say(pair, exit=True)
    closed(stage, pair)

    def pins() -> Any:
        candles = stage.bot.api("GET", f"pair_candles?pair={pair}&timeframe=1m&limit=10")
        return [pin for pin in candles["annotations"] if pin["type"] == "point"]

    (pin,) = stage.bot.until(pins, "there is a pin")
    assert (pin["label"], pin["shape"]) == ("batch cancel: 3 canceled", "pin")


def test_a_cancel_that_is_not_proven_is_logged_and_sent(stage: Stage) -> None:
    pair = next(stage.pairs)
    _, rungs = enter(stage, pair)
    stage.venue.knobs(cancel_never_lands=6)
    stage.bot.say(pair, exit=True)
    agree(stage, closed(stage, pair))
    said = " ".join(stage.bot.said().split())
    warning = f"3 resting orders of trade {stage.bot.trade(pair)['id']} on {pair} are not proven cancelled"
    assert f"bitget_margin - WARNING - {warning}" in said
    assert f"Sending rpc strategy_msg: {warning}" in said
    assert rungs[0].order_id in said
    assert "every loop cancels them again" in said
