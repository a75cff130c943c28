"""What a unified account is and has."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bitget_margin.emulator.api.request import PrivateRequest
from bitget_margin.emulator.api.v2.rows import Row
from bitget_margin.emulator.api.v3.category import read_category
from bitget_margin.emulator.api.v3.rows import asset_row
from bitget_margin.emulator.market.decimals import EXACT, ZERO, write_decimal
from bitget_margin.emulator.market.symbol import Symbol
from bitget_margin.emulator.market.wallet import NOTHING

_DOLLAR: Final = "USDT"
_BITCOIN: Final = "BTC"
_BITCOIN_DECIMALS: Final = 8


def account_settings(call: PrivateRequest) -> Row:
    """Return how the account is set up."""
    return {
        "uid": call.account.uid,
        "accountMode": "unified",
        "assetMode": "multi_assets",
        "holdMode": "one_way_mode",
        "stpMode": "none",
        "symbolConfigList": [],
        "coinConfigList": [],
    }


def assets(call: PrivateRequest) -> Row:
    """Return the coins that the account has or owes, and what they are worth."""
    balances, debts = call.engine.wallets[call.account.uid].balances(), call.account.debts
    rows: list[Row] = []
    equity = ZERO
    for coin in dict.fromkeys((*balances, *debts)):
        balance, debt, price = balances.get(coin, NOTHING), Decimal(debts.get(coin, "0")), _dollars(call, coin)
        if any((*balance, debt)):
            rows.append(asset_row(coin, balance, debt, price))
            equity += (sum(balance, ZERO) - debt) * price
    in_dollars = write_decimal(equity)
    bitcoin = _dollars(call, _BITCOIN)
    in_bitcoin = round(EXACT.divide(equity, bitcoin), _BITCOIN_DECIMALS) if bitcoin else ZERO
    return {
        "accountEquity": in_dollars,
        "usdtEquity": in_dollars,
        "btcEquity": write_decimal(in_bitcoin),
        "unrealisedPnl": "0",
        "usdtUnrealisedPnl": "0",
        "btcUnrealizedPnl": "0",
        "effEquity": in_dollars,
        "mmr": "0",
        "imr": "0",
        "mgnRatio": "0",
        "positionMgnRatio": "0",
        "assets": rows,
    }


def funding_assets(_call: PrivateRequest) -> list[Row]:
    """Return the coins outside of trading, of which there are none."""
    return []


def fee_rate(call: PrivateRequest) -> Row:
    """Return the fees of a symbol."""
    read_category(call.params)
    return _fees(call.symbol())


def all_fee_rates(call: PrivateRequest) -> list[Row]:
    """Return the fees of all symbols."""
    category, symbols = read_category(call.params), call.engine.market.symbols.values()
    return [_fees(symbol) | {"symbol": symbol.symbol} for symbol in symbols if category.on_spot_market]


def _fees(symbol: Symbol) -> Row:
    return {"makerFeeRate": write_decimal(symbol.maker_fee_rate), "takerFeeRate": write_decimal(symbol.taker_fee_rate)}


def _dollars(call: PrivateRequest, coin: str) -> Decimal:
    """Return the price of a coin in US dollars, 0 when nothing says it."""
    if coin == _DOLLAR:
        return Decimal(1)
    symbol = f"{coin}{_DOLLAR}"
    return call.engine.market.price(symbol) if symbol in call.engine.market.symbols else ZERO
