"""References to orders are accepted as given, or refused by name before anything is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import (
    BadInput,
    IdKind,
    OrderRef,
    batches,
    checked_client_id,
    checked_order_id,
    distinct,
    order_number,
    order_refs,
)


@pytest.mark.parametrize("value", ["1", "1181888708480737281", "a-b_C", "0" * 64, 0, 1, 2**63 - 1])
def test_an_order_id_is_a_text_of_the_venue_or_a_whole_number(value: object) -> None:
    assert checked_order_id(value, "id") == str(value)


@pytest.mark.parametrize("value", ["", "-a", "a b", "x" * 65, 2**63, -1, 1.0, True, None, b"1", ["1"]])
def test_anything_else_is_no_order_id_and_is_named_by_its_place(value: object) -> None:
    with pytest.raises(BadInput, match=r"^ids\[3\] is .*order id is a non-empty string"):
        checked_order_id(value, "ids[3]")


def test_an_order_structure_is_no_order_id_and_the_caller_is_told_what_to_give() -> None:
    with pytest.raises(BadInput, match=r"^ids\[0\] is an order structure; give its 'id'$"):
        checked_order_id({"id": "1"}, "ids[0]")


@pytest.mark.parametrize("value", ["a", "aZ09-+_#", "x" * 50])
@pytest.mark.parametrize("kind", [None, *AccountKind])
def test_a_client_order_id_is_what_the_venue_takes_for_one(value: str, kind: AccountKind | None) -> None:
    assert checked_client_id(value, "clientOrderId", kind) == value


@pytest.mark.parametrize("kind", [None, AccountKind.UNIFIED])
def test_an_id_of_a_unified_account_is_refused_only_where_the_account_is_known_to_be_classic(
    kind: AccountKind | None,
) -> None:
    assert checked_client_id("grid:btc/usdt.7", "clientOrderId", kind) == "grid:btc/usdt.7"
    with pytest.raises(BadInput, match=r"of a classic account is .* out of 0-9 A-Z a-z - \+ _ #$"):
        checked_client_id("grid:btc/usdt.7", "clientOrderId", AccountKind.CLASSIC)


@pytest.mark.parametrize("value", ["", "a b", "x" * 51, "ä", 5, None, "a\n"])
def test_anything_else_is_no_client_order_id_and_is_named_by_its_place(value: object) -> None:
    with pytest.raises(BadInput, match=r"^clientOrderIds\[1\] is .*1 to 50 characters out of .* - \+ _ # \. : /$"):
        checked_client_id(value, "clientOrderIds[1]")


def test_orders_are_kept_in_the_order_in_which_they_were_first_named() -> None:
    """Order ids first; what is named twice is asked for once."""
    named = order_refs("BTCUSDT", ["2", 1, "2"], ["b", "1", "b"])
    assert [(target.symbol, target.kind, target.value) for target in named] == [
        ("BTCUSDT", IdKind.ORDER, "2"),
        ("BTCUSDT", IdKind.ORDER, "1"),
        ("BTCUSDT", IdKind.CLIENT, "b"),
        ("BTCUSDT", IdKind.CLIENT, "1"),
    ]
    assert order_refs("BTCUSDT", [], []) == ()


@pytest.mark.parametrize(
    ("name", "ids", "client_ids"), [(r"ids\[1\]", ["1", ""], []), (r"clientOrderIds\[1\]", [], ["a", ""])]
)
def test_a_bad_id_in_a_list_is_named_by_its_place(name: str, ids: list[str], client_ids: list[str]) -> None:
    with pytest.raises(BadInput, match=f"^{name} is ''"):
        order_refs("BTCUSDT", ids, client_ids)


# -- batches and numbers ----------------------------------------------------------------------------------------------


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
