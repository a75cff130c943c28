"""Promise: an account whose risk ratio reaches 1 is sold out, bought back, repaid and charged a fee, all on record."""

from decimal import Decimal

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator, LoanTerms

from .client import CROSSED, START_MS, V3, Client, FakeClock, UnifiedClient
from .websocket_client import LOGGED_IN, connected, login

FEE = Decimal("0.02")


def leveraged(client: Client, side: str) -> None:
    """Sell all but BTC, which makes 234,865 USDT; then buy for 400,000 of them, or sell 7 BTC, of which it has 2."""
    for coin, amount in (("ETH", "20"), ("SOL", "500")):
        client.placed(symbol=f"{coin}USDT", side="sell", orderType="market", baseSize=amount)
    if side == "long":
        client.bought("400000", loanType="autoLoan")
    else:
        client.placed(side="sell", orderType="market", baseSize="7", loanType="autoLoan")


def risk(client: Client) -> Decimal:
    return Decimal(client.get(f"{CROSSED}/account/risk-rate").data["riskRateRatio"])


@pytest.mark.parametrize("formula", ["maintenance", "liabilities"])
@pytest.mark.parametrize("side", ["long", "short"])
def test_risk_formula(venue: Emulator, client: Client, formula: str, side: str) -> None:
    venue.knobs(risk_formula=formula)
    assert risk(client) == 0
    leveraged(client, side)
    debt = sum(
        (owed.total * {"USDT": 1, "BTC": 60_000}[coin] for coin, owed in venue.debts("1001").items()), Decimal(0)
    )
    worth = venue.worth("1001")
    expected = debt * Decimal("0.05") / worth if formula == "maintenance" else debt / (worth + debt)
    assert abs(risk(client) - expected) < Decimal("0.0000001")
    assert venue.risk("1001") == pytest.approx(expected)


def price_of_risk(venue: Emulator, rate: Decimal) -> Decimal:
    """Return the price of BTC at which debts times a rate are what is left of the account."""
    balances, debts = venue.balances("1001"), venue.debts("1001")
    dollars = sum(balances["USDT"]) - (debts["USDT"].total if "USDT" in debts else 0)
    coins = sum(balances["BTC"]) - (debts["BTC"].total if "BTC" in debts else 0)
    owed_dollars = debts["USDT"].total if "USDT" in debts else Decimal(0)
    owed_coins = debts["BTC"].total if "BTC" in debts else Decimal(0)
    # dollars + coins * p = rate * (owed_dollars + owed_coins * p)
    return (rate * owed_dollars - dollars) / (coins - rate * owed_coins)


@pytest.mark.parametrize(("formula", "rate"), [("maintenance", "0.05"), ("liabilities", "0")])
@pytest.mark.parametrize("side", ["long", "short"])
def test_the_account_is_liquidated_at_the_price_of_risk_one_and_not_before(
    venue: Emulator, client: Client, side: str, formula: str, rate: str
) -> None:
    venue.knobs(risk_formula=formula)
    leveraged(client, side)
    price = price_of_risk(venue, Decimal(rate))
    better, worse = (1, -1) if side == "long" else (-1, 1)
    venue.set_price("BTCUSDT", f"{price + better:.2f}")
    assert (venue.liquidations("1001"), bool(venue.debts("1001"))) == ([], True)
    venue.set_price("BTCUSDT", f"{price + worse:.2f}")
    assert len(venue.liquidations("1001")) == 1
    assert venue.debts("1001") == {}


@pytest.mark.parametrize("side", ["long", "short"])
def test_everything_is_sold_bought_back_and_repaid_for_a_fee(venue: Emulator, client: Client, side: str) -> None:
    leveraged(client, side)
    resting = client.placed(price="30000", baseSize="0.01", loanType="autoLoan") if side == "short" else None
    price = "19500" if side == "long" else "126000"
    moved = Decimal(price)
    balances, debts = venue.balances("1001"), venue.debts("1001")
    coins = sum(balances["BTC"]) - (debts["BTC"].total if "BTC" in debts else 0)
    dollars = sum(balances["USDT"]) - (debts["USDT"].total if "USDT" in debts else 0)
    venue.knobs(liquidates=False)
    venue.set_price("BTCUSDT", price)
    ratio = risk(client)
    assert (ratio >= 1, venue.liquidations("1001"), bool(venue.debts("1001"))) == (True, [], True)
    worth = venue.worth("1001")
    venue.knobs(liquidates=True)
    venue.set_price("BTCUSDT", price)
    fee = abs(coins) * moved * FEE
    left = venue.balances("1001")
    assert (left["BTC"].available, venue.debts("1001"), risk(client)) == (0, {}, 0)
    assert left["USDT"].available == dollars + coins * moved - fee == worth - fee
    if resting is not None:
        assert venue.order(resting).status == "cancelled"

    (record,) = client.get(f"{CROSSED}/liquidation-history", startTime=START_MS).data["resultList"]
    assert (Decimal(record["liqRiskRatio"]), Decimal(record["liqFee"])) == (ratio, fee)
    assert Decimal(record["totalAssets"]) - Decimal(record["totalDebt"]) == worth
    exchanged = f"liquidation-{'sell' if side == 'long' else 'buy'}"
    row = client.history().data["orderList"][0]
    assert (row["side"], row["enterPointSource"], row["status"]) == (exchanged, "SYS", "filled")
    assert (Decimal(row["size"]), row["priceAvg"]) == (abs(coins), price)
    (listed,) = client.get(f"{CROSSED}/liquidation-order").data["resultList"]
    assert (listed["side"], listed["orderId"], listed["fillSize"]) == (exchanged, row["orderId"], row["size"])
    assert client.get(f"{CROSSED}/liquidation-order", type="swap").data == {"resultList": [], "idLessThan": None}
    fill = client.fills().data["fills"][0]
    assert (fill["orderId"], fill["side"]) == (row["orderId"], exchanged.replace("-", "_"))
    repaid = client.get(f"{CROSSED}/repay-history", startTime=START_MS).data["resultList"][0]
    assert (repaid["repayType"], repaid["coin"]) == ("liq_repay", "USDT" if side == "long" else "BTC")
    kinds = [r["marginType"] for r in client.get(f"{CROSSED}/financial-records", startTime=START_MS).data["resultList"]]
    assert kinds[:4] == ["liquidation_fee", "repay", "deal_in", "deal_out"]


def test_a_charge_of_interest_liquidates_too(venue: Emulator, client: Client, clock: FakeClock) -> None:
    leveraged(client, "long")
    venue.set_price("BTCUSDT", f"{price_of_risk(venue, Decimal('0.05')):.2f}")
    venue.change_loan_terms(daily_rate=Decimal(1))
    assert venue.liquidations("1001") == []
    clock.advance(3_600_000)
    assert len(venue.liquidations("1001")) == 1
    assert venue.debts("1001") == {}


def test_the_record_of_a_liquidation_appears_late(venue: Emulator, client: Client, clock: FakeClock) -> None:
    venue.set_debt("BTC", "1", "1001")
    venue.knobs(loans_lag_ms=60_000)
    venue.liquidate("1001")
    for shown in (0, 1):
        page = client.get(f"{CROSSED}/liquidation-history", startTime=START_MS).data["resultList"]
        assert len(page) == shown
        clock.advance(60_000)


def test_a_shortfall_is_covered_by_the_venue(venue: Emulator, client: Client) -> None:
    leveraged(client, "long")
    venue.set_price("BTCUSDT", "1000")
    assert (venue.debts("1001"), venue.worth("1001")) == ({}, 0)
    records = client.get(f"{CROSSED}/financial-records", startTime=START_MS, marginType="compensate").data["resultList"]
    assert len(records) == 1
    assert venue.liquidations("1001")[0].fee == 0


@pytest.mark.parametrize("kind", ["1001", "2001"])
def test_an_account_without_debts_is_never_touched(venue: Emulator, kind: str) -> None:
    venue.place(kind, {"symbol": "BTCUSDT", "side": "sell", "price": "90000", "baseSize": "2"})
    before = venue.balances(kind)
    for price in ("1", "80000", "0.01"):
        venue.set_price("BTCUSDT", price)
    assert (venue.balances(kind), venue.liquidations(kind)) == (before, [])


def test_other_accounts_are_left_alone(venue: Emulator, client: Client, other: Client) -> None:
    for each in (client, other):
        leveraged(each, "long")
    venue.set_debt("USDT", "50000", "1002")
    venue.set_price("BTCUSDT", "19500")
    assert (len(venue.liquidations("1001")), venue.liquidations("1002")) == (1, [])
    assert venue.debts("1002")["USDT"] == (50_000, 0)


def test_a_unified_account_is_liquidated_with_rows_of_its_own(venue: Emulator, unified: UnifiedClient) -> None:
    unified.placed(side="sell", orderType="market", price=None, qty="7")
    resting = unified.placed(price="20000", qty="0.01")
    shown = unified.get(f"{V3}/account/assets").data
    owed = venue.debts("2001")["BTC"].total * 60_000
    assert Decimal(shown["mmr"]) == owed * Decimal("0.05")
    assert Decimal(shown["imr"]) == owed / 2
    assert Decimal(shown["mgnRatio"]) == round(owed * Decimal("0.05") / venue.worth("2001"), 8)
    venue.set_price("BTCUSDT", "200000")
    assert (venue.debts("2001"), venue.order(resting).status) == ({}, "cancelled")
    rows = unified.page("history-orders", symbol="BTCUSDT")["list"]
    assert (rows[0]["side"], rows[0]["execType"]) == ("buy", "liquidation")
    assert unified.get(f"{V3}/account/assets").data["mgnRatio"] == "0"
    types = [
        row["type"] for row in unified.get(f"{V3}/account/financial-records", category="MARGIN", limit=100).data["list"]
    ]
    assert "LIQ_FEE" in types or "LIQ_FUND_IN" in types


async def test_the_orders_and_balances_of_a_liquidation_are_pushed(venue: Emulator, clock: FakeClock) -> None:
    account = venue.accounts[0]
    sale = {"symbol": "BTCUSDT", "side": "sell", "orderType": "market", "baseSize": "7", "loanType": "autoLoan"}
    venue.place(account.uid, sale)
    orders = {"instType": "MARGIN", "channel": "orders-crossed", "instId": "BTCUSDT"}
    balances = {"instType": "MARGIN", "channel": "account-crossed", "coin": "default"}
    async with connected(venue) as connection:
        assert await connection.request(login(account, clock.now_ms)) == LOGGED_IN
        for arg in (orders, balances):
            assert await connection.request({"op": "subscribe", "args": [arg]}) == {"event": "subscribe", "arg": arg}
        shown = (await connection.receive())["data"]
        assert {row["coin"]: row["borrow"] for row in shown}["BTC"] == "5"
        venue.set_price("BTCUSDT", "200000")
        (order,) = (await connection.receive())["data"]
        assert (order["side"], order["status"], order["enterPointSource"]) == ("liquidation-buy", "filled", "sys")
        push = await connection.receive()
        assert push["arg"] == balances
        assert {row["coin"]: (row["borrow"], row["interest"]) for row in push["data"]}["BTC"] == ("0", "0")


def test_a_haircut_counts_less_of_a_coin_as_margin(clock: FakeClock) -> None:
    """Half of 2 BTC counts: 60,000 of 220,000 USDT are missing for loans and risk, not in the worth."""
    terms = LoanTerms(collateral_rates={"BTC": Decimal("0.5")})
    balances = {"USDT": "100000", "BTC": "2"}
    accounts = (Account(uid="1", balances=balances), Account(uid="2", balances=balances, kind=AccountKind.UNIFIED))
    with Emulator(accounts=accounts, clock=clock, loan_terms=terms) as venue:
        clients = [
            kind(venue.url, account, clock, lambda: clock.advance(334))
            for kind, account in zip((Client, UnifiedClient), accounts, strict=True)
        ]
        with clients[0] as client, clients[1] as unified:
            most = client.get(f"{CROSSED}/account/max-borrowable-amount", coin="USDT").data["maxBorrowableAmount"]
            assert Decimal(most) == 2 * 160_000
            venue.set_debt("USDT", "80000", "1")
            assert risk(client) == Decimal("0.05")
            assert venue.worth("1") == 140_000
            shown = unified.get(f"{V3}/account/assets").data
            assert (shown["accountEquity"], shown["effEquity"]) == ("220000", "160000")
            rates = {
                row["coin"]: row["list"][0]["discountRate"] for row in unified.get(f"{V3}/market/discount-rate").data
            }
            assert (rates["BTC"], rates["ETH"]) == ("0.5", "1")
    assert venue.errors == ()
