"""A debt is changed once, and only what a record or the balance shows is taken for done."""

from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import loans
from bitget_margin.adapter.errors import ChangeUnresolved
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import Endpoint
from support.calling import CROSS, Caller, exchange
from support.script import EPOCH_MS, START_MS, fault

BORROW, REPAY, BORROWED, REPAID = Endpoint.BORROW, Endpoint.REPAY, Endpoint.BORROW_HISTORY, Endpoint.REPAY_HISTORY
ASSETS, UNIFIED_REPAY = Endpoint.UNIFIED_ASSETS, Endpoint.UNIFIED_REPAY
CHANGES = {BORROW, REPAY, UNIFIED_REPAY}
Flows = Callable[..., Any]
either = pytest.mark.parametrize("flow", [loans.borrow_cross_margin, loans.repay_cross_margin])


def borrowed(at_ms: int = EPOCH_MS, **more: str) -> dict[str, str]:
    """Return a row of borrow-history."""
    row = {"loanId": "5", "coin": "USDT", "borrowAmount": "10.00000000", "borrowType": "manual_loan"}
    return row | {"cTime": str(at_ms), "uTime": str(at_ms)} | more


def repaid(at_ms: int = EPOCH_MS, **more: str) -> dict[str, str]:
    """Return a row of repay-history."""
    row = {"repayId": "5", "coin": "USDT", "repayAmount": "10", "repayType": "manual_repay"}
    return row | {"repayInterest": "1", "repayPrincipal": "9", "cTime": str(at_ms), "uTime": str(at_ms)} | more


def venue_of(reply: object, *rows: Any) -> Caller:
    """Return a classic venue with this answer to each change, and these rows in its records."""

    def respond(call: Call) -> object:
        return reply if call.endpoint in CHANGES else {"resultList": list(rows), "minId": None, "maxId": None}

    return Caller(respond)


def sent(venue: Caller) -> list[Any]:
    """Return the parameters of the changes."""
    return [call.params for call in venue.calls if call.endpoint in CHANGES]


def test_a_margin_mode_stays_out_of_the_body() -> None:
    """Amounts have up to eight decimals; coins go by the venue's names."""
    venue = venue_of({"loanId": "9", "coin": "USDT", "borrowAmount": "0.12345678"})
    loan = venue.call(loans.borrow_cross_margin(exchange(), "USDT", 0.123456789, CROSS))
    assert sent(venue) == [{"coin": "USDT", "borrowAmount": "0.12345678"}]
    assert (loan["id"], loan["currency"], loan["amount"], loan["symbol"]) == ("9", "USDT", 0.12345678, None)
    assert loan["timestamp"] == EPOCH_MS + 10
    venue = venue_of({"loanId": "9", "coin": "TONCOIN", "borrowAmount": "1.0"})
    assert venue.call(loans.borrow_cross_margin(exchange(), "TON", 1, CROSS))["currency"] == "TON"
    assert sent(venue)[0]["coin"] == "TONCOIN"


@either
@pytest.mark.parametrize("reply", [fault(), fault("40010"), fault(None, None, 502), {}, fault("99999")])
def test_an_unclear_answer_is_looked_up_in_the_records(flow: Flows, reply: Any) -> None:
    row = borrowed() if flow is loans.borrow_cross_margin else repaid()
    venue = venue_of(reply, row)
    found = venue.call(flow(exchange(), "USDT", 10, CROSS))
    assert (found["id"], found["amount"], len(sent(venue))) == ("5", 10, 1)


@pytest.mark.parametrize(
    "answer",
    [
        {"loanId": "8", "coin": "BTC", "borrowAmount": "10"},
        {"loanId": "8", "coin": "USDT", "borrowAmount": "11"},
        {"coin": "USDT", "borrowAmount": "10"},
        {"loanId": "8"},
    ],
)
def test_an_answer_about_another_loan_proves_nothing(answer: Any) -> None:
    venue = venue_of(answer, borrowed())
    assert venue.call(loans.borrow_cross_margin(exchange(), "USDT", 10, CROSS))["id"] == "5"


@either
@pytest.mark.parametrize("reply", [fault(), fault("40010"), {}])
def test_without_a_record_it_may_have_been_executed(flow: Flows, reply: Any) -> None:
    venue = venue_of(reply)
    with pytest.raises(ChangeUnresolved, match="of 10 USDT may have been executed"):
        venue.call(flow(exchange(), "USDT", 10, CROSS | {"timeout": 3_000}))
    assert len(sent(venue)) == 1


@either
def test_a_refusal_needs_two_lookups_without_a_record(flow: Flows) -> None:
    refused = fault("50035", "The maximum borrowing amount is exceeded")
    venue = venue_of(refused)
    with pytest.raises(ccxt.BaseError, match="50035"):
        venue.call(flow(exchange(), "USDT", 10, CROSS))
    assert venue.sent_at[-1] - venue.sent_at[1] >= 1_490
    venue = venue_of(fault("50037", "This currency cannot be borrowed"))
    with pytest.raises(ccxt.BaseError, match="50037"):
        venue.call(flow(exchange(), "USDT", 10, CROSS))
    assert len(venue.calls) == 1


@pytest.mark.parametrize(
    "row",
    [
        borrowed(EPOCH_MS - 60_000),
        borrowed(coin="BTC"),
        borrowed(borrowAmount="11"),
        borrowed(borrowType="auto_loan"),
        borrowed(borrowAmount="x"),
    ],
)
def test_records_of_other_loans_prove_nothing(row: Any) -> None:
    with pytest.raises(ChangeUnresolved):
        venue_of(fault(), row).call(loans.borrow_cross_margin(exchange(), "USDT", 10, CROSS | {"timeout": 2_000}))


def test_of_two_records_that_fit_neither_is_taken() -> None:
    venue = venue_of(fault(), borrowed(), borrowed(loanId="6"))
    with pytest.raises(ChangeUnresolved):
        venue.call(loans.borrow_cross_margin(exchange(), "USDT", 10, CROSS | {"timeout": 2_000}))


def test_a_loan_that_is_known_is_not_taken_for_the_next_one() -> None:
    """Its record may be as young as that of the next one."""
    made = exchange()
    venue_of({"loanId": "5", "coin": "USDT", "borrowAmount": "10"}).call(
        loans.borrow_cross_margin(made, "USDT", 10, CROSS)
    )
    with pytest.raises(ChangeUnresolved):
        venue_of(fault(), borrowed()).call(loans.borrow_cross_margin(made, "USDT", 10, CROSS | {"timeout": 2_000}))


def test_no_more_than_the_debt_is_repaid() -> None:
    venue = venue_of(fault(), repaid(repayAmount="3.5"))
    assert venue.call(loans.repay_cross_margin(exchange(), "USDT", 10, CROSS))["amount"] == 3.5


@either
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((None, 1, CROSS), ccxt.ArgumentsRequired),
        (("USDT", None, CROSS), ccxt.ArgumentsRequired),
        ((5, 1, CROSS), ccxt.BadRequest),
        (("USDT", 0, CROSS), ccxt.InvalidOrder),
        (("USDT", "x", CROSS), ccxt.InvalidOrder),
        (("USDT", 1e-9, CROSS), ccxt.InvalidOrder),
        (("USDT", 1, CROSS | {"clientOid": "a"}), ccxt.BadRequest),
        (("USDT", 1, {"marginMode": "isolated"}), ccxt.BadRequest),
        (("USDT", 1, {"marginMode": "nope"}), ccxt.BadRequest),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(flow: Flows, arguments: Any, error: type[Exception]) -> None:
    venue = venue_of({})
    with pytest.raises(error):
        venue.call(flow(exchange(), *arguments))
    assert venue.calls == []


# -- unified accounts ---------------------------------------------------------------------------------------------


def unified(*debts: str, reply: object = None) -> Caller:
    """Return a unified venue whose balance shows these debts, one after another."""
    left = list(debts)

    def respond(call: Call) -> object:
        if call.endpoint is UNIFIED_REPAY:
            return {"result": "YES", "repayAmount": "10"} if reply is None else reply
        if call.endpoint is ASSETS:
            debt = left.pop(0) if len(left) > 1 else left[0]
            return {"assets": [{"coin": "USDT", "debt": debt}, {"coin": "BTC", "debt": "0"}]}
        return fault("40085", "unified")

    return Caller(respond)


def repay(venue: Caller, amount: float = 10, *, code: str = "USDT", **params: Any) -> Any:
    """Repay on an account that is known to be a unified one."""
    return venue.call(loans.repay_cross_margin(exchange(uta=True), code, amount, CROSS | params))


def test_a_unified_account_repays_a_whole_debt_with_a_coin_by_name() -> None:
    venue = unified("10")
    found = repay(venue, 10, paymentCoin="BTC")
    assert sent(venue) == [{"repayableCoinList": ["USDT"], "paymentCoinList": ["BTC"]}]
    assert (found["currency"], found["amount"], found["id"]) == ("USDT", 10, None)
    venue = unified("10")
    repay(venue, 11)
    assert sent(venue)[0]["paymentCoinList"] == ["USDT"]


def test_a_part_of_a_unified_debt_cannot_be_repaid() -> None:
    venue = unified("10.5")
    with pytest.raises(ccxt.NotSupported, match=r"10.5 USDT are owed, give at least that"):
        repay(venue)
    with pytest.raises(ccxt.BadRequest, match="the account owes no BTC"):
        repay(venue, code="BTC")
    with pytest.raises(ccxt.BadResponse, match="cannot be read; nothing was sent"):
        repay(unified("x"))
    assert sent(venue) == []


@pytest.mark.parametrize("reply", [fault(), fault("25000"), {}, fault("99999")])
def test_an_unclear_repayment_is_done_once_the_debt_is_gone(reply: Any) -> None:
    venue = unified("10", "10", "0", reply=reply)
    found = repay(venue)
    assert (found["currency"], found["amount"], len(sent(venue))) == ("USDT", None, 1)
    venue = unified("10", reply=fault())
    with pytest.raises(ChangeUnresolved, match="the repayment of USDT may have been executed"):
        repay(venue, timeout=3_000)
    assert len(sent(venue)) == 1


def test_a_repayment_that_the_venue_denies_is_an_error() -> None:
    with pytest.raises(ccxt.ExchangeError, match="the venue repaid nothing"):
        repay(unified("10", reply={"result": "NO", "repayAmount": "0"}))


@pytest.mark.parametrize("kind", [False, True, None], ids=["wrong", "known", "unknown"])
def test_a_unified_account_borrows_by_its_orders_only(kind: Any) -> None:
    venue = unified("10")
    with pytest.raises(ccxt.NotSupported, match="margin orders borrow what they lack by themselves"):
        venue.call(loans.borrow_cross_margin(exchange(uta=kind), "USDT", 10, CROSS))
    assert [call.endpoint for call in venue.calls] == ([] if kind else [BORROW])


@pytest.mark.parametrize("kind", [False, None], ids=["wrong", "unknown"])
def test_the_account_kind_is_corrected_before_a_debt_is_repaid(kind: Any) -> None:
    venue = unified("10")
    found = venue.call(loans.repay_cross_margin(exchange(uta=kind), "USDT", 10, CROSS))
    assert (found["amount"], [call.endpoint for call in venue.calls]) == (10, [REPAY, ASSETS, UNIFIED_REPAY])

    def classic(call: Call) -> object:
        return {"repayId": "5", "coin": "USDT", "repayAmount": "10"} if call.endpoint is REPAY else fault("40084")

    found = Caller(classic).call(loans.repay_cross_margin(exchange(uta=True), "USDT", 10, CROSS))
    assert found["id"] == "5"


def test_a_classic_account_repays_with_the_coin_itself() -> None:
    venue = venue_of({})
    with pytest.raises(ccxt.NotSupported, match="a classic account repays with the coin itself"):
        venue.call(loans.repay_cross_margin(exchange(), "USDT", 10, CROSS | {"paymentCoin": "BTC"}))
    assert venue.calls == []


# -- interest and rates -------------------------------------------------------------------------------------------

CHARGE = {
    "interestId": "7",
    "loanCoin": "USDT",
    "interestCoin": "USDT",
    "dailyInterestRate": "0.0002",
    "interestAmount": "1.5",
    "interstType": "first",
    "cTime": str(EPOCH_MS - 5),
    "uTime": str(EPOCH_MS - 5),
}
SETTLED = {
    "category": "Margin",
    "id": "7",
    "symbol": "",
    "coin": "USDT",
    "type": "INTEREST_SETTLEMENT_OUT",
    "amount": "-1.5",
    "fee": "0",
    "balance": "1",
    "ts": str(EPOCH_MS - 5),
}


def test_interest_is_a_cost_of_a_coin_and_of_no_symbol() -> None:
    """`account` is what ccxt's own test of it asks for."""
    venue = Caller(lambda _: {"resultList": [CHARGE], "minId": "7", "maxId": "7"})
    (charge,) = venue.call(loans.fetch_borrow_interest(exchange(), "USDT", "BTC/USDT", (None, None), CROSS))
    shown = {key: charge[key] for key in ("account", "symbol", "currency", "interest", "interestRate", "marginMode")}
    assert shown == dict(zip(shown, (None, None, "USDT", 1.5, 0.0002, "cross"), strict=True))
    assert (charge["timestamp"], charge["amountBorrowed"], charge["info"]) == (EPOCH_MS - 5, None, CHARGE)
    (call,) = venue.calls
    assert (call.endpoint, call.params["coin"]) == (Endpoint.INTEREST_HISTORY, "USDT")  # type: ignore[call-overload]
    assert "marginMode" not in call.params


def test_interest_of_a_unified_account_is_in_its_financial_records() -> None:
    """Which category it has is not documented: both that are possible are read."""
    other = SETTLED | {"category": "OTHER", "id": "8", "ts": str(EPOCH_MS - 9)}

    def respond(call: Call) -> object:
        params: Any = call.params
        assert params["type"] == "INTEREST_SETTLEMENT_OUT"
        newest = int(params["endTime"]) >= EPOCH_MS
        row = SETTLED if params["category"] == "MARGIN" else other
        return {"list": [row] if newest else None, "cursor": ""}

    venue = Caller(respond)
    charges = venue.call(loans.fetch_borrow_interest(exchange(uta=True), None, None, (None, None), CROSS))
    assert [(c["interest"], c["currency"], c["timestamp"]) for c in charges] == [
        (1.5, "USDT", EPOCH_MS - 9),
        (1.5, "USDT", EPOCH_MS - 5),
    ]


@pytest.mark.parametrize("field", ["interestAmount", "interestCoin", "cTime"])
def test_a_charge_that_cannot_be_read_is_an_error(field: str) -> None:
    venue = Caller(lambda _: {"resultList": [CHARGE | {field: None}]})
    with pytest.raises(ccxt.BadResponse, match="a record of interest cannot be read"):
        venue.call(loans.fetch_borrow_interest(exchange(), None, None, (None, None), CROSS))


@pytest.mark.parametrize(
    ("kind", "endpoint", "data"),
    [
        (False, Endpoint.INTEREST_RATE, [{"coin": "BTC", "dailyInterestRate": "0.0001", "leverage": "3"}]),
        (True, Endpoint.UNIFIED_INTEREST_RATE, {"dailyInterest": "0.0001", "annualInterest": "0.03", "limit": "9"}),
    ],
    ids=["classic", "unified"],
)
def test_a_rate_is_that_of_one_coin_and_a_day(kind: bool, endpoint: Endpoint, data: Any) -> None:
    venue = Caller(lambda _: data)
    rate = venue.call(loans.fetch_cross_borrow_rate(exchange(uta=kind), "BTC", CROSS))
    assert [(call.endpoint, call.params) for call in venue.calls] == [(endpoint, {"coin": "BTC"})]
    assert (rate["currency"], rate["rate"], rate["period"]) == ("BTC", 0.0001, 86_400_000)
    assert rate["timestamp"] == EPOCH_MS + int(venue.now_ms - START_MS)


def test_the_rates_of_all_coins_are_not_to_be_had() -> None:
    with pytest.raises(ccxt.NotSupported, match="the venue answers for one coin per request"):
        loans.refuse_all_rates(exchange(), CROSS)


@pytest.mark.parametrize("coin", [7, None, ["USDT"], ""])
def test_a_charge_of_no_coin_is_unreadable(coin: object) -> None:
    row = {"interestId": "1", "interestCoin": coin, "interestAmount": "0.1", "cTime": str(EPOCH_MS - 1)}
    venue = Caller(lambda _: {"resultList": [row], "minId": "1", "maxId": "1"})
    with pytest.raises(ccxt.BadResponse, match="cannot be read"):
        venue.call(loans.fetch_borrow_interest(exchange(), None, None, (None, None), CROSS))
