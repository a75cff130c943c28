"""Client order ids are parsed as they are made."""

import pytest

from bitget_margin.client_order_ids import BotOrder, is_ours, new_key, new_order_id, parse, rung_order_id

KEY = "k3x9ab12"


def test_client_order_ids_are_parsed_as_they_are_made() -> None:
    key = new_key()
    assert parse(rung_order_id(key, 7, 1_700_000_000_000, "take-profit", 3)) == BotOrder(key, 7, 4)
    assert parse(new_order_id(key)) == BotOrder(key)
    assert new_order_id(key) != new_order_id(key)


def test_a_rung_has_one_client_order_id() -> None:
    """A ladder that is sent again after a crash is refused as a duplicate, and its id is known from the database."""
    assert rung_order_id(KEY, 7, 1_700_000_000_000, "entry", 0) == f"{KEY}-7-a62615e2-0"
    others = {
        rung_order_id(KEY, trade, opened_ms, ladder, 0)
        for trade, opened_ms, ladder in ((7, 1, "a"), (8, 1, "a"), (7, 2, "a"), (7, 1, "b"))
    }
    assert len(others) == 4


@pytest.mark.parametrize(
    "other",
    [None, "", "mine", f"{KEY}-7", f"{KEY}-7-0a1b2c3-1", f"x{KEY}-o0123456789abcdef", KEY, f"{KEY}-7-0a1b2c3d-x"],
)
def test_other_client_order_ids_are_not_parsed(other: str | None) -> None:
    assert parse(other) is None


def test_an_order_is_the_bot_s_where_its_client_order_id_begins_with_the_key() -> None:
    assert is_ours(KEY, f"{KEY}-o1")
    assert not any(is_ours(KEY, other) for other in (KEY, f"x{KEY}-o1", None, 7))


def test_tables_show_the_trade_and_the_rung() -> None:
    assert str(BotOrder(KEY, 7, 4)) == "k3x9ab12, trade 7, rung 4"
    assert str(BotOrder(KEY)) == "k3x9ab12, entry or exit"
