"""A row is read from ids and a status as documented, and any other state proves nothing."""

from __future__ import annotations

from bitget_margin.core.order_row import CLASSIC_FIELDS, RowState, parse_row


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
