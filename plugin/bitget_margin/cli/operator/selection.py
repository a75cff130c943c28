"""Selection of open orders by filters and by ids, and its options; no request is sent here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import click

from bitget_margin.cli.operator.errors import BadUsage
from bitget_margin.core.order_ref import BadInput, IdKind, checked_client_id, checked_order_id

Order = Mapping[str, Any]
"""ccxt's order structure."""
F = TypeVar("F", bound=Callable[..., Any])

_SYMBOL: Final = re.compile(r"[^\s/:]([^/:]*[^\s/:])?/[^\s/:]+|[^\s/:]+")
"""ccxt's symbol, or the venue's own without a slash. A base coin may have blanks, such as ccxt's `Jade Protocol`."""
_AGE: Final = re.compile(r"(?P<count>\d{1,9})(?P<unit>[smhd])")
_UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class NamedOrder:
    """An order id or client order id; `symbol` is None where it was not given."""

    kind: IdKind
    value: str
    symbol: str | None = None
    origin: str | None = field(default=None, compare=False)
    """Line of a file that has the symbol, for messages."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Options that select orders: all given options have to match, each by any of its values."""

    everything: bool = False
    names: tuple[NamedOrder, ...] = ()
    symbols: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    side: str | None = None
    older_than_ms: int | None = None

    @property
    def filtered(self) -> bool:
        """Whether named orders may be filtered out by their attributes."""
        return bool(self.prefixes or self.side or self.older_than_ms)

    @property
    def filters(self) -> tuple[str, ...]:
        """Options by which a named order can be excluded."""
        given = {"--symbol": self.symbols, "--prefix": self.prefixes, "--side": self.side}
        return tuple(option for option, value in (given | {"--older-than": self.older_than_ms}).items() if value)

    @property
    def all_symbols(self) -> tuple[str, ...]:
        """Symbols of the filters and of the named orders."""
        given = (name.symbol for name in self.names if name.symbol is not None)
        return tuple(dict.fromkeys((*self.symbols, *given)))

    @property
    def origins(self) -> dict[str, str]:
        """First line of a file that has a symbol, by the symbol as given."""
        return {name.symbol: name.origin for name in reversed(self.names) if name.symbol and name.origin}

    def with_symbols(self, symbols: Mapping[str, str]) -> Selection:
        """Return the same selection with each symbol replaced by its spelling in `symbols`."""
        names = (name if name.symbol is None else replace(name, symbol=symbols[name.symbol]) for name in self.names)
        filters = (symbols[symbol] for symbol in self.symbols)
        return replace(self, names=tuple(dict.fromkeys(names)), symbols=tuple(dict.fromkeys(filters)))

    def allows(self, order: Order, now_ms: float) -> bool:
        """Whether an order passes the filters, regardless of the named orders."""
        client_order_id, at_ms = order["clientOrderId"] or "", order["timestamp"]
        return (
            (not self.symbols or order["symbol"] in self.symbols)
            and (not self.prefixes or client_order_id.startswith(self.prefixes))
            and self.side in {None, order["side"]}
            and (self.older_than_ms is None or (at_ms is not None and now_ms - at_ms > self.older_than_ms))
        )


@dataclass(frozen=True, slots=True)
class Picked:
    """Selected open orders, and the named orders that are filtered out or not open."""

    orders: tuple[Order, ...]
    filtered_out: tuple[NamedOrder, ...] = ()
    not_open: tuple[NamedOrder, ...] = ()


def filter_options(command: F) -> F:
    """Add the options that select open orders to a command: those of `select`, but for `everything` and `listed`."""
    for option in reversed(
        (
            click.option(
                "--symbol", "symbols", multiple=True, metavar="SYMBOL", help="Such as BTC/USDT; may be repeated."
            ),
            click.option("--side", type=click.Choice(["buy", "sell"]), help="Only buys, or only sells."),
            click.option("--older-than", metavar="AGE", help="Such as 90s, 10m, 2h or 1d."),
            click.option(
                "--prefix",
                "prefixes",
                multiple=True,
                metavar="TEXT",
                help="Client order ids with this prefix: the orders of one bot. May be repeated.",
            ),
            click.option("--id", "ids", multiple=True, metavar="ID", help="An order id of the venue; may be repeated."),
            click.option(
                "--client-id", "client_ids", multiple=True, metavar="ID", help="A client order id; may be repeated."
            ),
        )
    ):
        command = option(command)
    return command


def select(
    *,
    everything: bool = False,
    symbols: Sequence[str] = (),
    ids: Sequence[str] = (),
    client_ids: Sequence[str] = (),
    listed: Sequence[str] | None = None,
    prefixes: Sequence[str] = (),
    side: str | None = None,
    older_than: str | None = None,
) -> Selection:
    """Validate the options of a command and return its selection.

    :param listed: lines of a file, each an order id and, if it is known, its symbol; `#` begins a comment
    :raises BadUsage: nothing is selected, or the options are malformed or contradict each other
    """
    filters = [symbols, ids, client_ids, prefixes, side, older_than]
    if everything and (any(filters) or listed is not None):
        raise BadUsage("--all is every open order of the account: leave it out to choose, or leave the rest out")
    if not everything and not any(filters) and listed is None:
        raise BadUsage(
            "nothing is chosen: give --all for every open order, or choose by --symbol, --side, --older-than, "
            "--prefix, --id, --client-id or --from"
        )
    chosen = tuple(dict.fromkeys(symbol_of(symbol, "--symbol") for symbol in symbols))
    try:
        only = chosen[0] if len(chosen) == 1 else None
        names = [NamedOrder(IdKind.ORDER, checked_order_id(value, "--id"), only) for value in ids]
        names += [NamedOrder(IdKind.CLIENT, checked_client_id(value, "--client-id"), only) for value in client_ids]
        names += [_line(line, number, only) for number, line in enumerate(listed or (), 1) if _words(line)]
        begins = tuple(checked_client_id(value, "--prefix") for value in prefixes)
    except BadInput as error:
        raise BadUsage(str(error)) from None
    older_than_ms = None if older_than is None else _age_ms(older_than)
    if listed is not None and not names:
        raise BadUsage("--from: there is no order id in it")
    _refuse_contradictions(names, chosen, begins)
    return Selection(everything, tuple(dict.fromkeys(names)), chosen, begins, side, older_than_ms)


def symbol_of(text: str, where: str) -> str:
    """Return a symbol as given, with single blanks, or refuse it."""
    symbol = " ".join(text.split())
    if ":" in symbol:
        raise BadUsage(f"{where}: {text} is a contract; cross margin orders are on symbols like BTC/USDT")
    if not _SYMBOL.fullmatch(symbol):
        raise BadUsage(f"{where}: {text!r} is no symbol; give one such as BTC/USDT")
    return symbol


def matches(symbol: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """Return the known symbols that a given one can mean: itself, or all that differ only in case and blanks.

    One without a slash is the venue's own symbol of a pair, or ccxt's with the slash left out.

    :param known: the venue's symbol of each of ccxt's
    """
    if symbol in known:
        return (symbol,)
    given = folded(symbol)
    if "/" in symbol:
        return tuple(other for other in known if folded(other) == given)
    return tuple(other for other, id_ in known.items() if given in {folded(id_), _joined(other)})


def folded(text: str) -> str:
    """Return a text normalized for comparison: without case, blanks and alternative encodings."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def pick(selection: Selection, orders: Iterable[Order], now_ms: float) -> Picked:
    """Return the open orders that a selection matches.

    :param now_ms: ms since the epoch
    """
    if not selection.names:
        return Picked(tuple(order for order in orders if selection.allows(order, now_ms)))
    by_name: dict[tuple[IdKind, str], list[Order]] = {}
    for order in orders:
        by_name.setdefault((IdKind.ORDER, order["id"]), []).append(order)
        by_name.setdefault((IdKind.CLIENT, order["clientOrderId"] or ""), []).append(order)
    picked: dict[str, Order] = {}
    filtered_out, not_open = [], []
    for name in selection.names:
        # Another order on another symbol may have the same client order id.
        named = [o for o in by_name.get((name.kind, name.value), ()) if name.symbol in {None, o["symbol"]}]
        allowed = {order["id"]: order for order in named if selection.allows(order, now_ms)}
        picked |= allowed
        if not named:
            not_open.append(name)
        elif not allowed:
            filtered_out.append(name)
    return Picked(tuple(picked.values()), tuple(filtered_out), tuple(not_open))


def _joined(symbol: str) -> str:
    return folded(symbol).replace("/", "")


def _age_ms(text: str) -> int:
    match = _AGE.fullmatch(text.strip())
    if match is None or not int(match["count"]):
        raise BadUsage(
            f"--older-than: {text!r} is no age: give a whole number above 0 and s, m, h or d, such as 10m or 2h"
        )
    return int(match["count"]) * _UNITS_MS[match["unit"]]


def _words(line: str) -> list[str]:
    return line.split("#", 1)[0].replace(",", " ").split()


def _line(line: str, number: int, only: str | None) -> NamedOrder:
    value, *rest = _words(line)
    where = f"--from, line {number}"
    symbol = symbol_of(" ".join(rest), where) if rest else only
    return NamedOrder(IdKind.ORDER, checked_order_id(value, where), symbol, where if rest else None)


def _refuse_contradictions(names: Sequence[NamedOrder], symbols: Sequence[str], prefixes: tuple[str, ...]) -> None:
    chosen = {_joined(symbol) for symbol in symbols}
    for name in names:
        if prefixes and name.kind is IdKind.CLIENT and not name.value.startswith(prefixes):
            raise BadUsage(f"--client-id {name.value} does not begin with --prefix {' or '.join(prefixes)}")
        if chosen and name.symbol is not None and _joined(name.symbol) not in chosen:
            raise BadUsage(f"--from: {name.value} is listed with {name.symbol}, which no --symbol names")
