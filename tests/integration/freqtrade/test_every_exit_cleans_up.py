"""Promise: every exit cancels the resting orders of its trade with one batch before its order, and none lives on."""

from collections.abc import Callable, Iterator
from enum import Enum

import pytest

from support.bot import live_orders, symbol_of
from support.running_bot import RunningBot, assert_books_agree, enter, exit_requests, running_bot, wait_until_closed

RUNGS = 3


class Before(Enum):
    """State of the resting orders at the exit."""

    NOTHING = "untouched"
    PARTLY = "one partly filled before"
    RACE = "one fills while the exit cancels it"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with running_bot(tmp_path_factory.mktemp("bot"), 20) as running:
        yield running


def exit_signal(running: RunningBot, pair: str, _trade: int) -> None:
    running.bot.instruct(pair, exit=True)


def custom_exit(running: RunningBot, pair: str, _trade: int) -> None:
    running.bot.instruct(pair, custom_exit="mine")


def roi(running: RunningBot, pair: str, _trade: int) -> None:
    running.venue.set_price(symbol_of(pair), "116")


def stop_loss(running: RunningBot, pair: str, _trade: int) -> None:
    running.venue.set_price(symbol_of(pair), "69")


def trailing_stop_loss(running: RunningBot, pair: str, _trade: int) -> None:
    running.venue.set_price(symbol_of(pair), "107")
    running.bot.wait_until(lambda: (running.bot.trade(pair) or {})["is_stop_loss_trailing"], "trailing")
    running.venue.set_price(symbol_of(pair), "104")


def force_exit(running: RunningBot, _pair: str, trade: int) -> None:
    running.bot.api("POST", "forceexit", tradeid=str(trade))


EXITS: dict[str, Callable[[RunningBot, str, int], None]] = {
    "exit_signal": exit_signal,
    "custom_exit": custom_exit,
    "roi": roi,
    "stop_loss": stop_loss,
    "trailing_stop_loss": trailing_stop_loss,
    "force_exit": force_exit,
}
"""All kinds of full exits in spot mode, by freqtrade's name of the reason."""


@pytest.mark.parametrize("before", Before, ids=lambda before: before.value)
@pytest.mark.parametrize("kind", EXITS)
def test_one_batch_before_the_exit_order_and_none_lives(running: RunningBot, kind: str, before: Before) -> None:
    pair = next(running.pairs)
    trade, rungs = enter(running, pair)
    if before is Before.PARTLY:
        running.venue.fill(rungs[0].order_id, "0.5")
    if before is Before.RACE:
        running.venue.knobs(fill_wins=1)
    since = len(running.venue.requests)
    EXITS[kind](running, pair, trade)
    ended = wait_until_closed(running, pair)
    assert exit_requests(running, pair, since) == ["batch-cancel-order", "place-order"]
    assert live_orders(running.venue, pair) == []
    assert ended["exit_reason"] == ("mine" if kind == "custom_exit" else kind)
    assert_books_agree(running, ended)
