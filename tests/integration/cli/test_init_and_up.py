"""Promise: `init` writes files that freqtrade accepts, and `up` trades with them until Ctrl-C."""

import contextlib
import os
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from bitget_margin.cli.start import up as up_module
from bitget_margin.cli.start.new_files import BITGET_CONFIG, EMULATOR_CONFIG, README, STRATEGY
from bitget_margin.emulator import Account, Emulator
from bitget_margin.emulator.market.wallet import DEFAULT_BALANCES
from bitget_margin.freqtrade import compat, register
from support.console import has_traceback
from support.operating import COMMAND, invoke

NAMES = {README, STRATEGY, EMULATOR_CONFIG, BITGET_CONFIG}
WAIT_SECONDS = 90.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the working directory of this test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def secrets_of(path: Path) -> list[str]:
    server = compat.load_config([str(path)])["api_server"]
    return [server["password"], server["jwt_secret_key"], server["ws_token"]]


# -- init --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argument", [None, "my böt", "a/b", "./x"])
def test_init_writes_a_folder_and_prints_the_next_commands(folder: Path, argument: str | None) -> None:
    done = invoke("init", *([] if argument is None else [argument]))
    target = folder / (argument or "user_data")
    assert {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()} == NAMES
    name = str(Path(argument or "user_data"))
    commands = [shlex.split(line) for line in done.output.splitlines() if line.startswith("  " + sys.executable)]
    own = [sys.executable, "-m", "bitget_margin"]
    assert commands == [
        [*own, "up", name],
        [*own, "doctor", "--config", f"{name}/{BITGET_CONFIG}"],
        [*own, "freqtrade", "trade", "--config", f"{name}/{BITGET_CONFIG}"],
    ]
    assert '"dry_run": false' in done.output
    for config in (EMULATOR_CONFIG, BITGET_CONFIG):
        assert not [secret for secret in secrets_of(target / config) if secret in done.output]


def test_init_names_the_command_as_it_was_called(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, other = (folder / name / "bitget-margin" for name in ("my env", "other"))
    for path in (script, other):
        path.parent.mkdir()
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", str(other.parent))
    assert f"  '{script}' up one\n" in invoke("init", "one").output
    assert f"\n'{script}' up one\n" in (folder / "one" / README).read_text()
    monkeypatch.setenv("PATH", f"{script.parent}:{other.parent}")
    assert "  bitget-margin up two\n" in invoke("init", "two").output


def test_a_home_that_no_shell_has_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "home"))
    invoke("init", "~/bot")
    assert compat.load_config([str(folder / "home/bot" / EMULATOR_CONFIG)])["user_data_dir"] == f"{folder}/home/bot"


def test_a_second_init_names_what_is_there_and_changes_nothing(folder: Path) -> None:
    invoke("init")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "user_data" / README).unlink()
    done = invoke("init", code=2)
    assert all(f"user_data/{name}" in done.output for name in NAMES - {README})
    assert f"user_data/{README}" not in done.output
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == {path: content for path, content in before.items() if path.name != README}


@pytest.mark.parametrize("argument", ["", "a file", "what?"])
def test_a_folder_that_cannot_be_one_is_refused(folder: Path, argument: str) -> None:
    (folder / "a file").write_text("mine")
    invoke("init", argument, code=2)
    assert [path.name for path in folder.rglob("*")] == ["a file"]


def test_a_folder_that_cannot_be_written_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refused)
    assert "user_data: Permission denied; nothing was written" in invoke("init", code=1).output


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", [EMULATOR_CONFIG, BITGET_CONFIG])
def test_freqtrade_accepts_the_configurations(folder: Path, name: str) -> None:
    from freqtrade.configuration import Configuration, validate_config_consistency  # noqa: PLC0415 - seconds
    from freqtrade.enums import RunMode  # noqa: PLC0415
    from freqtrade.resolvers import StrategyResolver  # noqa: PLC0415

    register()
    invoke("init", "my böt")
    arguments = {"config": [f"my böt/{name}"], "command": "trade"}
    config = Configuration(arguments, RunMode.DRY_RUN if name == BITGET_CONFIG else RunMode.LIVE).get_config()
    # In the order of freqtrade's start: the strategy completes the configuration.
    assert type(StrategyResolver.load_strategy(config)).__name__ == "LadderExample"
    validate_config_consistency(config)
    assert config["user_data_dir"].absolute() == folder / "my böt"
    assert config["dry_run"] is (name == BITGET_CONFIG)


# -- up ----------------------------------------------------------------------------------------------------------------


def test_up_without_init_names_it(folder: Path) -> None:
    done = invoke("up", "my bot", code=2)
    assert f"there is no my bot/{EMULATOR_CONFIG}" in done.output
    assert "bitget_margin init 'my bot'" in done.output
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", [EMULATOR_CONFIG, BITGET_CONFIG])
def test_up_with_a_file_names_the_folder(folder: Path, name: str) -> None:
    invoke("init", "my bot")
    done = invoke("up", f"my bot/{name}", code=2)
    assert f"my bot/{name} is a file: give the folder that has it, " in done.output
    assert done.output.endswith("up 'my bot'\n")


def test_up_without_freqtrade_says_how_to_install_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    invoke("init")
    monkeypatch.setattr(up_module, "is_installed", lambda: False)
    assert "pip install 'bitget-margin[freqtrade]'" in invoke("up", code=2).output


def never_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "freqtrade_main", lambda _: pytest.fail("started"))
    monkeypatch.setattr("bitget_margin.freqtrade.launcher.main", lambda _: pytest.fail("started"))


def test_up_refuses_a_configuration_for_a_real_account(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never_started(monkeypatch)
    invoke("init")
    (folder / "user_data" / BITGET_CONFIG).replace(folder / "user_data" / EMULATOR_CONFIG)
    assert "for a real account" in invoke("up", code=2).output


@pytest.mark.parametrize("text", ["{", "\udcff", '{"exchange": 1}'])
def test_up_refuses_a_configuration_that_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    never_started(monkeypatch)
    invoke("init")
    (folder / "user_data" / EMULATOR_CONFIG).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert f"user_data/{EMULATOR_CONFIG}" in invoke("up", code=2).output


def test_up_refuses_a_port_that_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never_started(monkeypatch)
    invoke("init")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert f"port {number}: address already in use" in invoke("up", "--port", str(number), code=1).output


def test_up_takes_a_free_port_for_0(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitget_margin.freqtrade.launcher.main", lambda _: None)
    invoke("init")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(up_module, "PORT", taken.getsockname()[1])
        output = invoke("up", "--port", "0").output
    assert "the local venue is http://127.0.0.1:" in output
    assert "taken" not in output


@pytest.mark.parametrize("code", [0, 1, 2])
def test_up_hands_over_the_bot_s_exit_code_and_ends_the_venue(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    arguments: list[str] = []
    urls: list[str] = []

    def bot(given: list[str]) -> None:
        arguments.extend(given)
        config = compat.load_config([given[2], given[4]])
        urls.append(config["exchange"]["ccxt_config"]["urls"]["api"]["spot"])
        port = int(urls[0].rpartition(":")[2])
        assert socket.create_connection(("127.0.0.1", port)).close() is None
        assert os.environ["FREQTRADE__EXCHANGE__KEY"].startswith("bg_")
        click.echo("the bot's last line")
        if code == 1:
            Path(config["db_url"].removeprefix("sqlite:///")).touch()
        raise SystemExit(code)

    monkeypatch.setattr("bitget_margin.freqtrade.launcher.main", bot)
    invoke("init")
    done: Result = invoke("up", code=code)
    assert f"the local venue is {urls[0]}, with a new classic account" in done.output
    assert not [secret for secret in secrets_of(folder / "user_data" / EMULATOR_CONFIG) if secret in done.output]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(urls[0].rpartition(":")[2])))
    assert not Path(arguments[4]).exists()
    assert len(arguments) == 5
    # After what freqtrade says about open trades and orders, which are no more.
    last = done.output.partition("the bot's last line\n")[2].splitlines()
    assert last[0].startswith("up: the local venue ends, and with it the paper account: ")
    databases = list((folder / "user_data").glob("trades.up-*.sqlite"))
    names = [path.relative_to(folder) for path in databases]
    assert last[1:] == [f"up: {name}* may be deleted; no later run goes on with them" for name in names]
    assert len(databases) == (code == 1)


@pytest.mark.parametrize(
    ("given", "balances"),
    [(["--balance", "USDT=1000", "--account", "unified"], {"USDT": "1000"}), ([], dict(DEFAULT_BALANCES))],
)
def test_up_has_an_account_with_the_coins_that_are_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], balances: dict[str, str]
) -> None:
    accounts: list[Account] = []
    monkeypatch.setattr(up_module, "Emulator", lambda **more: (accounts.extend(more["accounts"]), Emulator(**more))[1])
    monkeypatch.setattr("bitget_margin.freqtrade.launcher.main", lambda _: None)
    invoke("init")
    invoke("up", *given)
    (account,) = accounts
    assert (account.balances, account.kind.value == "unified") == (balances, bool(given))


def test_up_runs_another_strategy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: list[str] = []
    monkeypatch.setattr("bitget_margin.freqtrade.launcher.main", arguments.extend)
    invoke("init")
    done = invoke("up", "--strategy", "-Mine")
    assert arguments[5:] == ["--strategy=-Mine"]
    assert "the strategy is -Mine" in done.output
    assert "first trade takes" not in done.output


@pytest.mark.parametrize(
    ("has_ui", "line"), [(True, "FreqUI is {url}: "), (False, "bitget_margin freqtrade install-ui")]
)
def test_up_shows_where_freq_ui_is_also_if_its_port_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch, has_ui: bool, line: str
) -> None:
    ports: list[int] = []

    def bot(given: list[str]) -> None:
        ports.append(compat.load_config([given[2], given[4]])["api_server"]["listen_port"])

    monkeypatch.setattr("bitget_margin.freqtrade.launcher.main", bot)
    monkeypatch.setattr(compat, "is_ui_installed", lambda: has_ui)
    invoke("init")
    config = folder / "user_data" / EMULATOR_CONFIG
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        config.write_text(config.read_text().replace('"listen_port": 8080', f'"listen_port": {number}'))
        done = invoke("up")
    assert f"port {number} is taken" in done.output
    assert number not in ports
    assert line.format(url=f"http://127.0.0.1:{ports[0]}") in done.output
    assert f'password in user_data/{EMULATOR_CONFIG} under "api_server"' in done.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_ends_like_ctrl_c_before_freqtrade_has_its_own_handlers(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr("bitget_margin.freqtrade.launcher.main", lambda _: signal.raise_signal(number))
    invoke("init")
    # Whoever started the tests may have them ignore it, as nohup does.
    wanted = signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, wanted)
    try:
        invoke("up", code=130)
        assert signal.getsignal(number) is wanted
    finally:
        signal.signal(number, before)


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run `up` in a session of its own, as a terminal does; it does not outlive the block."""
    log = folder / "log.txt"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FREQTRADE__")}
    with log.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*COMMAND, "up", *arguments],
            env={**environment, "HOME": str(folder / "home"), "COLUMNS": "1000"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process, log
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def filled_entries(folder: Path) -> int:
    """Return how many entries the database of the run has as filled."""
    for path in folder.glob("trades.up-*.sqlite"):
        with (
            contextlib.suppress(sqlite3.OperationalError),  # not there yet, or being written
            contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database,
        ):
            query = "select count(*) from orders where ft_order_side = 'buy' and filled > 0"
            return int(database.execute(query).fetchone()[0])
    return 0


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(("kind", "number"), [("classic", signal.SIGINT), ("unified", signal.SIGTERM)])
def test_up_trades_until_it_is_ended(folder: Path, kind: str, number: signal.Signals) -> None:
    """A real process on a fresh home: first entry and ladder, then Ctrl-C, or a service manager's signal."""
    invoke("init", "my böt")
    with running(folder, "my böt", "--account", kind) as (process, log):
        end = time.monotonic() + WAIT_SECONDS
        while not filled_entries(folder / "my böt") or "its ladder rests" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        # Into the pause between two loops: freqtrade logs a traceback if it is interrupted while it writes.
        time.sleep(1.5)
        url = log.read_text().partition("the local venue is http://127.0.0.1:")[2].partition(",")[0]
        process.send_signal(number)
        assert process.wait(30) == 130
        # Nobody is left of its session.
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(url)))
    text = log.read_text()
    assert not has_traceback(text)
    assert "Ladder 'ladder' of trade 1 on BTC/USDT: 3 of 3 placed" in text
    assert not [secret for secret in secrets_of(folder / "my böt" / EMULATOR_CONFIG) if secret in text]
