"""A cancel of freqtrade's own order returns rows of the venue only, is repeated until proven, and ends no loop."""

import threading
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter.errors import CancelUnresolved
from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome
from bitget_margin.freqtrade.compat import InvalidOrderException, TemporaryError
from support.botless import PAIR, Stand, structure


def report(outcome: Outcome, order: dict[str, Any], reason: str | None = None) -> CancelReport:
    return CancelReport((CancelResult("7", None, PAIR, outcome, reason, None, order),))


def answers(stand: Stand, *outcomes: CancelReport | Exception, seconds: float = 0.0) -> list[tuple[str, str, float]]:
    """Have the venue answer cancels so, each after some seconds; return the requests."""
    asked: list[tuple[str, str, float]] = []
    left = iter(outcomes)

    def cancel_one(*request: Any) -> CancelReport:
        asked.append(request)
        stand.seconds += seconds
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found

    stand.venue.cancel_one = cancel_one
    return asked


def entries(stand: Stand, order_ids: Iterable[str]) -> None:
    """Add entries to freqtrade's rows."""
    stand.order_rows.update(
        {
            order_id: SimpleNamespace(
                ft_order_side="buy",
                to_ccxt_object=lambda order_id=order_id: {"id": order_id, "status": "canceled", "filled": 0.1},
            )
            for order_id in order_ids
        }
    )


def shows(stand: Stand, status: str, **more: Any) -> dict[str, Any]:
    """Return what freqtrade sees where the venue's row of order 7 is this."""
    return stand.unproven.shown("7", PAIR, {**structure(status, "7"), **more})


LAST_ROW = {"id": "7", "status": "open", "filled": 0.1}
"""freqtrade's row of entry 7, as open."""
OPEN = report(Outcome.OPEN, structure("open", "7"), "no")
GONE = report(Outcome.CANCELED, structure("canceled", "7"))
PARTLY = report(Outcome.CANCELED, {**structure("canceled", "7"), "filled": 0.2})
NOT_FOUND = report(Outcome.NOT_FOUND, structure(None, "7"))
SLOW = ccxt.RequestTimeout("slow")


@pytest.mark.parametrize("outcome", [Outcome.CANCELED, Outcome.FILLED])
def test_a_proven_end_is_the_venue_s_row(stand: Stand, outcome: Outcome) -> None:
    order = structure("canceled", "7")
    asked = answers(stand, report(outcome, order))
    assert stand.unproven.cancel("7", PAIR) == order
    assert asked == [("7", PAIR, 3_000)]
    assert stand.alerts.warnings == []
    assert shows(stand, "open") == structure("open", "7")


@pytest.mark.parametrize("outcome", [Outcome.OPEN, Outcome.UNKNOWN])
def test_an_entry_that_a_row_shows_alive_is_returned_as_open(stand: Stand, outcome: Outcome) -> None:
    answers(stand, report(outcome, structure("open", "7"), "no"))
    entries(stand, "7")
    assert stand.unproven.cancel("7", PAIR) == structure("open", "7")
    text = (
        f"Order 7 on {PAIR} is not proven canceled ({outcome.value}: no). freqtrade keeps it as open, and asks again."
    )
    assert stand.alerts.warnings == [(text, "cancel 7")]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (NOT_FOUND, "no answer)"),
        (report(Outcome.ACCEPTED, structure("open", "7")), "no answer)"),
        (report(Outcome.UNKNOWN, structure(None, "7")), "no answer)"),
        (report(Outcome.CANCELED, {**structure("canceled", "7"), "filled": None}), "no answer)"),
        (SLOW, "(slow)"),
        (CancelUnresolved("no report", CancelReport(())), "no report"),
        (CancelUnresolved("a report", NOT_FOUND), "no answer)"),
    ],
)
def test_an_entry_without_a_row_that_counts_is_open_as_freqtrade_last_had_it(
    stand: Stand, found: CancelReport | Exception, reason: str
) -> None:
    """Nothing is raised: freqtrade cancels entries where an exception ends the loop, with all exits."""
    answers(stand, found)
    entries(stand, "7")
    assert stand.unproven.cancel("7", PAIR) == LAST_ROW
    assert reason in stand.alerts.texts


def test_an_order_that_nobody_knows_is_a_passing_error(stand: Stand) -> None:
    answers(stand, NOT_FOUND)
    with pytest.raises(TemporaryError, match=f"Order 7 on {PAIR} is not proven canceled"):
        stand.unproven.cancel("7", PAIR)


@pytest.mark.parametrize(("found", "reason"), [(OPEN, "open: no"), (SLOW, "slow")])
def test_an_exit_that_is_not_proven_canceled_goes_on_as_open(stand: Stand, found: Any, reason: str) -> None:
    """The only exception that freqtrade handles there."""
    asked = answers(stand, found)
    stand.order_rows["7"] = SimpleNamespace(ft_order_side="sell")
    with pytest.raises(InvalidOrderException, match=rf"order 7 on {PAIR} is not proven \({reason}\)"):
        stand.unproven.cancel("7", PAIR)
    stand.unproven.repeat()
    assert len(asked) == 1, "freqtrade itself asks again"


@pytest.mark.parametrize(("side", "is_exit"), [("buy", True), ("sell", False)])
def test_the_exit_of_a_short_is_a_buy(stand: Stand, side: str, is_exit: bool) -> None:
    asked = answers(stand, OPEN, OPEN)
    stand.order_rows["7"] = SimpleNamespace(ft_order_side=side, exit_side="buy")
    if is_exit:
        with pytest.raises(InvalidOrderException):
            stand.unproven.cancel("7", PAIR)
    else:
        assert stand.unproven.cancel("7", PAIR)["status"] == "open"
    stand.unproven.repeat()
    assert len(asked) == (1 if is_exit else 2)


def test_a_trade_has_its_whole_amount_while_freqtrade_books_a_canceled_exit(stand: Stand) -> None:
    """An exit that replaces it has lowered the amount by its fills; those of an entry are no part of that."""
    restored: list[str] = []

    def restore(pair: str) -> None:
        assert not asked
        restored.append(pair)

    asked = answers(stand, GONE, GONE)
    stand.unproven.restore_amount = restore
    stand.order_rows["7"] = SimpleNamespace(ft_order_side="sell")
    stand.unproven.cancel("7", PAIR)
    assert restored == [PAIR]
    stand.order_rows["7"] = SimpleNamespace(ft_order_side="buy")
    stand.unproven.cancel("7", PAIR)
    assert restored == [PAIR]


def test_the_report_of_an_exception_counts(stand: Stand) -> None:
    answers(stand, CancelUnresolved("x", GONE))
    assert stand.unproven.cancel("7", PAIR) == structure("canceled", "7")
    assert stand.alerts.warnings == []


def test_without_the_mixin_an_entry_without_proof_is_not_shown_as_open(stand: Stand) -> None:
    """Its trade would be deleted, while it may still buy."""
    answers(stand, OPEN)
    entries(stand, "7")
    stand.unproven.cancel("7", PAIR)
    with pytest.raises(TemporaryError, match=f"The cancel of order 7 on {PAIR} is not proven yet"):
        shows(stand, "open")
    assert stand.unproven.shown("8", PAIR, structure("open", "8"))["status"] == "open"
    stand.unproven.guards_prices = True
    assert shows(stand, "open") == structure("open", "7")
    stand.unproven.guards_prices = False
    assert shows(stand, "canceled") == structure("canceled", "7")
    assert shows(stand, "open") == structure("open", "7"), "it is forgotten with its end"


# -- the price of an entry --------------------------------------------------------------------------------------------


def test_a_price_that_stays_cancels_nothing(stand: Stand) -> None:
    asked = answers(stand)
    assert stand.unproven.price("7", PAIR, 100.0, 100.0) == 100.0
    assert asked == []


@pytest.mark.parametrize("wanted", [99.0, None, 0.0])
def test_another_price_is_told_once_the_entry_is_gone_and_the_cancel_costs_no_second_request(
    stand: Stand, wanted: float | None
) -> None:
    asked = answers(stand, GONE)
    assert stand.unproven.price("7", PAIR, 100.0, wanted) == wanted
    assert stand.unproven.cancel("7", PAIR) == structure("canceled", "7")
    assert len(asked) == 1
    assert stand.alerts.warnings == []


@pytest.mark.parametrize("wanted", [99.0, None])
@pytest.mark.parametrize("found", [OPEN, NOT_FOUND, SLOW, PARTLY])
def test_the_price_stays_while_the_entry_may_live_and_where_it_has_bought(
    stand: Stand, found: Any, wanted: float | None
) -> None:
    answers(stand, found)
    assert stand.unproven.price("7", PAIR, 100.0, wanted) == 100.0
    partly = shows(stand, "canceled", filled=0.2)
    assert partly["status"] == "canceled", "freqtrade books what it has bought"


def test_an_entry_that_is_gone_later_is_replaced_then(stand: Stand) -> None:
    """The price of an open order only is asked for: the row is shown as open once more."""
    stand.unproven.guards_prices = True
    asked = answers(stand, OPEN)
    assert stand.unproven.price("7", PAIR, 100.0, 99.0) == 100.0
    assert shows(stand, "open") == structure("open", "7")
    assert shows(stand, "canceled") == structure("open", "7")
    assert stand.unproven.price("7", PAIR, 100.0, 98.0) == 98.0
    assert stand.unproven.cancel("7", PAIR) == structure("canceled", "7")
    assert shows(stand, "canceled") == structure("canceled", "7"), "and never again"
    assert len(asked) == 1


@pytest.mark.parametrize("later", [100.0, None])
def test_a_strategy_that_wants_no_other_price_any_more_lets_the_entry_end(stand: Stand, later: float | None) -> None:
    stand.unproven.guards_prices = True
    answers(stand, OPEN, OPEN)
    stand.unproven.price("7", PAIR, 100.0, 99.0)
    assert stand.unproven.price("7", PAIR, 100.0, later) == 100.0
    assert shows(stand, "canceled") == structure("canceled", "7")


def test_an_entry_that_is_gone_keeps_no_price(stand: Stand) -> None:
    answers(stand, OPEN)
    stand.unproven.price("7", PAIR, 100.0, 99.0)
    shows(stand, "canceled")
    assert stand.unproven.price("7", PAIR, 100.0, 100.0) is None, "freqtrade cancels it then, and the row is there"
    assert stand.unproven.cancel("7", PAIR) == structure("canceled", "7")


def test_an_entry_canceled_for_no_other_price_is_not_shown_as_open(stand: Stand) -> None:
    answers(stand, OPEN)
    stand.unproven.price("7", PAIR, 100.0, None)
    assert shows(stand, "canceled") == structure("canceled", "7")


# -- the loop ---------------------------------------------------------------------------------------------------------


def test_unproven_cancels_are_repeated_until_they_are_proven(stand: Stand) -> None:
    answers(stand, OPEN, OPEN)
    entries(stand, "78")
    for order_id in "78":
        stand.unproven.cancel(order_id, PAIR)
    asked = answers(stand, OPEN, SLOW, GONE, GONE)
    stand.unproven.repeat()
    assert asked == [("7", PAIR, 3_000), ("8", PAIR, 3_000)]
    assert f"Order 8 on {PAIR} is not proven canceled (slow)" in stand.alerts.texts
    for _ in range(2):
        stand.unproven.repeat()
    assert len(asked) == 4, "both are proven"


def test_all_entries_of_a_loop_share_one_bound_and_the_one_that_has_waited_longest_comes_first(stand: Stand) -> None:
    entries(stand, "789")
    answers(stand, *[OPEN] * 3)
    for order_id in "789":
        stand.unproven.cancel(order_id, PAIR)
    asked = answers(stand, *[OPEN] * 9, seconds=2.0)
    began = stand.seconds
    stand.unproven.repeat()
    assert asked == [("7", PAIR, 3_000), ("8", PAIR, 1_000)]
    assert stand.unproven.price("6", PAIR, 100.0, 99.0) == 100.0
    assert stand.seconds - began == 4.0, "an entry that has no time left takes none"
    stand.unproven.repeat()
    assert [order_id for order_id, *_ in asked[2:]] == ["9", "7"]
    stand.unproven.repeat()
    assert [order_id for order_id, *_ in asked[4:]] == ["8", "6"]


def test_an_entry_is_canceled_once_in_a_loop(stand: Stand) -> None:
    entries(stand, "7")
    answers(stand, OPEN)
    stand.unproven.cancel("7", PAIR)
    asked = answers(stand, OPEN, OPEN)
    stand.unproven.repeat()
    assert stand.unproven.price("7", PAIR, 100.0, 99.0) == 100.0
    assert stand.unproven.cancel("7", PAIR) == LAST_ROW
    assert len(asked) == 1
    stand.unproven.repeat()
    assert len(asked) == 2


def test_an_exit_and_another_thread_have_time_of_their_own_to_cancel_an_entry(stand: Stand) -> None:
    entries(stand, "78")
    answers(stand, OPEN, seconds=5.0)
    stand.unproven.cancel("7", PAIR)
    asked = answers(stand, *[OPEN] * 4, seconds=5.0)
    stand.unproven.repeat()
    stand.unproven.cancel("8", PAIR)
    assert len(asked) == 1
    stand.unproven.begin_exit(PAIR)
    stand.unproven.cancel("8", PAIR)
    assert asked[1:] == [("8", PAIR, 3_000)]
    thread = threading.Thread(target=stand.unproven.cancel, args=("8", "ETH/USDT"))
    thread.start()
    thread.join()
    assert asked[2:] == [("8", "ETH/USDT", 3_000)]
    stand.unproven.repeat()
    stand.unproven.cancel("8", PAIR)
    assert len(asked) == 4, "the exit was of the last loop"
