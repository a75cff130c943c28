"""Promise: Ctrl-C or SIGTERM ends a bot whatever it waits for, and is lost in no callback.

freqtrade handles each exception of a strategy's callback, and goes on trading; what ends a bot is KeyboardInterrupt.
"""

import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine.default import DefaultDialect

from support.in_process_bot import CONTROLS, InProcessBot, in_process_bot

pytestmark = [pytest.mark.slow, pytest.mark.classic, pytest.mark.filterwarnings("default")]  # freqtrade's own warnings
EVERY = int(os.environ.get("INTERRUPT_EVERY", "17"))
"""One wait in so many is interrupted."""
DATABASE = ("do_execute", "do_executemany", "do_commit", "do_rollback")


class Interrupts:
    """Waits of the main thread for the venue and for the database; one of them is interrupted."""

    def __init__(self) -> None:
        self.count = 0
        self.at = 0
        self.raised = 0

    def step(self) -> None:
        """Count a wait that ends, and raise KeyboardInterrupt at the chosen one, as Python does after a signal."""
        if threading.current_thread() is threading.main_thread():
            self.count += 1
            if self.count == self.at:
                self.raised += 1
                raise KeyboardInterrupt

    def come_out(self, work: Callable[[], object], number: int) -> bool:
        """Interrupt the wait of this number in some work; return whether an interrupt has come out."""
        self.at = self.count + number
        try:
            work()
        except KeyboardInterrupt:
            return True
        finally:
            self.at = 0  # work of fewer waits than before: what follows is not interrupted
        return False


@pytest.fixture
def interrupts(monkeypatch: pytest.MonkeyPatch) -> Interrupts:
    """Watch what the main thread waits for."""
    watch = Interrupts()

    def watched(own: Callable[..., Any]) -> Callable[..., Any]:
        def waits(*args: Any, **named: Any) -> Any:
            result = own(*args, **named)
            watch.step()
            return result

        return waits

    for owner, name in [(threading.Event, "wait"), *((DefaultDialect, name) for name in DATABASE)]:
        monkeypatch.setattr(owner, name, watched(getattr(owner, name)))
    return watch


def trade_once(bot: InProcessBot) -> None:
    """Enter with a ladder, let one rung fill, and exit."""
    bot.enter(
        lambda trade: [
            {"side": "sell", "price": trade.open_rate * up, "amount": trade.amount * 0.3} for up in (1.2, 1.3)
        ]
    )
    bot.venue.fill(bot.live()[0].order_id)
    bot.loop()
    CONTROLS.exit = True
    bot.loop(3)
    assert not bot.trade.is_open


@pytest.mark.timeout(0 if EVERY == 1 else 240)
def test_each_interrupt_comes_out_of_the_loop(tmp_path: Path, interrupts: Interrupts) -> None:
    with new_bot(tmp_path, 0) as bot:
        before = interrupts.count
        trade_once(bot)
        waits = interrupts.count - before
    assert waits > 200
    numbers = range(1, waits, EVERY)
    for number in numbers:
        with new_bot(tmp_path, number) as bot:
            raised = interrupts.raised
            came_out = interrupts.come_out(partial(trade_once, bot), number)
            assert came_out == (interrupts.raised > raised), f"the interrupt of wait {number} was lost"
    # The number of waits differs a little from run to run.
    assert interrupts.raised >= 0.9 * len(numbers)


def new_bot(folder: Path, number: int) -> Any:
    """Start a bot in a folder of its own."""
    own = folder / str(number)
    own.mkdir()
    return in_process_bot(own)
