"""`bitget-margin emulator`: the local venue as a paper account."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar, get_type_hints

import click

from bitget_margin.emulator import DEFAULT_SYMBOLS, Account, AccountKind, Emulator, Knobs, run

F = TypeVar("F", bound=Callable[..., Any])

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PRICE_HELP: Final = "The price from so many seconds after the start on; may be repeated."
_OPEN_TO_ALL: Final = (
    "reachable from other machines: whoever has the credentials can trade; /admin answers this machine only"
)
_STEP: Final = re.compile(r"(?P<seconds>\d+(?:\.\d+)?):(?P<symbol>\w+)=(?P<price>\d+(?:\.\d+)?)")


def _knob_options(command: F) -> F:
    """Give the command one option for each knob, with the knob's own help."""
    hints = get_type_hints(Knobs)
    for knob in reversed(dataclasses.fields(Knobs)):
        kind = hints[knob.name]
        flag = "--" + knob.name.replace("_", "-")
        if kind is bool:
            flag = f"{flag}/--no-{flag[2:]}"
        choice = click.Choice([str(value) for value in kind]) if issubclass(kind, StrEnum) else None
        option = click.option(
            flag,
            knob.name,
            type=choice or (click.IntRange(min=0) if kind is int else kind),
            default=str(knob.default) if choice else knob.default,
            show_default=True,
            help=knob.metadata["help"] + ".",
        )
        command = option(command)
    return command


def _path(_context: click.Context, _option: click.Parameter, steps: tuple[str, ...]) -> list[tuple[float, str, str]]:
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
@click.option("--accounts", type=click.IntRange(1, 100), default=1, show_default=True, help="How many accounts.")
@click.option(
    "--account",
    "kind",
    type=click.Choice([kind.value for kind in AccountKind]),
    default=AccountKind.CLASSIC.value,
    show_default=True,
    help="Kind of the accounts: classic trades margin by Bitget's v2, unified by its v3, each refused by the other.",
)
@click.option(
    "--price",
    "path",
    multiple=True,
    metavar="SECONDS:SYMBOL=PRICE",
    callback=_path,
    help="The price from so many seconds after the start on; may be repeated.",
)
@_knob_options
def emulator(port: int, host: str, accounts: int, kind: str, path: list[tuple[float, str, str]], **knobs: Any) -> None:
    """Run a local venue until Ctrl-C, a paper account.

    It prints where it listens and the credentials of its accounts. Prices move by --price, or while it runs by
    POST /admin/price with {"symbol", "price", "liquidity"}. The options after --price are the behaviour that Bitget's
    documents leave open, and misbehaviour on demand; POST /admin/knobs changes them later.
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
            "reachable from other machines: whoever has the credentials can trade; /admin answers this machine only",
            err=True,
        )
    click.echo(f"url = {venue.url}")
    for i, account in enumerate(venue.accounts):
        if i:
            click.echo()
        click.echo(f"apiKey = {account.api_key}")
        click.echo(f"secret = {account.secret}")
        click.echo(f"password = {account.password}")
        click.echo(f"uid = {account.uid}")
