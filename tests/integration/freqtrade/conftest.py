"""A venue with synthetic pairs, and bots in the process of the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bitget_margin.emulator import Emulator, synthetic_symbols
from support.bot import PAIRS, account
from support.in_process_bot import InProcessBot, in_process_bot


@pytest.fixture
def venue() -> Iterator[Emulator]:
    """Run a venue for one test, which must not have had an error at the end."""
    with Emulator(accounts=(account(), account()), symbols=synthetic_symbols(len(PAIRS))) as running:
        yield running
    assert running.errors == ()


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[InProcessBot]:
    """Run a bot on an account without coins of its own."""
    with in_process_bot(tmp_path) as started:
        yield started


@pytest.fixture
def rich_bot(tmp_path: Path) -> Iterator[InProcessBot]:
    """Run a bot on an account with coins that belong to no trade, so that freqtrade misses none."""
    with in_process_bot(tmp_path, BTC="5") as started:
        yield started
