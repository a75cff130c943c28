"""Promise: whatever ends a trade, one batch cancels its resting orders before the exit order, and none lives on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum

import pytest

from support.bot import live_of, symbol_of
from support.stage import Stage, agree, closed, enter, exit_posts, on_stage

RUNGS = 3


class Before(Enum):
    """What the resting orders have been through."""

    NOTHING = "untouched"
    PARTLY = "one partly filled before"
    RACE = "one fills while the exit cancels it"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with on_stage(tmp_path_factory.mktemp("bot"), 20) as running:
        yield running


def exit_signal(stage: Stage, pair: str, _trade: int) -> None:
    stage.bot.say(pair, exit=True)


def custom_exit(stage: Stage, pair: str, _trade: int) -> None:
    stage.bot.say(pair, custom_exit="mine")


def roi(stage: Stage, pair: str, _trade: int) -> None:
    stage.venue.set_price(symbol_of(pair), "116")


def stop_loss(stage: Stage, pair: str, _trade: int) -> None:
    stage.venue.set_price(symbol_of(pair), "69")


def trailing_stop_loss(stage: Stage, pair: str, _trade: int) -> None:
    stage.venue.set_price(symbol_of(pair), "107")
    stage.bot.until(lambda: (stage.bot.trade(pair) or {})["is_stop_loss_trailing"], "trailing")
    stage.venue.set_price(symbol_of(pair), "104")


def force_exit(stage: Stage, _pair: str, trade: int) -> None:
    stage.bot.api("POST", "forceexit", tradeid=str(trade))


EXITS: dict[str, Callable[[Stage, str, int], None]] = {
    "exit_signal": exit_signal,
    "custom_exit": custom_exit,
    "roi": roi,
    "stop_loss": stop_loss,
    "trailing_stop_loss": trailing_stop_loss,
    "force_exit": force_exit,
}
"""Every exit of a whole trade that spot mode knows, by the name that freqtrade gives its reason."""


@pytest.mark.parametrize("before", Before, ids=lambda before: before.value)
@pytest.mark.parametrize("kind", EXITS)
def test_one_batch_before_the_exit_order_and_none_lives(stage: Stage, kind: str, before: Before) -> None:
    pair = next(stage.pairs)
    trade, rungs = enter(stage, pair)
    if before is Before.PARTLY:
        stage.venue.fill(rungs[0].order_id, "0.5")
    if before is Before.RACE:
        stage.venue.knobs(fill_wins=1)
    since = len(stage.venue.requests)
    EXITS[kind](stage, pair, trade)
    ended = closed(stage, pair)
    assert exit_posts(stage, pair, since) == ["batch-cancel-order", "place-order"]
    assert live_of(stage.venue, pair) == []
    assert ended["exit_reason"] == ("mine" if kind == "custom_exit" else kind)
    agree(stage, ended)
