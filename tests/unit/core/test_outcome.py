"""A report sums up its results in one line, and is ok only if every order is proven ended."""

from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome


def test_a_report_says_itself_in_one_line() -> None:
    """Counts, requests and time."""
    results = [
        CancelResult("1", None, "BTC/USDT", outcome, None, None, {}) for outcome in (Outcome.CANCELED, Outcome.OPEN)
    ]
    report = CancelReport((*results, results[0]), requests=3, elapsed_ms=12.3)
    assert str(report) == "2 canceled, 1 open (3 requests, 12 ms)"
    assert not report.ok
    assert str(CancelReport(())) == "no orders (0 requests, 0 ms)"
    assert CancelReport(()).ok
    assert not CancelReport((), unexamined=("BTC/USDT",)).ok


def test_only_two_outcomes_are_final_and_two_are_no_answers() -> None:
    assert [outcome for outcome in Outcome if outcome.ended] == [Outcome.CANCELED, Outcome.FILLED]
    assert [outcome for outcome in Outcome if not outcome.resolved] == [Outcome.UNKNOWN, Outcome.NOT_SENT]
    assert [outcome.value for outcome in Outcome] == [
        *("canceled", "filled", "open", "accepted", "not_found", "unknown", "not_sent")
    ]
