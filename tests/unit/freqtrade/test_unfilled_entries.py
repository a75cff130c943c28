"""Promise: interest of an entry that borrowed and never filled is reported once, with its amount."""

from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade import unfilled_entries
from bitget_margin.freqtrade.interest import Charge
from bitget_margin.freqtrade.unfilled_entries import UnfilledEntries

PAIR = "BTC/USDT"


class EntryBench:
    """Entries on one pair, with the trade, the charges and the time that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1_000.0
        self.trade: Any = None
        self.charges: list[Charge] = []
        self.asked: list[tuple[str, int]] = []
        self.warnings: list[str] = []
        monkeypatch.setattr(unfilled_entries.trade_rows, "open_trade", lambda _: self.trade)
        interest: Any = SimpleNamespace(unexplained=self._unexplained)
        alerts: Any = SimpleNamespace(warn=self.warnings.append)
        self.entries = UnfilledEntries(
            interest=interest, alerts=alerts, clock=lambda: self.seconds, epoch_ms=lambda: int(self.seconds * 1_000)
        )

    def _unexplained(self, coin: str, since_ms: int) -> list[Charge]:
        self.asked.append((coin, since_ms))
        return list(self.charges)

    def note(self) -> None:
        """Send an entry now."""
        self.entries.note(PAIR, "USDT", int(self.seconds * 1_000))

    def after(self, seconds: float) -> None:
        """Check after some time."""
        self.seconds += seconds
        self.entries.check()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> EntryBench:
    return EntryBench(monkeypatch)


def test_the_interest_of_entries_that_never_filled_is_one_message(bench: EntryBench) -> None:
    """Three entries of one pair, each with a charge."""
    for _ in range(3):
        bench.note()
        bench.seconds += 10
    bench.charges = [Charge("USDT", 0.25, 1_000_000 + at) for at in (0, 10_000, 20_000)]
    bench.after(130)
    bench.after(61)
    (warning,) = bench.warnings
    assert warning == (
        "0.75 USDT of interest belong to no trade: the venue has charged them for entries on BTC/USDT that borrowed "
        "and did not fill. The account pays them; freqtrade's profit is without them."
    )
    assert bench.asked == [("USDT", 1_000_000 - 5_000)]


def test_it_is_waited_for_while_the_venue_shows_none_and_given_up_in_the_end(bench: EntryBench) -> None:
    bench.note()
    bench.after(121)
    bench.after(61)
    assert bench.warnings == []
    bench.charges = [Charge("USDT", 0.25, 1_001_000)]
    bench.after(61)
    assert len(bench.warnings) == 1
    bench.charges.clear()
    bench.note()
    for _ in range(30):
        bench.after(61)
    asked = len(bench.asked)
    bench.after(61)
    assert len(bench.asked) == asked < 25


def test_a_charge_is_reported_once(bench: EntryBench) -> None:
    bench.note()
    bench.charges = [Charge("USDT", 0.25, 1_001_000)]
    bench.after(121)
    bench.note()
    bench.after(121)
    assert len(bench.warnings) == 1


def test_an_entry_that_fills_is_a_matter_of_its_trade(bench: EntryBench) -> None:
    bench.note()
    bench.charges = [Charge("USDT", 0.25, 1_001_000)]
    bench.trade = SimpleNamespace(nr_of_successful_entries=1)
    bench.after(121)
    bench.trade = None
    bench.after(121)
    assert (bench.asked, bench.warnings) == ([], [])


def test_an_entry_that_rests_may_still_fill(bench: EntryBench) -> None:
    bench.note()
    bench.charges = [Charge("USDT", 0.25, 1_001_000)]
    bench.trade = SimpleNamespace(nr_of_successful_entries=0)
    bench.after(500)
    assert bench.asked == []
    bench.trade = None
    bench.after(61)
    assert len(bench.warnings) == 1


def test_an_entry_without_an_answer_is_looked_up_first(bench: EntryBench) -> None:
    """It has no trade yet, and may get one."""
    bench.note()
    bench.after(119)
    assert bench.asked == []


def test_nothing_is_asked_without_such_an_entry(bench: EntryBench) -> None:
    bench.after(121)
    assert bench.asked == []
