"""Test the runs with leverage: their judge finds every kind of flaw, and a short run has none."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import DEFAULT_SYMBOLS, AccountKind, Order
from bitget_margin.emulator.market.orders import Force, LoanType, OrderType, Side, Status
from leverage import command
from leverage.judge import Books, allowed, is_rung, order_findings
from leverage.play import Result, play

PRICES = {"BTC": 60_000.0}


def order(side: Side, amount: str, number: int = 1, *, status: Status = Status.FILLED) -> Order:
    return Order(
        client_oid=f"abcdefgh-o{number:016}",
        symbol="BTCUSDT",
        side=side,
        order_type=OrderType.LIMIT,
        force=Force.GTC,
        loan_type=LoanType.NORMAL,
        price=Decimal(60_000),
        base_size=Decimal(amount),
        quote_size=Decimal(0),
        order_id=str(number),
        uid="1",
        created_ms=0,
        updated_ms=0,
        status=status,
        filled=Decimal(amount) if status is Status.FILLED else Decimal(0),
    )


def row(number: int, side: str, filled: float) -> dict[str, Any]:
    return {"order_id": str(number), "ft_trade_id": 1, "ft_order_side": side, "filled": filled, "average": 60_000.0}


def trade(**fields: Any) -> dict[str, Any]:
    """Return an open short of 1 BTC at 60,000."""
    plain = {"id": 1, "pair": "BTC/USDT", "base_currency": "BTC", "is_short": 1, "is_open": 1, "has_entered": 1}
    return {**plain, "leverage": 2.0, "amount": 1.0, "open_rate": 60_000.0, "stake_amount": 30_000.0, **fields}


ORDERS = (order(Side.SELL, "1"), order(Side.BUY, "1.001002", 2))
ROWS = (row(1, "sell", 1.0), row(2, "buy", 1.0))


def test_orders_that_are_once_in_the_rows_have_no_findings() -> None:
    """A cover is sent larger than what its row has of it."""
    assert list(order_findings(ORDERS, ROWS, [trade()])) == []


@pytest.mark.parametrize(
    ("orders", "rows", "text"),
    [
        ((*ORDERS, replace(ORDERS[0], order_id="3")), (*ROWS, row(3, "sell", 1.0)), "2 orders have the name"),
        ((*ORDERS, order(Side.BUY, "1", 3, status=Status.LIVE)), ROWS, "is live"),
        (ORDERS, ROWS[:1], "is in 0 rows"),
        (ORDERS, (*ROWS, ROWS[1]), "is in 2 rows"),
        (ORDERS, (row(1, "sell", 0.9), ROWS[1]), "its row has 0.9"),
        (ORDERS, (ROWS[0], row(2, "buy", 1.01)), "its row has 1.01"),
        (ORDERS, (ROWS[0], row(2, "buy", 0.97)), "its row has 0.97"),
    ],
)
def test_each_flaw_of_the_orders_is_found(orders: Any, rows: Any, text: str) -> None:
    assert any(text in found for found in order_findings(orders, rows, [trade()]))


def test_the_worth_is_the_balances_with_the_profit_of_open_trades() -> None:
    """Coins from before a trade are none of the balances while it is open."""
    balances = {"USDT": 20_000.0}
    assert Books(balances, [trade()], {}).worth({"BTC": 59_000.0}) == 21_000
    assert Books(balances, [trade(is_short=0)], {}).worth({"BTC": 59_000.0}) == 19_000
    assert Books(balances, [trade(has_entered=0)], {1: 0.5}).worth(PRICES) == 50_000
    assert Books(balances | {"BTC": 0.1}, [trade(is_open=0)], {}).worth(PRICES) == 26_000


def test_a_trade_may_differ_by_its_notional_and_a_lot() -> None:
    symbols = {symbol.symbol: symbol for symbol in DEFAULT_SYMBOLS}
    assert allowed(trade(), ROWS, symbols) == pytest.approx(2e-6 * 60_000 + 0.06)


def test_orders_of_ladders_are_told_from_those_of_freqtrade() -> None:
    assert not is_rung(ORDERS[0])
    assert is_rung(replace(ORDERS[0], client_oid="abcdefgh-1-aaaaaaaa-0"))


def test_the_command_prints_json_and_keeps_the_log_of_a_run_with_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[str] = []
    monkeypatch.setattr(
        command, "play", lambda seed, steps, kind: Result(seed, kind.value, steps, findings=found, log=["a line"])
    )
    arguments = ["--seed", "3", "--steps", "9", "--account", "unified", "--logs", str(tmp_path)]
    assert command.main(arguments) == 0
    assert list(tmp_path.iterdir()) == []
    found.append("a flaw")
    assert command.main(arguments) == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["seed"], first["steps"], first["account"], first["findings"]) == (3, 9, "unified", [])
    assert second["findings"] == ["a flaw"]
    assert (tmp_path / "leverage-unified-3.txt").read_text() == "a flaw\na line\n"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", list(AccountKind))
def test_a_short_run_has_no_findings(kind: AccountKind) -> None:
    result = play(1, 10, kind)
    assert result.findings == []
    assert result.looks + result.unjudged == 11
    assert result.looks > 5
