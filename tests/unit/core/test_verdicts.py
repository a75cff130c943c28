"""A fault or a text decides no more about the execution of a request than is known of its code."""

from dataclasses import replace

import pytest

from bitget_margin.core.effects import Fault
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.error_codes import TABLE
from bitget_margin.core.verdicts import (
    Verdict,
    hint_gone,
    named_account_kind,
    refuses_parameters,
    refuses_symbol,
    verdict_of_fault,
    verdict_of_item,
)


def fault(code: str | None = None, status: int | None = 400, *, sent: bool = True) -> Fault:
    """Return a fault of this code."""
    return Fault(OSError(), code, "text", status, sent=sent)


@pytest.mark.parametrize(
    ("given_fault", "expected"),
    [
        (fault(sent=False), Verdict.UNSENT),
        (fault(None), Verdict.AMBIGUOUS),
        (fault("40009", 500), Verdict.AMBIGUOUS),
        (fault("40009", 499), Verdict.DEFINITIVE),
        (fault("40009", None), Verdict.DEFINITIVE),
        (fault("40009"), Verdict.DEFINITIVE),
        (fault("40009", 200), Verdict.DEFINITIVE),
        (fault("40010"), Verdict.AMBIGUOUS),
        (fault("40008"), Verdict.CLOCK),
        (fault("429", 429), Verdict.LIMITED),
        (fault("43001"), Verdict.GONE),
        (fault("99999"), Verdict.UNSETTLED),
        (fault(None, 403), Verdict.DEFINITIVE),
        (fault(None, 404), Verdict.AMBIGUOUS),
        (fault(None, 429), Verdict.LIMITED),
        (fault("40009", 429), Verdict.LIMITED),
        (replace(fault("99999"), is_transient=True), Verdict.AMBIGUOUS),
        (replace(fault("40009"), is_transient=True), Verdict.DEFINITIVE),
    ],
)
def test_only_a_known_code_of_the_venue_is_definitive(given_fault: Fault, expected: Verdict) -> None:
    """Anything else may have been executed, or refuses in words that are looked up."""
    assert verdict_of_fault(given_fault) is expected


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("43001", None, True),
        (None, "The order does not exist", True),
        (None, " the  ORDER does not exist! ", True),
        (None, "订单不存在", True),
        (None, "No order to cancel.", True),
        (None, "There is no order to cancel", True),
        (None, "order not exist", True),
        (None, "order does not exist", True),
        (None, "notExistend", True),
        (None, "notExisted", True),
        (None, "order  does\tnot exist。", True),
        (None, "the order does not exist ！.", True),
        ("99999", "Order does not exist", True),
        ("99999", None, False),
        ("43001", "whatever", True),
        (None, "X no order to cancel", False),
        (None, "Order Cancelled", False),
        (None, "whatever", False),
        (None, None, False),
        ("50062", "The order does not exist, or so", False),
    ],
)
def test_texts_are_hints_and_unknown_ones_say_nothing(code: str | None, text: str | None, expected: bool) -> None:
    """Matched as a whole, not by a word that they happen to contain."""
    assert hint_gone(code, text) is expected


CAUTIOUS = {Verdict.AMBIGUOUS, Verdict.DUPLICATE}


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        *((None, row.text, row.verdict) for row in TABLE.values() if row.verdict in CAUTIOUS and " " in row.text),
        (None, "  request TIMED  out! ", Verdict.AMBIGUOUS),
        (None, "error", None),
        (None, "Order does not exist", Verdict.GONE),
        (None, "Invalid parameter", None),
        (None, None, None),
        ("43001", None, Verdict.GONE),
        ("40009", "order does not exist", Verdict.DEFINITIVE),
        ("99999", "order does not exist", Verdict.GONE),
        ("99999", "Duplicate clientOid", Verdict.UNSETTLED),
    ],
)
def test_an_entry_without_a_code_is_judged_by_its_text_only_to_caution(
    code: str | None, text: str | None, expected: Verdict | None
) -> None:
    """No text proves that nothing was executed."""
    assert verdict_of_item(code, text) is expected
    if code is None and expected is not None and text is not None:
        assert verdict_of_item(None, f" {text.upper()}! ") is expected


@pytest.mark.parametrize(
    ("code", "kind"),
    [("40084", AccountKind.CLASSIC), ("40085", AccountKind.UNIFIED), ("40009", None), (None, None)],
)
def test_the_kind_of_an_account_is_told_by_two_codes_alone(code: str | None, kind: AccountKind | None) -> None:
    assert named_account_kind(Fault(OSError(), code, status=400)) is kind
    assert named_account_kind(Fault(OSError(), code, status=500)) is None, "a gateway may wrap anything"


def test_parameters_are_refused_by_codes_that_say_so() -> None:
    for code in ("40017", "40019", "40020", "40034", "40058", "40808", "50061", "400172"):
        assert refuses_parameters(Fault(OSError(), code))
    assert not refuses_parameters(Fault(OSError(), "40014"))
    assert not refuses_parameters(Fault(OSError()))


@pytest.mark.parametrize(
    ("code", "refused"),
    [("40034", True), ("25100", True), ("50001", True), ("50027", False), ("40014", False), ("40010", False)],
)
def test_a_symbol_is_refused_for_good_or_for_the_moment(code: str, refused: bool) -> None:
    assert refuses_symbol(Fault(OSError(), code, "x", 400)) is refused
