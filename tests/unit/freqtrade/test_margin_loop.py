"""Promise: no step over the margin account keeps another from running, and the level is read when it may be high."""

from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.freqtrade import margin_loop
from bitget_margin.freqtrade.margin_loop import MarginLoop
from bitget_margin.freqtrade.positions import AccountSnapshot, MarginBooks


class LoopBench:
    """The steps of the loop, each of which is noted, on an account whose debt the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.owed = 1_000.0, 0.0
        self.has_ended = True
        self.steps: list[str] = []
        self.errors: dict[str, Exception] = {}
        self.rollbacks: list[bool] = []
        bench = self

        class Started:
            """Work that ends when the test wants."""

            def __init__(self, _work: object) -> None:
                bench.steps.append("level")

            def ended(self, _seconds: float) -> bool:
                return bench.has_ended

        monkeypatch.setattr(margin_loop, "Beside", Started)
        monkeypatch.setattr(margin_loop.Trade, "rollback", lambda: self.rollbacks.append(True))
        self.open_trades: tuple[object, ...] = ()
        account: Any = SimpleNamespace(
            remembered=self._books, positions=lambda: self.open_trades, stake_coin="USDT", price=lambda _: None
        )
        pace: Any = SimpleNamespace(is_slow=False)
        self.pace = pace
        self.loop = MarginLoop(
            api=lambda: None,
            read_positions=lambda: None,
            pace=pace,
            account=account,
            debts=SimpleNamespace(  # type: ignore[arg-type]
                check=self._check_debts, note_reading=lambda _: self._step("reading")
            ),
            levels=SimpleNamespace(),  # type: ignore[arg-type]
            unfilled=SimpleNamespace(check=lambda: self._step("unfilled")),  # type: ignore[arg-type]
            data=SimpleNamespace(write=lambda: self._step("data")),  # type: ignore[arg-type]
            clock=lambda: self.now,
        )

    def _books(self) -> MarginBooks:
        account = AccountSnapshot({"USDT": 10_000.0 + self.owed}, {}, {"USDT": self.owed})
        return MarginBooks(account, (), "USDT", lambda _: None)

    def _check_debts(self, *, may_ask: bool) -> None:
        self._step("debts" if may_ask else "debts without requests")

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name in self.errors:
            raise self.errors[name]

    def after(self, seconds: float) -> list[str]:
        """Run after some time, and return the steps that ran."""
        self.now += seconds
        self.steps.clear()
        self.loop.run()
        return list(self.steps)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> LoopBench:
    return LoopBench(monkeypatch)


@pytest.mark.parametrize("error", [ccxt.RequestTimeout("no answer"), RuntimeError("unforeseen")], ids=repr)
def test_a_step_that_fails_keeps_no_other_from_running(
    bench: LoopBench, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    bench.errors = dict.fromkeys(("debts", "unfilled", "data"), error)
    assert bench.after(0) == ["level", "debts", "unfilled", "data"]
    assert len(caplog.records) == 3
    assert len(bench.rollbacks) == (3 if isinstance(error, RuntimeError) else 0)


def test_a_slow_venue_is_asked_nothing_in_the_loop_while_an_exit_may_be_due(bench: LoopBench) -> None:
    """Without a trade nothing waits, and only requests show that the venue is fast again."""
    bench.pace.is_slow, bench.open_trades = True, ("a trade",)
    assert bench.after(0) == ["level", "debts without requests", "data"]
    bench.open_trades = ()
    assert bench.after(1) == ["debts", "unfilled", "data"]
    bench.pace.is_slow, bench.open_trades = False, ("a trade",)
    assert bench.after(1) == ["debts", "unfilled", "data"]


def test_what_was_read_for_the_level_tells_of_debts_once(bench: LoopBench) -> None:
    bench.loop._seen = AccountSnapshot({}, {}, {})
    assert bench.after(0) == ["level", "reading", "debts", "unfilled", "data"]
    assert "reading" not in bench.after(60)


def test_the_level_is_read_once_a_minute(bench: LoopBench) -> None:
    bench.owed = 5_000
    assert "level" in bench.after(0)
    assert "level" not in bench.after(59)
    assert "level" in bench.after(1)


def test_a_level_that_may_have_risen_is_read_at_once(bench: LoopBench) -> None:
    """By an entry, or by a price: where debts have grown by more than a tenth of their share of the equity."""
    bench.after(0)
    bench.owed = 5_000
    assert "level" not in bench.after(4)
    assert "level" in bench.after(1)
    bench.owed = 5_400
    assert "level" not in bench.after(6)
    bench.owed = 5_600
    assert "level" in bench.after(1)
    bench.owed = 4_000
    assert "level" not in bench.after(6)


def test_a_look_that_has_no_answer_yet_is_not_repeated(bench: LoopBench) -> None:
    bench.after(0)
    bench.has_ended = False
    assert "level" not in bench.after(61)
    bench.has_ended = True
    assert "level" in bench.after(1)
