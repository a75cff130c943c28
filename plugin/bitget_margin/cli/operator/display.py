"""Text output of the operator's commands: tables, progress and totals."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import groupby
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from bitget_margin import client_order_ids
from bitget_margin.cli.operator.plan import Plan
from bitget_margin.cli.operator.query import Step
from bitget_margin.cli.operator.results import OrderResult, OrderResults, summary
from bitget_margin.cli.operator.selection import NamedOrder, Order
from bitget_margin.cli.operator.tables import Layout, Row, fitted_table
from bitget_margin.cli.output import attempt
from bitget_margin.core.locked_coins import LockedCoins
from bitget_margin.core.outcome import Outcome

_WIDTH: Final = 250
"""Width without a terminal: enough for all of an order in one line."""
FEW: Final = 25
"""Largest number of orders that are shown one by one; more are grouped by symbol."""
_PROGRESS_EVERY: Final = 10
"""Number of symbols between two lines of progress without a terminal."""
_ORDER_COLUMNS: Final = ("age", "symbol", "side", ">price", ">amount", ">filled", "client id", "order id", "bot")
_NARROW_COLUMNS: Final = ("symbol\nage", "side", ">price", ">amount\nfilled", "order id\nclient id")
"""Columns of two lines."""
_OUTCOME_COLUMNS: Final = ("symbol", "side", ">price", ">amount", ">filled", "order", "outcome")
_NARROW_OUTCOME_COLUMNS: Final = ("symbol\nside", ">price", ">amount\nfilled", "order\noutcome")
_GROUP_COLUMNS: Final = ("symbol", ">orders", "outcomes")
_SYMBOL_COLUMNS: Final = ("symbol", "side", ">orders", ">amount", ">lowest", ">highest", "oldest")
_SYMBOLS_LISTED: Final = "symbols could have them, and are listed as they are"
_SOME: Final = 5
"""Number of values that an enumeration shows."""
_STYLES: Final = {Outcome.CANCELED: "green", Outcome.FILLED: "cyan", None: "dim"}


def console(*, on_stderr: bool) -> Console:
    """Return the console for people; it prints text literally."""
    made = Console(stderr=on_stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = _WIDTH
    return made


def listing_progress(to: Console) -> AbstractContextManager[Step]:
    """Show the progress of a listing symbol by symbol."""

    def line(done: int, total: int, _symbol: str) -> str:
        return "" if done % _PROGRESS_EVERY else f"looked at {done} of {total} symbols"

    return _progress(to, "looking at", line)


def cancel_progress(to: Console, results: OrderResults) -> AbstractContextManager[Step]:
    """Show results as they arrive: a live table, or a line per symbol if there is no terminal."""

    def line(_done: int, _total: int, symbol: str) -> str:
        of_symbol = [result for result in results if result.symbol == symbol]
        return f"{symbol}: {summary(of_symbol)}" if of_symbol else ""

    return _progress(to, "canceling", line, lambda: outcome_table(to, results) if results.by_order else Text())


@contextmanager
def _progress(
    to: Console,
    description: str,
    line: Callable[[int, int, str], str],
    table: Callable[[], RenderableType] | None = None,
) -> Iterator[Step]:
    """Show a progress bar, below a table if there is one; if there is no terminal, print lines instead."""
    if not to.is_terminal:
        yield partial(attempt, lambda *step: to.print(Text(text)) if (text := line(*step)) else None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), "symbols", TimeElapsedColumn())
    bar = Progress(*columns, console=to)
    task = bar.add_task(description, total=None)
    # The table stays on the screen, the bar alone does not.
    start = None if table is None else bar
    with Live(start, console=to, auto_refresh=False, vertical_overflow="ellipsis", transient=table is None) as live:

        def step(done: int, total: int, _symbol: str) -> None:
            bar.update(task, completed=done, total=total)
            live.update(bar if table is None else Group(table(), bar), refresh=True)

        try:
            yield partial(attempt, step)
        finally:
            if table is not None:
                attempt(lambda: live.update(table(), refresh=True))


def show_orders(to: Console, listed: Sequence[Order], now_ms: float, title: str) -> None:
    """Print open orders as a table, by symbol, the oldest first; ids and numbers are whole at any width.

    A narrow terminal gets no column `bot`, whose key begins the client order id, or two lines per order.
    """
    listed = sorted(listed, key=lambda order: (order["symbol"], order["timestamp"] or 0, order["id"] or ""))
    layouts = (_ORDER_COLUMNS, _ORDER_COLUMNS[:-1], _NARROW_COLUMNS)
    to.print(fitted_table(to, title, layouts, [_order_row(order, now_ms) for order in listed]))


def _order_row(order: Order, now_ms: float) -> Row:
    bot = client_order_ids.parse(order["clientOrderId"])
    return {
        "age": Text(_age(now_ms, order["timestamp"])),
        "symbol": Text(order["symbol"]),
        "side": _side(order["side"]),
        "price": Text(_number(order["price"])),
        "amount": Text(_number(order["amount"])),
        "filled": Text(_number(order["filled"])),
        "client id": Text(order["clientOrderId"] or ""),
        "order id": Text(order["id"] or ""),
        "bot": Text("" if bot is None else str(bot)),
    }


def show_plan(to: Console, plan: Plan, label: str) -> None:
    """Print the orders that are about to be canceled, and the named ones that are not.

    :param label: origin of the keys, the venue and the account
    """
    to.print(Text(label, "dim"))
    scope = ", all of the cross margin account" if plan.everything else ""
    title = f"{count_of_orders(plan.orders)} to cancel{scope}"
    if len(plan.orders) > FEW:
        to.print(_by_symbol(to, plan.orders, plan.at_ms, title))
    elif plan.orders:
        show_orders(to, plan.orders, plan.at_ms, title)
    elif plan.everything:
        to.print("Every open order of the cross margin account.")
    elif not plan.unlisted:
        to.print("No open order is selected.")
    if plan.pending_symbols:
        count = len(plan.pending_symbols)
        more = "symbol could have them, and is listed as it is" if count == 1 else _SYMBOLS_LISTED
        to.print(f"{count} {more} canceled: {_some(plan.pending_symbols)}")
    for names, state in (
        (plan.unlisted, "named and not among the open orders; they are canceled by id all the same"),
        (tuple(name for name, _ in plan.ended), "named and ended already"),
        (plan.not_found, "named and not found"),
        (plan.filtered_out, "named, open, and not canceled: another option excludes them"),
    ):
        show_names(to, names, state)
    if plan.reaches_unlisted:
        to.print("Orders that no list shows, and orders that are placed meanwhile, are canceled too.")
    show_frozen(to, plan.frozen)


def show_names(to: Console, names: Sequence[NamedOrder], state: str) -> None:
    """Print the named orders that are in a state, if there are any; `state` is put for several of them."""
    if len(names) == 1:
        state = state.replace("they are", "it is").replace("excludes them", "excludes it")
    if names:
        to.print(Text(f"{len(names)} {state}: {_some([name.value for name in names])}"))


def count_of_orders(orders: Sequence[Order]) -> str:
    """Return the number of open orders as text."""
    return "1 open order" if len(orders) == 1 else f"{len(orders)} open orders"


def show_frozen(to: Console, frozen: Mapping[str, float] | None) -> None:
    """Print the frozen amount of each coin."""
    amounts = "not known, the balance could not be read"
    if frozen is not None:
        amounts = ", ".join(f"{_number(amount)} {coin}" for coin, amount in frozen.items()) or "nothing"
    to.print(f"frozen on the account: {amounts}")


def show_proof(to: Console, locked: LockedCoins | None) -> None:
    """Print that no order of the cross margin account is left, and what holds the coins that are still locked."""
    if locked is None:
        to.print("Nothing is frozen on the account any more.")
        return
    to.print("No order of the cross margin account is open any more.")
    show_locked(to, locked)


def show_locked(to: Console, locked: LockedCoins) -> None:
    """Print the locked coins of a unified account with the orders that hold them."""
    to.print(Text(locked.describe(), "yellow" if locked.unexplained else ""))


def outcome_table(to: Console, results: OrderResults) -> RenderableType:
    """Return the outcomes, one by one or by symbol."""
    by_symbol = sorted(results, key=lambda result: result.symbol or "")
    if len(by_symbol) <= FEW:
        return _one_by_one(to, list(results), "outcomes")
    rows, styles = [], []
    for symbol, like in groupby(by_symbol, key=lambda result: result.symbol or ""):
        group = list(like)
        rows.append({"symbol": Text(symbol), "orders": Text(str(len(group))), "outcomes": Text(summary(group))})
        styles.append("green" if all(result.outcome and result.outcome.ended for result in group) else None)
    return fitted_table(to, "outcomes", [_GROUP_COLUMNS], rows, styles)


def not_ended_table(to: Console, results: OrderResults) -> RenderableType | None:
    """Return the orders without proof of a final state, if the table of outcomes does not list them."""
    left = results.not_ended()
    if not left or len(results.by_order) <= FEW:
        return None
    more = f", of which {FEW} are shown; run it again with --json, which lists all" if len(left) > FEW else ""
    return _one_by_one(to, left[:FEW], f"{len(left)} orders are not proven to have ended{more}")


def _one_by_one(to: Console, results: Sequence[OrderResult], title: str) -> RenderableType:
    layouts: Sequence[Layout] = (_OUTCOME_COLUMNS, _NARROW_OUTCOME_COLUMNS)
    if any(result.reason for result in results):
        layouts = ((*_OUTCOME_COLUMNS, "reason"), (*_NARROW_OUTCOME_COLUMNS[:-1], "order\noutcome\nreason"))
    return fitted_table(to, title, layouts, [_outcome_row(result) for result in results])


def _outcome_row(result: OrderResult) -> Row:
    return {
        "symbol": Text(result.symbol or ""),
        "side": _side(result.side),
        "price": Text(_number(result.price)),
        "amount": Text(_number(result.amount)),
        "filled": Text(_number(result.filled)),
        "order": Text(result.name),
        "outcome": Text(result.outcome.value if result.outcome else "waiting", _STYLES.get(result.outcome, "red")),
        "reason": Text(result.reason or ""),
    }


def _by_symbol(to: Console, listed: Sequence[Order], now_ms: float, title: str) -> RenderableType:
    rows = []
    keyed = sorted(listed, key=lambda order: (order["symbol"], order["side"] or ""))
    for (symbol, side), like in groupby(keyed, key=lambda order: (order["symbol"], order["side"])):
        group = list(like)
        prices = [order["price"] for order in group if order["price"] is not None]
        times = [order["timestamp"] for order in group if order["timestamp"] is not None]
        rows.append(
            {
                "symbol": Text(symbol),
                "side": _side(side),
                "orders": Text(str(len(group))),
                "amount": Text(_number(sum(order["remaining"] or 0.0 for order in group))),
                "lowest": Text(_number(min(prices, default=None))),
                "highest": Text(_number(max(prices, default=None))),
                "oldest": Text(_age(now_ms, min(times, default=None))),
            }
        )
    return fitted_table(to, title, [_SYMBOL_COLUMNS], rows)


def _side(side: str | None) -> Text:
    return Text(side or "", {"buy": "green", "sell": "magenta"}.get(side or "", ""))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _some(values: Sequence[str]) -> str:
    more = f" and {len(values) - _SOME} more" if len(values) > _SOME else ""
    return ", ".join(values[:_SOME]) + more


def _age(now_ms: float, at_ms: float | None) -> str:
    """Return an age in its two largest units, such as `2h 05m`; empty if the time is unknown."""
    if at_ms is None:
        return ""
    seconds = max(0, int((now_ms - at_ms) // 1_000))
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if days:
        return f"{days}d {hours % 24:02}h"
    if hours:
        return f"{hours}h {minutes % 60:02}m"
    return f"{minutes}m {seconds % 60:02}s" if minutes else f"{seconds}s"
