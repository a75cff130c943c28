"""On a unified account nothing is left when two whole lists are empty; what is locked is explained, and no proof."""

from typing import Any

import pytest

from bitget_margin.core.cancel_proof import CancelAllResult
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.settings import Pacing
from support.account import DENIED, outcomes
from support.script import Script
from support.unified_account import UnifiedAccount, cancel_all, order, strategy

RECHECK_MS = Pacing().recheck_ms
EVERY = pytest.mark.parametrize("symbol", ["BTCUSDT", None])


def lists_at(venue: Script) -> list[float]:
    """Return the times of the first pages of the lists of open margin orders."""
    return [
        at_ms
        for call, at_ms in zip(venue.calls, venue.sent_at, strict=True)
        if call.endpoint is Endpoint.UNIFIED_OPEN_ORDERS
        and isinstance(call.params, dict)
        and call.params["category"] == "MARGIN"
        and "cursor" not in call.params
    ]


@EVERY
@pytest.mark.parametrize("orders", [[], [order(2), order(1, side="sell")]], ids=["none", "some"])
@pytest.mark.parametrize("margin_locks", [True, False], ids=["counted", "not counted"])
def test_two_lists_some_time_apart_and_a_balance_with_coins_are_the_proof(
    symbol: str | None, orders: list[dict[str, str]], margin_locks: bool
) -> None:
    account = UnifiedAccount(orders, margin_locks=margin_locks)
    result, state, venue = cancel_all(account, symbol)
    assert (result, result.locked) == (CancelAllResult(), None)
    assert account.live() == []
    assert set(outcomes(state).values()) <= {Outcome.CANCELED}
    first, last = lists_at(venue)[-2:]
    assert last - first >= RECHECK_MS
    assert Endpoint.UNIFIED_ASSETS in {call.endpoint for call in venue.calls}


@EVERY
def test_an_order_that_the_first_list_hides_is_canceled(symbol: str | None) -> None:
    """A balance that does not count margin orders would not have shown it."""
    account = UnifiedAccount([order(1)], omitting_lists={"1": 1}, margin_locks=False)
    result, state, _ = cancel_all(account, symbol)
    assert result == CancelAllResult()
    assert account.live() == []
    assert outcomes(state) == {"1": Outcome.CANCELED}


@pytest.mark.parametrize(
    ("symbol", "shown_by"),
    [("BTCUSDT", 2), (None, 2), ("BTCUSDT", 3)],
    ids=["second list", "second list of all symbols", "list of what locks coins"],
)
def test_an_order_that_one_list_of_the_proof_shows_and_no_other_is_canceled(symbol: str | None, shown_by: int) -> None:
    """The lists before and after it are empty, as a venue in trouble answers."""

    class Elusive(UnifiedAccount):
        lists = 0

        def _open(self, params: Any) -> Any:
            self.lists += params["category"] == "MARGIN" and "cursor" not in params
            return super()._open(params) if self.lists == shown_by else []

    account = Elusive([order(1)], extra_locked={"USDT": "15"})
    result, state, _ = cancel_all(account, symbol)
    assert result.problem is None
    assert account.live() == []
    assert outcomes(state) == {"1": Outcome.CANCELED}


def test_an_account_that_keeps_showing_other_orders_is_gone_through_three_times() -> None:
    class Growing(UnifiedAccount):
        lists = 0

        def _open(self, params: Any) -> Any:
            if params["category"] == "MARGIN" and "cursor" not in params:
                self.lists += 1
                if self.lists % 2:
                    return []
                self.orders.append(order(self.lists))
            return super()._open(params)

    account = Growing()
    result, state, _ = cancel_all(account, None)
    assert result == CancelAllResult("more orders are listed than before", more_orders_found=True)
    assert account.lists == 6
    assert account.live() == ["6"]
    assert outcomes(state) == {"2": Outcome.ACCEPTED, "4": Outcome.ACCEPTED, "6": Outcome.NOT_SENT}


@EVERY
def test_an_acknowledged_order_that_lives_is_found_by_its_id_and_canceled_again(symbol: str | None) -> None:
    """No list shows it any more."""
    account = UnifiedAccount([order(1)], ineffective={"1": 1}, vanishing=frozenset("1"), margin_locks=False)
    result, state, _ = cancel_all(account, symbol)
    assert result == CancelAllResult()
    assert account.live() == []
    assert outcomes(state) == {"1": Outcome.CANCELED}


def test_an_acknowledged_order_that_never_ends_is_no_proof() -> None:
    account = UnifiedAccount([order(1)], ineffective={"1": 99}, vanishing=frozenset("1"), margin_locks=False)
    result, *_ = cancel_all(account, "BTCUSDT", timeout_ms=4_000)
    assert result.problem is not None


@EVERY
def test_an_acknowledged_order_in_no_list_stays_acknowledged(symbol: str | None) -> None:
    """History lags."""
    result, state, _ = cancel_all(UnifiedAccount([order(1)], history=False), symbol)
    assert result == CancelAllResult()
    assert outcomes(state) == {"1": Outcome.ACCEPTED}


def test_lookups_that_are_not_answered_prove_nothing() -> None:
    account = UnifiedAccount([order(1)], history=False, faults={Endpoint.UNIFIED_ORDER: DENIED})
    result, *_ = cancel_all(account, "BTCUSDT")
    assert result.problem == "the lookups of 1 acknowledged orders were not answered"
    assert result.fault is DENIED


@EVERY
def test_locked_coins_refute_only_where_an_order_that_no_list_shows_held_as_much(symbol: str | None) -> None:
    stuck = UnifiedAccount([order(1)], history=False, margin_locks=False, stuck_locked={"USDT": "15"})
    result, *_ = cancel_all(stuck, symbol, timeout_ms=9_000)
    assert "order 1 is in no list, but the 15 USDT that it held may still be locked" in (result.problem or "")
    less = UnifiedAccount([order(1)], history=False, margin_locks=False, stuck_locked={"USDT": "14"})
    result, *_ = cancel_all(less, symbol)
    assert result == CancelAllResult()
    assert result.locked is not None
    assert result.locked.describe() == "14 USDT locked: no listed order accounts for 14 USDT"


@EVERY
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_spot_orders_explain_what_they_lock_and_live_on(symbol: str | None, side: str) -> None:
    spot = [order(4, category="SPOT", side=side), order(3, category="SPOT", side=side)]
    account = UnifiedAccount([*spot, order(2)])
    result, *_ = cancel_all(account, symbol)
    assert result == CancelAllResult()
    assert result.locked is not None
    assert result.locked.unexplained == {}
    assert [each.order_id for each in result.locked.spot] == ["4", "3"]
    amount = "30 USDT" if side == "buy" else "3 BTC"
    assert result.locked.describe() == f"{amount} locked: spot orders 4 (BTCUSDT {side}), 3 (BTCUSDT {side})"
    assert (account.live(), account.live("SPOT")) == ([], ["4", "3"])


def test_margin_orders_of_other_symbols_explain_what_they_lock() -> None:
    account = UnifiedAccount([order(2, "ETHUSDT"), order(1)])
    result, *_ = cancel_all(account, "BTCUSDT")
    assert result == CancelAllResult()
    assert result.locked is not None
    assert result.locked.describe() == "15 USDT locked: open margin orders"
    assert account.live() == ["2"]


@EVERY
@pytest.mark.parametrize("locked", ["BTC", "USDT"])
@pytest.mark.parametrize("category", ["MARGIN", "SPOT"])
def test_strategy_orders_may_explain_it(symbol: str | None, locked: str, category: str) -> None:
    account = UnifiedAccount(strategies=[strategy(9, category=category)], extra_locked={locked: "0.5"})
    result, *_ = cancel_all(account, symbol)
    assert result == CancelAllResult()
    assert result.locked is not None
    assert result.locked.describe() == (
        f"0.5 {locked} locked: no listed order accounts for 0.5 {locked}, strategy order 9 (BTCUSDT) may"
    )


@EVERY
def test_lists_that_explain_and_cannot_be_read_are_named(symbol: str | None) -> None:
    missing = {Endpoint.UNIFIED_STRATEGY_ORDERS: DENIED}
    result, *_ = cancel_all(UnifiedAccount(extra_locked={"USDT": "5"}, faults=dict(missing)), symbol)
    assert result == CancelAllResult()
    assert result.locked is not None
    assert result.locked.describe().endswith("not listed: strategy orders (Incorrect permissions)")


@EVERY
def test_lists_beside_no_account_prove_nothing(symbol: str | None) -> None:
    no_coin = UnifiedAccount([order(1)], coins=(), margin_locks=False)
    assert cancel_all(no_coin, symbol)[0].problem == "the balance names none of the coins of these orders"
    no_balance = UnifiedAccount(faults={Endpoint.UNIFIED_ASSETS: DENIED})
    assert (cancel_all(no_balance, symbol)[0].problem or "").startswith("the balance could not be read")


@EVERY
def test_an_account_without_coins_is_so_at_two_balances_and_never_once_it_had_some(symbol: str | None) -> None:
    assert cancel_all(UnifiedAccount(coins=()), symbol)[0] == CancelAllResult()
    result, *_ = cancel_all(UnifiedAccount(coins=()), symbol, known={"SOL"})
    assert "the balance names no coin, though it did before" in (result.problem or "")


def test_coins_that_a_canceled_order_had_borrowed_need_not_be_in_the_balance() -> None:
    account = UnifiedAccount([order(1, "ETHUSDT", "sell")], coins=("BTC",), margin_locks=False)
    assert cancel_all(account, "ETHUSDT")[0] == CancelAllResult()


def test_no_time_for_a_second_list_is_no_proof_of_a_symbol() -> None:
    result, *_ = cancel_all(UnifiedAccount(), "BTCUSDT", timeout_ms=1_000)
    assert result.problem == (
        "the list of open orders is empty, and the timeout left no time to confirm it by a second one"
    )
    assert cancel_all(UnifiedAccount(), None, timeout_ms=1_000)[0] == CancelAllResult()


def test_a_second_list_that_fails_is_no_proof() -> None:
    class Lost(UnifiedAccount):
        lists = 0

        def respond(self, call: Call) -> object:
            self.lists += call.endpoint is Endpoint.UNIFIED_OPEN_ORDERS
            return DENIED if self.lists > 1 else super().respond(call)

    result, *_ = cancel_all(Lost(), "BTCUSDT")
    assert result.problem == "open orders could not be listed a second time"
    assert result.fault is DENIED


def test_a_list_of_other_symbols_is_no_empty_list() -> None:
    class Wrong(UnifiedAccount):
        def respond(self, call: Call) -> object:
            data: Any = super().respond(call)
            listed = call.endpoint is Endpoint.UNIFIED_OPEN_ORDERS and data["list"]
            return {**data, "list": [{**row, "symbol": "ETHUSDT"} for row in listed]} if listed else data

    account = Wrong([order(1)])
    result, *_ = cancel_all(account, "BTCUSDT")
    assert result.problem == "open orders could not be listed a second time"
    assert account.live() == ["1"]


# -- symbol by symbol -------------------------------------------------------------------------------------------------


def test_what_the_list_of_all_hides_is_found_by_the_symbols_of_a_locked_coin() -> None:
    account = UnifiedAccount([order(1, "ETHUSDT", "sell")], unlisted=frozenset("1"))
    result, state, venue = cancel_all(account, None, ["BTCUSDT", "ETHUSDT"])
    assert result == CancelAllResult()
    assert outcomes(state) == {"1": Outcome.CANCELED}
    assert {call.params.get("symbol") for call in venue.calls if isinstance(call.params, dict)} == {None, "ETHUSDT"}


@pytest.mark.parametrize("margin_locks", [True, False])
def test_where_the_venue_wants_a_symbol_each_is_listed_twice(margin_locks: bool) -> None:
    """Halted ones, too: the balance need not show that they have an order."""
    account = UnifiedAccount([order(1, "ETHUSDT")], needs_symbol=True, margin_locks=margin_locks)
    account.omitting_lists["1"] = 1
    result, state, _ = cancel_all(account, None, ["BTCUSDT"], further=["ETHUSDT"])
    assert result == CancelAllResult()
    assert account.live() == []
    assert outcomes(state) == {"1": Outcome.CANCELED}
