"""Promise: a stop-loss leaves in time and once, whatever fails around it, and no crumb keeps a trade open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind
from support.measured_exits import FULL, HALF, MeasuredBot, measured_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own


@pytest.fixture(params=list(AccountKind))
def bot(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MeasuredBot]:
    with measured_bot(tmp_path, request.param) as running:
        yield running


def test_an_exit_that_a_gateway_repeats_is_filled_and_recorded_as_such(
    bot: MeasuredBot, caplog: pytest.LogCaptureFixture
) -> None:
    """The second copy is refused for its funds; a unified account would borrow for it, which no client can prevent."""
    bot.venue.knobs(auto_borrow=False)
    bot.running.enter(HALF)
    bot.fall()
    bot.venue.add_fault("repeat", "/place-order", count=1)
    bot.loop()
    bot.assert_exit_left()
    bot.assert_ends_well()
    assert len(bot.sent()) == 1
    assert "Unable to exit trade" not in caplog.text
    assert "Unable to place order" not in caplog.text


@pytest.mark.parametrize("ladder", [FULL, HALF], ids=["full", "half"])
@pytest.mark.parametrize("knob", ["cancel_never_lands", "refuse_cancels", "fill_wins"])
def test_no_order_of_a_bot_borrows(bot: MeasuredBot, ladder: Any, knob: str) -> None:
    """Cancels are acknowledged and not executed, refused, or lose against a fill; what is not free is not sold."""
    bot.running.enter(ladder)
    bot.venue.knobs(**{knob: 30})
    bot.fall()
    bot.loop()
    assert bot.venue.borrowed(bot.uid) == {}
    bot.venue.knobs(**{knob: 0})
    bot.loop_until(lambda: bot.held() < bot.lot(), "all coins are sold", 8)
    bot.assert_ends_well()
