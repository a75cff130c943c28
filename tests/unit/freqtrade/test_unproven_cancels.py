"""A cancel of freqtrade's own order returns rows of the venue only, and is repeated until it is proven."""

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


def answers(stand: Stand, *outcomes: CancelReport | Exception) -> list[tuple[str, str, float]]:
    """Have the venue answer cancels so; return the requests."""
    asked: list[tuple[str, str, float]] = []
    left = iter(outcomes)

    def cancel_one(*request: Any) -> CancelReport:
        asked.append(request)
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found

    stand.venue.cancel_one = cancel_one
    return asked


ROW = SimpleNamespace(ft_order_side="buy", to_ccxt_object=lambda: {"id": "7", "status": "canceled", "filled": 0.1})
"""freqtrade's row of an entry."""
OPEN = report(Outcome.OPEN, structure("open", "7"), "no")
NOT_FOUND = report(Outcome.NOT_FOUND, structure(None, "7"))


@pytest.mark.parametrize("outcome", [Outcome.CANCELED, Outcome.FILLED])
def test_a_proven_end_is_the_venue_s_row(stand: Stand, outcome: Outcome) -> None:
    order = structure("canceled", "7")
    asked = answers(stand, report(outcome, order))
    assert stand.unproven.cancel("7", PAIR) == order
    assert asked == [("7", PAIR, 1_000)]
    assert stand.alerts.warnings == []
    stand.unproven.check("7", PAIR, "open")


@pytest.mark.parametrize("outcome", [Outcome.OPEN, Outcome.UNKNOWN])
def test_an_entry_that_a_row_shows_alive_is_returned_as_open_and_repeated(stand: Stand, outcome: Outcome) -> None:
    answers(stand, report(outcome, structure("open", "7"), "no"))
    stand.order_rows["7"] = ROW
    assert stand.unproven.cancel("7", PAIR) == structure("open", "7")
    text = (
        f"Order 7 on {PAIR} is not proven canceled ({outcome.value}: no). freqtrade keeps it as open, and asks again."
    )
    assert stand.alerts.warnings == [(text, None)]
    with pytest.raises(TemporaryError, match=f"The cancel of order 7 on {PAIR} is not proven yet"):
        stand.unproven.check("7", PAIR, "open")
    stand.unproven.check("8", PAIR, "open")
    for status in ("canceled", "open"):
        stand.unproven.check("7", PAIR, status)


@pytest.mark.parametrize(
    "found",
    [
        NOT_FOUND,
        report(Outcome.ACCEPTED, structure("open", "7")),
        report(Outcome.UNKNOWN, structure(None, "7")),
        report(Outcome.CANCELED, {**structure("canceled", "7"), "filled": None}),
    ],
)
def test_an_entry_without_a_row_that_counts_is_open_as_freqtrade_last_had_it(stand: Stand, found: CancelReport) -> None:
    answers(stand, found)
    stand.order_rows["7"] = ROW
    assert stand.unproven.cancel("7", PAIR) == {"id": "7", "status": "open", "filled": 0.1}
    assert "no answer)" in stand.alerts.texts


def test_an_entry_that_nobody_knows_is_a_passing_error(stand: Stand) -> None:
    answers(stand, NOT_FOUND)
    with pytest.raises(TemporaryError, match=f"Order 7 on {PAIR} is in no list of the venue at the moment"):
        stand.unproven.cancel("7", PAIR)


def test_an_exit_that_is_not_proven_canceled_goes_on_as_open(stand: Stand) -> None:
    answers(stand, OPEN)
    stand.order_rows["7"] = SimpleNamespace(ft_order_side="sell")
    with pytest.raises(InvalidOrderException, match=rf"order 7 on {PAIR} is not proven \(open: no\)"):
        stand.unproven.cancel("7", PAIR)
    stand.unproven.check("7", PAIR, "open")


def test_the_report_of_an_exception_counts_and_an_exception_without_one_is_passed_on(stand: Stand) -> None:
    proof = report(Outcome.CANCELED, structure("canceled", "7"))
    answers(stand, CancelUnresolved("x", proof), CancelUnresolved("y", CancelReport(())), ccxt.RequestTimeout("z"))
    assert stand.unproven.cancel("7", PAIR)["status"] == "canceled"
    for text in "yz":
        with pytest.raises(TemporaryError, match=f"Order 7 on {PAIR} could not be canceled: .*{text}"):
            stand.unproven.cancel("7", PAIR)
    assert stand.alerts.warnings == []


def test_unproven_cancels_are_repeated_until_they_are_proven(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    answers(stand, OPEN, OPEN)
    for order_id in "78":
        stand.unproven.cancel(order_id, PAIR)
    asked = answers(stand, OPEN, ccxt.RequestTimeout("x"), ccxt.RequestTimeout("y"), CancelReport(()), CancelReport(()))
    stand.unproven.repeat()
    assert asked == [("7", PAIR, 1_000), ("8", PAIR, 1_000)]
    stand.unproven.repeat()
    assert len(asked) == 3, "one request without an answer is enough for a loop"
    assert caplog.messages == [f"Order {i} on {PAIR} is still not proven canceled: {text}" for i, text in ("8x", "7y")]
    stand.unproven.repeat()
    stand.unproven.repeat()
    assert len(asked) == 5, "both are proven"
    stand.unproven.check("7", PAIR, "open")
