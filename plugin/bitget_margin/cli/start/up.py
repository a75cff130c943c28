"""`bitget-margin up`: a local venue and a bot on it, in one process."""

import errno
import importlib
import json
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from bitget_margin.cli.balances import balance_option, refuse_unknown_coins
from bitget_margin.cli.emulator import PORT
from bitget_margin.cli.freqtrade import FreqtradeMissing, is_installed
from bitget_margin.cli.operator.errors import BadUsage
from bitget_margin.cli.output import INTERRUPTED
from bitget_margin.cli.signals import signal_handlers
from bitget_margin.cli.start import first_trade, local_config
from bitget_margin.cli.start.init import folder_of
from bitget_margin.cli.start.local_config import ApiServer
from bitget_margin.cli.start.new_files import DEFAULT_FOLDER, EMULATOR_CONFIG, FolderRefused, check_name, shell_path
from bitget_margin.emulator import Account, AccountKind, Emulator
from bitget_margin.own_command import own_command


@click.command()
@click.argument("folder", default=DEFAULT_FOLDER)
@click.option(
    "--account",
    "kind",
    type=click.Choice([kind.value for kind in AccountKind]),
    default=AccountKind.CLASSIC.value,
    show_default=True,
    help="Kind of the paper account.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port of the local venue, 0 for a free one; by default {PORT}, or a free one if that is taken.",
)
@balance_option
@click.option("--strategy", metavar="NAME", help="Strategy instead of that of the configuration, by its class name.")
def up(folder: str, kind: str, port: int | None, balances: dict[str, str], strategy: str | None) -> None:
    """Run the local venue and a freqtrade bot on it until Ctrl-C.

    FOLDER is what `bitget-margin init` has written, user_data by default; the bot has the configuration
    config.emulator.json in it, and the strategy that it names, from the folder strategies in it. The account is a new
    one with paper money, and the database is a new one, too. The price of BTC moves so that LadderExample makes its
    first trade within two minutes; then all prices walk at random.

    The exit code is that of the bot, 130 after Ctrl-C. A configuration for a real account is refused: no request leaves
    this machine.
    """
    refuse_unknown_coins(balances)
    path = folder_of(folder)
    try:
        check_name(path)
    except FolderRefused as error:
        raise BadUsage(str(error)) from error
    config_file = path / EMULATOR_CONFIG
    if path.is_file():
        raise BadUsage(f"{path} is a file: give the folder that has it, {own_command()} up {shell_path(path.parent)}")
    if not config_file.is_file():
        raise BadUsage(
            f"there is no {config_file}: start this in the folder in which you ran `init`, or write a new one, "
            f"{own_command()} init {shell_path(path)}"
        )
    if not is_installed():
        raise FreqtradeMissing
    # As Ctrl-C, also before freqtrade has its own handler; ignored ones, as under nohup, stay so.
    fatal = {
        number: _interrupt for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL
    }
    try:
        with signal_handlers(fatal):
            given: dict[str, Any] = {"balances": balances} if balances else {}
            _run(config_file, Account(kind=AccountKind(kind), **given), port, strategy)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def _run(config_file: Path, account: Account, port: int | None, strategy: str | None) -> None:
    _announce("freqtrade is being loaded")
    # Imported here since they take seconds and freqtrade may be absent.
    compat = importlib.import_module("bitget_margin.freqtrade.compat")
    launcher = importlib.import_module("bitget_margin.freqtrade.launcher")
    try:
        config = compat.load_config([str(config_file)])
    except (compat.FreqtradeException, OSError, ValueError) as error:
        raise BadUsage(f"{config_file}: {error}") from error
    if (why := local_config.refusal(config)) is not None:
        raise BadUsage(f"{config_file} is no configuration for a local venue: {why}")
    server = _api_server(config)
    database = config_file.parent / f"trades.up-{time.strftime('%Y%m%d-%H%M%S')}.sqlite"
    with (
        _venue(account, port) as venue,
        tempfile.TemporaryDirectory(prefix="bitget-margin-up-") as temporary,
        local_config.keys_in_environment(venue.accounts[0]),
        _prices(venue),
    ):
        own = Path(temporary) / "config.json"
        additions = local_config.additions(config_file.parent, database, venue.url, server)
        own.write_text(json.dumps(additions), encoding="utf-8")
        _announce(f"the local venue is {venue.url}, with a new {account.kind.value} account and paper money")
        _announce(f"the bot's database is {database}")
        if server is not None:
            _show_address(server, config_file, has_ui=compat.is_ui_installed())
        takes = "the first trade takes one to two minutes" if strategy is None else f"the strategy is {strategy}"
        _announce(f"Ctrl-C ends both; {takes}. The bot's log follows.")
        arguments = ["trade", "--config", str(config_file.absolute()), "--config", str(own)]
        if strategy is not None:
            arguments.append(f"--strategy={strategy}")
        try:
            launcher.main(arguments)
        finally:
            # The last lines of a bot are about a venue that stays, and warn of open trades.
            _announce("the local venue ends, and with it the paper account: its trades and orders need nothing now")
            if database.exists():
                # Two more files of SQLite, -wal and -shm, may stay beside it.
                _announce(f"{database}* may be deleted; no later run goes on with them")


def _api_server(config: Mapping[str, Any]) -> ApiServer | None:
    """Return freqtrade's API server with a port that is free; None if the configuration has none."""
    wanted = local_config.api_server(config)
    if wanted is None:
        return None
    try:
        server = local_config.with_free_port(wanted)
    except OSError as error:
        raise click.ClickException(f"freqtrade's API server, {wanted.host}: {error.strerror or error}") from error
    if server != wanted:
        _announce(f"port {wanted.port} is taken: freqtrade's API server gets {server.port} in this run")
    return server


@contextmanager
def _venue(account: Account, port: int | None) -> Iterator[Emulator]:
    """Run the venue on a port, or on a free one if none was asked for and the default is taken."""

    def made(number: int) -> Emulator:
        return Emulator(accounts=(account,), port=number, path=first_trade.past())

    venue = made(PORT if port is None else port)
    try:
        venue.start()
    except OSError as error:
        if port is not None or error.errno != errno.EADDRINUSE:
            raise click.ClickException(f"port {port or PORT}: {error.strerror or error}") from error
        _announce(f"port {PORT} is taken: the local venue gets another one")
        venue = made(0)
        venue.start()
    try:
        yield venue
    finally:
        venue.stop()


@contextmanager
def _prices(venue: Emulator) -> Iterator[None]:
    """Move the prices in a thread."""
    stopping = threading.Event()
    venue.walk(first_trade.SEED, first_trade.others())
    thread = threading.Thread(target=first_trade.play, args=(venue, _announce, stopping), name="prices", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _show_address(server: ApiServer, config_file: Path, *, has_ui: bool) -> None:
    """Print the address of FreqUI, and where its password is."""
    name = "FreqUI" if has_ui else "freqtrade's API server"
    _announce(f'{name} is {server.url}: user {server.user}, password in {config_file} under "api_server"')
    if not has_ui:
        _announce(f"FreqUI is not installed; this downloads it: {own_command()} freqtrade install-ui")


def _announce(text: str) -> None:
    click.echo(f"up: {text}")


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
