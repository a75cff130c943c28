"""A venue with made-up pairs, and a bot on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bitget_margin.emulator import Emulator, synthetic_symbols
from support.bot import PAIRS, Bot, account, config


@pytest.fixture
def venue() -> Iterator[Emulator]:
    """Run a venue of this test's own, which must not have stumbled."""
    with Emulator(accounts=(account(), account()), symbols=synthetic_symbols(len(PAIRS))) as running:
        yield running
    assert running.errors == ()


@pytest.fixture
def bot(venue: Emulator, tmp_path: Path) -> Iterator[Bot]:
    """Return a bot on three pairs, not started yet."""
    with Bot(tmp_path, config(venue, PAIRS[:3])) as made:
        yield made
