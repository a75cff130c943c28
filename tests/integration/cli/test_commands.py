"""The commands, as a person runs them: real processes."""

import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import ccxt
import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from bitget_margin import cli
from bitget_margin.cli.commands import main
from bitget_margin.cli.demo import ccxt_demo, snapshots
from bitget_margin.cli.demo.bot_process import BotProcess
from bitget_margin.cli.demo.command import _show_round
from bitget_margin.cli.output import COMPLETE_VARIABLE as VARIABLE
from bitget_margin.emulator import Account, AccountKind, Emulator, Knobs, ccxt_urls
from support.operating import COMMAND, invoke

NAMES = main.list_commands(click.Context(main))


def run(*args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, and check its exit code."""
    done = subprocess.run([*COMMAND, *args], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.slow
def test_the_demo_trades_with_freqtrade_and_both_sides_agree() -> None:
    """A real process: ladder, fills, one batch before the exit; every order on both sides, under a minute."""
    started = time.monotonic()
    done = run("demo")
    assert time.monotonic() - started < 60
    events = [
        r"entry order: buy \S+ at \S+ \(1 request: place-order\)",
        "entry filled",
        r"ladder: 12 sells from \S+ to \S+ \(1 request: batch-place-order\)",
        "rung 3 filled",
        "rung 4 partly filled",
        "Exit for ETH/USDT detected",
        r"batch cancel of 9 resting orders \(1 request: batch-cancel-order\)",
        "exit order: sell",
        "trade closed",
    ]
    assert re.search(".*".join(events), done.stdout, re.DOTALL), done.stdout
    assert len(re.findall(r"│ \d{19}", done.stdout)) == 14
    assert "✗" not in done.stdout
    assert "freqtrade's database agrees with the venue, order by order, and no order lives on." in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "loans"), [("classic", ("autoLoan", "autoLoanAndRepay")), ("unified", ("", ""))])
def test_the_demo_with_leverage_borrows_warns_and_both_sides_agree(kind: str, loans: tuple[str, str]) -> None:
    """A short and a long with their ladders, a warning of the margin level, under a minute."""
    started = time.monotonic()
    done = run("demo", "--leverage", "--account", kind)
    assert time.monotonic() - started < 60
    entry, cover = (f", {loan}" if loan else "" for loan in loans)
    events = [
        "EXPERIMENTAL",
        rf"BTC entry order: sell \S+ at [\d.]+{entry} ",
        r"BTC ladder: 4 buys from \S+ to \S+ \(1 request: ",
        rf"ETH entry order: buy \S+ at [\d.]+{entry} ",
        r"ETH ladder: 4 sells from \S+ to \S+ \(1 request: ",
        r"the account owes [\d.]+ BTC, [\d.]+ USDT; its margin level is 0\.5",
        r"The margin level of the account is 0\.6\d\d\.",
        "ETH rung 2 filled",
        rf"BTC exit order: buy \S+ at [\d.]+{cover} ",
        "both trades closed",
        "the account owes nothing",
    ]
    assert re.search(".*".join(events), " ".join(done.stdout.split()), re.DOTALL), done.stdout
    assert len(re.findall(r"│ \d{19}", done.stdout)) == 12
    assert "✗" not in done.stdout
    assert "freqtrade's database agrees with the venue, order by order, and no order lives on." in done.stdout


def test_the_demo_with_leverage_needs_freqtrade(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is shown instead of it."""
    assert "give one of both" in invoke("demo", "--leverage", "--ccxt", code=2).output
    hide_freqtrade(monkeypatch)
    assert "freqtrade is not installed" in invoke("demo", "--leverage", code=2).output


@pytest.mark.slow
def test_the_demo_ends_with_1_if_the_sides_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """One base coin too many in one order of freqtrade's, after a real run."""
    honest = snapshots.trade_snapshot

    def twisted(bot: BotProcess) -> snapshots.TradeSnapshot:
        trade = honest(bot)
        first, order = next(iter(trade.own.items()))
        return replace(trade, own={**trade.own, first: replace(order, filled=order.filled + 1)})

    monkeypatch.setattr(snapshots, "trade_snapshot", twisted)
    done = invoke("demo", code=1)
    assert re.search(r"not as reported: order \d+ \(entry\): freqtrade has 3.0 filled, the venue 2", done.output)
    assert "database agrees" not in done.output


@pytest.mark.slow
def test_the_demo_shows_the_log_of_a_freqtrade_that_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1, and nothing is left behind."""
    empty, temporary = tmp_path / "strategies", tmp_path / "temporary"
    empty.mkdir()
    temporary.mkdir()
    monkeypatch.setattr(importlib.import_module("bitget_margin.cli.demo.bot_process"), "STRATEGIES", empty)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    done = invoke("demo", code=1)
    assert "freqtrade ended with exit code 2 before this was seen: freqtrade places its entry" in done.output
    assert "Impossible to load Strategy 'DemoLadder'" in done.output
    assert list(temporary.iterdir()) == []


def test_the_demo_waits_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1, and the process is gone."""
    monkeypatch.setattr(importlib.import_module("bitget_margin.cli.demo.freqtrade_demo"), "LIMIT_SECONDS", 0.5)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    done = invoke("demo", code=1)
    assert "s are over before this was seen: freqtrade places its entry" in " ".join(done.output.split())
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    """Neither the freqtrade process nor its folder."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "demo"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 20
        while not processes_in(tmp_path):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(timeout=20) == 128 + number
    finally:
        process.kill()
        process.wait()
    assert processes_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def processes_in(folder: Path) -> list[str]:
    """Return the command lines that name a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in line:
                found.append(line)
    return found


def test_without_freqtrade_the_demo_says_so_and_shows_ccxt(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, with the way to install it."""
    hide_freqtrade(monkeypatch)
    monkeypatch.setattr(importlib.import_module("bitget_margin.cli.demo.command"), "rounds", lambda venue: iter(()))
    done = invoke("demo")
    first, second, *_ = done.output.splitlines()
    assert first.startswith("freqtrade is not installed (pip install 'bitget-margin[freqtrade]')")
    assert second.startswith("A local venue; 120 resting orders")


def hide_freqtrade(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the commands believe that freqtrade is not installed."""
    honest = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name, *rest: None if name == "freqtrade" else honest(name, *rest),
    )


def test_help_and_version_have_short_options() -> None:
    """Of every command."""
    assert invoke("-V").output == invoke("--version").output
    for command in ((), ("account",), ("cancel",), ("demo",), ("emulator",), ("orders",)):
        assert invoke(*command, "-h").output == invoke(*command, "--help").output


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("bitget-margin ord", ["orders"]),
        ("bitget-margin cancel --side ", ["buy", "sell"]),
        ("bitget-margin orders --w", ["--watch"]),
    ],
)
def test_a_shell_completes_commands_and_options(words: str, offered: list[str]) -> None:
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = invoke(env={**variables, VARIABLE: "bash_complete"})
    assert done.output.splitlines() == [f"plain,{word}" for word in offered]
    for shell in ("bash", "zsh"):
        assert f"_BITGET_MARGIN_COMPLETE={shell}_complete" in invoke(env={VARIABLE: f"{shell}_source"}).output


def test_freqtrade_has_its_own_help_under_our_name() -> None:
    """Also that of a command, which tells what to type."""
    assert run("freqtrade", "--help").stdout.startswith("usage: bitget-margin freqtrade [-h]")


def test_freqtrade_gets_every_argument_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options that look like ours, and -- too."""
    got: list[tuple[str, ...]] = []
    launcher = SimpleNamespace(main=got.append)
    main.get_command(click.Context(main), "freqtrade")  # loaded by the real function
    monkeypatch.setattr("importlib.import_module", lambda name: launcher)
    given = ("trade", "-c", "a.json", "--version", "-h", "-vv", "--strategy=A", "--", "--help", "")
    invoke("freqtrade", *given)
    assert got == [given]


def test_without_freqtrade_its_command_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line."""
    hide_freqtrade(monkeypatch)
    done = invoke("freqtrade", "trade", code=2)
    assert done.output == "Error: freqtrade is not installed: pip install 'bitget-margin[freqtrade]'\n"


def test_the_ccxt_demo_ends_well_and_in_time() -> None:
    """Three tables, every order in them if asked for, the venue agrees, exit code 0, under 30 seconds."""
    started = time.monotonic()
    done = run("demo", "--ccxt", "--all")
    assert time.monotonic() - started < 30
    assert done.stdout.count("Stock ccxt, for the same") == 3
    assert len(re.findall(r"│ \d{19}", done.stdout)) >= 3 * 120
    assert "The venue agrees with every result, and no other order was touched." in done.stdout


def test_the_ccxt_demo_quotes_the_venue_and_leaves_out_what_nobody_knows(
    kind: AccountKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response to a cancel of an order that has ended differs by the kind of account."""
    monkeypatch.setattr(ccxt_demo, "PER_SYMBOL", 8)
    with Emulator(accounts=(Account(kind=kind), Account(kind=kind))) as venue:
        first = next(ccxt_demo.rounds(venue))
    (response,) = {result.reason for result in first.results if result.outcome == "filled"}
    assert [result.filled for result in first.results if result.outcome == "not_found"] == [None]
    console = Console(width=100)
    with console.capture() as shown:
        _show_round(console, first, show_all=True)
    assert f"The response is '{response}' for any order that has ended" in shown.get()
    (unknown,) = (line for line in shown.get().splitlines() if "not_found" in line)
    assert unknown.split("│")[-2].strip() == ""


def test_the_ccxt_demo_quotes_no_response_that_its_table_does_not_have() -> None:
    """A call that returns order structures has none of them."""
    ended = ccxt_demo.DemoResult("1", "BTC/USDT", "filled", "", 0.1)
    finished = ccxt_demo.DemoRound(ccxt_demo.CancelCall.SYMBOLS, AccountKind.CLASSIC, (ended,), 1, 1.0, "", ())
    console = Console(width=200)
    with console.capture() as shown:
        _show_round(console, finished, show_all=True)
    assert "has no field for the response" in shown.get()
    assert "Order Cancelled" not in shown.get()


def test_the_ccxt_demo_finds_differences_from_the_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong result, and a missing one."""
    honest = ccxt_demo._cancel  # the results of the first round are twisted here

    def twisted(*args: object) -> Iterator[ccxt_demo.DemoResult]:
        first, _, *rest = honest(*args)  # type: ignore[arg-type]
        yield ccxt_demo.DemoResult(first.name, first.symbol, "canceled", "", 0.0)
        yield from rest

    monkeypatch.setattr(ccxt_demo, "_cancel", twisted)
    with Emulator(accounts=(Account(), Account())) as venue:
        differences = "\n".join(next(ccxt_demo.rounds(venue)).differences)
    assert "120 results for 121 orders" in differences
    assert "is filled, and was reported as" in differences


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


def stock(printed: dict[str, str], **options: object) -> ccxt.bitget:
    """Return stock ccxt with the credentials that the emulator has printed."""
    assert list(printed) == ["url", "apiKey", "secret", "password", "uid"]
    keys = {name: printed[name] for name in ("apiKey", "secret", "password")}
    return ccxt.bitget({**keys, "urls": ccxt_urls(printed["url"]), "options": options})


def test_the_emulator_prints_its_credentials_and_stops_on_ctrl_c() -> None:
    """One line each; stock ccxt trades on it."""
    with emulator() as (process, printed):
        exchange = stock(printed, fetchMarkets={"types": ["spot"]})
        assert exchange.fetch_balance({"marginMode": "cross"})["USDT"]["total"] == 100_000
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 0


def test_the_emulator_can_have_a_unified_account() -> None:
    """Stock ccxt trades on it, and the API of classic accounts is refused."""
    with emulator("--account", "unified") as (_, printed):
        exchange = stock(printed, uta=True, defaultMarginMode="cross")
        assert exchange.fetch_balance()["USDT"]["free"] == 100_000
        order = exchange.create_order("BTC/USDT", "limit", "buy", 0.001, 50_000)
        assert [row["id"] for row in exchange.fetch_open_orders("BTC/USDT")] == [order["id"]]
        with pytest.raises(ccxt.PermissionDenied, match="40085"):
            exchange.private_margin_get_v2_margin_crossed_account_assets()


def test_the_emulator_replays_candles_under_keys_that_stay(tmp_path: Path) -> None:
    """A candle of five minutes takes a second; the first ones are the past."""
    begin_ms = 1_767_571_200_000
    rows = [
        [begin_ms + number * 300_000, 100 + number, 101 + number, 99 + number, 100.5 + number, 1] for number in range(9)
    ]
    path = tmp_path / "ABC_USDT-5m.json"
    path.write_text(json.dumps(rows))
    with emulator("--replay", str(path), "--speed", "300", "--past", "4", "--keys", "mine") as (_, printed):
        exchange = stock(printed, fetchMarkets={"types": ["spot"]})
        prices = [exchange.fetch_ticker("ABC/USDT")["last"]]
        end = time.monotonic() + 20
        while prices[-1] != 108.5 and time.monotonic() < end:
            prices.append(exchange.fetch_ticker("ABC/USDT")["last"])
            time.sleep(0.05)
        candles = exchange.fetch_ohlcv("ABC/USDT", "1m", limit=3)
    assert prices[0] >= 103
    assert prices[-1] == 108.5
    assert min(low for _, _, _, low, _, _ in candles) == 99, "the past was served, too"
    with emulator("--keys", "mine") as (_, again):
        assert again == printed | {"url": again["url"]}


def test_the_emulator_writes_lines_for_a_shell_and_says_when(tmp_path: Path) -> None:
    """A terminal whose output goes to a file shows that it serves, once the lines are in the file."""
    command = [*COMMAND, "emulator", "--port", "0", "--env", "--walk", "1"]
    path = tmp_path / "venue.env"
    with (
        path.open("w") as file,
        subprocess.Popen(command, stdout=file, stderr=subprocess.PIPE, text=True) as process,  # noqa: S603 - our own
    ):
        assert process.stderr is not None
        ready = process.stderr.readline().strip()
        lines = path.read_text().splitlines()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 0
    assert lines[0].startswith("# url = http://127.0.0.1:")
    exported = dict(line.removeprefix("export ").split("=") for line in lines[1:])
    assert list(exported) == [
        "FREQTRADE__EXCHANGE__KEY",
        "FREQTRADE__EXCHANGE__SECRET",
        "FREQTRADE__EXCHANGE__PASSWORD",
        "BITGET_API_KEY",
        "BITGET_SECRET",
        "BITGET_PASSWORD",
        "BITGET_URL",
    ]
    *values, url = exported.values()
    assert values[:3] == values[3:]
    assert lines[0] == f"# url = {url}"
    assert ready == f"ready: {url}, the lines for a shell are written; Ctrl-C ends it"


def test_every_knob_is_an_option_with_its_help() -> None:
    """`--help` names them all, and the kinds of account."""
    shown = "".join(run("emulator", "--help").stdout.split())
    for knob in fields(Knobs):
        assert "--" + knob.name.replace("_", "-") in shown
        assert "".join(knob.metadata["help"].split()) in shown
    assert "--account[classic|unified]" in shown


def test_knobs_prices_and_coins_take_effect() -> None:
    """From the command line."""
    coins = ("--balance", "USDT=1000.5", "--balance", "BTC=2")
    with emulator("--open-orders-without-symbol", "answer", "--price", "0:BTCUSDT=61000", *coins) as (_, printed):
        exchange = stock(printed, fetchMarkets={"types": ["spot"]})
        assert exchange.fetch_ticker("BTC/USDT")["last"] == 61_000
        totals = exchange.fetch_balance({"marginMode": "cross"})["total"]
        assert {coin: total for coin, total in totals.items() if total} == {"USDT": 1000.5, "BTC": 2}


BAD_BALANCES = [
    (command, text)
    for command in ("emulator", "up")
    for text in ("USDT", "USDT=", "=5", "USDT=-5", "USDT=1e3", "USDT=1,5", "USDT=NaN", "USDT=5=6")
]


@pytest.mark.parametrize(
    ("args", "names"),
    [
        (["emulator", "--port", "x"], "'x' is not a valid integer"),
        (["emulator", "--replay", __file__], "name it as freqtrade does, such as BTC_USDT-5m.feather"),
        (["emulator", "--replay", __file__, "--walk", "1"], "--replay sets all prices: leave out --price and --walk"),
        (["emulator", "--replay", "missing.feather"], "'missing.feather' does not exist"),
        (["emulator", "--speed", "0"], "0"),
        (["emulator", "--speed", "1"], "--speed is about the candles of --replay: name these, or leave --speed out"),
        (["emulator", "--past", "7", "--walk", "1"], "--past is about the candles of --replay"),
        (["emulator", "--host", "nosuchhost.invalid"], "; --host takes an address of this machine"),
        (["emulator", "--price", "BTC=5"], "is not SECONDS:SYMBOL=PRICE"),
        (["emulator", "--price", "0:NOPE=5"], "NOPE"),
        (["emulator", "--history-lag-ms", "-1"], "-1"),
        *(([command, "--balance", text], f"{text!r} is not COIN=AMOUNT") for command, text in BAD_BALANCES),
        *(([name, "--balance", "USDT=5", "--balance", "USDT=6"], "USDT is there twice") for name in ("emulator", "up")),
        *(([name, "--balance", "usdt=5"], "no pair has usdt; there are BTC, ") for name in ("emulator", "up")),
        (["emulator", "--list-key", "rows"], "'rows' is not one of"),
        (["emulator", "--account", "futures"], "'futures' is not one of 'classic', 'unified'"),
        (["nothing"], "No such command 'nothing'"),
    ],
)
def test_bad_usage_is_reported(args: list[str], names: str) -> None:
    """Exit code other than 0, and no traceback."""
    done = invoke(*args, code=None)
    assert done.exit_code in {1, 2}
    assert names in done.output


def test_a_port_in_use_is_reported() -> None:
    """In one line."""
    with Emulator() as venue:
        done = run("emulator", "--port", venue.url.rsplit(":", 1)[1], code=1)
    assert "address already in use; --port 0 takes a free one" in done.stderr


def test_an_interrupt_while_the_command_is_being_loaded_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long to import, ccxt and click, comes after the handler."""

    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.importlib, "import_module", interrupted)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 130
    code = "import sys, bitget_margin.cli; sys.exit(bool({'ccxt', 'click'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own command


def test_a_command_of_the_operator_waits_for_nothing_that_others_need() -> None:
    others = {"aiohttp", "bitget_margin.cli.demo", "bitget_margin.cli.start", "freqtrade"}
    code = f"""
import sys, click
from bitget_margin.cli.commands import main
assert main.get_command(click.Context(main), "cancel").name == "cancel"
sys.exit(",".join({others!r} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)  # noqa: S603 - our own
    assert done.stderr.strip() == ""


def test_an_interrupt_of_the_help_has_the_usual_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(main), "get_command", interrupted)
    done = CliRunner().invoke(main, ["--help"])
    assert (done.exit_code, done.output) == (130, "")


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupt_that_a_command_does_not_handle_has_the_usual_exit_code(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Also before its own work has begun; 1 would mean that the venue has refused."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    command = main.get_command(click.Context(main), name)
    assert command is not None
    monkeypatch.setattr(command, "invoke", interrupted)
    done = CliRunner().invoke(main, [name])
    assert (done.exit_code, done.output) == (130, "")
