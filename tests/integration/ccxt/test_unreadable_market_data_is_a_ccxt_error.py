"""Promise: market data that cannot be read raises an exception of ccxt; freqtrade would end with any other one."""

import contextlib
from typing import Any

import ccxt
import pytest

from bitget_margin.emulator import AccountKind, Emulator, FaultKind
from support.client import Client

BTC = "BTC/USDT"
CALLS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "fetch_ticker": ("market/tickers", (BTC,)),
    "fetch_tickers": ("market/tickers", ([BTC],)),
    "fetch_order_book": ("market/orderbook", (BTC,)),
    "fetch_ohlcv": ("market/candles", (BTC, "1m")),
    "fetch_trades": ("market/fills-history", (BTC,)),
    "fetch_time": ("public/time", ()),
    "fetch_markets": ("public/symbols", ()),
    "fetch_currencies": ("public/coins", ()),
}
"""Path and arguments of each method."""
UNIFIED = {"market/fills-history": "market/fills"}
"""Paths that ccxt asks instead for a unified account."""
UNREADABLE = [FaultKind.TRUNCATED_JSON, FaultKind.HTML_200, FaultKind.NULL_DATA, FaultKind.MISSING_LISTS]


@pytest.mark.parametrize("fault", UNREADABLE, ids=lambda fault: fault.value)
@pytest.mark.parametrize("method", CALLS)
def test_an_answer_that_cannot_be_read_is_an_error_of_ccxt(
    client: Client, venue: Emulator, method: str, fault: FaultKind
) -> None:
    """Or an empty result; stock ccxt raises IndexError and others."""
    path, arguments = CALLS[method]
    if venue.accounts[0].kind is AccountKind.UNIFIED:
        path = UNIFIED.get(path, path)
    venue.add_fault(fault, path=path)
    with contextlib.suppress(ccxt.BaseError):
        client(method, *arguments)
    assert any(record.fault is fault for record in venue.requests)


def test_it_names_the_method_and_what_was_wrong(client: Client, venue: Emulator) -> None:
    venue.add_fault(FaultKind.TRUNCATED_JSON, path="market/tickers")
    with pytest.raises(ccxt.BadResponse, match=r"bitget fetch_ticker\(\): the response cannot be read") as raised:
        client("fetch_ticker", BTC)
    assert isinstance(raised.value.__cause__, Exception)
    assert not isinstance(raised.value.__cause__, ccxt.BaseError)


def test_errors_of_the_caller_stay_what_they_are(client: Client) -> None:
    with pytest.raises(TypeError):
        client("fetch_ticker")
    with pytest.raises(ccxt.BadSymbol):
        client("fetch_ticker", "NO/PAIR")
