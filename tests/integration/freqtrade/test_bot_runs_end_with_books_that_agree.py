"""Promise: whatever new orders are answered with, the coins held are booked, and each order has one owner, once.

A few scenarios like those that `tests/soak/bots/run.py` draws.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from bots.faults import BATCH, PLACE, Stage
from bots.judge import judge
from bots.play import play
from bots.scenario import Exit, Plan, Scenario, draw_scenario
from bots.script import Step

from bitget_margin.emulator import AccountKind, FaultKind, FaultRule
from support.in_process_bot import in_process_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own

LADDER = (Step("sell", 1.012, 0.3), Step("sell", 1.021, 0.3))


@dataclass(frozen=True)
class Case:
    """The fault that each stage meets once, the end of the trade, and the lag of the history."""

    entry: FaultKind
    ladder: FaultKind
    exit: FaultKind
    how: Exit
    history_lag_ms: int = 0

    def story(self, account: AccountKind) -> Scenario:
        stages = ((Stage.ENTRY, self.entry, PLACE), (Stage.LADDER, self.ladder, BATCH), (Stage.EXIT, self.exit, PLACE))
        faults = tuple((stage, FaultRule(kind, of[account], count=1, code="99999")) for stage, kind, of in stages)
        plan = Plan("BTC/USDT", 1.0, None, LADDER, reached=1, exit=self.how, walk=(1.001,), others="0")
        return Scenario(0, 0, account, (plan,), "1000000", faults, self.history_lag_ms)


CASES = {
    "codes": Case(FaultKind.CODE_AFTER, FaultKind.ITEM_CODE_AFTER, FaultKind.REPEAT, Exit.STOP),
    "history that lags": Case(
        FaultKind.OTHER_ANSWER, FaultKind.RESET_AFTER, FaultKind.HTML_502, Exit.SIGNAL, history_lag_ms=2_000
    ),
}


@pytest.mark.parametrize(
    "account",
    [AccountKind.CLASSIC, pytest.param(AccountKind.UNIFIED, marks=pytest.mark.slow)],
    ids=lambda kind: kind.value,
)
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=pytest.mark.slow if name == "history that lags" else ())
        for name, case in CASES.items()
    ],
)
def test_a_story_ends_with_books_that_agree(case: Case, account: AccountKind) -> None:
    result = play(case.story(account))
    assert result.findings == [], "\n".join(result.log)
    assert (result.entered, result.exits) == (True, 1)


def test_an_order_of_nobody_and_one_bought_twice_are_found(tmp_path: Path) -> None:
    with in_process_bot(tmp_path) as bot:
        bot.enter()
        plan = Plan("BTC/USDT", 1.0, None, (), reached=0, exit=Exit.NONE, walk=(), others="0")
        story = Scenario(0, 0, AccountKind.CLASSIC, (plan,), "1000000", (), 0)

        def rules() -> set[str]:
            return {finding.rule for finding in judge(story, bot.venue, bot.exchange, [bot.trade])}

        assert rules() == set()
        key = bot.venue.orders()[0].client_oid.partition("-")[0]
        again = {"symbol": "BTCUSDT", "side": "buy", "price": "59000", "baseSize": "0.01", "clientOid": f"{key}-o1"}
        order_id = bot.venue.place(bot.venue.accounts[0].uid, again)
        assert rules() == {"owner", "double"}
        bot.venue.fill(order_id)
        assert rules() == {"coins", "books", "double"}


@pytest.mark.parametrize("account", list(AccountKind), ids=lambda kind: kind.value)
def test_a_story_is_drawn_from_its_seed_and_number(account: AccountKind) -> None:
    assert draw_scenario(1, 7, account) == draw_scenario(1, 7, account) != draw_scenario(1, 8, account)
