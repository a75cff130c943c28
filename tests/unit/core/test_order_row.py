"""A row is read from ids and a status as documented, and any other state proves nothing."""

from decimal import Decimal

import pytest

from bitget_margin.core.frozen_amounts import unexplained
from bitget_margin.core.order_row import CLASSIC_FIELDS, UNIFIED_FIELDS, Fields, RowState, milliseconds, parse_row, text


def test_ids_are_read_as_numbers_too_and_rows_without_a_name_prove_nothing() -> None:
    """All ids are strings by the documents; a whole number is no less clear."""
    read = parse_row({"orderId": 12, "symbol": "BTCUSDT", "status": "filled"}, CLASSIC_FIELDS)
    assert read is not None
    assert (read.order_id, read.state) == ("12", RowState.FILLED)
    for raw in (
        {},
        {"orderId": "1"},
        {"symbol": "BTCUSDT"},
        {"orderId": True, "symbol": "X"},
        {"orderId": 1.5, "symbol": "X"},
    ):
        assert parse_row({"status": "cancelled", **raw}, CLASSIC_FIELDS) is None
    unclear = parse_row({"orderId": "1", "symbol": "X", "status": "canceling"}, CLASSIC_FIELDS)
    assert unclear is not None
    assert unclear.state is RowState.UNREADABLE


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("live", RowState.LIVE),
        ("partially_fill", RowState.LIVE),
        ("partial_fill", RowState.LIVE),
        ("partially_filled", RowState.LIVE),
        ("new", RowState.LIVE),
        ("filled", RowState.FILLED),
        ("cancelled", RowState.CANCELED),
        ("canceled", RowState.CANCELED),
        ("reject", RowState.CANCELED),
        ("LIVE", RowState.UNREADABLE),
        (None, RowState.UNREADABLE),
        (7, RowState.UNREADABLE),
        (["live"], RowState.UNREADABLE),
    ],
)
def test_only_the_documented_words_say_how_an_order_stands(status: object, state: RowState) -> None:
    found = parse_row({"orderId": "1", "symbol": "BTCUSDT", "status": status}, CLASSIC_FIELDS)
    assert found is not None
    assert found.state is state
    assert state.ended is (state in {RowState.FILLED, RowState.CANCELED})


@pytest.mark.parametrize(
    ("value", "expected"),
    [("12", 12), (12, 12), ("-5", -5), ("", None), (None, None), ("1.5", None), (True, None), ("1" * 19, None)],
)
def test_a_time_is_a_whole_number_or_the_text_of_one(value: object, expected: int | None) -> None:
    assert milliseconds(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("a", "a"), ("", None), (0, "0"), (True, None), (1.0, None), (None, None), ([], None)]
)
def test_an_id_is_a_text_or_a_whole_number(value: object, expected: str | None) -> None:
    assert text(value) == expected


@pytest.mark.parametrize("raw", [None, 5, "x", [], [{"orderId": "1", "symbol": "BTCUSDT"}]], ids=str)
def test_an_entry_that_is_no_mapping_is_no_row(raw: object) -> None:
    assert parse_row(raw, CLASSIC_FIELDS) is None


@pytest.mark.parametrize(
    ("fields", "raw"),
    [
        (CLASSIC_FIELDS, {"status": "live", "cTime": "5", "uTime": "6", "baseSize": "2", "size": "0.5"}),
        (
            UNIFIED_FIELDS,
            {"orderStatus": "new", "createdTime": "5", "updatedTime": "6", "qty": "2", "cumExecQty": "0.5"},
        ),
    ],
    ids=["classic", "unified"],
)
def test_times_state_and_open_amount_are_read_from_the_fields_of_the_account_kind(
    fields: Fields, raw: dict[str, str]
) -> None:
    row = parse_row({"orderId": "1", "symbol": "BTCUSDT", "side": "sell", **raw}, fields)
    assert row is not None
    assert (row.state, row.created_ms, row.updated_ms) == (RowState.LIVE, 5, 6)
    left = unexplained([row], {"BTC": Decimal(5)}, {"BTCUSDT": ("BTC", "USDT")})
    assert left == {"BTC": Decimal("3.49999999")}
