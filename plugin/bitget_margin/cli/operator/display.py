"""What an operator's command shows a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Final

from rich import box
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bitget_margin import client_order_ids
from bitget_margin.cli.operator import selection
from bitget_margin.cli.operator.plan import Plan
from bitget_margin.cli.operator.query import Step
from bitget_margin.cli.operator.results import Answer, Book, summary
from bitget_margin.cli.operator.selection import Order
from bitget_margin.cli.output import attempt
from bitget_margin.core.outcome import Outcome

_WIDTH: Final = 180
"""Where there is no terminal: wide enough for both ids of an order in one line."""
FEW: Final = 25
"""Up to so many orders are shown one by one, more of them by symbol."""
_EVERY: Final = 10
_NARROW: Final = 9
_ROOMY: Final = 110
_BROKEN: Final = frozenset({"client id", "bot", "outcomes", "the venue's words"})
"""Columns that give way where a terminal is narrow; an order id stays in one piece."""
_STYLES: Final = {Outcome.CANCELED: "green", Outcome.FILLED: "cyan", None: "dim"}


def console(*, on_stderr: bool) -> Console:
    """Return where to write for people."""
    made = Console(stderr=on_stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made = Console(stderr=on_stderr, highlight=False, markup=False, emoji=False, width=_WIDTH)
    return made


@contextmanager
def listing(to: Console) -> Iterator[Step]:
    """Show how far a listing symbol by symbol is."""
    if not to.is_terminal:

        def say(done: int, total: int, _symbol: str) -> None:
            if done % _EVERY == 0:
                to.print(f"looked at {done} of {total} symbols")

        yield say
        return
    with _bar(to) as bar:
        task = bar.add_task("looking at", total=None, visible=False)
        yield lambda done, total, _: bar.update(task, completed=done, total=total, visible=True)


@contextmanager
def cancelling(to: Console, book: Book) -> Iterator[Step]:
    """Show outcomes as they come in: a live table, or where there is no terminal, a line for each symbol."""
    if not to.is_terminal:

        def say(_done: int, _total: int, symbol: str) -> None:
            if answers := book.of(symbol):
                to.print(Text(f"{symbol}: {summary(answers)}"))

        yield lambda *args: attempt(say, *args)
        return
    bar = _bar(to)
    task = bar.add_task("cancelling", total=None)
    with Live(bar, console=to, auto_refresh=False, vertical_overflow="ellipsis") as live:

        def step(done: int, total: int, _symbol: str) -> None:
            bar.update(task, completed=done, total=total)
            live.update(Group(outcomes(book), bar), refresh=True)

        try:
            yield lambda *args: attempt(step, *args)
        finally:
            attempt(lambda: live.update(outcomes(book), refresh=True))


def orders(to: Console, listed: Sequence[Order], now_ms: float, title: str) -> None:
    """Show open orders as a table, by symbol, the oldest first."""
    columns = ("age", "symbol", "side", ">price", ">amount", ">filled", "client id", "order id", "bot")
    # A client id of a bot's begins with its key: what has no room is said there too.
    shown = len(columns) if to.width >= _ROOMY else len(columns) - 1
    table = _table(title, columns[:shown])
    for order in sorted(listed, key=lambda order: (order["symbol"], order["timestamp"] or 0, order["id"] or "")):
        bot = client_order_ids.bot(order["clientOrderId"])
        cells = (
            selection.told(None if order["timestamp"] is None else now_ms - order["timestamp"]),
            order["symbol"],
            _side(order["side"]),
            _number(order["price"]),
            _number(order["amount"]),
            _number(order["filled"]),
            Text(order["clientOrderId"] or ""),
            Text(order["id"] or ""),
            "" if bot is None else str(bot),
        )
        table.add_row(*cells[:shown])
    to.print(table)


def plan(to: Console, made: Plan, where: str) -> None:
    """Show what is about to be cancelled."""
    to.print(Text(where, "dim"))
    count = f"{len(made.orders)} open orders" if len(made.orders) != 1 else "1 open order"
    title = f"{count} to cancel" + (", all of the crossed account" if made.everything else "")
    if len(made.orders) > FEW:
        to.print(_by_symbol(made.orders, made.at_ms, title))
    elif made.orders:
        orders(to, made.orders, made.at_ms, title)
    elif made.everything:
        to.print("Every open order of the crossed account.")
    elif not made.hidden:
        to.print("No open order is meant.")
    if made.unlisted:
        count = f"{len(made.unlisted)} symbols could have them"
        to.print(f"{count}, and are listed as they are cancelled: {_some(made.unlisted)}")
    for names, what in (
        (made.hidden, "named and not among the open orders; the venue is asked about them by name"),
        (tuple(name for name, _ in made.ended), "named and ended already"),
        (made.lost, "named and in no list of the venue"),
        (made.spared, "named, open, and left alone: another option does not let them through"),
    ):
        if names:
            to.print(Text(f"{len(names)} {what}: {_some([name.value for name in names])}"))
    to.print(f"frozen on the account: {coins(made.frozen)}")


def coins(frozen: Mapping[str, float] | None) -> str:
    """Return amounts of coins in words."""
    if frozen is None:
        return "not known, the balance could not be read"
    return ", ".join(f"{_number(amount)} {coin}" for coin, amount in frozen.items()) or "nothing"


def outcomes(book: Book) -> RenderableType:
    """Return what has become of the orders, one by one or by symbol."""
    answers = list(book.answers.values())
    if len(answers) <= FEW:
        return _one_by_one(answers, "outcomes")
    table = _table("outcomes", ("symbol", ">orders", "outcomes"))
    for symbol, like in groupby(sorted(answers, key=lambda a: a.symbol or ""), key=lambda a: a.symbol):
        group = list(like)
        style = "green" if all(a.outcome and a.outcome.ended for a in group) else None
        table.add_row(symbol or "", str(len(group)), summary(group), style=style)
    return table


def not_ended(book: Book) -> RenderableType | None:
    """Return the orders without proof of an end, where the table of outcomes does not name them."""
    left = book.not_ended()
    if not left or len(book.answers) <= FEW:
        return None
    more = f", of which {FEW} are shown; --json names all" if len(left) > FEW else ""
    return _one_by_one(left[:FEW], f"{len(left)} orders are not proven to have ended{more}")


def _one_by_one(answers: Sequence[Answer], title: str) -> Table:
    table = _table(title, ("symbol", "side", ">price", ">amount", ">filled", "order", "outcome", "the venue's words"))
    for answer in answers:
        table.add_row(
            answer.symbol or "",
            _side(answer.side),
            _number(answer.price),
            _number(answer.amount),
            _number(answer.filled),
            Text(answer.name),
            Text(answer.outcome.value if answer.outcome else "waiting", _STYLES.get(answer.outcome, "red")),
            Text(answer.reason or ""),
        )
    return table


def _by_symbol(listed: Sequence[Order], now_ms: float, title: str) -> Table:
    table = _table(title, ("symbol", "side", ">orders", ">amount", ">lowest", ">highest", "oldest"))
    keyed = sorted(listed, key=lambda order: (order["symbol"], order["side"] or ""))
    for (symbol, side), like in groupby(keyed, key=lambda order: (order["symbol"], order["side"])):
        group = list(like)
        prices = [order["price"] for order in group if order["price"] is not None]
        times = [order["timestamp"] for order in group if order["timestamp"] is not None]
        table.add_row(
            symbol,
            _side(side),
            str(len(group)),
            _number(sum(order["remaining"] or 0.0 for order in group)),
            _number(min(prices, default=None)),
            _number(max(prices, default=None)),
            selection.told(now_ms - min(times)) if times else "",
        )
    return table


def _table(title: str, columns: Sequence[str]) -> Table:
    """Return a table; a column that begins with > has its text on the right."""
    table = Table(title=Text(title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        name = column.lstrip(">")
        justify: JustifyMethod = "right" if column.startswith(">") else "left"
        gives_way = name in _BROKEN
        least = _NARROW if gives_way else None
        table.add_column(name, justify=justify, overflow="fold", no_wrap=not gives_way, min_width=least)
    return table


def _bar(to: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), "symbols", TimeElapsedColumn())
    return Progress(*columns, console=to, transient=True)


def _side(side: str | None) -> Text:
    return Text(side or "", {"buy": "green", "sell": "magenta"}.get(side or "", ""))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _some(values: Sequence[str]) -> str:
    return ", ".join(values[:5]) + (f" and {len(values) - 5} more" if len(values) > 5 else "")  # noqa: PLR2004
