"""Execution of a plan: cancel its orders symbol by symbol, or all of the account at once; prove that none is left."""

from dataclasses import dataclass

from bitget_margin.adapter.cancel import cancel_all
from bitget_margin.cli.operator import errors, query
from bitget_margin.cli.operator.account import Connection
from bitget_margin.cli.operator.plan import Plan
from bitget_margin.cli.operator.query import Step
from bitget_margin.cli.operator.results import OrderResults
from bitget_margin.cli.operator.selection import NamedOrder, Order
from bitget_margin.core.order_ref import IdKind, OrderRef


@dataclass(frozen=True, slots=True)
class SymbolBatch:
    """Orders of one symbol to cancel; `listed` is False if they are still to be listed."""

    symbol: str
    names: tuple[NamedOrder, ...] = ()
    listed: bool = True


def batches(plan: Plan) -> list[SymbolBatch]:
    """Split a plan into one batch per symbol."""
    by_symbol: dict[str, list[NamedOrder]] = {}
    for name in (*(_by_id(order) for order in plan.orders), *plan.unlisted):
        by_symbol.setdefault(str(name.symbol), []).append(name)
    known = [SymbolBatch(symbol, tuple(names)) for symbol, names in by_symbol.items()]
    return [*known, *(SymbolBatch(symbol, listed=False) for symbol in plan.pending_symbols)]


def execute(connection: Connection, plan: Plan, results: OrderResults, step: Step) -> None:
    """Cancel the orders of a plan and record their results; nothing is raised.

    After an error the other symbols are still canceled, unless the keys are refused.
    """
    # On a unified account, one request may cancel all that are listed: the call for all orders is the first one.
    todo = [] if plan.reaches_unlisted else batches(plan)
    try:
        for done, batch in enumerate(todo, 1):
            if not _cancel(connection, batch, results):
                return
            step(done, len(todo), batch.symbol)
        if plan.everything:
            _cancel_all(connection, plan, results, step)
    except KeyboardInterrupt as error:  # between two calls
        results.add_error(error)
    finally:
        results.close()


def _cancel(connection: Connection, batch: SymbolBatch, results: OrderResults) -> bool:
    """Cancel the orders of one symbol; return whether to continue with the next one."""
    names = batch.names
    try:
        if not batch.listed:
            orders = query.of_symbol(connection, batch.symbol)
            results.add_waiting(orders)
            names = tuple(_by_id(order) for order in orders)
        if names:
            ids = [name.value for name in names if name.kind is IdKind.ORDER]
            client_ids = [name.value for name in names if name.kind is IdKind.CLIENT]
            params = {"timeout": connection.timeout_ms}
            results.add_report(connection.exchange.batch_cancel(ids, batch.symbol, client_ids, params).results)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the results are reported after any exception
        results.add_error(error, names)
        return not isinstance(error, KeyboardInterrupt) and not errors.refuses_keys(error)
    return True


def _cancel_all(connection: Connection, plan: Plan, results: OrderResults, step: Step) -> None:
    """Cancel all orders that are left, also those placed in the meantime, until it is proven that there is none."""
    names = [_by_id(order) for order in plan.orders] if plan.reaches_unlisted else []
    try:
        likely = None if connection.is_unified else query.candidates(connection, query.frozen(connection))
        params = {**connection.params, "confirm": True, "progress": step}
        exchange = connection.exchange
        listed_before = [OrderRef(str(name.symbol), name.kind, name.value) for name in names]
        done = exchange.perform(cancel_all(exchange, None, params, likely=likely, listed_before=listed_before))
        results.add_report(done.report.results)
        results.locked = done.locked
        results.clear_errors()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the results are reported after any exception
        results.add_error(error, names)


def _by_id(order: Order) -> NamedOrder:
    return NamedOrder(IdKind.ORDER, order["id"], order["symbol"])
