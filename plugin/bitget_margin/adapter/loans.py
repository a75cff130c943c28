"""Loans in ccxt's terms: borrowing, repaying, and the interest rates of the cross margin account."""

import reprlib
from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final, NoReturn

import ccxt

from bitget_margin.adapter import fallback_markets, history
from bitget_margin.adapter.call import load_markets, open_call, to_exception
from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.change import raise_unless_done
from bitget_margin.adapter.errors import ChangeUnresolved, cause_of, documented
from bitget_margin.adapter.params import CROSS, bad_request, checked_code, exact_amount, parse_settings, split_params
from bitget_margin.core.change import ChangeOutcome
from bitget_margin.core.effects import Call, Fault, Flow
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.loans import LoanChange, LoanRecord, UnifiedRepayment, change_debt, query_debt, repay_all
from bitget_margin.core.order_ref import BadInput
from bitget_margin.core.order_row import milliseconds, text
from bitget_margin.core.record_pages import RecordKind, RecordQuery
from bitget_margin.core.requests import CallContext, query
from bitget_margin.core.responses import data_of, decimal, sent_ms_of

_STEP: Final = Decimal("1e-8")
"""Smallest step of a loan: amounts have up to eight decimals."""
_PAYMENT_COIN: Final = "paymentCoin"
"""Parameter of a repayment on a unified account: the coin that pays."""
_KNOWN_LOANS: Final = "bitget_margin_known_loans"
_NO_BORROWING: Final = (
    "the venue has no endpoint that borrows on a unified account, whose margin orders borrow what they lack by "
    "themselves; a classic account has one"
)


def refuse_isolated(exchange: MarginExchange, method: str, params: Params) -> None:
    """Raise BadRequest for a margin mode other than cross, which the name of the method excludes."""
    mode, _ = exchange.handle_margin_mode_and_params(method, params)
    if mode not in {None, CROSS} and params.get("marginMode") is not None:
        raise bad_request(exchange, method, BadInput(f"marginMode is {mode!r}; this method is for cross margin"))


def borrow_cross_margin(exchange: MarginExchange, code: object, amount: object, params: Params) -> Flow[Any]:
    """Borrow coins on a classic account, at most once."""
    method = "borrow_cross_margin"
    ctx, coin, size = yield from _open(exchange, method, code, amount, params, set())
    found = yield from _change_debt(exchange, method, ctx, LoanChange.BORROW, coin, size)
    if found is None:
        raise ccxt.NotSupported(f"{exchange.id} {method}(): {_NO_BORROWING}")
    return found


def repay_cross_margin(exchange: MarginExchange, code: object, amount: object, params: Params) -> Flow[Any]:
    """Repay borrowed coins and their interest, at most once; on a unified account the whole debt of the coin."""
    method = "repay_cross_margin"
    ctx, coin, size = yield from _open(exchange, method, code, amount, params, {_PAYMENT_COIN})
    payment_code = params.get(_PAYMENT_COIN, code)
    payment_coin = fallback_markets.coin_id(exchange, _required_code(exchange, method, _PAYMENT_COIN, payment_code))
    debt: Decimal | Fault | None = None
    if ctx.api.KIND is AccountKind.UNIFIED:
        debt = yield from query_debt(ctx, coin)
    if ctx.api.KIND is AccountKind.CLASSIC:
        if payment_code != code:
            raise ccxt.NotSupported(
                f"{exchange.id} {method}(): params[{_PAYMENT_COIN!r}] is {payment_code!r}; a classic account repays "
                "with the coin itself, a unified one with any coin"
            )
        found = yield from _change_debt(exchange, method, ctx, LoanChange.REPAY, coin, size)
        if found is not None:
            return found
        debt = yield from query_debt(ctx, coin)
    owed = _checked_debt(exchange, method, debt, size, str(code))
    result = yield from repay_all(ctx, coin, payment_coin, owed)
    change = f"the repayment of {code}"
    raise_unless_done(exchange, method, result, change=change)
    repaid: UnifiedRepayment | None = result.found
    if repaid is None or repaid.amount == 0:
        left = yield from query_debt(ctx, coin)
        if not isinstance(left, Decimal) or left < owed:
            # A gateway may have sent it twice, and returned the response to the second one.
            raise ChangeUnresolved(method, change, None if repaid is None else repaid.raw)
        raise ccxt.ExchangeError(
            f"{exchange.id} {method}(): the venue repaid nothing: too little {payment_code} may be free, "
            f"params[{_PAYMENT_COIN!r}] takes another coin"
        )
    amount_paid = None if repaid.amount is None else format(repaid.amount, "f")
    return _structure(exchange, method, {**repaid.raw, "coin": coin, "repayAmount": amount_paid}, repaid.at_ms)


def _checked_debt(
    exchange: MarginExchange, method: str, debt: Decimal | Fault | None, amount: Decimal, code: str
) -> Decimal:
    """Return the debt of a unified account, whose repayments have no amount; raise unless this amount covers it."""
    if isinstance(debt, Fault):
        raise to_exception(exchange, method, debt)
    if debt is None:
        raise ccxt.BadResponse(f"{exchange.id} {method}(): the debt of {code} cannot be read; nothing was sent")
    if debt == 0:
        raise bad_request(exchange, method, BadInput(f"the account owes no {code}"))
    if amount < debt:
        raise ccxt.NotSupported(
            f"{exchange.id} {method}(): a unified account repays the whole debt of a coin, the venue takes no amount: "
            f"{debt:f} {code} are owed, give at least that"
        )
    return debt


def _change_debt(
    exchange: MarginExchange, method: str, ctx: CallContext, kind: LoanChange, coin: str, amount: Decimal
) -> Flow[Any]:
    """Borrow or repay on a classic account, and return ccxt's structure; None if the account is a unified one."""
    known: set[str] = vars(exchange).setdefault(_KNOWN_LOANS, set())
    result = yield from change_debt(ctx, kind, coin, amount, known)
    if result.outcome is ChangeOutcome.OTHER_KIND:
        return None
    word = "loan" if kind is LoanChange.BORROW else "repayment"
    raise_unless_done(exchange, method, result, change=f"the {word} of {amount.normalize():f} {coin}")
    record: LoanRecord | None = result.found
    if record is None:
        raise ccxt.BadResponse(f"{exchange.id} {method}(): the response has no record")
    if record.record_id is not None:
        known.add(record.record_id)
    return _structure(exchange, method, record.raw, record.at_ms)


def _open(
    exchange: MarginExchange, method: str, code: object, amount: object, params: Params, known: set[str]
) -> Flow[tuple[CallContext, str, Decimal]]:
    """Return the context of the call, the venue's name of the coin, and the amount; the arguments are checked."""
    split_params(exchange, method, params, {"timeout", *known})
    refuse_isolated(exchange, method, params)
    settings = parse_settings(exchange, method, params, confirm=False)
    coin_code = _required_code(exchange, method, "code", code)
    size = exact_amount(exchange, method, amount).quantize(_STEP, rounding=ROUND_DOWN)
    if not size:
        raise ccxt.InvalidOrder(f"{exchange.id} {method}(): amount is {amount!r}; the least is {_STEP:f}")
    ctx = open_call(exchange, settings, params)
    yield from load_markets(exchange, ctx)
    return ctx, fallback_markets.coin_id(exchange, coin_code), size


def _required_code(exchange: MarginExchange, method: str, name: str, code: object) -> str:
    """Return the code of a coin, or raise for a missing or invalid one."""
    if code is None or code == "":
        raise ccxt.ArgumentsRequired(f"{exchange.id} {method}() requires a coin such as 'USDT' as {name}")
    return checked_code(exchange, method, name, code)


def _structure(exchange: MarginExchange, method: str, raw: Mapping[str, Any], at_ms: int | None) -> Any:
    """Return ccxt's structure of a loan or a repayment."""
    try:
        parsed = exchange.parse_margin_loan(dict(raw))
    except Exception as error:  # noqa: BLE001 - it is raised again
        raise documented(f"{exchange.id} {method}()", error) from cause_of(error)
    return {**parsed, "timestamp": at_ms, "datetime": exchange.iso8601(at_ms)}


# -- interest -----------------------------------------------------------------------------------------------------


def fetch_borrow_interest(
    exchange: MarginExchange, code: object, symbol: object, times: tuple[object, object], params: Params
) -> Flow[list[Any]]:
    """Return the interest that was charged; it is of a coin, and of no symbol. `times` are since and limit."""
    method = "fetch_borrow_interest"
    coin_code = None if code is None else _required_code(exchange, method, "code", code)
    call = yield from history.open_history(exchange, method, symbol, times, params)
    coin = None if coin_code is None else fallback_markets.coin_id(exchange, coin_code)

    def accept(charge: Any) -> bool:
        return coin_code in (None, charge["currency"]) and call.wanted.contains(charge)

    def parse(raw: Mapping[str, Any]) -> Any:
        return _interest(exchange, method, raw)

    found = yield from call.read(RecordQuery(RecordKind.INTEREST, coin=coin), parse, accept)
    if call.ctx.api.KIND is AccountKind.UNIFIED:
        found += yield from call.read(RecordQuery(RecordKind.OTHER_INTEREST, coin=coin), parse, accept)
    return call.wanted.cut(found)


def _interest(exchange: MarginExchange, method: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return ccxt's structure of a charge: positive, as a cost."""
    unified = "ts" in raw
    coin, amount = raw.get("coin" if unified else "interestCoin"), raw.get("amount" if unified else "interestAmount")
    at_ms, interest = milliseconds(raw.get("ts" if unified else "cTime")), decimal(amount)
    if at_ms is None or interest is None or not isinstance(coin, str) or text(coin) is None:
        raise ccxt.BadResponse(f"{exchange.id} {method}(): a record of interest cannot be read: {reprlib.repr(raw)}")
    rate = decimal(raw.get("dailyInterestRate"))
    return {
        "info": dict(raw),
        "account": None,
        "symbol": None,
        "currency": exchange.safe_currency_code(coin),
        "interest": float(abs(interest)),
        "interestRate": None if rate is None else float(rate),
        "amountBorrowed": None,
        "marginMode": CROSS,
        "timestamp": at_ms,
        "datetime": exchange.iso8601(at_ms),
    }


# -- interest rates -----------------------------------------------------------------------------------------------


def fetch_cross_borrow_rate(exchange: MarginExchange, code: object, params: Params) -> Flow[Any]:
    """Return the interest rate of a coin."""
    method = "fetch_cross_borrow_rate"
    split_params(exchange, method, params, {"timeout"})
    refuse_isolated(exchange, method, params)
    settings = parse_settings(exchange, method, params, confirm=False)
    coin_code = _required_code(exchange, method, "code", code)
    ctx = open_call(exchange, settings, params, reads_only=True)
    yield from load_markets(exchange, ctx)
    coin = fallback_markets.coin_id(exchange, coin_code)
    row, at_ms = yield from query_rate(exchange, method, ctx, coin)
    try:
        parsed = exchange.parse_borrow_rate({**row, "coin": coin})
    except Exception as error:  # noqa: BLE001 - it is raised again
        raise documented(f"{exchange.id} {method}()", error) from cause_of(error)
    return {**parsed, "info": row, "timestamp": at_ms, "datetime": exchange.iso8601(at_ms)}


def refuse_all_rates(exchange: MarginExchange, params: Params) -> NoReturn:
    """Raise NotSupported: the venue answers for one coin per request, and has hundreds of them."""
    refuse_isolated(exchange, "fetch_cross_borrow_rates", params)
    raise ccxt.NotSupported(
        f"{exchange.id} fetch_cross_borrow_rates(): the venue answers for one coin per request: call "
        "fetch_cross_borrow_rate() for the coins that you need"
    )


def query_rate(
    exchange: MarginExchange, method: str, ctx: CallContext, coin: str
) -> Flow[tuple[dict[str, Any], int | None]]:
    """Return the row with interest rate and leverage of a coin, and its time."""
    endpoints = {AccountKind.CLASSIC: Endpoint.INTEREST_RATE, AccountKind.UNIFIED: Endpoint.UNIFIED_INTEREST_RATE}
    found = yield from query(ctx, lambda api: Call(endpoints[api.KIND], {"coin": coin}), lambda _: _rate_reader(coin))
    if isinstance(found.result, Fault):
        raise to_exception(exchange, method, found.result)
    return found.result


def _rate_reader(coin: str) -> Callable[[object], tuple[dict[str, Any], int | None] | None]:
    """Return the parser of an interest rate: an object, or a list with the row of the coin."""

    def read(body: object) -> tuple[dict[str, Any], int | None] | None:
        data = data_of(body)
        rows = data if isinstance(data, list) else [data]
        for row in rows:
            if isinstance(row, Mapping) and row.get("coin") in (None, coin):
                return dict(row), sent_ms_of(body)
        return None

    return read
