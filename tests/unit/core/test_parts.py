"""The small parts of the core, each by itself."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitget_margin.core import api_v2
from bitget_margin.core.effects import Fault, Flow, Send, SendAll, Wait, run_concurrently
from bitget_margin.core.order_ref import IdKind, OrderRef, batches, distinct, order_number
from bitget_margin.core.order_row import CLASSIC_FIELDS, RowState, parse_row
from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome
from bitget_margin.core.responses import Listing
from bitget_margin.core.verdicts import Verdict, hint_gone, verdict_of_fault

KEYS = ["code", "data", "successList", "failureList", "orderList", "orderId", "clientOid", "symbol", "status"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS) | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def fault(code: str | None = None, status: int | None = 400, *, sent: bool = True) -> Fault:
    """Return a fault of this code."""
    return Fault(OSError(), code, "text", status, sent=sent)


@pytest.mark.parametrize(
    ("given_fault", "expected"),
    [
        (fault(sent=False), Verdict.UNSENT),
        (fault(None), Verdict.AMBIGUOUS),
        (fault("40009", 502), Verdict.AMBIGUOUS),
        (fault("40009"), Verdict.DEFINITIVE),
        (fault("40009", 200), Verdict.DEFINITIVE),
        (fault("40010"), Verdict.AMBIGUOUS),
        (fault("40008"), Verdict.CLOCK),
        (fault("429", 429), Verdict.LIMITED),
        (fault("43001"), Verdict.GONE),
        (fault("99999"), Verdict.UNSETTLED),
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
        (None, "Order Cancelled", False),
        (None, "whatever", False),
        (None, None, False),
        ("50062", "The order does not exist, or so", False),
    ],
)
def test_texts_are_hints_and_unknown_ones_say_nothing(code: str | None, text: str | None, expected: bool) -> None:
    """Matched as a whole, not by a word that they happen to contain."""
    assert hint_gone(code, text) is expected


@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(IdKind), st.integers(0, 99)), max_size=300),
    st.integers(1, 50),
)
def test_batches_lose_nothing_and_mix_nothing(drawn: list[tuple[str, IdKind, int]], size: int) -> None:
    """Every target once, one symbol and kind each, in as few requests as possible, in order."""
    named = distinct(OrderRef(symbol, kind, str(value)) for symbol, kind, value in drawn)
    made = list(batches(named, size))
    assert sorted(map(str, named)) == sorted(str(target) for batch in made for target in batch)
    for batch in made:
        assert 1 <= len(batch) <= size
        assert len({(target.symbol, target.kind) for target in batch}) == 1
    groups = {(target.symbol, target.kind) for target in named}
    least = sum(-(-sum((t.symbol, t.kind) == group for t in named) // size) for group in groups)
    assert len(made) == least


@given(JSON)
def test_no_answer_of_a_venue_breaks_a_parser(body: Any) -> None:
    """Whatever comes in, the documented types or None come out."""
    for wrapped in (body, {"code": "00000", "data": body}):
        assert api_v2.read_batch(wrapped) is None or api_v2.read_batch(wrapped)
        assert api_v2.read_single(wrapped) is None or api_v2.read_single(wrapped)
        assert api_v2.read_page(wrapped) is None or api_v2.read_page(wrapped)
        assert api_v2.read_frozen(wrapped) is None or isinstance(api_v2.read_frozen(wrapped), dict)


def test_ids_are_read_as_numbers_too_and_rows_without_a_name_prove_nothing() -> None:
    """All ids are strings by the documents; a whole number is no less clear."""
    read = parse_row({"orderId": 12, "symbol": "BTCUSDT", "status": "filled"}, CLASSIC_FIELDS)
    assert read is not None
    assert (read.order_id, read.state) == ("12", RowState.FILLED)
    for raw in (
        {},
        {"orderId": "1"},
        {"symbol": "BTCUSDT"},
        {"orderId": True, "symbol": "X"},
        {"orderId": 1.5, "symbol": "X"},
    ):
        assert parse_row({"status": "cancelled", **raw}, CLASSIC_FIELDS) is None
    unclear = parse_row({"orderId": "1", "symbol": "X", "status": "canceling"}, CLASSIC_FIELDS)
    assert unclear is not None
    assert unclear.state is RowState.UNREADABLE


def test_frozen_amounts_are_exact_and_silence_is_not_zero() -> None:
    """A row that cannot be read makes the whole balance unreadable."""
    body = {"code": "00000", "data": [{"coin": "USDT", "frozen": "0.1"}, {"coin": "BTC", "frozen": "0"}]}
    assert api_v2.read_frozen(body) == {"USDT": Decimal("0.1"), "BTC": Decimal(0)}
    for bad in (
        {"coin": "USDT"},
        {"frozen": "0"},
        {"coin": "USDT", "frozen": None},
        {"coin": "USDT", "frozen": "NaN"},
        5,
    ):
        assert api_v2.read_frozen({"code": "00000", "data": [bad]}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12),
        (str(2**63 - 2), 2**63 - 2),
        (str(2**63 - 1), None),
        ("9" * 30, None),
        ("a1", None),
        ("", None),
        (None, None),
    ],
)
def test_only_what_fits_the_venues_ids_is_used_for_paging(text: str | None, expected: int | None) -> None:
    """IdLessThan must be a number that the venue can have."""
    assert order_number(text) == expected


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


def test_flows_side_by_side_share_their_groups_and_keep_their_results_apart() -> None:
    """One group for each step, waits together, results in order."""

    def flow(name: str, steps: int) -> Flow[str]:
        got = []
        for step in range(steps):
            replies = yield SendAll((Send(api_v2.page_request(Listing.OPEN, f"{name}{step}", 0, None), 1, 1),))
            got.append(replies[0])
        yield Wait(steps)
        return f"{name}: {got}"

    running = run_concurrently([flow("a", 2), flow("b", 1), flow("c", 0)])
    seen: list[Any] = []
    value: Any = None
    try:
        while True:
            effect = running.send(value)
            if isinstance(effect, SendAll):
                names = [send.call.params["symbol"] for send in effect.sends]
                seen.append(names)
                value = tuple(f"re {name}" for name in names)
            else:
                assert isinstance(effect, Wait)
                seen.append(effect.until_ms)
                value = None
    except StopIteration as stop:
        results = stop.value
    assert seen == [["a0", "b0"], ["a1"], 2]
    assert results == ("a: ['re a0', 're a1']", "b: ['re b0']", "c: []")


def test_bodies_are_what_the_documents_show() -> None:
    """Symbol, and a list of objects with one id each."""
    batch = (OrderRef("BTCUSDT", IdKind.ORDER, "1"), OrderRef("BTCUSDT", IdKind.ORDER, "2"))
    assert json.dumps(api_v2.batch_cancel_request(batch).params) == (
        '{"symbol": "BTCUSDT", "orderIdList": [{"orderId": "1"}, {"orderId": "2"}]}'
    )
    assert dict(api_v2.single_cancel_request(OrderRef("BTCUSDT", IdKind.CLIENT, "a")).params) == {
        "symbol": "BTCUSDT",
        "clientOid": "a",
    }
