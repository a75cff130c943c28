"""Everything means everything: what is listed is cancelled until nothing is, symbol by symbol where it must be."""

import pytest

from bitget_margin.core.cancel_proof import CancelAllResult
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.requests import CallContext
from support.account import COINS, DENIED, Account, cancel_all, order, outcomes, requested
from support.script import START_MS


@pytest.mark.parametrize("symbol", ["BTCUSDT", None])
def test_what_is_listed_is_cancelled_and_the_balance_asked(symbol: str | None) -> None:
    account = Account([order(2), order(1)])
    result, _, state, venue = cancel_all(account, symbol)
    assert result == CancelAllResult()
    assert account.orders == []
    assert outcomes(state) == {"2": Outcome.ACCEPTED, "1": Outcome.ACCEPTED}
    listed = [symbol, symbol]  # the second brings nothing new
    assert requested(venue) == [*listed, Endpoint.BATCH_CANCEL, symbol, Endpoint.ASSETS]


def test_nothing_open_and_nothing_frozen_are_two_questions() -> None:
    result, _, _, venue = cancel_all(Account(), "BTCUSDT")
    assert result == CancelAllResult()
    assert requested(venue) == ["BTCUSDT", Endpoint.ASSETS]


def test_an_acknowledged_order_that_still_is_listed_is_cancelled_again() -> None:
    account = Account([order(1)], ineffective={"1": 1})
    result, _, state, venue = cancel_all(account, "BTCUSDT")
    assert result == CancelAllResult()
    assert account.orders == []
    assert requested(venue).count(Endpoint.BATCH_CANCEL) == 2
    assert venue.waits[:2] == [150, 150], "the list has just shown it: its first lookup waits, too"
    assert outcomes(state) == {"1": Outcome.ACCEPTED}


def test_an_order_that_the_venue_will_not_cancel_is_told() -> None:
    result, _, state, venue = cancel_all(Account([order(2), order(1)], refused=frozenset("1")), "BTCUSDT")
    assert result.problem == "the cancels of 1 open orders were refused"
    assert outcomes(state) == {"2": Outcome.ACCEPTED, "1": Outcome.OPEN}
    assert Endpoint.ASSETS not in requested(venue)


def test_no_time_to_find_out_is_no_problem_of_its_own_and_no_proof() -> None:
    """The order is UNKNOWN: the call raises for that."""
    result, _, state, venue = cancel_all(Account([order(1)], ineffective={"1": 99}), "BTCUSDT", timeout_ms=500)
    assert result == CancelAllResult()
    assert outcomes(state) == {"1": Outcome.UNKNOWN}
    assert Endpoint.ASSETS not in requested(venue)


@pytest.mark.parametrize("symbol", ["BTCUSDT", None])
def test_a_list_that_is_refused_leaves_its_symbols_unexamined(symbol: str | None) -> None:
    result, _, _, venue = cancel_all(Account([order(1)], denied=frozenset({symbol})), symbol, ["BTCUSDT", "ETHUSDT"])
    assert result.fault is DENIED
    assert result.unexamined == (("BTCUSDT",) if symbol else ("BTCUSDT", "ETHUSDT"))
    assert requested(venue) == [symbol]


# -- symbol by symbol -------------------------------------------------------------------------------------------------

MANY = [symbol for symbol in COINS if symbol.startswith("C")][:25]


def test_where_the_venue_wants_a_symbol_each_is_asked_for_ten_at_a_time() -> None:
    steps: list[tuple[int, int, str]] = []
    account = Account([order(2, MANY[24]), order(1, MANY[0])], all_at_once=False)
    result, _, state, venue = cancel_all(account, None, MANY, progress=lambda *step: steps.append(step))
    assert result == CancelAllResult()
    assert account.orders == []
    assert outcomes(state) == {"1": Outcome.ACCEPTED, "2": Outcome.ACCEPTED}
    assert steps == [(10, 25, MANY[9]), (20, 25, MANY[19]), (25, 25, MANY[24])]
    assert {size for size in venue.groups if size > 1} == {10, 5}
    assert requested(venue)[1:11] == MANY[:10]
    assert requested(venue)[-1] is Endpoint.ASSETS


def test_each_group_has_the_time_of_its_symbols_and_so_has_the_proof() -> None:
    spans: list[float] = []
    contexts: list[CallContext] = []
    _, ctx, *_ = cancel_all(
        Account([order(1, MANY[0])], all_at_once=False),
        None,
        MANY,
        progress=lambda *_: spans.append(contexts[0].deadline.span_ms),
        on_start=contexts.append,
        timeout_ms=700,
    )
    assert spans == [7_000, 7_000, 3_500]
    assert ctx.deadline.span_ms == 700
    assert ctx.deadline.start_ms > START_MS


def test_a_symbol_that_cannot_be_listed_is_named_and_the_others_are_swept() -> None:
    account = Account([order(1, MANY[24])], all_at_once=False, denied=frozenset({MANY[3]}))
    result, _, _, venue = cancel_all(account, None, MANY)
    assert (result.unexamined, account.orders) == ((MANY[3],), [])
    assert Endpoint.ASSETS not in requested(venue)
    only_by_account = Account(all_at_once=False, denied=frozenset({MANY[24]}))
    result, *_ = cancel_all(only_by_account, None, MANY)
    assert (result.unexamined, result.fault) == ((MANY[24],), DENIED)


def test_a_definitive_error_ends_the_sweep_and_names_what_was_not_looked_at() -> None:
    account = Account([order(1, MANY[0])], all_at_once=False, refusal=DENIED)
    result, _, state, venue = cancel_all(account, None, MANY)
    assert state.error is DENIED.error
    assert result.unexamined == tuple(MANY[10:])
    assert MANY[10] not in requested(venue)


def test_nothing_that_was_not_looked_at_is_forgotten() -> None:
    """One symbol could not be listed, then the key loses its permission."""
    account = Account([order(1, MANY[12])], all_at_once=False, refusal=DENIED, denied=frozenset({MANY[3], MANY[13]}))
    result, *_ = cancel_all(account, None, MANY)
    assert result.unexamined == (MANY[3], MANY[13], *MANY[20:])


def test_what_the_list_of_all_symbols_hides_is_found_symbol_by_symbol() -> None:
    """The balance betrays it."""
    account = Account([order(1)], only_by_symbol=frozenset("1"))
    result, _, state, _ = cancel_all(account, None, ["BTCUSDT", "ETHUSDT"])
    assert result == CancelAllResult()
    assert account.orders == []
    assert outcomes(state) == {"1": Outcome.ACCEPTED}


@pytest.mark.parametrize(("refused", "problem"), [("", None), ("2", "the cancels of 1 open orders were refused")])
def test_orders_that_are_not_resolved_end_the_sweep_of_the_account(refused: str, problem: str | None) -> None:
    """Going through every symbol would not resolve them."""
    account = Account([order(1), order(2)], ineffective={"1": 99}, refused=frozenset(refused))
    result, _, state, venue = cancel_all(account, None, ["BTCUSDT", "ETHUSDT"], timeout_ms=2_500)
    assert result == CancelAllResult(problem)
    assert outcomes(state) == {"1": Outcome.UNKNOWN, "2": Outcome.OPEN if refused else Outcome.ACCEPTED}
    assert "ETHUSDT" not in requested(venue)


def test_all_symbols_at_once_have_the_time_of_each() -> None:
    account = Account([order(3), order(2, "ETHUSDT"), order(1, "SOLUSDT")])
    _, ctx, *_ = cancel_all(account, None, [], timeout_ms=700)
    assert ctx.deadline.span_ms == 2_100
    _, ctx, *_ = cancel_all(Account([order(3)]), "BTCUSDT", [], timeout_ms=700)
    assert ctx.deadline.span_ms == 700


# -- pairs that orders are no longer placed on -------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("all_at_once", [True, False], ids=["hidden from the list", "symbol by symbol"])
@pytest.mark.parametrize("where", ["likely", "further", "guessed"])
def test_symbols_are_listed_while_they_trade_a_frozen_coin(where: str, all_at_once: bool, side: str) -> None:
    """Each kind of symbol only if none before explains it."""
    account = Account([order(1, "ETHUSDT", side)], all_at_once=all_at_once, only_by_symbol=frozenset("1"))
    named = {
        "likely": {"symbols": ["ETHUSDT"], "further": ["SOLUSDT"]},
        "further": {"symbols": ["BTCUSDT"], "further": ["SOLUSDT", "ETHUSDT"]},
        "guessed": {"symbols": ["BTCUSDT"], "further": ["SOLUSDT"], "guess": lambda coins: [f"{c}USDT" for c in coins]},
    }[where]
    if (where, side) == ("guessed", "buy"):
        named["guess"] = lambda _: ["ETHUSDT"]
    result, _, state, venue = cancel_all(account, None, **named)  # type: ignore[arg-type]
    assert result == CancelAllResult()
    assert account.orders == []
    assert outcomes(state) == {"1": Outcome.ACCEPTED}
    if where == "likely" or side == "sell":
        assert "SOLUSDT" not in requested(venue)


def test_a_guessed_symbol_that_the_venue_does_not_know_has_no_orders() -> None:
    frozen = Account(extra_frozen={"ETH": "1"}, unknown=frozenset({"ETHEUR"}))
    result, *_, venue = cancel_all(frozen, None, guess=lambda _: ["ETHEUR", "ETHUSDT"])
    assert (result.problem or "").startswith("open-orders shows nothing more, but 1 ETH is still frozen")
    assert result.unexamined == ()
    assert "ETHUSDT" in requested(venue)


def test_nothing_frozen_needs_no_further_symbol() -> None:
    *_, venue = cancel_all(Account(), None, ["BTCUSDT"], further=["ETHUSDT"], guess=lambda _: ["SOLUSDT"])
    assert requested(venue) == [None, Endpoint.ASSETS]
