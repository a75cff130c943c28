"""Which orders an operator means: filters, and orders by name. Nothing here asks the venue."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bitget_margin.cli.operator.errors import BadUsage
from bitget_margin.core.order_ref import BadInput, IdKind, client_id, order_id

Order = Mapping[str, Any]
"""ccxt's order structure."""

_SYMBOL: Final = re.compile(r"[^\s/:]([^/:]*[^\s/:])?/[^\s/:]+")
"""A base coin may have blanks in its name, such as ccxt's `Jade Protocol`."""


@dataclass(frozen=True, slots=True)
class Name:
    """An order by one of its ids; `symbol` is None where it was not told."""

    kind: IdKind
    value: str
    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for; every part that is given has to hold (AND), one of several values of a part (OR)."""

    everything: bool = False
    names: tuple[Name, ...] = ()
    symbols: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    side: str | None = None
    older_than_ms: int | None = None

    @property
    def filtered(self) -> bool:
        """Whether named orders may be left alone, for what they are."""
        return bool(self.prefixes or self.side or self.older_than_ms)

    @property
    def all_symbols(self) -> tuple[str, ...]:
        """Return the symbols that are named, as filters and with orders."""
        told = (name.symbol for name in self.names if name.symbol is not None)
        return tuple(dict.fromkeys((*self.symbols, *told)))

    def spelled(self, symbols: Mapping[str, str]) -> Selection:
        """Return the same selection with its symbols as the venue's list has them."""
        names = (name if name.symbol is None else replace(name, symbol=symbols[name.symbol]) for name in self.names)
        filters = (symbols[symbol] for symbol in self.symbols)
        return replace(self, names=tuple(dict.fromkeys(names)), symbols=tuple(dict.fromkeys(filters)))

    def allows(self, order: Order, now_ms: float) -> bool:
        """Whether the filters let an order through, whatever is named."""
        name, at_ms = order["clientOrderId"] or "", order["timestamp"]
        return (
            (not self.symbols or order["symbol"] in self.symbols)
            and (not self.prefixes or name.startswith(self.prefixes))
            and self.side in {None, order["side"]}
            and (self.older_than_ms is None or (at_ms is not None and now_ms - at_ms > self.older_than_ms))
        )


@dataclass(frozen=True, slots=True)
class Picked:
    """The open orders that are meant, and of the named ones those that are open but filtered out, or not open."""

    orders: tuple[Order, ...]
    spared: tuple[Name, ...] = ()
    absent: tuple[Name, ...] = ()


def select(
    *,
    everything: bool = False,
    symbols: Sequence[str] = (),
    ids: Sequence[str] = (),
    client_ids: Sequence[str] = (),
    listed: Sequence[str] | None = None,
    prefixes: Sequence[str] = (),
    side: str | None = None,
    older_than_ms: int | None = None,
) -> Selection:
    """Return what these options mean together.

    :param listed: lines of a file, each an order id and, if it is known, its symbol; `#` begins a comment
    :raises BadUsage: nothing is chosen, or something that cannot be: before anything is sent
    """
    filters = [symbols, ids, client_ids, prefixes, side, older_than_ms]
    if everything and (any(filters) or listed is not None):
        raise BadUsage("--all is every open order of the account: leave it out to choose, or leave the rest out")
    if not everything and not any(filters) and listed is None:
        raise BadUsage("nothing is chosen: give --symbol, --id, --client-id, --prefix, --side, --older-than, --from")
    chosen = tuple(dict.fromkeys(symbol_of(symbol, "--symbol") for symbol in symbols))
    try:
        only = chosen[0] if len(chosen) == 1 else None
        names = [Name(IdKind.ORDER, order_id(value, "--id"), only) for value in ids]
        names += [Name(IdKind.CLIENT, client_id(value, "--client-id"), only) for value in client_ids]
        names += [_line(line, number, only) for number, line in enumerate(listed or (), 1) if _words(line)]
        begins = tuple(client_id(value, "--prefix") for value in prefixes)
    except BadInput as error:
        raise BadUsage(str(error)) from None
    if listed is not None and not names:
        raise BadUsage("--from: there is no order id in it")
    _refuse_contradictions(names, chosen, begins)
    return Selection(everything, tuple(dict.fromkeys(names)), chosen, begins, side, older_than_ms)


def symbol_of(text: str, where: str) -> str:
    """Return a symbol as it is written, with single blanks, or refuse it."""
    symbol = " ".join(text.split())
    if ":" in symbol:
        raise BadUsage(f"{where}: {text} is a contract; crossed margin orders are on symbols like BTC/USDT")
    if not _SYMBOL.fullmatch(symbol):
        raise BadUsage(f"{where}: {text!r} is no symbol; give one such as BTC/USDT")
    return symbol


def matches(symbol: str, known: Collection[str]) -> tuple[str, ...]:
    """Return which of the known symbols a written one can mean: itself, or all that differ in case and blanks only."""
    return (symbol,) if symbol in known else tuple(other for other in known if folded(other) == folded(symbol))


def folded(text: str) -> str:
    """Return a text without its case, its blanks and the other ways to encode the same characters."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def pick(selection: Selection, orders: Iterable[Order], now_ms: float) -> Picked:
    """Return which of these open orders are meant; a named one that is not among them is absent.

    :param now_ms: ms since the epoch
    """
    if not selection.names:
        return Picked(tuple(order for order in orders if selection.allows(order, now_ms)))
    by_name: dict[tuple[IdKind, str], list[Order]] = {}
    for order in orders:
        by_name.setdefault((IdKind.ORDER, order["id"]), []).append(order)
        by_name.setdefault((IdKind.CLIENT, order["clientOrderId"] or ""), []).append(order)
    meant: dict[str, Order] = {}
    spared, absent = [], []
    for name in selection.names:
        # On another symbol there may be another order of this name.
        named = [o for o in by_name.get((name.kind, name.value), ()) if name.symbol in {None, o["symbol"]}]
        allowed = {order["id"]: order for order in named if selection.allows(order, now_ms)}
        meant |= allowed
        if not named:
            absent.append(name)
        elif not allowed:
            spared.append(name)
    return Picked(tuple(meant.values()), tuple(spared), tuple(absent))


def _words(line: str) -> list[str]:
    return line.split("#", 1)[0].replace(",", " ").split()


def _line(line: str, number: int, only: str | None) -> Name:
    value, *rest = _words(line)
    where = f"--from, line {number}"
    symbol = symbol_of(" ".join(rest), where) if rest else only
    return Name(IdKind.ORDER, order_id(value, where), symbol)


def _refuse_contradictions(names: Sequence[Name], symbols: Sequence[str], prefixes: tuple[str, ...]) -> None:
    chosen = {folded(symbol) for symbol in symbols}
    for name in names:
        if prefixes and name.kind is IdKind.CLIENT and not name.value.startswith(prefixes):
            raise BadUsage(f"--client-id {name.value} does not begin with --prefix {' or '.join(prefixes)}")
        if chosen and name.symbol is not None and folded(name.symbol) not in chosen:
            raise BadUsage(f"--from: {name.value} is said to be of {name.symbol}, which no --symbol names")


UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AGE: Final = re.compile(r"(?P<count>\d{1,9})(?P<unit>[smhd])")


def read(text: str) -> int:
    """Return an age in ms.

    :raises ValueError: it is none
    """
    match = _AGE.fullmatch(text.strip())
    if match is None or not int(match["count"]):
        raise ValueError(f"{text!r} is no age: give a whole number above 0 and s, m, h or d, such as 10m or 2h")
    return int(match["count"]) * UNITS_MS[match["unit"]]


def told(age_ms: float | None) -> str:
    """Return an age in its two largest units, such as `2h 05m`; empty where it is not known."""
    if age_ms is None:
        return ""
    seconds = max(0, int(age_ms // 1_000))
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if days:
        return f"{days}d {hours % 24:02}h"
    if hours:
        return f"{hours}h {minutes % 60:02}m"
    return f"{minutes}m {seconds % 60:02}s" if minutes else f"{seconds}s"
