"""The local venue, as a user writes it: checked by mypy and pyright, never executed."""

from typing import Any, assert_type

from bitget_margin.emulator import (
    Account,
    AccountKind,
    Emulator,
    FaultKind,
    FaultRule,
    Knobs,
    Order,
    RequestRecord,
    ccxt_urls,
)


def venue() -> None:
    accounts = (Account(kind=AccountKind.UNIFIED, balances={"USDT": "1"}),)
    with Emulator(accounts=accounts, knobs=Knobs(history_lag_ms=5), fault_seed=1) as running:
        assert_type(running, Emulator)
        assert_type(running.url, str)
        assert_type(running.accounts, tuple[Account, ...])
        assert_type(running.requests, tuple[RequestRecord, ...])
        assert_type(running.orders(live_only=True), list[Order])
        assert_type(running.knobs(history_lag_ms=5), Knobs)
        assert_type(running.add_fault(FaultKind.TWICE, count=1), FaultRule)
        assert_type(running.fill("1", "0.1"), Order)
        assert_type(ccxt_urls(running.url), dict[str, dict[str, Any]])
        running.set_price("BTCUSDT", "60000")
