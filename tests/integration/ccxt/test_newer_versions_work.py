"""Promise: a ccxt one patch above the newest installs, and works with one warning."""

import configparser
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

from packaging.requirements import Requirement

from bitget_margin.adapter.tested_versions import CCXT, FREQTRADE
from bitget_margin.emulator import Emulator
from support.client import config
from support.relabelled import next_patch, relabel, relabelled_path

ROOT = Path(__file__).parents[3]
SCRIPT = """
    import importlib.metadata, json, sys
    import ccxt
    import bitget_margin
    for flavour in (bitget_margin.bitget, bitget_margin.bitget):
        exchange = flavour(json.loads(sys.argv[1]))
    cross = {"marginMode": "cross"}
    order = exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 30_000, cross)
    (result,) = exchange.batch_cancel([order["id"]], "BTC/USDT").results
    print(ccxt.__version__, importlib.metadata.version("ccxt"), result.outcome.value)
"""


def test_a_newer_ccxt_works_with_one_warning(venue: Emulator, tmp_path: Path) -> None:
    newer = next_patch(CCXT.newest)
    relabel(tmp_path, "ccxt", newer)
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", textwrap.dedent(SCRIPT), json.dumps(config(venue))],
        env={**os.environ, **relabelled_path(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.stdout.split() == [newer, newer, "canceled"], done.stderr
    (warning,) = done.stderr.splitlines()
    assert warning.startswith(f"ccxt {newer} is newer than {CCXT.newest}, the newest with which the tests have run.")
    assert "none has moved" in warning


def test_the_next_versions_may_be_installed() -> None:
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg", "utf-8")
    lines = (
        *metadata["options"]["install_requires"].splitlines(),
        *metadata["options.extras_require"]["freqtrade"].splitlines(),
    )
    wanted = {each.name: each for line in lines if line and not line.startswith("#") for each in (Requirement(line),)}
    for package in (CCXT, FREQTRADE):
        allowed = wanted[package.name].specifier
        for version in (package.oldest, package.newest, next_patch(package.newest), next_patch(f"{package.newest}.9")):
            assert allowed.contains(version)
    assert not wanted["ccxt"].specifier.contains("5.0.0")
