"""The commands, as a person runs them: real processes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

import ccxt
import pytest
from click.testing import CliRunner

from bitget_margin.cli import main, scenario
from bitget_margin.emulator import Account, Emulator, Knobs, ccxt_urls

COMMAND = [sys.executable, "-m", "bitget_margin"]


def run(*args: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run([*COMMAND, *args], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603


def test_the_demo_ends_well_and_in_time() -> None:
    """Three tables, every order in them if asked for, the venue agrees, exit code 0, under 30 seconds."""
    started = time.monotonic()
    done = run("demo", "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - started < 30
    assert done.stdout.count("Stock ccxt, for the same") == 3
    assert len(re.findall(r"│ \d{19}", done.stdout)) >= 3 * 120
    assert "The venue agrees with every answer, and no other order was touched." in done.stdout


def test_the_demo_notices_a_venue_that_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is not the venue's truth is a fault, and so is a missing one."""
    honest = scenario._ask  # the answers of the first round are twisted here

    def twisted(*args: object) -> Iterator[scenario.Answer]:
        first, _, *rest = honest(*args)  # type: ignore[arg-type]
        yield scenario.Answer(first.name, first.symbol, "canceled", "", 0.0)
        yield from rest

    monkeypatch.setattr(scenario, "_ask", twisted)
    with Emulator(accounts=(Account(), Account())) as venue:
        played = next(scenario.rounds(venue))
    assert any("120 answers for 121 orders" in fault for fault in played.faults)
    assert any("is filled, and was reported as" in fault for fault in played.faults)


@contextmanager
def emulator(*args: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run the emulator, and yield it with what it printed."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "emulator", "--port", "0", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        printed = dict(process.stdout.readline().strip().split(" = ") for _ in range(5))
        yield process, printed
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_the_emulator_prints_what_a_client_needs_and_stops_on_ctrl_c() -> None:
    """One line each; stock ccxt trades on it."""
    with emulator() as (process, printed):
        assert list(printed) == ["url", "apiKey", "secret", "password", "uid"]
        exchange = ccxt.bitget(
            {
                "apiKey": printed["apiKey"],
                "secret": printed["secret"],
                "password": printed["password"],
                "urls": ccxt_urls(printed["url"]),
                "options": {"fetchMarkets": {"types": ["spot"]}},
            },
        )
        assert exchange.fetch_balance({"marginMode": "cross"})["USDT"]["total"] == 100_000
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 0


def test_every_knob_is_an_option_with_its_help() -> None:
    """`--help` names them all."""
    shown = "".join(run("emulator", "--help").stdout.split())
    for knob in fields(Knobs):
        assert "--" + knob.name.replace("_", "-") in shown
        assert "".join(knob.metadata["help"].split()) in shown


def test_knobs_and_prices_take_effect() -> None:
    """From the command line."""
    with emulator("--open-orders-without-symbol", "answer", "--price", "0:BTCUSDT=61000") as (_, printed):
        exchange = ccxt.bitget({"urls": ccxt_urls(printed["url"]), "options": {"fetchMarkets": {"types": ["spot"]}}})
        assert exchange.fetch_ticker("BTC/USDT")["last"] == 61_000


@pytest.mark.parametrize(
    ("args", "names"),
    [
        (["emulator", "--port", "x"], "'x' is not a valid integer"),
        (["emulator", "--price", "BTC=5"], "is not SECONDS:SYMBOL=PRICE"),
        (["emulator", "--price", "0:NOPE=5"], "NOPE"),
        (["emulator", "--history-lag-ms", "-1"], "-1"),
        (["emulator", "--list-key", "rows"], "'rows' is not one of"),
        (["nothing"], "No such command 'nothing'"),
    ],
)
def test_bad_usage_names_itself(args: list[str], names: str) -> None:
    """Exit code other than 0, and no traceback."""
    done = CliRunner().invoke(main, args)
    assert done.exit_code in {1, 2}
    assert names in done.output
    assert "Traceback" not in done.output


def test_a_port_that_is_taken_is_told() -> None:
    """In one line."""
    with Emulator() as venue:
        done = run("emulator", "--port", venue.url.rsplit(":", 1)[1])
    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr
