"""JSON documents of the operator's commands; their field names are stable."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bitget_margin import client_order_ids
from bitget_margin.adapter.health import HealthCheck
from bitget_margin.adapter.margin_level import LIQUIDATION_LEVEL, WARNING_LEVEL
from bitget_margin.cli.operator.account import Connection
from bitget_margin.cli.operator.account_state import AccountState, CoinNumbers
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.cli.operator.identity import AccountIdentity
from bitget_margin.cli.operator.open_orders import OpenOrders
from bitget_margin.cli.operator.plan import Plan
from bitget_margin.cli.operator.results import OrderResult, OrderResults
from bitget_margin.cli.operator.selection import Order
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.locked_coins import LockedCoins
from bitget_margin.core.outcome import Outcome


def orders_document(view: OpenOrders, *, one_line: bool = False) -> str:
    """Return the document of `orders`."""
    return json.dumps(
        {
            "account": _account(view.account),
            "at_ms": round(view.at_ms),
            "orders": [_order(order) for order in view.picked.orders],
            "not_open": [name.value for name in view.picked.not_open],
            "frozen": dict(view.held.frozen),
            "unexplained": list(view.held.unexplained),
            "held_by": _holdings(view.held.locked),
            "debts": None if view.debts.coins is None else [_debt(coin) for coin in view.debts.coins],
            "margin_level": _float(view.debts.margin_level),
        },
        indent=None if one_line else 2,
    )


def account_document(connection: Connection, state: AccountState) -> str:
    """Return the document of `account`."""
    kind = AccountKind.CLASSIC if state.kind is None else state.kind
    return json.dumps(
        {
            "account": _account(AccountIdentity(kind, state.settings, state.uid)),
            "exit_code": int(state.exit_code),
            "at_risk": state.is_at_risk,
            "margin_level": _float(state.margin_level),
            "warning_level": float(WARNING_LEVEL),
            "liquidation_level": float(LIQUIDATION_LEVEL),
            "worth_usdt": _float(state.worth_usdt),
            "free_collateral_usd": _float(state.free_collateral_usd),
            "can_borrow": _floats(state.can_borrow),
            "coins": None if state.coins is None else [_coin(state, coin) for coin in state.coins],
            "daily_rates": _floats(state.daily_rates),
            "interest_24h": None if state.interest_of_day is None else _floats(state.interest_of_day),
            "errors": [f"{failure.subject}: {connection.explain(failure.error)}" for failure in state.failures],
        },
        indent=2,
    )


def doctor_document(checks: Sequence[HealthCheck], code: Exit) -> str:
    """Return the document of `doctor`."""
    return json.dumps(
        {
            "exit_code": int(code),
            "checks": [
                {"name": check.name, "status": check.status.value, "message": check.message, "hint": check.hint}
                for check in checks
            ],
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
            "account": None if plan.account is None else _account(plan.account),
            "dry_run": dry_run,
            "interrupted": results.interrupted,
            "summary": counts,
            "orders": [_result(connection, result) for result in results],
            "frozen_before": None if plan.frozen is None else dict(plan.frozen),
            "unexamined": list(results.unexamined),
            "locked": None if results.locked is None else {c: float(n) for c, n in results.locked.amounts.items()},
            "held_by": _holdings(results.locked),
            "errors": [connection.explain(error) for error in results.errors],
            "elapsed_ms": round(elapsed_ms),
        },
        indent=2,
    )


def _account(account: AccountIdentity) -> dict[str, Any]:
    settings = account.settings
    return {
        "kind": account.kind.value,
        "level": settings.get("accountLevel"),
        "mode": settings.get("accountMode"),
        "uid": account.uid,
    }


def _coin(state: AccountState, coin: CoinNumbers) -> dict[str, Any]:
    return {
        "coin": coin.code,
        "total": _float(coin.total),
        "free": _float(coin.free),
        "used": _float(coin.used),
        **_debt(coin),
        "net": _float(coin.net),
        "worth_usdt": _float(state.worth_of(coin)),
    }


def _debt(coin: CoinNumbers) -> dict[str, Any]:
    return {
        "coin": coin.code,
        "debt": _float(coin.debt),
        "principal": _float(coin.principal),
        "interest": _float(coin.interest),
    }


def _float(number: Decimal | None) -> float | None:
    return None if number is None else float(number)


def _floats(numbers: Mapping[str, Decimal | None]) -> dict[str, float | None]:
    return {code: _float(number) for code, number in numbers.items()}


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
