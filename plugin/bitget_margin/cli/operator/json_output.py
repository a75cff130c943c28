"""JSON documents of the operator's commands; their field names are stable."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bitget_margin import client_order_ids
from bitget_margin.cli.operator import errors
from bitget_margin.cli.operator.account import Connection
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.cli.operator.plan import Plan
from bitget_margin.cli.operator.query import FrozenCoins
from bitget_margin.cli.operator.results import OrderResult, OrderResults
from bitget_margin.cli.operator.selection import Order
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.locked_coins import LockedCoins
from bitget_margin.core.outcome import Outcome


def orders_document(settings: Mapping[str, Any] | None, orders: Sequence[Order], held: FrozenCoins) -> str:
    """Return the document of `orders`; `settings` are those of a unified account."""
    kind = AccountKind.CLASSIC if settings is None else AccountKind.UNIFIED
    shown = settings or {}
    return json.dumps(
        {
            "account": {"kind": kind.value, "level": shown.get("accountLevel"), "mode": shown.get("accountMode")},
            "orders": [_order(order) for order in orders],
            "frozen": dict(held.frozen),
            "unexplained": list(held.unexplained),
            "held_by": _holdings(held.locked),
        },
        indent=2,
    )


def cancel_document(
    connection: Connection, plan: Plan, results: OrderResults, code: Exit, *, dry_run: bool, elapsed_ms: float
) -> str:
    """Return the document of `cancel`."""
    counts = {outcome.value: sum(result.outcome is outcome for result in results) for outcome in Outcome}
    return json.dumps(
        {
            "ok": code is Exit.DONE and not dry_run,
            "exit_code": int(code),
            "dry_run": dry_run,
            "interrupted": results.interrupted,
            "summary": counts,
            "orders": [_result(connection, result) for result in results],
            "frozen_before": None if plan.frozen is None else dict(plan.frozen),
            "unexamined": list(results.unexamined),
            "locked": None if results.locked is None else {c: float(n) for c, n in results.locked.amounts.items()},
            "held_by": _holdings(results.locked),
            "errors": [connection.redact(errors.message(error)) for error in results.errors],
            "elapsed_ms": round(elapsed_ms),
        },
        indent=2,
    )


def _order(order: Order) -> dict[str, Any]:
    return {
        "symbol": order["symbol"],
        "id": order["id"],
        "client_order_id": order["clientOrderId"],
        "bot": _bot(order["clientOrderId"]),
        "side": order["side"],
        "type": order["type"],
        "price": order["price"],
        "amount": order["amount"],
        "filled": order["filled"],
        "remaining": order["remaining"],
        "timestamp_ms": order["timestamp"],
    }


def _holdings(locked: LockedCoins | None) -> list[dict[str, Any]]:
    """Return the spot and strategy orders that hold coins of a unified account."""
    if locked is None:
        return []
    kinds = (("spot", locked.spot), ("strategy", locked.strategy))
    return [
        {
            "category": category,
            "symbol": each.symbol,
            "id": each.order_id,
            "side": each.side or None,
            "coin": each.coin,
            "amount": None if each.amount is None else float(each.amount),
        }
        for category, orders in kinds
        for each in orders
    ]


def _result(connection: Connection, result: OrderResult) -> dict[str, Any]:
    return {
        "symbol": result.symbol,
        "id": result.id,
        "client_order_id": result.client_order_id,
        "bot": _bot(result.client_order_id),
        "side": result.side,
        "price": result.price,
        "amount": result.amount,
        "filled": result.filled,
        "outcome": None if result.outcome is None else result.outcome.value,
        "reason": None if result.reason is None else connection.redact(result.reason),
        "code": result.code,
    }


def _bot(client_order_id: str | None) -> dict[str, Any] | None:
    bot = client_order_ids.parse(client_order_id)
    return None if bot is None else {"key": bot.key, "trade": bot.trade, "rung": bot.rung}
