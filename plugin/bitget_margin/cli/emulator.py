"""`bitget-margin emulator`: run the local venue as a paper account."""

import dataclasses
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar, get_type_hints

import click

from bitget_margin.emulator import DEFAULT_SYMBOLS, Account, AccountKind, Emulator, Knobs, run

F = TypeVar("F", bound=Callable[..., Any])

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
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="Port; 0 for a free one.")
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
@click.option(
    "--price",
    "path",
    multiple=True,
    metavar="SECONDS:SYMBOL=PRICE",
    callback=_price_path,
    help="Price from this number of seconds after the start; may be repeated.",
)
@_knob_options
def emulator(port: int, host: str, accounts: int, kind: str, path: list[tuple[float, str, str]], **knobs: Any) -> None:
    """Run a local venue with paper accounts until Ctrl-C.

    It prints its URL and the credentials of its accounts. Prices move by --price, or while it runs by POST
    /admin/price with {"symbol", "price", "liquidity"}. The options after --price set behaviour that Bitget's
    documentation leaves open, and faults; POST /admin/knobs changes them later.
    """
    try:
        run(
            accounts=[Account(kind=AccountKind(kind)) for _ in range(accounts)],
            symbols=DEFAULT_SYMBOLS,
            knobs=Knobs(**knobs),
            port=port,
            host=host,
            path=path,
            on_ready=_announce,
        )
    except OSError as error:
        raise click.ClickException(f"{host}:{port}: {error.strerror or error}; --port 0 takes a free one") from error
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _announce(venue: Emulator) -> None:
    if venue.url.split("//")[1].rsplit(":", 1)[0].strip("[]") not in _LOOPBACK:
        click.echo(
            "reachable from other machines: anybody with the credentials can trade; /admin is for this machine only",
            err=True,
        )
    accounts = (
        f"apiKey = {account.api_key}\nsecret = {account.secret}\npassword = {account.password}\nuid = {account.uid}"
        for account in venue.accounts
    )
    click.echo(f"url = {venue.url}\n" + "\n\n".join(accounts))
