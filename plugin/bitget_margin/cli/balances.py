"""Option `--balance` of the commands that run a local venue: the coins that its paper accounts begin with."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import click

from bitget_margin.emulator import DEFAULT_SYMBOLS, Symbol

F = TypeVar("F", bound=Callable[..., Any])

_BALANCE: Final = re.compile(r"(?P<coin>[^=\s]+)=(?P<amount>[0-9]{1,15}(?:\.[0-9]{1,8})?)")
_OPTION: Final = "--balance"


def _parse(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    balances: dict[str, str] = {}
    for text in texts:
        match = _BALANCE.fullmatch(text)
        if match is None:
            raise click.BadParameter(f"{text!r} is not COIN=AMOUNT, such as USDT=1000")
        if match["coin"] in balances:
            raise click.BadParameter(f"{match['coin']} is there twice")
        balances[match["coin"]] = match["amount"]
    return balances


def balance_option(command: F) -> F:
    """Add the option, whose value is a dict of amounts by coin, empty where it is not given."""
    return click.option(
        _OPTION,
        "balances",
        multiple=True,
        metavar="COIN=AMOUNT",
        callback=_parse,
        help="What a paper account begins with, instead of its usual coins; may be repeated: --balance USDT=1000.",
    )(command)


def refuse_unknown_coins(balances: Mapping[str, str], symbols: Iterable[Symbol] = DEFAULT_SYMBOLS) -> None:
    """Refuse coins that no pair of a local venue has.

    :raises click.UsageError: there is one
    """
    known = sorted({coin for symbol in symbols for coin in (symbol.base, symbol.quote)})
    unknown = [coin for coin in balances if coin not in known]
    if unknown:
        raise click.UsageError(f"{_OPTION}: no pair has {', '.join(unknown)}; there are {', '.join(known)}")
