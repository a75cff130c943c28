"""Carrying a plan out: one batch after the other, symbol by symbol, and the proof at the end."""

from __future__ import annotations

from dataclasses import dataclass

from bitget_margin.cli.operator import errors, query
from bitget_margin.cli.operator.account import Account
from bitget_margin.cli.operator.plan import Plan
from bitget_margin.cli.operator.query import Step
from bitget_margin.cli.operator.results import Book
from bitget_margin.cli.operator.selection import Name
from bitget_margin.core.order_ref import IdKind


@dataclass(frozen=True, slots=True)
class Batch:
    """The orders of one symbol; `listed` is False where they are still to be listed."""

    symbol: str
    names: tuple[Name, ...] = ()
    listed: bool = True


def batches(plan: Plan) -> list[Batch]:
    """Return what is to be done, symbol by symbol."""
    by_symbol: dict[str, list[Name]] = {}
    for order in plan.orders:
        by_symbol.setdefault(order["symbol"], []).append(Name(IdKind.ORDER, order["id"], order["symbol"]))
    for name in plan.hidden:
        by_symbol.setdefault(str(name.symbol), []).append(name)
    known = [Batch(symbol, tuple(names)) for symbol, names in by_symbol.items()]
    return [*known, *(Batch(symbol, listed=False) for symbol in plan.unlisted)]


def carry_out(account: Account, plan: Plan, book: Book, step: Step) -> None:
    """Cancel what is planned, and write down in the book what becomes of it; nothing is raised.

    A symbol that fails does not keep the others from being tried, keys that are refused do.
    """
    todo = batches(plan)
    try:
        for done, batch in enumerate(todo, 1):
            if not _cancel(account, batch, book):
                return
            step(done, len(todo), batch.symbol)
        if plan.everything:
            _prove(account, book, step)
    except KeyboardInterrupt as error:  # between two calls
        book.fail(error)
    finally:
        book.close()


def _cancel(account: Account, batch: Batch, book: Book) -> bool:
    """Cancel the orders of one symbol; return whether it makes sense to go on."""
    names = batch.names
    try:
        if not batch.listed:
            orders = query.of_symbol(account, batch.symbol)
            for order in orders:
                book.expect(order)
            names = tuple(Name(IdKind.ORDER, order["id"], batch.symbol) for order in orders)
        if names:
            ids = [name.value for name in names if name.kind is IdKind.ORDER]
            client_ids = [name.value for name in names if name.kind is IdKind.CLIENT]
            report = account.exchange.batch_cancel(ids, batch.symbol, client_ids, {"timeout": account.timeout_ms})
            book.take(report.results)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, what is known is told
        book.fail(error, names)
        return not isinstance(error, KeyboardInterrupt) and not errors.refuses_keys(error)
    return True


def _prove(account: Account, book: Book, step: Step) -> None:
    """Cancel what has come up meanwhile, until nothing is frozen any more."""
    try:
        places = query.candidates(account, query.frozen(account))
        params = {**account.params, "confirm": True, "symbols": list(places), "progress": step}
        book.take_orders(account.exchange.cancel_all_orders(None, params))
        book.settle()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, what is known is told
        book.fail(error)
