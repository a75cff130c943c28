"""Promise: freqtrade and ccxt above the newest that were tested work with one warning each in the log."""

from pathlib import Path

import pytest

from bitget_margin.adapter.tested_versions import CCXT, FREQTRADE
from bitget_margin.emulator import Emulator
from support.command_runner import CommandRunner
from support.console import records
from support.relabelled import next_patch, relabel, relabelled_path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


def test_a_newer_pair_works_with_one_warning_each(
    venue: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = {package.name: next_patch(package.newest) for package in (CCXT, FREQTRADE)}
    for package, version in newer.items():
        relabel(tmp_path / "newer", package, version)
    for name, value in relabelled_path(tmp_path / "newer").items():
        monkeypatch.setenv(name, value)
    (tmp_path / "user_data").mkdir()
    done = CommandRunner(venue, tmp_path).run("list-pairs")
    assert done.code == 0, done.output
    assert "│ Spot │ Margin │" in done.output
    warnings = records(done.output, r"bitget_margin\.versions", "WARNING")
    for package, warning in zip((CCXT, FREQTRADE), warnings, strict=True):
        assert warning.startswith(f"{package.name} {newer[package.name]} is newer than {package.newest}")
