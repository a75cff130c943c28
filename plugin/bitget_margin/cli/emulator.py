"""`bitget-margin emulator`: run the local venue as a paper account."""

import dataclasses
import errno
import hashlib
import re
import shlex
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

import click
from click.core import ParameterSource

from bitget_margin.cli import output, replay
from bitget_margin.cli.balances import balance_option, refuse_unknown_coins
from bitget_margin.cli.operator.account import URL_VARIABLE
from bitget_margin.emulator import DEFAULT_SYMBOLS, Account, AccountKind, Emulator, Knobs, run

F = TypeVar("F", bound=Callable[..., Any])

PORT: Final = 8787
"""Default port of the local venue."""
_VARIABLES: Final = (
    ("FREQTRADE__EXCHANGE__KEY", "FREQTRADE__EXCHANGE__SECRET", "FREQTRADE__EXCHANGE__PASSWORD"),
    ("BITGET_API_KEY", "BITGET_SECRET", "BITGET_PASSWORD"),
)
"""Environment variables of freqtrade and of the operator's commands: key, secret and passphrase."""
_OF_PORT: Final = frozenset({errno.EADDRINUSE, errno.EACCES})
"""Errors that another port does not have."""
_PORT_HINT: Final = "; --port 0 takes a free one"
_OF_REPLAY: Final = {"speed": "--speed", "past": "--past"}
"""Options that have a meaning with --replay only, by the name of their parameter."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_STEP: Final = re.compile(r"(?P<seconds>\d+(?:\.\d+)?):(?P<symbol>\w+)=(?P<price>\d+(?:\.\d+)?)")


def _knob_options(command: F) -> F:
    """Add one option per knob, with the help of the knob."""
    hints = get_type_hints(Knobs)
    for knob in reversed(dataclasses.fields(Knobs)):
        kind = hints[knob.name]
        flag = "--" + knob.name.replace("_", "-")
        if kind is bool:
            flag = f"{flag}/--no-{flag[2:]}"
        choice = click.Choice([str(value) for value in kind]) if issubclass(kind, StrEnum) else None
        command = click.option(
            flag,
            knob.name,
            type=choice or (click.IntRange(min=0) if kind is int else kind),
            default=str(knob.default) if choice else knob.default,
            show_default=True,
            help=knob.metadata["help"] + ".",
        )(command)
    return command


def _price_path(
    _context: click.Context, _option: click.Parameter, steps: tuple[str, ...]
) -> list[tuple[float, str, str]]:
    path = []
    for step in steps:
        match = _STEP.fullmatch(step)
        if match is None:
            raise click.BadParameter(f"{step!r} is not SECONDS:SYMBOL=PRICE, such as 30:BTCUSDT=61000")
        path.append((float(match["seconds"]), match["symbol"], match["price"]))
    return path


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Port; 0 for a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--accounts", type=click.IntRange(1, 100), default=1, show_default=True, help="Number of accounts.")
@click.option(
    "--account",
    "kind",
    type=click.Choice([kind.value for kind in AccountKind]),
    default=AccountKind.CLASSIC.value,
    show_default=True,
    help="Kind of the accounts: classic uses API v2, unified API v3; each API refuses the other kind.",
)
@balance_option
@click.option(
    "--price",
    "path",
    multiple=True,
    metavar="SECONDS:SYMBOL=PRICE",
    callback=_price_path,
    help="Price from this number of seconds after the start; may be repeated.",
)
@click.option(
    "--replay",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Candles that freqtrade's download-data has written, such as BTC_USDT-5m.feather, as the prices from now on; "
    "may be repeated. The pairs are those of the files.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="How many times faster --replay goes than it was; the candles that are served are those of real time.",
)
@click.option(
    "--past",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    help="Candles of --replay that are the past as it begins, at most half of them.",
)
@click.option("--walk", "seed", type=int, metavar="SEED", help="Let all prices walk at random, by this seed.")
@click.option(
    "--keys",
    "name",
    metavar="TEXT",
    help="Derive uid and credentials from a text, so that they stay; by default they are random.",
)
@click.option("--env", is_flag=True, help="Print the credentials of the first account as export lines for a shell.")
@_knob_options
def emulator(
    port: int,
    host: str,
    accounts: int,
    kind: str,
    balances: dict[str, str],
    path: list[tuple[float, str, str]],
    files: tuple[Path, ...],
    speed: float,
    past: int,
    seed: int | None,
    name: str | None,
    env: bool,
    **knobs: Any,
) -> None:
    """Run a local venue with paper accounts until Ctrl-C.

    It prints its URL and the credentials of its accounts, and on standard error that it is ready. Prices move by
    --price, --replay or --walk, or while it runs by POST /admin/price with {"symbol", "price", "liquidity"}. The
    options after --env set behaviour that Bitget's documentation leaves open, and faults; POST /admin/knobs changes
    them later.
    """
    if files and (path or seed is not None):
        raise click.UsageError("--replay sets all prices: leave out --price and --walk")
    if not files:
        _refuse_without_replay()
    symbols = DEFAULT_SYMBOLS
    try:
        if files:
            recordings = [replay.read(file) for file in files]
            begin = replay.begin_of(recordings, past)
            symbols, path = replay.symbols(recordings, begin), list(replay.path(recordings, begin, speed))
    except replay.BadCandles as error:
        raise click.ClickException(str(error)) from error
    refuse_unknown_coins(balances, symbols)

    def announce(venue: Emulator) -> None:
        if seed is not None:
            venue.walk(seed)
        _announce(venue, as_environment=env)

    try:
        run(
            accounts=[_account(kind, name, number, balances) for number in range(accounts)],
            symbols=symbols,
            knobs=Knobs(**knobs),
            port=port,
            host=host,
            path=path,
            on_ready=announce,
        )
    except OSError as error:
        hint = _PORT_HINT if error.errno in _OF_PORT else "; --host takes an address of this machine"
        raise click.ClickException(f"{host}:{port}: {error.strerror or error}{hint}") from error
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _refuse_without_replay() -> None:
    """Refuse options that nothing would follow."""
    context = click.get_current_context()
    for name, option in _OF_REPLAY.items():
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"{option} is about the candles of --replay: name these, or leave {option} out")


def _account(kind: str, name: str | None, number: int, balances: dict[str, str]) -> Account:
    """Return an account, with credentials that follow from a name if there is one."""
    given: dict[str, Any] = {"balances": balances} if balances else {}
    if name is None:
        return Account(kind=AccountKind(kind), **given)
    digest = hashlib.sha512(f"{name}-{number}".encode()).hexdigest()
    uid = 10**9 + int(digest[:12], 16) % (9 * 10**9)
    return Account(
        uid=str(uid),
        api_key=f"bg_{digest[:32]}",
        secret=digest[32:96],
        password=digest[96:112],
        kind=AccountKind(kind),
        **given,
    )


def _announce(venue: Emulator, *, as_environment: bool) -> None:
    """Print the credentials, and then that it serves: a script may wait for that line on standard error."""
    if venue.url.split("//")[1].rsplit(":", 1)[0].strip("[]") not in _LOOPBACK:
        click.echo(
            "reachable from other machines: anybody with the credentials can trade; /admin is for this machine only",
            err=True,
        )
    click.echo(_shell_lines(venue) if as_environment else _credentials(venue))
    click.echo(f"ready: {venue.url}{_whereabouts(as_environment=as_environment)}; Ctrl-C ends it", err=True)


def _shell_lines(venue: Emulator) -> str:
    account = venue.accounts[0]
    values = (account.api_key, account.secret, account.password)
    lines = [
        f"export {variable}={value}"
        for variables in _VARIABLES
        for variable, value in zip(variables, values, strict=True)
    ]
    return "\n".join([f"# url = {venue.url}", *lines, f"export {URL_VARIABLE}={shlex.quote(venue.url)}"])


def _credentials(venue: Emulator) -> str:
    accounts = (
        f"apiKey = {account.api_key}\nsecret = {account.secret}\npassword = {account.password}\nuid = {account.uid}"
        for account in venue.accounts
    )
    return f"url = {venue.url}\n" + "\n\n".join(accounts)


def _whereabouts(*, as_environment: bool) -> str:
    """Return whether what was printed can be read, where that does not show on the terminal."""
    if sys.stdout.isatty():
        return ""
    what = "the lines for a shell" if as_environment else "the credentials"
    return f", {what} are written" if output.arrived() else f", but {what} could not be written"
