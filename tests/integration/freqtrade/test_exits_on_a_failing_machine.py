"""Promise: whatever happens to the database or the disk, an exit is sent, once, and the books agree after a start."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from itertools import product
from pathlib import Path

import pytest

from bitget_margin.emulator import AccountKind
from support import broken_database
from support.measured_exits import MeasuredBot, kinds, no_file_grows
from support.single_faults import LADDERS, SingleFaults, noted, single_faults

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own

Fault = Callable[[MeasuredBot], AbstractContextManager[None]]
FAULTS: dict[str, Fault] = {
    "read-only database": lambda _: broken_database.read_only(),
    "full database": lambda _: broken_database.full(),
    "full disk": lambda _: no_file_grows(),
    "failed commit": lambda bot: broken_database.commits_that_fail(bot.sent),
}
LOOPS = 2
"""Loops for which each of them lasts."""


def exit_under(exits: SingleFaults, fault: str, ladder: str, *, restarted: bool) -> None:
    """Let an exit meet a fault from freqtrade's decision on, and check that it leaves in time and ends well.

    :param restarted: whether the bot is started again at the end of the fault
    """
    with noted(f"{fault}, ladder: {ladder}, {'restarted' if restarted else 'goes on'}"):
        exits.enter(LADDERS[ladder])
        with ExitStack() as lasting:
            exits.at_decision(lambda: lasting.enter_context(FAULTS[fault](exits.bot)))
            exits.bot.fall()
            exits.bot.loop_despite_errors(LOOPS)
            exits.bot.assert_exit_left()
        if restarted:
            exits.bot.running.restart()
        exits.ends_well()


@pytest.mark.parametrize("account", kinds(AccountKind.UNIFIED))
@pytest.mark.parametrize(
    "fault",
    [
        "failed commit",
        *(pytest.param(name, marks=pytest.mark.drill) for name in ("full database", "read-only database")),
    ],
)
def test_an_exit_leaves_once_though_nothing_can_be_written(tmp_path: Path, account: AccountKind, fault: str) -> None:
    """There are coins of others, so that the venue refuses no second sale."""
    with single_faults(tmp_path, account, others="5") as exits:
        exit_under(exits, fault, "none", restarted=False)
        exit_under(exits, fault, "half", restarted=True)
        exits.restart()


@pytest.mark.drill
@pytest.mark.timeout(300)
@pytest.mark.parametrize("account", list(AccountKind))
@pytest.mark.parametrize("others", ["0", "5"], ids=["alone", "beside coins of others"])
@pytest.mark.parametrize("fault", FAULTS)
def test_an_exit_with_or_without_a_ladder_leaves_once_before_and_after_a_restart(
    tmp_path: Path, account: AccountKind, others: str, fault: str
) -> None:
    with single_faults(tmp_path, account, others=others) as exits:
        for ladder, restarted in product(LADDERS, (False, True)):
            exit_under(exits, fault, ladder, restarted=restarted)
        exits.restart()
