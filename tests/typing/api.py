"""Uses of the whole public API, checked by type checkers and never executed."""

from collections.abc import Mapping
from typing import Any, assert_type

import bitget_margin
from bitget_margin import CancelReport, CancelResult, CancelUnresolved, Outcome, PlaceUnresolved, report_of
from bitget_margin.adapter.ccxt_types import Order


def sync() -> None:
    exchange = bitget_margin.bitget({"apiKey": "", "secret": "", "password": ""})
    report = exchange.batch_cancel(["1"], "BTC/USDT", client_order_ids=["a"], params={"confirm": False})
    assert_type(report, CancelReport)
    assert_type(report.results, tuple[CancelResult, ...])
    assert_type(report.orders, list[Mapping[str, Any]])
    assert_type(report.ok, bool)
    assert_type(report.unasked, tuple[Mapping[str, Any], ...])
    assert_type(report.requests, int)
    assert_type(report.elapsed_ms, float)
    assert_type(report.unexamined, tuple[str, ...])
    assert_type(report.of(Outcome.UNKNOWN, Outcome.NOT_SENT), tuple[CancelResult, ...])
    assert_type(report.summary(), str)
    for result in report.results:
        assert_type(result.id, str | None)
        assert_type(result.client_order_id, str | None)
        assert_type(result.symbol, str)
        assert_type(result.outcome, Outcome)
        assert_type(result.reason, str | None)
        assert_type(result.code, str | None)
        assert_type(result.order, Mapping[str, Any])
        assert_type(result.outcome.ended, bool)
        assert_type(result.outcome.resolved, bool)
    assert_type(exchange.cancel_orders(["1"], "BTC/USDT", {"marginMode": "cross"}), list[Order])
    assert_type(exchange.cancel_order("1", "BTC/USDT", {"marginMode": "cross"}), Order)
    assert_type(exchange.cancel_orders_for_symbols([{"id": "1", "symbol": "BTC/USDT"}]), list[Order])
    assert_type(exchange.cancel_all_orders(None, {"marginMode": "cross"}), list[Order])
    assert_type(exchange.fetch_order("1", "BTC/USDT"), Order)
    assert_type(exchange.fetch_open_orders("BTC/USDT"), list[Order])
    assert_type(exchange.create_order("BTC/USDT", "limit", "buy", 1, 1), Order)
    assert_type(exchange.create_orders([{"symbol": "BTC/USDT"}]), list[Order])


async def other_flavours() -> None:
    exchange = bitget_margin.async_support.bitget()
    assert_type(await exchange.batch_cancel(["1"], "BTC/USDT"), CancelReport)
    assert_type(await exchange.cancel_orders(["1"], "BTC/USDT"), list[Order])
    streaming = bitget_margin.pro.bitget()
    assert_type(await streaming.batch_cancel(["1"], "BTC/USDT"), CancelReport)
    assert_type(await streaming.watch_orders("BTC/USDT", params={"marginMode": "cross"}), list[Order])


def failures(error: BaseException) -> None:
    assert_type(report_of(error), CancelReport | None)
    if isinstance(error, CancelUnresolved):
        assert_type(error.report, CancelReport)
    if isinstance(error, PlaceUnresolved):
        assert_type(error.orders, list[Any])
    assert_type(bitget_margin.__version__, str)
