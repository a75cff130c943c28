"""What the operator's commands print for a machine: one JSON document, whose field names stay what they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bitget_margin import client_order_ids
from bitget_margin.cli.operator import errors
from bitget_margin.cli.operator.account import Account
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.cli.operator.plan import Plan
from bitget_margin.cli.operator.results import Answer, Book
from bitget_margin.cli.operator.selection import Order
from bitget_margin.core.outcome import Outcome


def of_orders(orders: Sequence[Order], frozen: Mapping[str, float], unexplained: Sequence[str]) -> str:
    """Return the document of `orders`."""
    listed = [_order(order) for order in orders]
    return _written({"orders": listed, "frozen": dict(frozen), "unexplained": list(unexplained)})


def of_cancel(account: Account, plan: Plan, book: Book, code: Exit, *, dry_run: bool, elapsed_ms: float) -> str:
    """Return the document of `cancel`."""
    answers = list(book.answers.values())
    counts = {outcome.value: sum(answer.outcome is outcome for answer in answers) for outcome in Outcome}
    return _written(
        {
            "ok": code is Exit.DONE and not dry_run,
            "exit_code": int(code),
            "dry_run": dry_run,
            "interrupted": book.interrupted,
            "summary": counts,
            "orders": [_answer(account, answer) for answer in answers],
            "frozen_before": None if plan.frozen is None else dict(plan.frozen),
            "unexamined": list(book.unexamined),
            "errors": [account.clean(errors.said(error)) for error in book.errors],
            "elapsed_ms": round(elapsed_ms),
        }
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


def _answer(account: Account, answer: Answer) -> dict[str, Any]:
    return {
        "symbol": answer.symbol,
        "id": answer.id,
        "client_order_id": answer.client_order_id,
        "bot": _bot(answer.client_order_id),
        "side": answer.side,
        "price": answer.price,
        "amount": answer.amount,
        "filled": answer.filled,
        "outcome": None if answer.outcome is None else answer.outcome.value,
        "reason": None if answer.reason is None else account.clean(answer.reason),
        "code": answer.code,
    }


def _bot(client_order_id: str | None) -> dict[str, Any] | None:
    bot = client_order_ids.bot(client_order_id)
    return None if bot is None else {"key": bot.key, "trade": bot.trade, "rung": bot.rung}


def _written(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2)
