"""Promise: an order is placed at most once whatever goes wrong, and single and sweeping cancels tell the truth too."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest

from bitget_margin import CancelUnresolved, Outcome, PlaceUnresolved
from bitget_margin.emulator import AccountKind, Emulator, FaultKind
from support.client import CROSS, Client, rungs
from support.faults import (
    LOOKS,
    PLACINGS,
    PLENTY_MS,
    QUICK,
    SHORT_MS,
    SPARING,
    STRETCHES,
    Placed,
    Placing,
    Where,
    undisturbed,
)

pytestmark = pytest.mark.slow

BTC = "BTC/USDT"
GRACE_MS = 5_000
DEAF_MS = 2_000
"""How long a venue refuses connections: longer than a call has time that ends without an answer."""
HIDDEN = Placing("place/hidden", FaultKind.RESET_AFTER, timeout_ms=SHORT_MS)
PLACES = tuple(path for where in (Where.PLACE, Where.PLACE_MANY) for path in where.value)


_undisturbed = pytest.fixture(scope="module", autouse=True)(undisturbed)


@pytest.fixture
def client(client: Client) -> Client:
    """Return a client that does not wait as long as it would for the real venue."""
    client.exchange.options["batchCancel"] = {"pacing": QUICK}
    client.exchange.verify = False  # over plain HTTP; the certificates take longer to load than the call does
    return client


def fault(venue: Emulator, kind: AccountKind, fault_kind: FaultKind, where: Where, count: int | None = 1) -> None:
    path = where.path(kind)
    if path is not None:
        slow = fault_kind is FaultKind.SLOW_BYTES
        venue.add_fault(fault_kind, path, count=count, duration_ms=60_000 if slow else DEAF_MS)


def place(client: Client, where: Where, timeout_ms: int) -> list[Any]:
    """Place one order, or two with one request; return the structures."""
    timeout = {"timeout": timeout_ms}
    if where is Where.PLACE:
        return [client("create_order", BTC, "limit", "buy", 0.001, 50_000, CROSS | timeout)]
    order = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "params": CROSS}
    return client("create_orders", [order | {"price": 50_000}, order | {"price": 49_000}], timeout)


@pytest.mark.parametrize("where", [Where.PLACE, Where.PLACE_MANY], ids=["one", "many"])
@pytest.mark.parametrize("row", PLACINGS, ids=lambda row: row.name)
def test_an_order_is_placed_at_most_once_whatever_becomes_of_the_answer(
    venue: Emulator, client: Client, kind: AccountKind, row: Placing, where: Where
) -> None:
    """A machine that is too slow for the time of the call finds out less; what it finds is true all the same."""
    expected = row.one if where is Where.PLACE else row.many
    for stretch in STRETCHES:
        fault(venue, kind, row.kind, where)
        placed = attempt(venue, client, row, where, row.timeout_ms * stretch)
        if placed is expected:
            return
        assert row.timeout_ms < PLENTY_MS, placed
        venue.clear_faults()
        time.sleep(DEAF_MS / 1_000)
    pytest.fail(f"{placed}, not {expected}")


def attempt(venue: Emulator, client: Client, row: Placing, where: Where, timeout_ms: int) -> Placed:
    """Place, hold what is said against what is there, and return which it is."""
    venue.reset_requests()
    known = len(venue.orders())
    started = time.monotonic()
    caught: Exception | None = None
    orders: list[Any] = []
    try:
        orders = place(client, where, timeout_ms)
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        caught = error
    assert (time.monotonic() - started) * 1_000 <= timeout_ms + GRACE_MS
    there = venue.orders()[known:]
    count = 1 if where is Where.PLACE else 2
    executed = sum(record.path.endswith(PLACES) and record.executed for record in venue.requests)
    assert executed <= 1
    assert len(there) in {0, count}
    if caught is None:
        assert [order["id"] for order in orders] == [order.order_id for order in there]
        assert [order["clientOrderId"] for order in orders] == [order.client_oid for order in there]
        return Placed.ONCE
    if isinstance(caught, PlaceUnresolved):
        names = [order["clientOrderId"] for order in caught.orders]
        assert len(names) == count
        assert [order.client_oid for order in there] in ([], names)
        assert all(name in str(caught) for name in names)
        return Placed.UNRESOLVED
    assert there == []
    assert isinstance(caught, row.error), caught
    return Placed.REFUSED


@pytest.mark.parametrize("where", [Where.PLACE, Where.PLACE_MANY], ids=["place/hidden-one", "place/hidden-many"])
def test_an_order_that_was_placed_and_is_not_shown_is_named_and_not_placed_again(
    venue: Emulator, client: Client, kind: AccountKind, where: Where
) -> None:
    """The answer is lost, and the look-ups show rows of another symbol only: they prove nothing."""
    for stretch in STRETCHES:
        fault(venue, kind, HIDDEN.kind, where)
        for look in LOOKS:
            fault(venue, kind, FaultKind.WRONG_SYMBOL, look, None)
        placed = attempt(venue, client, HIDDEN, where, HIDDEN.timeout_ms * stretch)
        assert placed is not Placed.ONCE
        if placed is Placed.UNRESOLVED and venue.orders():
            return
        venue.clear_faults()
        time.sleep(DEAF_MS / 1_000)
    pytest.fail("nothing was placed")


DONE = (
    FaultKind.RESET_AFTER,
    FaultKind.TRUNCATED_JSON,
    FaultKind.HTML_200,
    FaultKind.SERVER_ERROR,
    FaultKind.CODE_40010,
    FaultKind.NULL_DATA,
    FaultKind.MISSING_LISTS,
)
UNDONE = (FaultKind.RESET_BEFORE, FaultKind.UNAVAILABLE, FaultKind.TOO_MANY, FaultKind.CLOCK_SKEW)


@pytest.mark.parametrize("kinds", [DONE, UNDONE], ids=["single/done", "single/undone"])
def test_one_cancelled_order_is_told_of_truly_whatever_becomes_of_the_answer(
    venue: Emulator, client: Client, kind: AccountKind, kinds: tuple[FaultKind, ...]
) -> None:
    """Behind a lost answer stands the row; what was not carried out is sent again, and acknowledged."""
    for fault_kind, order_id in zip(kinds, rungs(venue, len(kinds)), strict=True):
        venue.fill(order_id, "0.0004")
        fault(venue, kind, fault_kind, Where.SINGLE)
        order = client("cancel_order", order_id, BTC, CROSS)
        row = (order["id"], order["status"], order["filled"])
        assert row in {(order_id, "canceled", 0.0004), (order_id, None, None)}, fault_kind
        assert (order["status"] is None) == (fault_kind in UNDONE), fault_kind
    assert venue.orders(live_only=True) == []
    assert {record.fault for record in venue.requests} - {None} == set(kinds)


@pytest.mark.parametrize("where", [Where.OPEN], ids=["all/wrong-symbol"])
def test_rows_of_another_symbol_do_not_account_for_what_is_frozen(
    venue: Emulator, client: Client, kind: AccountKind, where: Where
) -> None:
    """Open-orders shows nothing of this symbol, and the balance says that something is held."""
    ids = rungs(venue, 2)
    fault(venue, kind, FaultKind.WRONG_SYMBOL, where, None)
    with pytest.raises(CancelUnresolved, match="still frozen"):
        client("cancel_all_orders", BTC, CROSS | {"timeout": 1_500})
    venue.clear_faults()
    assert {order["id"] for order in client("cancel_all_orders", BTC, CROSS)} == set(ids)
    assert venue.orders(live_only=True) == []


def test_a_venue_that_refuses_connections_is_not_hammered(
    venue: Emulator, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row `cancel/refuse`: the first cancel is lost, and then nobody listens for longer than the call has time."""
    client.exchange.options["batchCancel"] = {"pacing": SPARING}
    client.exchange.enableRateLimit = False
    ids = rungs(venue, 1)
    fault(venue, kind=venue.accounts[0].kind, fault_kind=FaultKind.REFUSE, where=Where.CANCEL)
    request = client.exchange.request
    tried: list[float] = []

    def seen(path: str, *args: Any, **named: Any) -> Any:
        if path.endswith(("batch-cancel-order", "cancel-batch")):
            tried.append(time.monotonic() * 1_000)
        return request(path, *args, **named)

    monkeypatch.setattr(client.exchange, "request", seen)
    with pytest.raises(CancelUnresolved) as caught:
        client("batch_cancel", ids, BTC, params={"timeout": 600})
    assert [result.outcome for result in caught.value.report.results] == [Outcome.UNKNOWN]
    assert all(later - earlier >= SPARING.limited_ms / 2 for earlier, later in pairwise(tried))
