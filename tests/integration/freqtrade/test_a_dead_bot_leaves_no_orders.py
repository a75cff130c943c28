"""Promise: with `dead_mans_switch`, the venue cancels the orders of a bot that has died, and of no bot that ends."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator, synthetic_symbols
from bitget_margin.freqtrade.compat import OperationalException
from support.bot import PAIRS, Bot, config, live_orders
from support.in_process_bot import in_process_bot
from support.running_bot import RunningBot, enter

SECONDS = 10
SWITCH = {"bitget_margin": {"dead_mans_switch": {"seconds": SECONDS}}}
PATH = "/countdown-cancel-all"


@pytest.fixture
def unified() -> Iterator[Emulator]:
    """Run a venue with a unified account."""
    account = Account(balances={"USDT": "1000000"}, kind=AccountKind.UNIFIED)
    with Emulator(accounts=(account,), symbols=synthetic_symbols(2)) as running:
        yield running
    assert running.errors == ()


def countdowns(venue: Emulator) -> list[str]:
    """Return the bodies of the requests for the timer."""
    return [record.body for record in venue.requests if record.path.endswith(PATH)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "end", [pytest.param(Bot.kill, id="killed"), pytest.param(Bot.stop, id="stopped", marks=pytest.mark.drill)]
)
def test_the_orders_of_a_killed_bot_are_canceled(unified: Emulator, tmp_path: Path, end: Callable[[Bot], None]) -> None:
    pair = PAIRS[0]
    with Bot(tmp_path, config(unified, [pair], tmp_path, **SWITCH)).start() as bot:
        bot.wait_for_log("the venue cancels EVERY order of this account")
        enter(RunningBot(bot, unified, iter([pair])), pair)
        end(bot)
    died = time.monotonic()
    while live_orders(unified, pair) and time.monotonic() - died < SECONDS + 1:
        unified.knobs()  # brings the venue up to date
        time.sleep(0.2)
    assert len(live_orders(unified, pair)) == (0 if end is Bot.kill else 3)
    assert countdowns(unified)[-1] == ('{"countdown":"10"}' if end is Bot.kill else '{"countdown":"0"}')


def test_a_bot_starts_the_timer_and_ends_it(tmp_path: Path) -> None:
    with in_process_bot(tmp_path, kind=AccountKind.UNIFIED, settings=SWITCH) as bot:
        venue = bot.venue
        assert countdowns(venue)[0] == '{"countdown":"10"}'
        bot.bot.strategy.ft_bot_cleanup()
        assert countdowns(venue)[-1] == '{"countdown":"0"}'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        (AccountKind.CLASSIC, {}, "a classic account has no such timer"),
        (AccountKind.UNIFIED, {"order_types": "stops"}, "switch one of them off"),
    ],
    ids=["classic", "stops"],
)
def test_a_bot_that_cannot_have_it_does_not_start(
    tmp_path: Path, kind: AccountKind, more: dict[str, Any], message: str
) -> None:
    stops = {"entry": "limit", "exit": "limit", "stoploss": "market", "stoploss_on_exchange": True}
    settings = {**SWITCH, **({"order_types": stops} if more else {})}
    with pytest.raises(OperationalException, match=message), in_process_bot(tmp_path, kind=kind, settings=settings):
        pass
