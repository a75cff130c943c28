"""A venue with synthetic pairs, and bots in the process of the test."""

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from bitget_margin.emulator import Emulator, synthetic_symbols
from support.bot import PAIRS, account
from support.in_process_bot import InProcessBot, in_process_bot


@pytest.fixture(scope="module", autouse=True)
def _collect_refused_bots() -> Iterator[None]:
    """Collect the bots of a module at its end: freqtrade leaves a refused one open, which a later test would meet."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


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
