"""Promise: a margin level near the venue's warning is one message, and so is a worth that does not agree."""

from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.margin_levels import MarginLevels
from bitget_margin.freqtrade.positions import AccountSnapshot, MarginBooks


class LevelBench:
    """A venue that shows a level, and an account that owes something."""

    def __init__(self) -> None:
        self.level: float | None = 0.3
        self.error: ccxt.BaseError | None = None
        self.asked: list[Any] = []
        self.sent: list[str] = []
        self.alerts = Alerts(clock=lambda: 0.0, send=self.sent.append)
        api = SimpleNamespace(fetch_cross_margin_level=self._fetch)
        self.levels = MarginLevels(api=lambda: api, timeout_ms=lambda: 500.0, alerts=self.alerts)

    def _fetch(self, params: Any) -> dict[str, Any]:
        self.asked.append(params)
        if self.error:
            raise self.error
        return {"marginLevel": self.level}

    def check(self, owed: float = 5_000.0, worth: float | None = 10_000.0) -> None:
        """Check an account that is worth 10,000 USDT by the bot's own sum."""
        account = AccountSnapshot({"USDT": 10_000.0 + owed}, {}, {"USDT": owed})
        self.levels.check(MarginBooks(account, (), "USDT", lambda _: None), worth)


@pytest.fixture
def bench() -> LevelBench:
    return LevelBench()


@pytest.mark.parametrize(("level", "messages"), [(0.3, 0), (0.639, 0), (0.64, 1), (0.95, 1)])
def test_a_high_level_is_warned_of(
    bench: LevelBench, level: float, messages: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench.level = level
    bench.check()
    bench.check()
    assert len(bench.sent) == messages
    assert all("liquidates the whole account at 1" in text for text in bench.sent)
    assert f"The margin level is {level:.3f}" in caplog.text
    assert bench.levels.last == level


def test_a_level_that_has_fallen_and_rises_again_is_warned_of_again(bench: LevelBench) -> None:
    for level in (0.7, 0.5, 0.7):
        bench.level = level
        bench.check()
    assert len(bench.sent) == 2


def test_an_account_without_debts_has_the_level_0_and_is_not_asked(bench: LevelBench) -> None:
    bench.check()
    bench.check(owed=0.0)
    assert (bench.levels.last, len(bench.asked)) == (0.0, 1)


def test_a_level_that_cannot_be_read_leaves_the_last_one(bench: LevelBench) -> None:
    bench.check()
    bench.error = ccxt.RequestTimeout("no answer")
    bench.check()
    assert bench.levels.last == 0.3


@pytest.mark.parametrize(("worth", "agrees"), [(10_000.0, True), (9_600.0, True), (9_400.0, False), (10_600.0, False)])
def test_a_worth_that_does_not_agree_is_warned_of(bench: LevelBench, worth: float, agrees: bool) -> None:
    bench.check(worth=worth)
    assert bench.levels.agrees is agrees
    assert len(bench.sent) == (0 if agrees else 1)
    bench.check(worth=None)
    assert bench.levels.agrees is agrees
    bench.check()
    assert bench.levels.agrees


def test_a_worth_that_agreed_again_is_warned_of_again(bench: LevelBench) -> None:
    for worth in (9_000.0, 10_000.0, 9_000.0):
        bench.check(worth=worth)
    assert len(bench.sent) == 2
