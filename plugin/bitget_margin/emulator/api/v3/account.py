"""Account endpoints of a unified account."""

from decimal import Decimal
from typing import Final

from bitget_margin.emulator.api.request import PrivateRequest, Row
from bitget_margin.emulator.api.v2.account import KEY_ADDRESSES
from bitget_margin.emulator.api.v2.rows import fee_rate_row
from bitget_margin.emulator.api.v3.category import read_category
from bitget_margin.emulator.api.v3.rows import asset_row, margin_row
from bitget_margin.emulator.behaviour.knobs import Level
from bitget_margin.emulator.market.decimals import EXACT, ZERO, write_decimal
from bitget_margin.emulator.market.orders import Side

_BITCOIN: Final = "BTC"
_BITCOIN_DECIMALS: Final = 8


def account_settings(request: PrivateRequest) -> Row:
    """Return the account's settings."""
    level = request.knobs.account_level
    return {
        "uid": request.account.uid,
        "accountMode": "unified",
        "assetMode": "multi_assets",
        # Not on the page of December 2025; in answers captured in 2026.
        **({} if level is Level.NONE else {"accountLevel": level.value}),
        "holdMode": "one_way_mode",
        "stpMode": "none",
        "symbolConfigList": [],
        "coinConfigList": _leverages(request),
    }


def account_info(request: PrivateRequest) -> Row:
    """Return the account's UID and age, and the rights of its key."""
    created_ms = request.engine.wallets[request.account.uid].created_ms
    return {
        "uid": request.account.uid,
        "inviterId": "",
        "parentId": "",
        "ips": KEY_ADDRESSES,
        "permType": "read-and-write",
        "permissions": ["uta_mgt", "uta_trade"],
        "regisTime": str(created_ms),
    }


def assets(request: PrivateRequest) -> Row:
    """Return the coins that the account has or owes, and their value."""
    uid, loans = request.account.uid, request.engine.loans
    rows: list[Row] = []
    equity = effective = ZERO
    unlocked = {} if request.knobs.margin_locks else _held_by_margin_orders(request)
    for coin, balance, debt in request.holdings():
        price = request.engine.dollars(coin)
        if any((*balance, debt.total)):
            rows.append(asset_row(coin, balance, debt.total, price, balance.frozen - unlocked.get(coin, ZERO)))
            equity += (sum(balance, ZERO) - debt.total) * price
            effective += (sum(balance, ZERO) * loans.terms.collateral_rate(coin) - debt.total) * price
    in_dollars = write_decimal(equity)
    bitcoin = request.engine.dollars(_BITCOIN)
    in_bitcoin = round(EXACT.divide(equity, bitcoin), _BITCOIN_DECIMALS) if bitcoin else ZERO
    return {
        "accountEquity": in_dollars,
        "usdtEquity": in_dollars,
        "btcEquity": write_decimal(in_bitcoin),
        "unrealisedPnl": "0",
        "usdtUnrealisedPnl": "0",
        "btcUnrealizedPnl": "0",
        "effEquity": write_decimal(effective),
        **margin_row(loans, uid),
        "positionMgnRatio": "0",
        "assets": rows,
    }


def fee_rate(request: PrivateRequest) -> Row:
    """Return the fees of a symbol."""
    read_category(request.params)
    return fee_rate_row(request.symbol())


def all_fee_rates(request: PrivateRequest) -> list[Row]:
    """Return the fees of all symbols."""
    category, symbols = read_category(request.params), request.engine.market.symbols.values()
    return [fee_rate_row(symbol) | {"symbol": symbol.symbol} for symbol in symbols if category.on_spot_market]


def _leverages(request: PrivateRequest) -> list[Row]:
    """List the leverage of each coin that can be borrowed, which is the highest one until it is set."""
    uid, set_by_account = request.account.uid, request.engine.leverages
    highest = write_decimal(request.engine.loans.terms.leverage)
    return [{"coin": coin, "leverage": set_by_account.get((uid, coin), highest)} for coin in request.borrowable_coins()]


def _held_by_margin_orders(request: PrivateRequest) -> dict[str, Decimal]:
    """Return the amount of each coin that open margin orders hold."""
    held: dict[str, Decimal] = {}
    symbols = request.engine.market.symbols
    for order in request.engine.orders.of_account(request.account.uid, *symbols):
        if not order.is_spot:
            symbol = symbols[order.symbol]
            coin = symbol.quote if order.side is Side.BUY else symbol.base
            held[coin] = held.get(coin, ZERO) + order.reserve
    return held
