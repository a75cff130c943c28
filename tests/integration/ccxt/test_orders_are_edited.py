"""Promise: an order is edited at most once, and called edited only when it is; the timer is the account's own."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from bitget_margin import ChangeUnresolved
from bitget_margin.emulator import Account, AccountKind, Emulator, FaultKind
from support.client import CROSS, QUICK_PACING, Client, Flavour, config, paths, rungs

pytestmark = pytest.mark.classic  # these bring accounts of their own
BTC = "BTC/USDT"
EDIT = (BTC, "limit", "buy", 0.002, 40_000)
PATH = "/trade/modify-order"
UNEXPLAINED = {FaultKind.REFUSE, FaultKind.SLOW_BYTES, FaultKind.STALL_BEFORE, FaultKind.STALL_AFTER}
"""Kinds that take the whole time of a request."""
QUICK = [FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE, FaultKind.CODE_45001, FaultKind.REPEAT, FaultKind.TOO_MANY]


@pytest.fixture
def unified() -> Iterator[Emulator]:
    """Run an emulator with a unified account."""
    with Emulator(accounts=(Account(kind=AccountKind.UNIFIED),)) as running:
        yield running
    assert running.errors == ()


def made(venue: Emulator, flavour: Flavour, **options: Any) -> Client:
    """Return a client with short pauses."""
    client = Client(flavour, config(venue, options={"batchCancel": {"pacing": QUICK_PACING}, **options}))
    venue.reset_requests()
    return client


def test_an_order_is_edited_in_place(unified: Emulator, flavour: Flavour) -> None:
    """Also by its client order id, and by an account whose kind is not known yet."""
    client = made(unified, flavour, uta=None)
    (order_id,) = rungs(unified, 1, name="mine")
    order = client("edit_order", order_id, *EDIT, CROSS)
    assert (order["id"], order["status"], order["price"], order["amount"]) == (order_id, "open", 40_000, 0.002)
    order = client("edit_order", None, BTC, "limit", "buy", None, 41_000, CROSS | {"clientOrderId": "mine0"})
    assert (order["id"], unified.order(order_id).price, len(unified.orders())) == (order_id, 41_000, 1)
    assert all("/spot/" not in record.path for record in unified.requests)
    client.close()


def test_the_timer_is_started_and_the_venues_refusal_raised(unified: Emulator, flavour: Flavour) -> None:
    client = made(unified, flavour)
    assert client("cancel_all_orders_after", 5_000, CROSS)["data"] == "success"
    assert client.exchange.has["cancelAllOrdersAfter"]
    unified.knobs(countdown_access=False)
    with pytest.raises(ccxt.ExchangeError, match="25620"):
        client("cancel_all_orders_after", 0, CROSS)
    assert paths(unified) == ["countdown-cancel-all"] * 2
    client.close()


def test_without_a_margin_mode_there_is_no_timer(unified: Emulator, flavour: Flavour) -> None:
    client = made(unified, flavour)
    with pytest.raises(ccxt.NotSupported, match=r"cancelAllOrdersAfter\(\) is not supported"):
        client("cancel_all_orders_after", 5_000)
    client.close()


def check(venue: Emulator, kind: FaultKind, timeout_ms: int) -> None:
    """Edit one order under a fault; check that the outcome agrees with the order, and that nothing was sent twice."""
    client = made(venue, Flavour.SYNC)
    client.exchange.verify = False  # loading certificates would take longer than the call
    (order_id,) = rungs(venue, 1)
    venue.add_fault(kind, PATH, count=1, duration_ms=1_000)
    try:
        order = client("edit_order", order_id, *EDIT, CROSS | {"timeout": timeout_ms})
    except ChangeUnresolved:
        assert kind is not FaultKind.REPEAT
    except ccxt.BaseError:
        assert not kind.executes
        assert venue.order(order_id).price == 50_000
    else:
        assert order["price"] == venue.order(order_id).price == 40_000
    sends = [record for record in venue.requests if record.path.endswith(PATH)]
    assert len(sends) <= (2 if kind in {FaultKind.TOO_MANY, FaultKind.CLOCK_SKEW, FaultKind.UNIFIED} else 1)
    client.close()


@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.value)
def test_the_outcome_is_true_under_a_fault(unified: Emulator, kind: FaultKind) -> None:
    check(unified, kind, 1_500)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in QUICK], ids=lambda kind: kind.value)
def test_the_outcome_is_true_under_every_fault(unified: Emulator, kind: FaultKind) -> None:
    check(unified, kind, 3_000 if kind in UNEXPLAINED else 1_500)


def test_an_edit_that_is_acknowledged_and_never_carried_out_is_unresolved(unified: Emulator) -> None:
    unified.knobs(edit_never_lands=1)
    client = made(unified, Flavour.SYNC)
    (order_id,) = rungs(unified, 1)
    with pytest.raises(ChangeUnresolved, match="may have been executed"):
        client("edit_order", order_id, *EDIT, CROSS | {"timeout": 1_000})
    client.close()


def test_an_edit_that_is_carried_out_late_is_waited_for(unified: Emulator) -> None:
    unified.knobs(edit_delay_ms=300)
    client = made(unified, Flavour.SYNC)
    (order_id,) = rungs(unified, 1)
    assert client("edit_order", order_id, *EDIT, CROSS)["price"] == unified.order(order_id).price == 40_000
    client.close()
