"""Promise: a fee is a positive cost in the coin that paid it."""

from collections.abc import Iterator

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator, Knobs
from support.client import CROSS, Client, Flavour, config

BTC = "BTC/USDT"


@pytest.fixture
def paying(kind: AccountKind) -> Iterator[Emulator]:
    """Run an emulator whose account pays fees in BGB while it has enough."""
    account = Account(balances={"USDT": "1000000", "BGB": "100"}, kind=kind)
    with Emulator(accounts=(account,), knobs=Knobs(fees_in_bgb=True)) as venue:
        yield venue
    assert venue.errors == ()


def test_a_fee_is_a_cost_in_bgb_and_in_the_coin_that_was_received(paying: Emulator, flavour: Flavour) -> None:
    """The first fee takes 60 BGB; the remaining 40 are too few for the second."""
    client = Client(flavour, config(paying))
    for _ in range(2):
        client("create_order", BTC, "limit", "buy", 1, 60_000, CROSS)
    first, second = client("fetch_my_trades", BTC, None, None, CROSS)
    client.close()
    assert (first["amount"], first["fee"]) == (1, {"currency": "BGB", "cost": 60})
    assert (second["amount"], second["fee"]) == (1, {"currency": "BTC", "cost": 0.001})
