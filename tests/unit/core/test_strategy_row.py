"""Rows of strategy orders are read as documented, and compared with terms field by field."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.responses import Listing
from bitget_margin.core.strategy_row import (
    Condition,
    StrategyRow,
    StrategyState,
    StrategyTerms,
    parse_strategy,
    parse_sub_order,
    terms_of,
)

STOP = StrategyTerms("BTCUSDT", "sell", Decimal("0.5"), Condition.STOP_LOSS, Decimal(55_000), "market")
RAW = {"orderId": "7", "clientOid": "a", "symbol": "BTCUSDT", "category": "MARGIN", "qty": "0.5", "status": "pending"}
RAW |= {"stopLoss": "55000", "slOrderType": "market", "slTriggerBy": "market", "slLimitPrice": "", "createdTime": "5"}


def parsed(listing: Listing = Listing.OPEN, **changes: Any) -> StrategyRow:
    row = parse_strategy({**RAW, **changes}, listing)
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("status", "listing", "state", "ended"),
    [
        ("pending", Listing.OPEN, StrategyState.WAITING, False),
        ("submitting", Listing.OPEN, StrategyState.SUBMITTING, False),
        ("success", Listing.HISTORY, StrategyState.FIRED, True),
        ("failed", Listing.HISTORY, StrategyState.FAILED, True),
        ("cancelled", Listing.HISTORY, StrategyState.CANCELED, True),
        ("new_state", Listing.HISTORY, StrategyState.UNREADABLE, False),
        (None, Listing.OPEN, StrategyState.WAITING, False),
        ("", Listing.HISTORY, StrategyState.ENDED, True),
    ],
)
def test_a_state_is_that_of_the_row_or_of_its_list(
    status: str | None, listing: Listing, state: StrategyState, ended: bool
) -> None:
    row = parsed(listing, status=status)
    assert (row.state, row.state.ended) == (state, ended)


def test_a_row_has_its_ids_and_its_condition() -> None:
    row = parsed(side="SELL")
    assert (row.key(IdKind.ORDER), row.key(IdKind.CLIENT), row.side, row.number) == ("7", "a", "sell", 7)
    assert (row.conditions, row.amount, row.created_ms, row.updated_ms) == (
        (Condition.STOP_LOSS,),
        Decimal("0.5"),
        5,
        None,
    )
    assert terms_of(parsed(), "sell") == STOP
    for changes in ({"takeProfit": "70000"}, {"stopLoss": ""}, {"qty": None}):
        assert terms_of(parsed(**changes), "sell") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "ETHUSDT"},
        {"qty": "0.4"},
        {"qty": None},
        {"stopLoss": "55001"},
        {"stopLoss": "", "triggerPrice": "55000"},
        {"takeProfit": "70000"},
        {"side": "buy"},
        {"slOrderType": "limit"},
        {"slLimitPrice": "54000"},
    ],
)
def test_terms_fit_no_other_order(changes: dict[str, Any]) -> None:
    assert STOP.fits(parsed())
    assert STOP.fits(parsed(side="sell", slOrderType=None))
    assert not STOP.fits(parsed(**changes))
    limit = replace(STOP, order_type="limit", limit_price=Decimal(54_000))
    assert limit.fits(parsed(slOrderType="limit", slLimitPrice="54000"))


@pytest.mark.parametrize("raw", [None, [], {}, {"orderId": "1"}, {"symbol": "BTCUSDT"}, {"subOrderId": ""}])
def test_rows_without_an_id_or_a_symbol_are_none(raw: Any) -> None:
    assert parse_strategy(raw, Listing.OPEN) is None
    assert parse_sub_order(raw) is None
