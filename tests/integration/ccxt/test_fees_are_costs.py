"""What a fill cost is told in the coin that paid it, above zero, by every class and on both kinds of account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator, Knobs
from support.client import CROSS, Client, Flavour, config

BTC = "BTC/USDT"


@pytest.fixture
def paying(kind: AccountKind) -> Iterator[Emulator]:
    """Run a venue whose customer pays fees in BGB until there is too little of it."""
    account = Account(balances={"USDT": "1000000", "BGB": "100"}, kind=kind)
    with Emulator(accounts=(account,), knobs=Knobs(fees_in_bgb=True)) as venue:
        yield venue
    assert venue.errors == ()


def test_a_fee_is_a_cost_in_bgb_and_in_the_coin_that_was_received(paying: Emulator, flavour: Flavour) -> None:
    """60 BGB for the first, 40 left are too few for the second."""
    client = Client(flavour, config(paying))
    for _ in range(2):
        client("create_order", BTC, "limit", "buy", 1, 60_000, CROSS)
    first, second = client("fetch_my_trades", BTC, None, None, CROSS)
    client.close()
    assert (first["amount"], first["fee"]) == (1, {"currency": "BGB", "cost": 60})
    assert (second["amount"], second["fee"]) == (1, {"currency": "BTC", "cost": 0.001})
