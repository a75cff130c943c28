"""Loan endpoints of a unified account, whose orders borrow by themselves."""

from typing import Final

from bitget_margin.emulator.api.request import PrivateRequest, PublicRequest, Row
from bitget_margin.emulator.api.v3.category import Category, read_category
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import write_decimal

_YEAR_DAYS: Final = 365
_LOAN_LIMIT: Final = "100000"
_SELECTED_MAX: Final = 1
"""Most coins of each list of a repayment."""


def margin_loans(request: PublicRequest) -> Row:
    """Return the interest rate of a coin; the names are those of the page."""
    coin = request.params.text("coin")
    if coin not in request.borrowable_coins():
        raise VenueError(Refusal.UNKNOWN_COIN)
    rate = request.engine.loans.terms.rate(coin)
    return {
        "dailyInterest": write_decimal(rate),
        "annualInterest": write_decimal(rate * _YEAR_DAYS),
        "limit": _LOAN_LIMIT,
    }


def position_tiers(request: PublicRequest) -> list[Row]:
    """List the tiers of a margin coin, of which there is one; there are no futures."""
    if read_category(request.params) is not Category.MARGIN:
        return []
    coin, terms = request.params.text("coin"), request.engine.loans.terms
    if coin not in request.borrowable_coins():
        raise VenueError(Refusal.UNKNOWN_COIN)
    return [
        {
            "tier": "1",
            "minTierValue": "0",
            "maxTierValue": _LOAN_LIMIT,
            "leverage": write_decimal(terms.leverage),
            "mmr": write_decimal(terms.maintenance_rate),
        }
    ]


def discount_rates(request: PublicRequest) -> list[Row]:
    """List the part of each coin's value that counts as margin."""
    terms = request.engine.loans.terms
    return [
        {"coin": coin, "list": [{"tierStartValue": "0", "discountRate": write_decimal(terms.collateral_rate(coin))}]}
        for coin in request.coins()
    ]


def loan_data(request: PrivateRequest) -> Row:
    """Return what the account owes; the names are those of a client library that is tested on the venue."""
    uid, loans = request.account.uid, request.engine.loans
    debts, period_ms = request.engine.wallets[uid].debts(), loans.terms.period_ms
    return {
        "currentLoans": write_decimal(loans.owed(uid)),
        "interestPaymentTime": str(request.now_ms - request.now_ms % period_ms + period_ms),
        "debtCoinList": [
            {
                "coin": coin,
                "debt": write_decimal(debt.total),
                "interestFreeAmount": "0",
                "interestRateNextHour": write_decimal(loans.terms.hourly_interest(coin, debt.principal)),
            }
            for coin, debt in debts.items()
        ],
    }


def repayable_coins(request: PrivateRequest) -> Row:
    """List the coins that the account owes."""
    debts = request.engine.wallets[request.account.uid].debts()
    rows = [
        {
            "coin": coin,
            "size": write_decimal(debt.total),
            "amount": write_decimal(debt.total * request.engine.dollars(coin)),
        }
        for coin, debt in debts.items()
    ]
    return {"repayableCoinList": rows, "maxSelection": str(_SELECTED_MAX)}


def payment_coins(request: PrivateRequest) -> Row:
    """List the coins with which the account can repay."""
    rows = [
        {
            "coin": coin,
            "size": write_decimal(balance.available),
            "amount": write_decimal(balance.available * request.engine.dollars(coin)),
        }
        for coin, balance in request.engine.wallets[request.account.uid].balances().items()
        if balance.available
    ]
    return {"paymentCoinList": rows, "maxSelection": str(_SELECTED_MAX)}


def repay(request: PrivateRequest) -> Row:
    """Pay back as much of a coin's debt as another coin, or the coin itself, allows."""
    coin, payment_coin = (_read_coin(request, name) for name in ("repayableCoinList", "paymentCoinList"))
    paid = request.engine.loans.repay_with(request.account.uid, coin, payment_coin, request.now_ms)
    return {"result": "YES" if paid else "NO", "repayAmount": write_decimal(paid)}


def set_leverage(request: PrivateRequest) -> str:
    """Set the leverage of a coin of the margin account."""
    category, params = read_category(request.params), request.params
    if category is not Category.MARGIN:
        raise VenueError(Refusal.UNIFIED_UNSUPPORTED, category)
    coin, leverage = params.text("coin"), params.integer("leverage")
    if coin not in request.borrowable_coins():
        raise VenueError(Refusal.UNKNOWN_COIN)
    if not leverage:
        raise VenueError(Refusal.BAD_PARAMETER, "leverage")
    if leverage > request.engine.loans.terms.leverage:
        raise VenueError(Refusal.UNIFIED_LEVERAGE_TOO_HIGH)
    request.engine.leverages[request.account.uid, coin] = str(leverage)
    return "success"


def _read_coin(request: PrivateRequest, name: str) -> str:
    """Return the one coin of a list."""
    coins = request.params.texts(name)
    if len(coins) > _SELECTED_MAX:
        raise VenueError(Refusal.BAD_PARAMETER, name)
    (coin,) = coins
    if coin not in request.coins():
        raise VenueError(Refusal.UNKNOWN_COIN)
    return coin
