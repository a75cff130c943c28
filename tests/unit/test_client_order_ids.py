"""Client order ids are parsed as they are made."""

from __future__ import annotations

from bitget_margin import client_order_ids


def test_a_bot_is_recognised_by_its_client_order_ids() -> None:
    key = client_order_ids.new_key()
    assert client_order_ids.parse(
        client_order_ids.rung_order_id(key, 7, 1_700_000_000_000, "take-profit", 3)
    ) == client_order_ids.BotOrder(key, 7, 4)
    assert client_order_ids.parse(client_order_ids.new_order_id(key)) == client_order_ids.BotOrder(key)
    for other in (None, "", "mine", f"{key}-7", f"{key}-7-0a1b2c3-1", f"x{client_order_ids.new_order_id(key)}", key):
        assert client_order_ids.parse(other) is None
    assert str(client_order_ids.BotOrder("k3x9ab12", 7, 4)) == "k3x9ab12, trade 7, rung 4"
    assert str(client_order_ids.BotOrder("k3x9ab12")) == "k3x9ab12, entry or exit"
