"""Locked coins are explained by every spot order of every page, and each text names the orders."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.locked_coins import LockedCoins, LockingOrder, explain_locked
from support.account import COINS
from support.script import Script, fault
from support.unified_account import UnifiedAccount, order, strategy

LOST = fault(None, None, None)


def explained(account: UnifiedAccount, amounts: dict[str, str]) -> tuple[LockedCoins, Script]:
    """Return the explanation of these locked amounts."""
    venue = Script(account.respond)
    locked = {coin: Decimal(amount) for coin, amount in amounts.items()}
    return venue.run(explain_locked(venue.ctx(kind=AccountKind.UNIFIED), locked, COINS)), venue


def test_spot_orders_of_all_pages_are_read() -> None:
    class Paged(UnifiedAccount):
        def respond(self, call: Call) -> object:
            data: Any = super().respond(call)
            if call.endpoint is Endpoint.UNIFIED_OPEN_ORDERS and data["list"]:
                return {"list": data["list"][:2], "cursor": data["list"][:2][-1]["orderId"]}
            return data

    locked, _ = explained(Paged([order(n, category="SPOT") for n in range(9, 2, -1)]), {"USDT": "105"})
    assert [each.order_id for each in locked.spot] == list("9876543")
    assert locked.unexplained == {}
    assert locked.describe().endswith("5 (BTCUSDT buy) and 2 more")


def test_coins_that_are_not_locked_are_not_named() -> None:
    locked, _ = explained(UnifiedAccount([order(1, category="SPOT", side="sell")]), {"USDT": "5"})
    assert locked.spot == ()
    assert locked.describe() == "5 USDT locked: no listed order accounts for 5 USDT"
    assert not locked.is_by_margin_orders


def test_coins_that_margin_orders_account_for_need_no_explanation() -> None:
    locked = LockedCoins({"USDT": Decimal(5)})
    assert locked.is_by_margin_orders
    spot = LockingOrder("1", "BTCUSDT", "buy", "USDT", Decimal(5))
    assert not replace(locked, spot=(spot,)).is_by_margin_orders


def test_what_spot_orders_account_for_needs_no_strategy_orders() -> None:
    _, venue = explained(UnifiedAccount([order(1, category="SPOT")]), {"USDT": "15"})
    assert {call.endpoint for call in venue.calls} == {Endpoint.UNIFIED_OPEN_ORDERS}


@pytest.mark.parametrize(("side", "coin"), [("sell", "BTC"), ("buy", "USDT")])
def test_a_strategy_order_with_a_side_may_hold_one_coin_only(side: str, coin: str) -> None:
    account = UnifiedAccount(strategies=[strategy(7, side=side), {"category": "MARGIN"}])
    locked, _ = explained(account, {"USDT": "1", "BTC": "1"})
    assert [(each.coin, each.side) for each in locked.strategy] == [(coin, side)]


def test_a_list_that_gets_no_answer_takes_no_more_than_two_tries() -> None:
    account = UnifiedAccount(faults={Endpoint.UNIFIED_OPEN_ORDERS: LOST, Endpoint.UNIFIED_STRATEGY_ORDERS: LOST})
    locked, venue = explained(account, {"USDT": "1"})
    assert [each.partition(" (")[0] for each in locked.unread] == ["spot orders", "strategy orders"]
    assert [call.endpoint for call in venue.calls].count(Endpoint.UNIFIED_OPEN_ORDERS) == 2
    assert [call.endpoint for call in venue.calls].count(Endpoint.UNIFIED_STRATEGY_ORDERS) == 1
