"""The table of error codes agrees with the published tables and ccxt, and unknown codes decide nothing."""

import ccxt
import pytest

from bitget_margin.core.effects import Fault
from bitget_margin.core.error_codes import TABLE, Source, Verdict
from bitget_margin.core.verdicts import verdict_of_code, verdict_of_fault, verdict_of_item
from support import published_codes

PAGES = {
    Source.CLASSIC: published_codes.CLASSIC,
    Source.UNIFIED: published_codes.UNIFIED,
    Source.UNIFIED_SOCKET: published_codes.UNIFIED_SOCKET,
    Source.FAQ: published_codes.CLASSIC,
}
PUBLISHED = published_codes.CLASSIC | published_codes.UNIFIED | published_codes.UNIFIED_SOCKET
REFUSES = {Verdict.DEFINITIVE, Verdict.REFUSED}


CCXT: dict[str, type[Exception]] = ccxt.bitget().exceptions["exact"]


def test_every_row_stands_where_it_says() -> None:
    for code, row in TABLE.items():
        if row.source in PAGES:
            assert code in PAGES[row.source], code
        elif row.source is Source.CCXT:
            assert code in CCXT, code
        else:
            assert code not in PUBLISHED, f"{code} stands on a page"


def test_a_published_code_without_a_row_decides_nothing() -> None:
    """They are codes of other products; a row needs a verdict by its published text."""
    left = PUBLISHED - set(TABLE)
    assert len(left) > 600
    assert {verdict_of_code(code) for code in left} == {Verdict.UNSETTLED}


@pytest.mark.parametrize("base", [ccxt.RequestTimeout, ccxt.ExchangeNotAvailable, ccxt.InsufficientFunds])
def test_what_ccxt_takes_for_no_answer_or_for_funds_refuses_nothing(base: type[Exception]) -> None:
    codes = [code for code, made in CCXT.items() if code.isdecimal() and issubclass(made, base)]
    assert codes
    assert not [code for code in codes if verdict_of_code(code) in REFUSES]


def test_what_the_words_of_a_page_leave_open_refuses_nothing() -> None:
    """Texts of failed processing, timeouts and retries, and of states that the order itself changes."""
    open_words = ("timed out", "timeout", "system error", "unknown error", "abnormal, please", "concurrent", "busy")
    state_words = ("insufficient", "balance", "duplicat", "too many open orders", "too frequent")
    for code, row in TABLE.items():
        text = row.text.lower()
        if any(word in text for word in open_words):
            assert row.verdict in {Verdict.AMBIGUOUS, Verdict.LIMITED}, code
        elif any(word in text for word in state_words) and "liquidity" not in text:
            assert row.verdict in {Verdict.STATE, Verdict.DUPLICATE, Verdict.LIMITED}, code


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        # Reproduced: an order was executed, and the response had one of these codes.
        *(
            (code, Verdict.AMBIGUOUS)
            for code in ["25000", "25001", "25003", "40010", "40604", "40910", "43059", "49040", "50008", "80002"]
        ),
        # Plain refusals of a value.
        *((code, Verdict.REFUSED) for code in ["22047", "43008", "43009", "45110"]),
        *((code, Verdict.LIMITED) for code in ["429", "25004", "45129", "59044", "70228"]),
        *((code, Verdict.STATE) for code in ["12001", "25202", "25211", "43005", "43012", "50020"]),
        *((code, Verdict.DUPLICATE) for code in ["25212", "43118", "45034", "50060"]),
        ("40109", Verdict.GONE),
        ("40808", Verdict.UNSETTLED),
        ("25113", Verdict.AMBIGUOUS),
        ("99999", Verdict.UNSETTLED),
    ],
)
def test_the_codes_that_money_was_lost_over(code: str, verdict: Verdict) -> None:
    assert verdict_of_code(code) is verdict


def test_an_entry_without_a_code_is_judged_by_its_text_only_towards_more_doubt() -> None:
    for row in TABLE.values():
        assert verdict_of_item(None, row.text) in {None, Verdict.AMBIGUOUS, Verdict.DUPLICATE, Verdict.GONE}
    assert verdict_of_item(None, "Operation timed out.") is Verdict.AMBIGUOUS
    assert verdict_of_item(None, "Duplicated clientOid") is Verdict.DUPLICATE
    assert verdict_of_item(None, "订单不存在") is Verdict.GONE
    assert verdict_of_item(None, "less than the minimum amount 5 USDT") is None
    assert verdict_of_item("45110", "Operation timed out") is Verdict.REFUSED


def test_a_code_without_a_row_that_ccxt_takes_for_no_answer_may_have_been_executed() -> None:
    def verdict(code: str, *, transient: bool) -> Verdict:
        return verdict_of_fault(Fault(OSError(code), code, "no", 400, is_transient=transient))

    assert [verdict("99999", transient=transient) for transient in (False, True)] == [
        Verdict.UNSETTLED,
        Verdict.AMBIGUOUS,
    ]
    assert verdict("45110", transient=True) is Verdict.REFUSED, "a row decides"
