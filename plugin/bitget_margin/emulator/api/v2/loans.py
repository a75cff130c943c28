"""Loan endpoints of a classic account, and its records of them."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from typing import Final

from bitget_margin.emulator.api.request import PrivateRequest, PublicRequest, Row
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import fits, write_decimal
from bitget_margin.emulator.market.loan_terms import COIN_DECIMALS
from bitget_margin.emulator.market.wallet import NO_DEBT

_DEFAULT_LIMIT: Final = 100
_CAP: Final = 500
_YEAR_DAYS: Final = 365
_LOAN_LIMIT: Final = "100000"
"""Shown as the maximum of a loan, in coins; here only the leverage of the account limits loans."""
_RATE_DECIMALS: Final = 8
_MOST_IDS: Final = 100
_WIDEST_RANGE_MS: Final = 90 * 86_400_000


def borrow(request: PrivateRequest) -> Row:
    """Borrow coins."""
    coin, amount = _read_coin(request), _read_amount(request, "borrowAmount")
    loan = request.engine.loans.borrow(request.account.uid, coin, amount, request.now_ms)
    return {"loanId": loan.loan_id, "coin": coin, "borrowAmount": write_decimal(amount)}


def repay(request: PrivateRequest) -> Row:
    """Pay back borrowed coins and their interest; not more than is owed."""
    coin, amount = _read_coin(request), _read_amount(request, "repayAmount")
    uid = request.account.uid
    repayment = request.engine.loans.repay(uid, coin, amount, request.now_ms)
    left = request.engine.wallets[uid].debts().get(coin, NO_DEBT)
    return {
        "coin": coin,
        "repayId": repayment.repay_id,
        "remainDebtAmount": write_decimal(left.total),
        "repayAmount": write_decimal(repayment.amount),
    }


def flash_repay(request: PrivateRequest) -> Row:
    """Repay the debt of a coin, or all debts, with whatever other coins the account has."""
    coin = _read_coin(request) if request.params.optional_text("coin") else None
    repay_id = request.engine.flash_repayments.begin(request.account.uid, coin, request.now_ms)
    return {"repayId": repay_id, "coin": coin or ""}


def flash_repay_status(request: PrivateRequest) -> list[Row]:
    """Return the states of flash repayments; an unknown id has no row."""
    ids = request.params.texts("idList")
    if len(ids) > _MOST_IDS:
        raise VenueError(Refusal.BAD_PARAMETER, "idList")
    found = {repay_id: request.engine.flash_repayments.status(request.account.uid, repay_id) for repay_id in ids}
    return [{"repayId": repay_id, "status": status.value} for repay_id, status in found.items() if status]


def max_borrowable_amount(request: PrivateRequest) -> Row:
    """Return the amount of a coin that the account can still borrow."""
    coin = _read_coin(request)
    most = request.engine.loans.max_borrowable(request.account.uid, coin)
    return {"coin": coin, "maxBorrowableAmount": write_decimal(most)}


def interest_rate_and_limit(request: PrivateRequest) -> list[Row]:
    """Return the interest rate and the limits of a coin."""
    coin = _read_coin(request)
    terms = request.engine.loans.terms
    rate = terms.rate(coin)
    daily, annual = write_decimal(rate), write_decimal(rate * _YEAR_DAYS)
    level = {"level": "0", "limit": _LOAN_LIMIT, "dailyInterestRate": daily, "annualInterestRate": annual}
    return [
        {
            "transferable": True,
            "leverage": write_decimal(terms.leverage),
            "coin": coin,
            "borrowable": True,
            "dailyInterestRate": daily,
            "annualInterestRate": annual,
            "maxBorrowableAmount": _LOAN_LIMIT,
            "vipList": [level | {"discountRate": "1"}],
        }
    ]


def tier_data(request: PrivateRequest) -> list[Row]:
    """List the tiers of a coin, of which there is one."""
    coin, terms = _read_coin(request), request.engine.loans.terms
    return [
        {
            "tier": "1",
            "leverage": write_decimal(terms.leverage),
            "coin": coin,
            "maxBorrowableAmount": _LOAN_LIMIT,
            "maintainMarginRate": write_decimal(terms.maintenance_rate),
        }
    ]


def interest_rate_record(request: PublicRequest) -> Row:
    """Return the interest rate of a coin, which needs no account."""
    coin = _read_coin(request)
    rate = request.engine.loans.terms.rate(coin)
    return {
        "coin": coin,
        "dailyInterestRate": f"{rate:.{_RATE_DECIMALS}f}",
        "annualInterestRate": f"{rate * _YEAR_DAYS:.{_RATE_DECIMALS}f}",
        "updatedTime": str(request.now_ms),
    }


def borrow_history(request: PrivateRequest) -> Row:
    """List the loans, newest first."""
    rows: list[Row] = [
        {
            "loanId": loan.loan_id,
            "coin": loan.coin,
            "borrowAmount": write_decimal(loan.amount),
            "borrowType": loan.kind.value,
            "cTime": str(loan.at_ms),
            "uTime": str(loan.at_ms),
        }
        for loan in request.engine.loans.borrowings(request.account.uid)
    ]
    return _page(request, rows, "loanId", "coin")


def repay_history(request: PrivateRequest) -> Row:
    """List the repayments, newest first."""
    rows: list[Row] = [
        {
            "repayId": repayment.repay_id,
            "coin": repayment.coin,
            "repayAmount": write_decimal(repayment.amount),
            "repayType": repayment.kind.value,
            "repayInterest": write_decimal(repayment.interest),
            "repayPrincipal": write_decimal(repayment.principal),
            "cTime": str(repayment.at_ms),
            "uTime": str(repayment.at_ms),
        }
        for repayment in request.engine.loans.repayments(request.account.uid)
    ]
    return _page(request, rows, "repayId", "coin")


def interest_history(request: PrivateRequest) -> Row:
    """List the interest that was charged, newest first."""
    rows: list[Row] = [
        {
            "interestId": interest.interest_id,
            "loanCoin": interest.coin,
            "interestCoin": interest.coin,
            "dailyInterestRate": write_decimal(interest.daily_rate),
            "interestAmount": write_decimal(interest.amount),
            # The page spells it so.
            "interstType": interest.kind.value,
            "cTime": str(interest.at_ms),
            "uTime": str(interest.at_ms),
        }
        for interest in request.engine.loans.interest(request.account.uid)
    ]
    return _page(request, rows, "interestId", "loanCoin")


def _page(request: PrivateRequest, rows: Iterable[Row], id_name: str, coin_name: str) -> Row:
    """Return a page of records: those of a closed span of time, or those below an id."""
    params, shown_ms = request.params, request.now_ms - request.knobs.loans_lag_ms
    start_ms, end_ms = params.integer("startTime"), params.optional_integer("endTime")
    coin, record_id = params.optional_text("coin"), params.optional_text(id_name)
    below_id = params.optional_integer("idLessThan") if end_ms is None else None
    limit = min(params.optional_integer("limit") or _DEFAULT_LIMIT, _CAP)
    if end_ms is not None and start_ms > end_ms:
        raise VenueError(Refusal.RANGE_REVERSED)
    if end_ms is not None and end_ms - start_ms > _WIDEST_RANGE_MS:
        raise VenueError(Refusal.RANGE_TOO_WIDE)

    def is_wanted(row: Row) -> bool:
        at_ms = int(str(row["cTime"]))
        if not start_ms <= at_ms <= (shown_ms if end_ms is None else min(end_ms, shown_ms)):
            return False
        if below_id is not None and int(str(row[id_name])) >= below_id:
            return False
        return coin in (None, row[coin_name]) and record_id in (None, row[id_name])

    page = list(islice((row for row in rows if is_wanted(row)), limit))
    max_id, min_id = (page[0][id_name], page[-1][id_name]) if page else (None, None)
    return {"resultList": page, "maxId": max_id, "minId": min_id}


def _read_coin(request: PublicRequest) -> str:
    coin = request.params.text("coin")
    if coin not in request.coins():
        raise VenueError(Refusal.UNKNOWN_COIN)
    if coin not in request.borrowable_coins():
        raise VenueError(Refusal.NOT_BORROWABLE)
    return coin


def _read_amount(request: PrivateRequest, name: str) -> Decimal:
    amount = request.params.amount(name)
    if not fits(amount, COIN_DECIMALS):
        raise VenueError(Refusal.TOO_MANY_DECIMALS)
    return amount
