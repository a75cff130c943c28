"""Promise: margin flags and the numbers of margin orders come from the venue's list, which fails nothing else."""

import logging
from collections.abc import Iterator
from decimal import Decimal

import ccxt
import pytest

from bitget_margin.emulator import DEFAULT_SYMBOLS, Account, AccountKind, Emulator, FaultKind, SpotNumbers, Symbol
from support.client import CROSS, Client, Flavour, config

pytestmark = pytest.mark.classic  # these bring accounts of their own
ETH = "ETH/USDT"
SPOT = SpotNumbers(price_precision=2, quantity_precision=6, min_amount=Decimal(0), min_quote_value=Decimal(1))
COARSE = Symbol("ETHUSDT", "ETH", "USDT", Decimal(3000), 1, 4, Decimal("0.001"), spot=SPOT)
LIST = {AccountKind.CLASSIC: "margin/currencies", AccountKind.UNIFIED: "market/instruments"}


@pytest.fixture(scope="module", params=list(AccountKind), ids=lambda kind: kind.value)
def venue(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Run an emulator with one pair of cross margin, whose numbers are coarser than on spot, and one without it."""
    (without,) = (symbol for symbol in DEFAULT_SYMBOLS if not symbol.cross_borrowable)
    with Emulator(accounts=(Account(kind=request.param),), symbols=(COARSE, without)) as running:
        yield running
    assert running.errors == ()


def client_of(venue: Emulator, flavour: Flavour, *, own: bool) -> Client:
    """Return a client without markets, which will load those of the account kind, or of classic accounts."""
    unified = venue.accounts[0].kind is AccountKind.UNIFIED
    made = Client(
        flavour, config(venue, options={"fetchMarkets": {"types": ["spot"], "uta": unified and own}}), load=False
    )
    venue.reset_requests()
    return made


@pytest.mark.parametrize("flavour", [Flavour.SYNC, Flavour.ASYNC])
@pytest.mark.parametrize("own", [True, False])
def test_an_order_is_rounded_as_the_venue_takes_it_and_refused_before_it_is_sent(
    venue: Emulator, flavour: Flavour, *, own: bool
) -> None:
    """The flags and numbers come with the markets, by one public request."""
    client = client_of(venue, flavour, own=own)
    client("load_markets")
    crossed, other = (client.exchange.market(symbol) for symbol in (ETH, "XRP/USDT"))
    assert (crossed["margin"], crossed["marginModes"]["cross"], other["marginModes"]["cross"]) == (True, True, False)
    assert crossed["crossMargin"]["precision"] == {"amount": 0.0001, "price": 0.1, "cost": 0.1}
    assert crossed["crossMargin"]["limits"]["leverage"] == {"min": 1.0, "max": 3.0}
    assert crossed["precision"]["amount"] == 1e-06
    asked = [record for record in venue.requests if "currencies" in record.path or "category=MARGIN" in record.query]
    assert len(asked) == 1
    assert asked[0].path.endswith(LIST[venue.accounts[0].kind])
    assert not any(record.uid for record in venue.requests)
    placed = client("create_order", ETH, "limit", "buy", 0.0123456, 2_000.19, CROSS)
    order = venue.order(placed["id"])
    assert (order.base_size, order.price) == (Decimal("0.0123"), Decimal("2000.2"))
    venue.reset_requests()
    with pytest.raises(ccxt.InvalidOrder, match=r"below the 0\.001"):
        client("create_order", ETH, "limit", "buy", 0.0002, 2_000, CROSS)
    assert venue.requests == ()
    if venue.accounts[0].kind is AccountKind.UNIFIED:
        client("edit_order", placed["id"], ETH, "limit", "buy", 0.0234567, 2_100.16, CROSS)
        order = venue.order(placed["id"])
        assert (order.base_size, order.price) == (Decimal("0.0234"), Decimal("2100.2"))
    assert client("batch_cancel", [placed["id"]], ETH).ok
    client.close()


@pytest.mark.parametrize("flavour", [Flavour.SYNC, Flavour.ASYNC])
def test_a_list_that_is_down_fails_neither_the_markets_nor_a_call(
    venue: Emulator, flavour: Flavour, caplog: pytest.LogCaptureFixture
) -> None:
    """What an earlier load has found stays."""
    client = client_of(venue, flavour, own=False)
    down = {"kind": FaultKind.SERVER_ERROR, "path": LIST[venue.accounts[0].kind]}
    venue.add_fault(**down)
    with caplog.at_level(logging.WARNING, "bitget_margin.markets"):
        placed = client("create_order", ETH, "limit", "buy", 0.0123, 2_000.1, CROSS)
    assert [record.name for record in caplog.records] == ["bitget_margin.markets"]
    assert client.exchange.market(ETH)["marginModes"] == {"cross": None, "isolated": None}
    assert client("batch_cancel", [placed["id"]], ETH).ok
    venue.clear_faults()
    client("load_markets", True)
    assert client.exchange.market(ETH)["marginModes"]["cross"] is True
    venue.add_fault(**down)
    client("load_markets", True)
    assert client.exchange.market(ETH)["crossMargin"]["precision"]["amount"] == 0.0001
    venue.clear_faults()
    client.close()
