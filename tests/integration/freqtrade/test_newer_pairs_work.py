"""Promise: freqtrade and ccxt above the newest that were tested work with one warning each in the log."""

import subprocess
import sys
from pathlib import Path

import pytest

from bitget_margin.adapter.tested_versions import CCXT, FREQTRADE
from bitget_margin.emulator import Emulator
from support.command_runner import CommandRunner
from support.console import records, without_versions
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


def test_an_import_that_fails_is_one_line_with_the_version_and_the_command() -> None:
    code = """
import freqtrade.exchange
from bitget_margin.cli.commands import main
del freqtrade.exchange.amount_to_contract_precision
main(["freqtrade", "trade"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    (line,) = without_versions(done.stderr).splitlines()
    assert done.returncode == 1
    assert line.startswith("Error: bitget-margin ")
    assert "cannot import name 'amount_to_contract_precision'" in line
    assert line.endswith(FREQTRADE.install_command)
