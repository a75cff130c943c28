"""Nothing is left when nothing is frozen, or when what is frozen is accounted for to the last digit."""

from collections import Counter
from typing import Any

import pytest

from bitget_margin.core.cancel_proof import CancelAllResult
from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.settings import Pacing
from support.account import COINS, DENIED, Account, cancel_all, order, outcomes, requested
from support.script import page


def test_coins_that_stay_frozen_are_told_with_their_amount() -> None:
    """After a few looks with growing pauses: the balance may lag."""
    result, _, _, venue = cancel_all(Account(extra_frozen={"USDT": "0.10", "BTC": "2E+1"}), "BTCUSDT")
    assert "but 20 BTC, 0.1 USDT is still frozen" in (result.problem or "")
    assert (result.problem or "").endswith(
        "still frozen: orders of other symbols (name them in params['symbols'], to be counted) or older than 90 days"
        " may hold it"
    )
    assert requested(venue).count(Endpoint.ASSETS) == 4
    assert venue.waits == [150, 300, 600, 1_000]
    result, *_ = cancel_all(Account(extra_frozen={"USDT": "5"}), None, [])
    assert result.problem == (
        "open-orders shows nothing more, but 5 USDT is still frozen: an order older than the 90 days that open-orders"
        " shows may hold it"
    )


def test_the_balance_is_not_asked_beyond_the_deadline() -> None:
    result, ctx, _, venue = cancel_all(Account(extra_frozen={"USDT": "5"}), "BTCUSDT", timeout_ms=400)
    assert result.problem is not None
    assert venue.waits == [150]
    assert venue.now_ms < ctx.deadline.at_ms


def test_coins_that_thaw_late_are_no_problem() -> None:
    """The balance may lag behind the cancels."""
    result, _, _, venue = cancel_all(Account([order(1)], extra_frozen={"USDT": "5"}, unfreezes_after=2), "BTCUSDT")
    assert result == CancelAllResult()
    assert requested(venue).count(Endpoint.ASSETS) == 3


def test_coins_of_other_pairs_do_not_matter_to_one_symbol_and_do_to_the_account() -> None:
    assert cancel_all(Account(extra_frozen={"ETH": "5"}), "BTCUSDT")[0] == CancelAllResult()
    assert cancel_all(Account(extra_frozen={"ETH": "5"}), None)[0].problem is not None


def test_a_balance_that_cannot_be_read_is_no_proof() -> None:
    result, *_ = cancel_all(Account(unreadable=True), "BTCUSDT", timeout_ms=500)
    assert (result.problem or "").startswith("the balance could not be read (")
    assert isinstance(result.fault, Fault)


# -- what other symbols hold ------------------------------------------------------------------------------------------


def test_coins_that_open_orders_of_other_symbols_hold_are_accounted_for() -> None:
    """A half-filled buy holds what is left of it at its price; a half-filled sell holds coins."""
    others = [order(3, "ETHUSDT"), order(2, "SOLUSDT", "liquidation-sell")]
    assert cancel_all(Account(others), "ETHUSDT")[0] == CancelAllResult()
    account = Account([*others, order(4)], extra_frozen={"USDT": "0.00000001"})
    result, _, _, venue = cancel_all(account, "BTCUSDT")
    assert result == CancelAllResult()
    assert account.orders == others
    assert requested(venue)[-1] is None
    assert requested(venue).count(Endpoint.ASSETS) == 1


def test_what_they_do_not_account_for_is_told_to_the_last_digit() -> None:
    result, *_ = cancel_all(Account([order(3, "ETHUSDT")], extra_frozen={"USDT": "0.00000003"}), "BTCUSDT")
    assert "but 0.00000002 USDT is still frozen" in (result.problem or "")
    sold, *_ = cancel_all(Account([order(3, "ETHUSDT", "sell")], extra_frozen={"USDT": "1"}), "BTCUSDT")
    assert "but 1 USDT is still frozen" in (sold.problem or "")


def test_a_sell_of_the_same_coin_for_another_holds_what_is_left_of_it() -> None:
    sells = [order(3, "BTCUSDC", "sell")]
    assert cancel_all(Account(sells), "BTCUSDT")[0] == CancelAllResult()
    result, *_ = cancel_all(Account(sells, extra_frozen={"BTC": "0.5"}), "BTCUSDT")
    assert "but 0.49999999 BTC is still frozen" in (result.problem or "")


def test_where_all_symbols_cannot_be_listed_the_named_ones_are() -> None:
    account = Account([order(3, "ETHUSDT"), order(2, "SOLUSDT")], all_at_once=False)
    result, _, _, venue = cancel_all(account, "BTCUSDT", ["ETHUSDT", "SOLUSDT"])
    assert result == CancelAllResult()
    assert venue.groups[-2:] == [3, 2]
    partly, *_ = cancel_all(account, "BTCUSDT", ["ETHUSDT"])
    assert "but 14.99999999 USDT" in (partly.problem or "")
    denied = Account([order(3, "ETHUSDT")], all_at_once=False, denied=frozenset({"SOLUSDT"}))
    assert cancel_all(denied, "BTCUSDT", ["SOLUSDT", "ETHUSDT"])[0] == CancelAllResult()


def test_an_order_of_the_symbol_that_only_the_list_of_all_symbols_shows_is_canceled() -> None:
    account = Account([order(1)], only_by_account=frozenset("1"))
    result, _, state, _ = cancel_all(account, "BTCUSDT")
    assert result == CancelAllResult()
    assert outcomes(state) == {"1": Outcome.ACCEPTED}
    assert account.orders == []


@pytest.mark.parametrize(
    ("endpoint", "account"),
    [
        (Endpoint.OPEN_ORDERS, {"only_by_account": frozenset("1")}),
        (Endpoint.ASSETS, {"overrides": {"symbol": "OTHERUSDT"}, "all_at_once": False}),
    ],
    ids=["listed late", "where only named symbols can be listed"],
)
def test_an_order_of_the_symbol_that_is_listed_late_is_cancelled_too(endpoint: Endpoint, account: Any) -> None:
    """It shows once the list of all symbols, or the balance, has been asked for."""

    class Slow(Account):
        def respond(self, call: Call) -> object:
            data = super().respond(call)
            if call.endpoint is endpoint and "symbol" not in call.params:
                self.only_by_account, self.overrides = frozenset(), {}
            return data

    slow = Slow([order(1)], **account)
    result, *_, venue = cancel_all(slow, "BTCUSDT")
    assert result == CancelAllResult()
    assert slow.orders == []
    assert venue.waits[0] == 150


@pytest.mark.parametrize(
    "overrides",
    [{"status": "cancelled"}, {"symbol": "NEWUSDT"}, {"price": ""}, {"baseSize": "x"}, {"size": "x"}],
    ids=str,
)
def test_a_row_that_ended_or_cannot_be_read_explains_nothing(overrides: dict[str, str]) -> None:
    result, *_ = cancel_all(Account([order(3, "ETHUSDT")], overrides=overrides), "BTCUSDT")
    assert "but 15 USDT is still frozen" in (result.problem or "")


# -- an empty answer proves nothing -----------------------------------------------------------------------------------

EVERYTHING = frozenset(coin for pair in COINS.values() for coin in pair)
RECHECK_MS = Pacing().recheck_ms


def test_a_balance_without_the_coins_of_the_orders_is_no_proof() -> None:
    """Silence is not zero: one coin of each order's symbol has to be there."""
    for omitted_coins in (frozenset({"BTC", "USDT"}), EVERYTHING):
        for symbol in ("BTCUSDT", None):
            result, _, _, venue = cancel_all(Account([order(1)], omitted_coins=omitted_coins), symbol)
            assert result.problem == "the balance names none of the coins of these orders"
            assert set(venue.waits) == {RECHECK_MS}
    assert cancel_all(Account([order(1)], omitted_coins=frozenset({"BTC"})), "BTCUSDT")[0] == CancelAllResult()
    assert (
        cancel_all(Account([order(1), order(2, "ETHUSDT")], omitted_coins=frozenset({"USDT"})), None)[0]
        == CancelAllResult()
    )
    lacking = Account([order(1), order(2, "ETHUSDT")], omitted_coins=frozenset({"USDT", "ETH"}))
    assert cancel_all(lacking, None)[0].problem is not None


class Degraded(Account):
    """Its first answers, so many of each endpoint, are empty."""

    empty: int = 1

    def respond(self, call: Call) -> object:
        """Answer one request."""
        self.counts: Counter[Endpoint] = getattr(self, "counts", Counter())
        self.counts[call.endpoint] += 1
        if self.counts[call.endpoint] > self.empty or call.endpoint is Endpoint.BATCH_CANCEL:
            return super().respond(call)
        return [] if call.endpoint is Endpoint.ASSETS else page()


@pytest.mark.parametrize("symbol", ["BTCUSDT", None])
def test_orders_that_a_second_look_shows_are_cancelled(symbol: str | None) -> None:
    account = Degraded([order(1), order(2), order(3)])
    result, _, state, venue = cancel_all(account, symbol)
    assert result == CancelAllResult()
    assert account.orders == []
    assert len(outcomes(state)) == 3
    assert venue.waits[0] == RECHECK_MS


def test_orders_that_a_second_look_shows_too_late_to_be_cancelled_are_told() -> None:
    result, *_ = cancel_all(Degraded([order(1)]), "BTCUSDT", timeout_ms=1_600)
    assert result == CancelAllResult("more orders are listed than before", more_orders_found=True)


@pytest.mark.parametrize("symbol", ["BTCUSDT", None])
def test_coins_that_a_second_look_shows_are_told(symbol: str | None) -> None:
    account = Degraded([order(1)], only_by_symbol=frozenset("1"), only_by_account=frozenset("1"))
    assert "is still frozen" in (cancel_all(account, symbol)[0].problem or "")


@pytest.mark.parametrize("symbol", ["BTCUSDT", None])
def test_an_account_that_is_empty_is_so_at_two_looks_some_time_apart(symbol: str | None) -> None:
    result, _, _, venue = cancel_all(Account(omitted_coins=EVERYTHING), symbol)
    assert result == CancelAllResult()
    assert venue.waits == [RECHECK_MS]
    assert requested(venue) == [symbol, Endpoint.ASSETS, symbol, Endpoint.ASSETS]


def test_where_the_venue_wants_a_symbol_the_second_look_is_at_the_balance() -> None:
    result, _, _, venue = cancel_all(Account(omitted_coins=EVERYTHING, all_at_once=False), None, ["BTCUSDT", "ETHUSDT"])
    assert result == CancelAllResult()
    assert requested(venue).count(Endpoint.ASSETS) == 2


def test_an_account_without_the_coins_of_the_symbol_takes_two_looks_too() -> None:
    """A unified account leaves out coins that it has none of."""
    result, _, _, venue = cancel_all(Account(omitted_coins=frozenset({"BTC", "USDT"})), "BTCUSDT")
    assert result == CancelAllResult()
    assert venue.waits == [RECHECK_MS]


@pytest.mark.parametrize("symbol", ["BTCUSDT", None])
def test_no_time_for_a_second_look_is_no_proof(symbol: str | None) -> None:
    result, ctx, _, venue = cancel_all(Account(omitted_coins=EVERYTHING), symbol, timeout_ms=1_000)
    assert result.problem == (
        "open-orders shows no order and the balance none of the coins, and nothing has confirmed it a moment later"
    )
    assert venue.now_ms < ctx.deadline.at_ms


def test_a_second_look_that_fails_is_no_proof() -> None:
    class Lost(Account):
        def respond(self, call: Call) -> object:
            first = not self.balance_queries or call.endpoint is Endpoint.ASSETS
            return super().respond(call) if first else DENIED

    result, *_ = cancel_all(Lost(omitted_coins=EVERYTHING), "BTCUSDT")
    assert result.problem is not None
    assert result.fault is DENIED


@pytest.mark.parametrize("symbol", ["BTCUSDT", None])
def test_coins_that_were_there_before_and_vanish_are_no_proof_however_often_they_do(symbol: str | None) -> None:
    known = {"SOL"}
    result, *_ = cancel_all(Account(omitted_coins=EVERYTHING), symbol, known=known)
    assert result.problem == (
        "the balance names no coin, though it did before: it proves nothing beside an empty list of orders"
    )
    assert cancel_all(Account(), symbol, known=known)[0] == CancelAllResult()
    assert known >= EVERYTHING


def test_listings_that_show_other_orders_each_time_end_all_the_same() -> None:
    class Flicker(Account):
        asks = 0

        def respond(self, call: Call) -> object:
            if call.endpoint is not Endpoint.OPEN_ORDERS:
                return super().respond(call)
            self.asks += 1
            return page() if self.asks % 2 else page(order(1))

    result, *_ = cancel_all(Flicker(omitted_coins=EVERYTHING, ineffective={"1": 99}), None)
    assert result == CancelAllResult("the balance names none of the coins of these orders")
