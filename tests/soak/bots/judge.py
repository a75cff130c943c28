"""Judge a run that has settled: books and venue agree, and no order was placed twice."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bitget_margin.emulator import AccountKind, Emulator, FaultKind, Order, RequestRecord
from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.tracked_order import Origin, Phase
from bots.scenario import Exit, Plan, Scenario
from support.bot import symbol_of

_PLACE: Final = "/place-order"
_FEE: Final = Decimal("0.001")
_SIZES: Final = ("baseSize", "qty")


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of a rule."""

    rule: str
    text: str


def judge(scenario: Scenario, venue: Emulator, exchange: Any, trades: Sequence[Any]) -> list[Finding]:
    """Return all violations at this moment."""
    return [*_judge_books(scenario, venue, exchange, trades), *_judge_rest(scenario, exchange, trades)]


def _judge_books(scenario: Scenario, venue: Emulator, exchange: Any, trades: Sequence[Any]) -> Iterator[Finding]:
    uid = venue.accounts[0].uid
    everything = venue.orders(uid)
    rows = [row for trade in trades for row in trade.orders]
    for plan in scenario.plans:
        of_pair = [trade for trade in trades if trade.pair == plan.pair]
        orders = [order for order in everything if order.symbol == symbol_of(plan.pair)]
        yield from _judge_coins(plan, venue, orders, of_pair)
        yield from _judge_orders(orders, [row for row in rows if row.ft_pair == plan.pair])
        yield from _judge_live(orders, of_pair, exchange)
        yield from _judge_doubles(plan, orders, _repeated(venue))
        yield from _judge_sells(scenario, plan, venue, orders)


def _judge_coins(plan: Plan, venue: Emulator, orders: Sequence[Order], trades: Sequence[Any]) -> Iterator[Finding]:
    """Compare the coins held with those of the open trades and the others in the wallet.

    If the wallet has other coins, freqtrade takes the fee of a buy from them and counts the trade without a fee.
    """
    base = plan.pair.split("/")[0]
    balance = venue.balances(venue.accounts[0].uid).get(base)
    held = Decimal(0) if balance is None else balance.available + balance.frozen
    booked = sum((Decimal(repr(trade_rows.remaining_amount(trade))) for trade in trades if trade.is_open), Decimal(0))
    lot = Decimal("0.000001") if base == "BTC" else Decimal("0.0001")
    fees = sum((order.filled for order in orders if order.side == "buy"), Decimal(0)) * _FEE
    uncounted = fees if Decimal(plan.others) else Decimal(0)
    if not -lot * (len(trades) + 1) - uncounted <= held - Decimal(plan.others) - booked <= lot * (len(trades) + 1):
        yield Finding("coins", f"{held} {base} held, {plan.others} of them others, and {booked} booked")


def _judge_orders(orders: Sequence[Order], rows: Sequence[Any]) -> Iterator[Finding]:
    """Yield filled orders that are not exactly once in the books, with the same amounts."""
    theirs = {order.order_id: order for order in orders if order.filled}
    ours = Counter(row.order_id for row in rows if row.filled)
    for order_id, count in ours.items():
        if count > 1:
            yield Finding("books", f"order {order_id} has {count} rows")
        if order_id not in theirs:
            yield Finding("books", f"order {order_id} is booked, and has not traded")
    for order_id, order in theirs.items():
        row = next((row for row in rows if row.order_id == order_id), None)
        what = f"{order.side.value} {order.order_id} ({order.client_oid})"
        if row is None:
            yield Finding("books", f"{what} has traded {order.filled}, and is in no row")
        elif (row.ft_order_side, row.filled) != (order.side.value, float(order.filled)):
            yield Finding("books", f"{what} has traded {order.filled}; its row has {row.ft_order_side} {row.filled}")


def _judge_live(orders: Sequence[Order], trades: Sequence[Any], exchange: Any) -> Iterator[Finding]:
    """Yield live orders without an open row or a resting order of an open trade."""
    open_trades = {trade_rows.key_of(trade) for trade in trades if trade.is_open}
    rows = {row.order_id for trade in trades if trade.is_open for row in trade.orders if row.ft_is_open}
    rungs = exchange.store.open(Origin.LADDER)
    known = {rung.order_id for rung in rungs if rung.trade in open_trades}
    for order in orders:
        if order.live and order.order_id not in rows | known:
            yield Finding("owner", f"{order.side.value} {order.order_id} ({order.client_oid}) is live and has no owner")


def _judge_doubles(plan: Plan, orders: Sequence[Order], repeated: set[str]) -> Iterator[Finding]:
    """Yield client order ids with two orders, and more entries than planned.

    :param repeated: client order ids of exits that a gateway sent twice; only their books are judged
    """
    for name, count in Counter(order.client_oid for order in orders).items():
        if count > 1 and name not in repeated:
            yield Finding("double", f"{count} orders have the name {name}")
    entries = [order for order in orders if order.side == "buy" and not _is_rung(order)]
    traded = [order for order in entries if order.filled or order.live]
    if len(traded) > plan.entries:
        yield Finding("double", f"{len(traded)} entries for {plan.entries}: {[o.client_oid for o in traded]}")


def _judge_sells(scenario: Scenario, plan: Plan, venue: Emulator, orders: Sequence[Order]) -> Iterator[Finding]:
    """Yield sells beyond the amount bought, including refused ones that would have borrowed coins.

    A classic account without other coins refuses those, so a second exit may follow one that cannot be seen.
    """
    bought = sum(order.filled for order in orders if order.side == "buy")
    sold = sum(order.filled for order in orders if order.side == "sell")
    if sold > bought:
        yield Finding("double", f"{sold} sold, and {bought} bought")
    if scenario.account is AccountKind.CLASSIC and Decimal(plan.others) == 0:
        return
    names = {order.client_oid for order in orders}
    late = Decimal(0)
    for record in _exits(plan, venue):
        body = json.loads(record.body)
        if record.fault is FaultKind.LATE and body["clientOid"] not in names and not _is_never(scenario):
            late += Decimal(next(body[name] for name in _SIZES if name in body))
        elif record.fault is None and not record.executed:
            yield Finding("short", f"an exit was refused that no fault met: {record.status} {record.body}")
    if sold + late > bought:
        yield Finding("short", f"{sold} sold, {late} more would have been lent, and {bought} bought")


def _exits(plan: Plan, venue: Emulator) -> list[RequestRecord]:
    """Return the requests of freqtrade's own sells."""
    return [
        record
        for record in venue.requests
        if record.path.endswith(_PLACE)
        and record.method == "POST"
        and f'"{symbol_of(plan.pair)}"' in record.body
        and '"sell"' in record.body
    ]


def _repeated(venue: Emulator) -> set[str]:
    exits = (record for record in venue.requests if record.path.endswith(_PLACE) and '"sell"' in record.body)
    return {json.loads(record.body)["clientOid"] for record in exits if record.fault is FaultKind.REPEAT}


def _is_never(scenario: Scenario) -> bool:
    return any(rule.kind is FaultKind.LATE and rule.duration_ms > 60_000 for _, rule in scenario.faults)


def _is_rung(order: Order) -> bool:
    """Whether this is a resting order, by its client order id."""
    return not order.client_oid.partition("-")[2].startswith("o")


def _judge_rest(scenario: Scenario, exchange: Any, trades: Sequence[Any]) -> Iterator[Finding]:
    """Yield orders that are unresolved, waiting or not booked, and entries or exits that are missing."""
    store = exchange.store
    unresolved = [order for order in store.open(Origin.LADDER) if order.phase is Phase.INTENDED]
    left = (
        *((order, f"is unresolved: {order.reason}") for order in (*store.open(Origin.FREQTRADE), *unresolved)),
        *((order, f"waits: {order.reason}") for order in store.in_phase(Phase.WAITING)),
        *((order, "is not booked") for order in store.unsettled()),
    )
    for order, state in left:
        yield Finding("settled", f"{order.origin.value} {order.side} {order.client_id} on {order.pair} {state}")
    for plan in scenario.plans:
        of_pair = [trade for trade in trades if trade.pair == plan.pair]
        if not any(trade.nr_of_successful_entries for trade in of_pair):
            yield Finding("entry", f"nothing was bought on {plan.pair}")
        if plan.exit is not Exit.NONE and any(trade.is_open for trade in of_pair):
            yield Finding("exit", f"the exit on {plan.pair} has not happened")
