"""Promise: interest is charged as a loan begins and for each period, at the coin's own rate, on the principal only."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator, LoanTerms

from .client import CROSSED, START_MS, V3, Client, FakeClock, UnifiedClient

PERIOD_MS = 2_000
TERMS = LoanTerms(
    daily_rate=Decimal("0.0024"), daily_rates={"BTC": Decimal("0.024")}, period_ms=PERIOD_MS, leverage=Decimal(5)
)
"""Of an hour: a ten-thousandth, and a thousandth of BTC."""
Setup = Callable[[AccountKind], tuple[Emulator, Client]]


@pytest.fixture
def setup(clock: FakeClock) -> Iterator[Setup]:
    """Return a function that starts a venue with these terms and one account, and a client that never pauses."""
    with ExitStack() as stack:

        def start(kind: AccountKind) -> tuple[Emulator, Client]:
            account = Account(kind=kind)
            venue = stack.enter_context(Emulator(accounts=(account,), clock=clock, loan_terms=TERMS))
            client = (UnifiedClient if kind is AccountKind.UNIFIED else Client)(venue.url, account, clock, lambda: None)
            stack.callback(lambda: errors.extend(venue.errors))
            return venue, stack.enter_context(client)

        errors: list[Exception] = []
        yield start
    assert errors == []


def charges(venue: Emulator) -> list[tuple[str, Decimal, str, int]]:
    """Return coin, amount, kind and time since the start of each charge, oldest first."""
    return [(row.coin, row.amount, row.kind.value, row.at_ms - START_MS) for row in venue.interest()[::-1]]


def short(client: Client) -> str:
    """Sell 1 BTC more than the account has."""
    return client.placed(side="sell", orderType="market", baseSize="3", loanType="autoLoan")


def test_a_loan_of_an_order_is_charged_at_once_and_after_each_period(setup: Setup, clock: FakeClock) -> None:
    venue, client = setup(AccountKind.CLASSIC)
    short(client)
    clock.advance(2 * PERIOD_MS)
    rate = Decimal("0.001")
    assert charges(venue) == [("BTC", rate, "first", 0), *(("BTC", rate, "scheduled", n * PERIOD_MS) for n in (1, 2))]
    assert venue.debts()["BTC"] == (1, 3 * rate)
    rows = client.get(f"{CROSSED}/interest-history", startTime=START_MS).data["resultList"]
    assert {row["dailyInterestRate"] for row in rows} == {"0.024"}
    assert [row["cTime"] for row in rows] == [str(START_MS + n * PERIOD_MS) for n in (2, 1, 0)]


def test_each_coin_has_its_own_rate_and_periods(setup: Setup, clock: FakeClock) -> None:
    venue, client = setup(AccountKind.CLASSIC)
    short(client)
    clock.advance(500)
    client.post(f"{CROSSED}/account/borrow", {"coin": "USDT", "borrowAmount": "1000"}).data  # noqa: B018
    clock.advance(PERIOD_MS)
    dollars = Decimal("0.1")
    assert [charge for charge in charges(venue) if charge[0] == "USDT"] == [
        ("USDT", dollars, "first", 500),
        ("USDT", dollars, "scheduled", 500 + PERIOD_MS),
    ]


def test_a_second_loan_is_charged_at_once_and_joins_the_periods_of_the_first(setup: Setup, clock: FakeClock) -> None:
    venue, client = setup(AccountKind.CLASSIC)
    short(client)
    clock.advance(500)
    client.placed(side="sell", orderType="market", baseSize="1", loanType="autoLoan")
    clock.advance(PERIOD_MS - 500)
    assert charges(venue)[1:] == [
        ("BTC", Decimal("0.001"), "first", 500),
        ("BTC", Decimal("0.002"), "scheduled", PERIOD_MS),
    ]


def test_a_debt_that_is_repaid_costs_nothing_more_and_a_new_one_has_periods_of_its_own(
    setup: Setup, clock: FakeClock
) -> None:
    venue, client = setup(AccountKind.CLASSIC)
    short(client)
    clock.advance(500)
    client.bought("66000", loanType="autoRepay")
    assert venue.debts() == {}
    clock.advance(500)
    client.placed(side="sell", orderType="market", baseSize="1", loanType="autoLoan")  # owns 0.0979 of it
    clock.advance(PERIOD_MS - 1)
    assert [row[3] for row in charges(venue)] == [0, 1_000]
    clock.advance(1)
    assert [row[3] for row in charges(venue)] == [0, 1_000, 1_000 + PERIOD_MS]


def test_interest_schedule(setup: Setup, clock: FakeClock) -> None:
    """Periods can be those of the clock: START_MS is a multiple of the period."""
    venue, client = setup(AccountKind.CLASSIC)
    venue.knobs(interest_schedule="clock")
    clock.advance(1_900)
    short(client)
    clock.advance(PERIOD_MS)
    assert [(row[2], row[3]) for row in charges(venue)] == [("first", 1_900), ("scheduled", PERIOD_MS)]
    clock.advance(100)
    assert charges(venue)[-1][3] == 2 * PERIOD_MS


def test_a_debt_that_ends_and_begins_again_within_a_period_of_the_clock_is_charged_once(
    setup: Setup, clock: FakeClock
) -> None:
    venue, client = setup(AccountKind.CLASSIC)
    venue.knobs(interest_schedule="clock")
    short(client)
    client.bought("66000", loanType="autoRepay")
    client.placed(side="sell", orderType="market", baseSize="1", loanType="autoLoan")
    clock.advance(PERIOD_MS)
    assert [row[2] for row in charges(venue)] == ["first", "first", "scheduled"]
    venue.charge_interest()
    assert [row[2] for row in charges(venue)] == ["first", "first", "scheduled", "scheduled"]


@pytest.mark.parametrize("first", [False, True])
def test_unified_first_interest(setup: Setup, clock: FakeClock, *, first: bool) -> None:
    venue, client = setup(AccountKind.UNIFIED)
    venue.knobs(unified_first_interest=first)
    client.placed(side="sell", orderType="market", price=None, qty="3")
    clock.advance(PERIOD_MS)
    assert [row[2] for row in charges(venue)] == ["first", "scheduled"][not first :]


@pytest.mark.parametrize("kind", AccountKind)
def test_rows_of_interest_appear_late(setup: Setup, clock: FakeClock, kind: AccountKind) -> None:
    venue, client = setup(kind)
    venue.knobs(loans_lag_ms=1_000, unified_first_interest=True)

    def rows() -> list[dict[str, str]]:
        if kind is AccountKind.UNIFIED:
            name = "INTEREST_SETTLEMENT_OUT"
            page = client.get(f"{V3}/account/financial-records", category="MARGIN", type=name, startTime=START_MS)
            return list(page.data["list"])
        return list(client.get(f"{CROSSED}/interest-history", startTime=START_MS).data["resultList"])

    if kind is AccountKind.UNIFIED:
        client.placed(side="sell", orderType="market", price=None, qty="3")
    else:
        short(client)
    clock.advance(999)
    assert (len(charges(venue)), rows()) == (1, [])
    clock.advance(1)
    assert len(rows()) == 1


def test_records_of_interest_span_ninety_days_at_most(setup: Setup) -> None:
    _, client = setup(AccountKind.CLASSIC)
    day_ms = 86_400_000
    for days, code in ((90, "00000"), (91, "40705")):
        params = {"startTime": START_MS - days * day_ms, "endTime": START_MS}
        assert client.get(f"{CROSSED}/interest-history", **params).code == code


def test_rates_and_leverage_are_shown_where_clients_look(setup: Setup) -> None:
    _, client = setup(AccountKind.CLASSIC)
    (row,) = client.get(f"{CROSSED}/interest-rate-and-limit", coin="BTC").data
    assert (row["leverage"], row["dailyInterestRate"], row["annualInterestRate"]) == ("5", "0.024", "8.76")
    (tier,) = client.get(f"{CROSSED}/tier-data", coin="ETH").data
    assert (tier["coin"], tier["leverage"], tier["maintainMarginRate"]) == ("ETH", "5", "0.05")
    public = client.get("/api/v2/margin/interest-rate-record", coin="BTC").data
    assert (public["dailyInterestRate"], public["annualInterestRate"]) == ("0.02400000", "8.76000000")
    pairs = {row["symbol"]: row for row in client.get("/api/v2/margin/currencies").data}
    shown = pairs["BTCUSDT"]
    assert (shown["maxCrossedLeverage"], shown["warningRiskRatio"], shown["liquidationRiskRatio"]) == ("5", "0.8", "1")
    assert pairs["XRPUSDT"]["maxCrossedLeverage"] == "0"
    for path in ("/api/v2/margin/interest-rate-record", f"{CROSSED}/tier-data"):
        client.get(path, coin="NOPE").assert_refused("50032")


def test_rates_and_leverage_of_unified_accounts_are_shown(setup: Setup) -> None:
    _, client = setup(AccountKind.UNIFIED)
    (tier,) = client.get(f"{V3}/market/position-tier", category="MARGIN", coin="BTC").data
    assert (tier["leverage"], tier["mmr"]) == ("5", "0.05")
    assert client.get(f"{V3}/market/position-tier", category="USDT-FUTURES", coin="BTC").data == []
    client.get(f"{V3}/market/position-tier", category="MARGIN", coin="NOPE").assert_refused("25201")
    assert client.get(f"{V3}/market/margin-loans", coin="BTC").data["dailyInterest"] == "0.024"
    listed = client.get(f"{V3}/account/settings").data["coinConfigList"]
    assert {row["leverage"] for row in listed} == {"5"}
    instruments = client.get(f"{V3}/market/instruments", category="MARGIN", symbol="BTCUSDT").data
    assert instruments[0]["maxCrossedLeverage"] == "5"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"period_ms": 0}, "period_ms must be a whole number above 0, not 0"),
        ({"leverage": Decimal(1)}, "leverage must be above 1"),
        ({"leverage": 3}, "leverage must be a Decimal from 1 to 100, not 3"),
        ({"daily_rate": Decimal(2)}, "daily_rate must be a Decimal from 0 to 1"),
        ({"daily_rates": {"BTC": 0.1}}, r"daily_rates\['BTC'\] must be a Decimal"),
        ({"collateral_rates": {"BTC": Decimal(-1)}}, r"collateral_rates\['BTC'\] must be a Decimal"),
    ],
)
def test_wrong_terms_are_explained(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LoanTerms(**changes)  # type: ignore[arg-type]
