"""Promise: fills, fees, loans and interest move all money there is, and exactly what live orders need is frozen."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bitget_margin.emulator import Account, AccountKind, Emulator, LoanTerms, Symbol, VenueError
from bitget_margin.emulator.market.decimals import EXACT
from support.fuzzing import examples

from .client import FakeClock

ODD = Symbol("ODDUSDT", "ODD", "USDT", Decimal("0.0333"), price_precision=6, quantity_precision=3)
BTC = Symbol("BTCUSDT", "BTC", "USDT", Decimal(60000))
SYMBOLS = {symbol.symbol: symbol for symbol in (BTC, ODD)}
UIDS = ("1001", "1002")
LOAN_TYPES = ["normal", "autoLoan", "autoRepay", "autoLoanAndRepay"]
REFUSED_LOANS = ("50035", "50036", "50041", "50042", "43012", "45110")
WALLET = {"USDT": "5000.123456789", "BTC": "0.1", "ODD": "99999.999"}

numbers = st.integers(min_value=0, max_value=10_000)


def scaled(number: int, reference: Decimal, decimals: int) -> str:
    """Return a number around half to one and a half of a reference."""
    return format((reference * (5000 + number) / 10000).quantize(Decimal(1).scaleb(-decimals)), "f")


@st.composite
def actions(draw: st.DrawFn) -> Callable[[Emulator, FakeClock], None]:
    """Draw something that a customer, the owner or the market does."""
    symbol = draw(st.sampled_from([BTC, ODD]))
    uid, number, size = draw(st.sampled_from(UIDS)), draw(numbers), draw(numbers)
    price = scaled(number, symbol.start_price, symbol.price_precision)
    base = scaled(size, Decimal(1000) / symbol.start_price, symbol.quantity_precision)
    kind = draw(st.sampled_from(["place", "place", "place", "market", "cancel", "price", "fill"]))
    side = draw(st.sampled_from(["buy", "sell"]))
    force = draw(st.sampled_from(["gtc", "gtc", "gtc", "post_only", "ioc", "fok"]))

    def place(venue: Emulator, _clock: FakeClock) -> None:
        fields = {"symbol": symbol.symbol, "side": side, "force": force, "price": price, "baseSize": base}
        venue.place(uid, fields)

    def market(venue: Emulator, _clock: FakeClock) -> None:
        fields = {"symbol": symbol.symbol, "side": side, "orderType": "market", "baseSize": base, "quoteSize": "77.7"}
        venue.place(uid, fields)

    def cancel(venue: Emulator, _clock: FakeClock) -> None:
        live = venue.orders(live_only=True)
        if live:
            venue.cancel(live[number % len(live)].order_id)

    def move(venue: Emulator, clock: FakeClock) -> None:
        clock.advance(number)
        venue.set_price(symbol.symbol, price, liquidity=base if size % 2 else None)

    def fill(venue: Emulator, _clock: FakeClock) -> None:
        live = venue.orders(live_only=True)
        if live:
            order = live[number % len(live)]
            half = ((order.base_size - order.filled) / 2).quantize(Decimal("0.001"))
            venue.fill(order.order_id, half if half and size % 2 else None)

    return {"place": place, "market": market, "cancel": cancel, "price": move, "fill": fill}[kind]


def expected_totals(venue: Emulator, uid: str) -> dict[str, Decimal]:
    """Return what an account must own after its fills, computed from the orders alone."""
    totals = {coin: Decimal(amount) for coin, amount in WALLET.items()}
    for order in venue.orders(uid):
        symbol = SYMBOLS[order.symbol]
        sign = 1 if order.side == "buy" else -1
        totals[symbol.base] += sign * order.filled
        totals[symbol.quote] -= sign * order.quote_filled
        if order.is_liquidation:
            continue
        # Maker and taker fees are equal here, so a fee follows from the order alone.
        received, coin = (order.filled, symbol.base) if sign > 0 else (order.quote_filled, symbol.quote)
        totals[coin] -= received * symbol.maker_fee_rate
    return totals


def expected_changes(venue: Emulator, uid: str) -> dict[str, Decimal]:
    """Return by how much interest, liquidation fees and coins of the venue have changed what an account owns."""
    changed = dict.fromkeys(WALLET, Decimal(0))
    for change in venue._venue.engine.changes.of(uid):
        if change.kind in ("interest", "liquidation_fee", "compensate"):
            changed[change.coin] += change.amount
    assert sum((row.amount for row in venue.interest(uid) if row.coin == "BTC"), Decimal(0)) == -changed["BTC"]
    return changed


def assert_exact(venue: Emulator) -> None:
    """Check every balance, less its debt, against the orders."""
    for uid in (account.uid for account in venue.accounts):
        balances: dict[str, Any] = venue.balances(uid)
        needed = dict.fromkeys(WALLET, Decimal(0))
        for order in venue.orders(uid, live_only=True):
            left = order.base_size - order.filled
            assert left > 0
            symbol = SYMBOLS[order.symbol]
            needed[symbol.quote if order.side == "buy" else symbol.base] += (
                left * order.price if order.side == "buy" else left
            )
        assert {coin: frozen for coin, (_, frozen) in balances.items()} == needed
        debts, changes = venue.debts(uid), expected_changes(venue, uid)
        nets = {coin: sum(pair) - (debts[coin].total if coin in debts else 0) for coin, pair in balances.items()}
        assert nets == {coin: total + changes[coin] for coin, total in expected_totals(venue, uid).items()}
        assert all(min(debt) >= 0 < debt.total for debt in debts.values())
        assert all(amount >= 0 for pair in balances.values() for amount in pair)


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(actions(), max_size=30))
def test_random_trading_conserves_money(steps: list[Callable[[Emulator, FakeClock], None]]) -> None:
    clock = FakeClock()
    venue = Emulator(accounts=tuple(Account(uid=uid, balances=WALLET) for uid in UIDS), symbols=(BTC, ODD), clock=clock)
    for step in steps:
        try:
            step(venue, clock)
        except VenueError as refusal:
            assert refusal.refusal.code in ("43012", "45110")  # noqa: PT017 - most steps are not refused
        assert_exact(venue)


@st.composite
def loan_actions(draw: st.DrawFn) -> Callable[[Emulator, FakeClock], None]:
    """Draw a change of a loan: an order that borrows or repays, a loan or repayment by hand, time, or a far price."""
    symbol, uid = draw(st.sampled_from([BTC, ODD])), draw(st.sampled_from(["1001", "2001"]))
    number, size, coin = draw(numbers), draw(numbers), draw(st.sampled_from(sorted(WALLET)))
    kind = draw(st.sampled_from(["place", "place", "place", "market", "borrow", "repay", "wait", "move", "charge"]))
    side, loan_type = draw(st.sampled_from(["buy", "sell"])), draw(st.sampled_from(LOAN_TYPES))
    price = scaled(number, symbol.start_price, symbol.price_precision)
    base = scaled(size, Decimal(16_000) / symbol.start_price, symbol.quantity_precision)

    def place(venue: Emulator, _clock: FakeClock) -> None:
        fields = {"symbol": symbol.symbol, "side": side, "price": price, "baseSize": base, "loanType": loan_type}
        if kind == "market":
            fields |= {"orderType": "market", "quoteSize": "15777.7"}
        venue.place(uid, fields)

    def by_hand(venue: Emulator, clock: FakeClock) -> None:
        loans = venue._venue.engine.loans
        with localcontext(EXACT):
            act = loans.borrow if kind == "borrow" else loans.repay
            act(uid, coin, (number + 1) * (Decimal("0.0001") if coin == "BTC" else Decimal(1)), clock.now_ms)

    def wait(venue: Emulator, clock: FakeClock) -> None:
        clock.advance(number * 100)
        venue.orders()

    def move(venue: Emulator, _clock: FakeClock) -> None:
        moved = Decimal(price) * (5000 + size) / 10000
        venue.set_price(symbol.symbol, max(moved, symbol.tick).quantize(symbol.tick))

    def charge(venue: Emulator, _clock: FakeClock) -> None:
        venue.charge_interest(uid)

    acts = {"market": place, "place": place, "borrow": by_hand, "repay": by_hand, "wait": wait, "move": move}
    return {**acts, "charge": charge}[kind]


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.one_of(loan_actions(), loan_actions(), actions()), min_size=12, max_size=40), st.booleans())
def test_random_loans_conserve_money(steps: list[Callable[[Emulator, FakeClock], None]], gives_back: bool) -> None:
    clock = FakeClock()
    terms = LoanTerms(daily_rate=Decimal("0.5"), period_ms=60_000, leverage=Decimal(10))
    accounts = [*(Account(uid=uid, balances=WALLET) for uid in UIDS)]
    accounts.append(Account(uid="2001", balances=WALLET, kind=AccountKind.UNIFIED))
    venue = Emulator(accounts=accounts, symbols=(BTC, ODD), clock=clock, loan_terms=terms)
    venue.knobs(repay_on_cancel=gives_back)
    for step in steps:
        try:
            step(venue, clock)
        except VenueError as refusal:
            assert refusal.refusal.code in REFUSED_LOANS  # noqa: PT017 - most steps are not refused
        assert_exact(venue)
