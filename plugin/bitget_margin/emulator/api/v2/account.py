"""Account endpoints of a classic account."""

from bitget_margin.emulator.api.request import PrivateRequest, Row
from bitget_margin.emulator.api.v2.rows import RISK_DECIMALS, asset_row, fee_rate_row
from bitget_margin.emulator.market.decimals import write_decimal

KEY_ADDRESSES = "127.0.0.1"
"""Addresses that the key of every account is bound to."""


def assets(request: PrivateRequest) -> list[Row]:
    """List the coins that the account has or owes."""
    wanted, created_ms = request.params.optional_text("coin"), request.engine.wallets[request.account.uid].created_ms
    return [
        asset_row(coin, balance, debt, created_ms, request.now_ms)
        for coin, balance, debt in request.holdings()
        if wanted in (None, coin)
    ]


def risk_rate(request: PrivateRequest) -> Row:
    """Return the risk ratio of the account."""
    return {"riskRateRatio": write_decimal(round(request.engine.loans.risk(request.account.uid), RISK_DECIMALS))}


def trade_rate(request: PrivateRequest) -> Row:
    """Return the fees of a symbol."""
    return fee_rate_row(request.symbol())


def spot_assets(request: PrivateRequest) -> list[Row]:
    """List the coins of the spot account, which is empty: margin coins are not spot coins."""
    wanted, time = request.params.optional_text("coin"), str(request.now_ms)
    return [
        {"coin": coin, "available": "0", "frozen": "0", "locked": "0", "limitAvailable": "0", "uTime": time}
        for coin in request.engine.wallets[request.account.uid].balances()
        if wanted in (None, coin)
    ]


def spot_account_info(request: PrivateRequest) -> Row:
    """Return the account's UID and age, and the rights of its key."""
    created_ms = request.engine.wallets[request.account.uid].created_ms
    return {
        "userId": request.account.uid,
        "inviterId": "",
        "ips": KEY_ADDRESSES,
        "authorities": ["stor", "smor", "stow", "smow"],
        "parentId": "0",
        "regisTime": str(created_ms),
    }
