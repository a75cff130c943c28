"""Make and time the call of a round; return one form of answer for every method."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

from bitget_margin import CancelReport, PlaceUnresolved, report_of
from campaign.evidence import Answer, Name, Statement
from campaign.scenario import By, Method, Scenario

CROSS: Final = {"marginMode": "cross"}
_OUTCOMES: Final = {
    "canceled": "canceled",
    "closed": "filled",
    "open": "open",
    "rejected": "not_found",
    None: "accepted",
}
SECOND_CALL_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Call:
    """Method of the exchange with its arguments."""

    method: str
    arguments: tuple[Any, ...]


def call_of(scenario: Scenario, names: Sequence[Name]) -> Call:
    """Return the call of a round."""
    bounds: dict[str, Any] = {"timeout": scenario.timeout_ms}
    if scenario.batch_size is not None and not scenario.method.places:
        bounds["batchSize"] = scenario.batch_size
    ids, client_ids = _ids_of(names)
    symbol = scenario.pair.symbol
    match scenario.method:
        case Method.BATCH_CANCEL:
            return Call("batch_cancel", (ids, symbol, client_ids, bounds))
        case Method.CANCEL_ORDERS:
            return Call("cancel_orders", (ids, symbol, CROSS | bounds | {"clientOrderIds": client_ids}))
        case Method.CANCEL_ORDERS_CONFIRMED:
            params = CROSS | bounds | {"clientOrderIds": client_ids, "confirm": True}
            return Call("cancel_orders", (ids, symbol, params))
        case Method.CANCEL_FOR_SYMBOLS:
            keys = {By.ID: "id", By.CLIENT_ID: "clientOrderId"}
            named = [{keys[name.by]: name.value, "symbol": name.symbol} for name in names]
            return Call("cancel_orders_for_symbols", (named, CROSS | bounds))
        case Method.CANCEL_ORDER:
            if client_ids:
                return Call("cancel_order", ("", symbol, CROSS | bounds | {"clientOrderId": client_ids[0]}))
            return Call("cancel_order", (ids[0], symbol, CROSS | bounds))
        case Method.CANCEL_ALL:
            return Call("cancel_all_orders", (symbol, CROSS | bounds | {"symbols": list(scenario.others)}))
        case Method.CREATE_ORDER:
            (new_order,) = scenario.new_orders
            params = CROSS | bounds | _client_id_param(new_order.name)
            params |= {"looksOn": True} if scenario.ends_when_missed else {}
            order = (
                symbol,
                new_order.order_type,
                new_order.side,
                float(new_order.size),
                float(new_order.price),
                params,
            )
            return Call("create_order", order)
    orders = [
        {
            "symbol": symbol,
            "type": new_order.order_type,
            "side": new_order.side,
            "amount": float(new_order.size),
            "price": float(new_order.price),
            "params": CROSS | _client_id_param(new_order.name),
        }
        for new_order in scenario.new_orders
    ]
    options = {"looksOn": True} if scenario.ends_when_missed else {}
    return Call("create_orders", (orders, bounds | options))


def in_order_of_answer(method: Method, names: Sequence[Name]) -> tuple[Name, ...]:
    """Return the names in the order of the answer: order ids first if they are two lists."""
    if method is Method.CANCEL_FOR_SYMBOLS:
        return tuple(names)
    return tuple(sorted(names, key=lambda name: name.by is By.CLIENT_ID))


async def make(exchange: Any, call: Call, threads: Executor) -> Answer:
    """Make the call and return its answer, also if it raises."""
    return _answer(*await timed(exchange, call, threads))


async def timed(exchange: Any, call: Call, threads: Executor) -> tuple[object, float]:
    """Make the call; return its result or exception and its duration in ms."""
    if exchange.synchronous:
        return await asyncio.get_running_loop().run_in_executor(threads, _timed, exchange, call)
    began = time.monotonic()
    result = await _outcome(exchange, call)
    return result, (time.monotonic() - began) * 1_000


async def cancel_again(exchange: Any, names: Sequence[Name], threads: Executor) -> Answer:
    """Cancel the same orders again, symbol by symbol, with enough time."""
    statements: dict[Name, Statement] = {}
    error: BaseException | None = None
    for symbol in dict.fromkeys(name.symbol for name in names):
        named = [name for name in names if name.symbol == symbol]
        ids, client_ids = _ids_of(named)
        params = {"timeout": SECOND_CALL_MS}
        answer = await make(exchange, Call("batch_cancel", (ids, symbol, client_ids, params)), threads)
        error = error or answer.error
        if answer.statements is None:
            return answer
        ordered = dict.fromkeys(sorted(named, key=lambda name: name.by is By.CLIENT_ID))
        statements.update(zip(ordered, answer.statements, strict=True))
    return Answer(tuple(statements[name] for name in dict.fromkeys(names)), error=error)


def _timed(exchange: Any, call: Call) -> tuple[object, float]:
    began = time.monotonic()
    try:
        result: object = getattr(exchange, call.method)(*call.arguments)
    except Exception as error:  # noqa: BLE001 - the judge decides on every exception
        result = error
    return result, (time.monotonic() - began) * 1_000


async def _outcome(exchange: Any, call: Call) -> object:
    try:
        result: object = await getattr(exchange, call.method)(*call.arguments)
    except Exception as error:  # noqa: BLE001 - the judge decides on every exception
        return error
    return result


def _answer(result: object, elapsed_ms: float) -> Answer:
    if isinstance(result, PlaceUnresolved):
        return Answer(placed=tuple(result.orders), error=result, elapsed_ms=elapsed_ms)
    if isinstance(result, BaseException):
        report = report_of(result)
        return Answer(None if report is None else _of_report(report), error=result, elapsed_ms=elapsed_ms)
    if isinstance(result, CancelReport):
        return Answer(_of_report(result), elapsed_ms=elapsed_ms)
    orders = tuple(result) if isinstance(result, list) else (result,)
    return Answer(tuple(_of_order(order) for order in orders), orders, elapsed_ms=elapsed_ms)


def _of_report(report: CancelReport) -> tuple[Statement, ...]:
    return tuple(
        Statement(result.id, result.client_order_id, result.symbol, result.outcome.value, result.order)
        for result in report.results
    )


def _of_order(order: Any) -> Statement:
    """Return the statement of an order structure; an unexpected status becomes the outcome."""
    if not isinstance(order, Mapping):
        return Statement(None, None, "", f"no order: {order!r}", {})
    outcome = _OUTCOMES.get(order["status"], f"status {order['status']!r}")
    return Statement(order["id"], order["clientOrderId"], order["symbol"], outcome, order)


def _ids_of(names: Sequence[Name]) -> tuple[list[str], list[str]]:
    by_id = [name.value for name in names if name.by is By.ID]
    return by_id, [name.value for name in names if name.by is By.CLIENT_ID]


def _client_id_param(name: str | None) -> dict[str, str]:
    return {} if name is None else {"clientOrderId": name}
