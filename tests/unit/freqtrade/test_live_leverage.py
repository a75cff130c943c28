"""Promise: orders of a leveraged bot borrow and repay as decided; none of that keeps an exit back or ends the bot."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from freqtrade.enums import TradingMode
from freqtrade.freqtradebot import FreqtradeBot
from sqlalchemy.exc import OperationalError

from bitget_margin.freqtrade import live_leverage, trade_rows
from bitget_margin.freqtrade.compat import (
    BitgetExchange,
    FreqtradeException,
    InsufficientFundsError,
    TemporaryError,
    Trade,
)
from bitget_margin.freqtrade.config import parse_config
from bitget_margin.freqtrade.entry_loans import LoanKind
from bitget_margin.freqtrade.exchange import Bitgetcross
from bitget_margin.freqtrade.exits import ExitOrder
from bitget_margin.freqtrade.margin_entries import MarginEntry
from support.borrowing import Borrower, Entries, coin, position
from support.botless import PAIR, Messages, live, live_cover, own

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MARKETS = {PAIR: {"id": "BTCUSDT", "base": "BTC", "quote": "USDT", "precision": {"amount": 0.001, "price": 0.1}}}
LOCKED = OperationalError("select", {}, Exception("database is locked"))
LONG_EXIT = {"pair": PAIR, "side": "sell", "amount": 30.0, "rate": 100.0, "ordertype": "limit", "reduceOnly": True}
COVER = {**LONG_EXIT, "side": "buy"}
ENTRY = {**LONG_EXIT, "side": "buy", "reduceOnly": False, "leverage": 3.0}
SHORT_ENTRY = {**ENTRY, "side": "sell", "leverage": 2.0}


class Api(SimpleNamespace):
    """A ccxt object, which can be a key as real ones can."""

    __hash__ = object.__hash__


class StoredEntries(Entries):
    """Records of entries that may fail to be written."""

    def __init__(self) -> None:
        super().__init__()
        self.added: list[MarginEntry] = []

    def add(self, entry: MarginEntry) -> None:
        """Store an entry."""
        if self.error is not None:
            raise self.error
        self.added.append(entry)

    def of_client_id(self, client_id: str) -> MarginEntry | None:
        """Return the entry with this id."""
        return next((entry for entry in self.added if entry.client_id == client_id), None)


class Recovery:
    """freqtrade's own orders, as a test looks at them."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    def intend(self, pair: str, side: str, amount: float, price: float, **terms: Any) -> Any:
        """Return an order that is about to be sent."""
        self.log.append(("intend", side, amount, price, terms))
        return own("k-o1", pair=pair, side=side, amount=amount, price=price, sent=terms.get("sent"), intended_ms=77)

    def placed(self, _intent: Any, order_id: str) -> None:
        """Note the id."""
        self.log.append(("placed", order_id))

    def failed(self, _intent: Any, error: BaseException) -> None:
        """Note a failure."""
        self.log.append(("failed", str(error)))

    def forget(self, intent: Any) -> None:
        """Forget an order."""
        self.log.append(("forget", intent.client_id))


class Stand(Borrower):
    """An exchange of a leveraged live bot whose freqtrade and venue are the test's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, mode: TradingMode = TradingMode.FUTURES) -> None:
        super().__init__()
        self.log: list[Any] = []
        self.sent: list[dict[str, Any]] = []
        self.answer: Any = {"id": "7", "status": "open", "amount": 1.0, "filled": 0.0, "price": 100.0}
        self.stored = StoredEntries()
        self.rollbacks = 0
        self.patch(monkeypatch)
        monkeypatch.setattr(BitgetExchange, "create_order", self._create(self))
        monkeypatch.setattr(BitgetExchange, "_get_params", lambda *_, **__: {"marginMode": "cross", "reduceOnly": True})
        monkeypatch.setattr(BitgetExchange, "get_fee", lambda *_, **__: 0.001)
        monkeypatch.setattr(BitgetExchange, "get_balances", lambda *_, **__: self.read())
        monkeypatch.setattr(BitgetExchange, "get_rate", lambda *_, **__: 111.0)
        monkeypatch.setattr(BitgetExchange, "get_conversion_rate", lambda _self, code, _: self.convert(code))
        monkeypatch.setattr(Trade, "rollback", self._rollback)
        monkeypatch.setattr(live_leverage, "order_row", lambda *_: None)
        monkeypatch.setattr(live_leverage, "has_database", lambda: True)
        exchange: Any = Bitgetcross.__new__(Bitgetcross)
        exchange._config = {"runmode": "live", "dry_run": False, "stake_currency": "USDT"}
        exchange._settings = parse_config({"bitget_margin": {"wait_ms": 2_000, "leverage": {"max": 3}}})
        exchange.trading_mode = mode
        exchange._build_managers(is_live=True, is_leveraged=True)
        exchange.is_database_checked = True
        exchange._api = Api(
            options={"uta": False},
            precisionMode=ccxt.TICK_SIZE,
            fetch_cross_margin_level=lambda _: {"marginLevel": 0.1},
        )
        exchange._markets = MARKETS
        if mode == TradingMode.FUTURES:
            exchange._build_leverage(Messages(), exchange._pace)
            exchange.account.entries = exchange.entries = self.stored
            exchange.account.clock = self.clock
        exchange.managers.recovery = Recovery(self.log)
        exchange.managers.stops = SimpleNamespace(refuse_after_stop=lambda _: None)
        exchange.exits = SimpleNamespace(
            place=lambda _pair, amount, kind, _rate: ExitOrder(amount, kind, self.owed),
            refused=lambda _: self.log.append("refused"),
            begin=lambda _: self.log.append("begin"),
        )
        exchange.unproven = SimpleNamespace(begin_exit=lambda _: None)
        self.owed: float | None = None
        self.exchange = exchange

    def _rollback(self) -> None:
        self.rollbacks += 1

    @staticmethod
    def _create(stand: "Stand") -> Callable[..., Any]:
        def create_order(exchange: Any, **order: Any) -> Any:
            stand.log.append("create")
            stand.sent.append({**order, "params": exchange._get_params()})
            if isinstance(stand.answer, BaseException):
                raise stand.answer
            return dict(stand.answer)

        return create_order

    def unify(self) -> None:
        """Become a unified account."""
        self.exchange._api.options["uta"] = True

    def loan_type(self, order: dict[str, Any]) -> str | None:
        """Place an order, and return the loan type that was sent."""
        self.exchange.create_order(**order)
        found: str | None = self.sent[-1]["params"].get("loanType")
        return found


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    return Stand(monkeypatch)


# -- entries ----------------------------------------------------------------------------------------------------------


def test_an_entry_that_borrows_is_stored_with_what_it_is_before_it_is_sent(stand: Stand) -> None:
    stand.balance = {"USDT": coin(2_000.0), "BTC": coin(0.25)}
    assert stand.loan_type(ENTRY) == "autoLoan"
    assert stand.stored.added == [MarginEntry("k-o1", PAIR, False, 3.0, 0.25, 77)]
    assert [entry if isinstance(entry, str) else entry[0] for entry in stand.log] == ["intend", "create", "placed"]
    assert stand.log[0][-1] == {"is_entry": True, "sent": None}
    terms = stand.exchange._entry_terms("k-o1")
    assert (terms.is_short, terms.leverage) == (False, 3.0)
    assert stand.exchange._entry_terms("k-1-0-0") is None


@pytest.mark.parametrize(
    ("order", "expected"), [(ENTRY, "normal"), (SHORT_ENTRY, "autoLoan"), ({**ENTRY, "leverage": None}, "normal")]
)
def test_an_entry_borrows_only_what_lacks(stand: Stand, order: dict[str, Any], expected: str) -> None:
    assert stand.loan_type(order) == expected
    (entry,) = stand.stored.added
    assert (entry.is_short, entry.leverage) == (order["side"] == "sell", order["leverage"] or 1.0)


def test_an_entry_that_may_not_borrow_leaves_nothing_behind(stand: Stand) -> None:
    stand.balance = {"USDT": coin(500.0)}
    with pytest.raises(TemporaryError, match="Nothing is placed"):
        stand.exchange.create_order(**ENTRY)
    assert (stand.log, stand.stored.added) == ([], [])


def test_an_entry_is_decided_on_a_new_reading_and_on_none_where_there_is_no_answer(stand: Stand) -> None:
    """An exit may go by a reading of seconds ago; another entry may have used that money up."""
    stand.exchange.get_balances()
    stand.exchange.managers.holdings.begin_booking()
    stand.balance = {"USDT": coin(2_000.0)}
    assert stand.loan_type(ENTRY) == "autoLoan"
    stand.error = TemporaryError("no answer")
    assert stand.exchange.get_balances()["USDT"]["total"] == 2_000.0, "freqtrade goes on with the last one"
    with pytest.raises(TemporaryError, match="no answer"):
        stand.exchange.create_order(**ENTRY)
    assert len(stand.sent) == 1


def test_an_entry_that_cannot_be_stored_is_not_sent(stand: Stand) -> None:
    stand.stored.error = LOCKED
    with pytest.raises(TemporaryError, match=r"could not be prepared.*not placed"):
        stand.exchange.create_order(**ENTRY)
    assert stand.sent == []
    assert stand.log[-1] == ("forget", "k-o1"), "without its entry, it would pass for an exit"


@pytest.mark.parametrize("error", [KeyError("x"), ZeroDivisionError()])
def test_an_entry_whose_loan_cannot_be_computed_is_not_sent(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def raising(_: Any) -> None:
        raise error

    monkeypatch.setattr(stand.exchange.loans, "decide", raising)
    with pytest.raises(TemporaryError, match="could not be prepared"):
        stand.exchange.create_order(**ENTRY)
    assert stand.sent == []


@pytest.mark.parametrize(
    ("cause", "balance", "pauses"),
    [
        (ccxt.InsufficientFunds("43012"), 2_000.0, True),
        (ccxt.ExchangeError("50035"), 2_000.0, True),
        (ccxt.RequestTimeout("x"), 2_000.0, False),
        (None, 2_000.0, False),
        (ccxt.InsufficientFunds("43012"), 10_000.0, False),
    ],
    ids=["funds", "refused", "no answer", "not sent", "no loan"],
)
def test_only_a_refused_loan_pauses_its_pair(
    stand: Stand, cause: Exception | None, balance: float, pauses: bool
) -> None:
    stand.balance = {"USDT": coin(balance)}
    stand.answer = InsufficientFundsError("refused")
    stand.answer.__cause__ = cause
    with pytest.raises(InsufficientFundsError):
        stand.exchange.create_order(**ENTRY)
    assert stand.log[-1] == ("failed", "refused")
    stand.answer = {"id": "7"}
    stand.balance = {"USDT": coin(2_000.0)}
    if pauses:
        with pytest.raises(TemporaryError, match="refused its loan"):
            stand.exchange.create_order(**ENTRY)
    else:
        assert stand.loan_type(ENTRY) == "autoLoan"


# -- exits ------------------------------------------------------------------------------------------------------------


def test_the_exit_of_a_long_repays_and_is_sent_as_it_is(stand: Stand) -> None:
    stand.trades = [position(PAIR)]
    stand.balance = {"USDT": coin(10.0, debt=2_000.0), "BTC": coin(30.0)}
    stand.exchange.get_balances()
    assert stand.loan_type({**LONG_EXIT, "ordertype": "market"}) == "autoRepay"
    (sent,) = stand.sent
    assert (sent["amount"], sent["ordertype"], sent["rate"]) == (30.0, "market", 100.0)
    assert stand.stored.added == []


@pytest.mark.parametrize(
    ("kind", "owed", "expected"),
    [
        ("limit", None, (30.031, "limit", 100.0, "GTC")),
        ("limit", 30.1, (30.131, "limit", 100.0, "GTC")),
        ("market", 30.1, (30.131, "limit", 101.0, "IOC")),
    ],
)
def test_a_cover_is_sent_larger_and_at_market_with_a_worst_price(
    stand: Stand, kind: str, owed: float | None, expected: tuple[Any, ...]
) -> None:
    """A market buy names the coins that it spends."""
    stand.trades, stand.owed = [position(PAIR, short=True)], owed
    stand.exchange.get_balances()
    placed = stand.exchange.create_order(**{**COVER, "ordertype": kind, "time_in_force": "GTC"})
    (sent,) = stand.sent
    assert (sent["amount"], sent["ordertype"], sent["rate"], sent["time_in_force"]) == expected
    assert stand.log[0] == ("intend", "buy", 30.0, expected[2], {"is_entry": False, "sent": expected[0]})
    assert (placed["amount"], placed["remaining"]) == (30.0, 30.0), "freqtrade counts coins of the position"


@pytest.mark.parametrize(("cash", "expected"), [(3_004.0, "autoRepay"), (3_003.0, "autoLoanAndRepay")])
def test_a_cover_without_cash_borrows_it_which_is_paid_back_later(stand: Stand, cash: float, expected: str) -> None:
    stand.trades = [position(PAIR, short=True)]
    stand.balance = {"USDT": coin(cash)}
    noted: list[str] = []
    stand.exchange.margin_loop.debts.note_loan = noted.append
    stand.exchange.get_balances()
    assert stand.loan_type(COVER) == expected
    assert noted == (["USDT"] if expected == "autoLoanAndRepay" else [])


@pytest.mark.parametrize("order", [LONG_EXIT, COVER], ids=["long", "short"])
@pytest.mark.parametrize("error", [LOCKED, KeyError("x"), TemporaryError("x")])
def test_an_exit_leaves_whatever_is_not_known(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, order: dict[str, Any], error: Exception
) -> None:
    def raising(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(stand.exchange.account, "is_unified", raising)
    assert stand.loan_type(order) is None
    assert stand.sent[-1]["amount"] == 30.0
    assert stand.rollbacks == 1


def test_no_order_of_a_unified_account_has_a_loan_type(stand: Stand) -> None:
    """They borrow and repay by themselves; the guard is the same."""
    stand.unify()
    stand.trades, stand.balance = [], {"USDT": coin(2_000.0)}
    assert [stand.loan_type(order) for order in (ENTRY, LONG_EXIT, COVER)] == [None] * 3
    assert stand.sent[-1]["amount"] == 30.031
    stand.balance = {"USDT": coin(500.0)}
    with pytest.raises(TemporaryError, match="Nothing is placed"):
        stand.exchange.create_order(**ENTRY)


def test_in_spot_mode_orders_are_what_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    stand = Stand(monkeypatch, TradingMode.SPOT)
    stand.exchange.managers.recovery.intend = lambda *args: own("k-o1", amount=args[2])
    for side in ("buy", "sell"):
        order = {name: ENTRY[name] for name in ("pair", "amount", "rate", "ordertype")} | {"side": side}
        placed = stand.exchange.create_order(**order)
        assert placed == stand.answer
        params = stand.sent[-1].pop("params")
        assert stand.sent[-1] == order
        assert "loanType" not in params
        assert params["reduceOnly"], "freqtrade's own parameters are untouched"
    assert stand.exchange.fetch_positions() == []
    assert stand.exchange.get_balances() == stand.balance
    assert stand.exchange.loan_type(position(PAIR, short=True)) is None
    assert stand.exchange._besides(position(PAIR)) == 0.0
    stand.exchange._process_margin()
    order = {"id": "7", "status": "closed", "filled": 1.0}
    assert stand.exchange._shown(order, PAIR) is order
    assert stand.exchange._with_liquidations([order], [order], PAIR) == [order]


def test_an_order_on_margin_has_no_reduce_only(stand: Stand) -> None:
    """It would be sent on unified accounts; in futures mode, it tells an exit from an entry."""
    stand.loan_type(LONG_EXIT)
    assert "reduceOnly" not in stand.sent[-1]["params"]
    assert stand.exchange.is_exit(LONG_EXIT)
    assert stand.exchange.is_exit(COVER)
    assert not stand.exchange.is_exit(SHORT_ENTRY)
    assert not stand.exchange.is_exit({"side": "sell"})


@pytest.mark.parametrize("rule", ["IOC", "ioc", "FOK", "GTC", None])
def test_an_order_that_fills_at_once_owes_no_further_hour_and_pays_as_a_taker(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, rule: str | None
) -> None:
    asked: list[bool] = []
    covers = SimpleNamespace(for_exit=lambda *_, is_taker: asked.append(is_taker) or 30.1)
    monkeypatch.setattr(stand.exchange, "covers", covers)
    stand.loan_type(COVER if rule is None else {**COVER, "time_in_force": rule})
    assert asked == [rule is not None and rule.upper() != "GTC"]


def test_an_order_that_was_placed_ends_the_reading(stand: Stand) -> None:
    for order in (ENTRY, LONG_EXIT, COVER):
        stand.exchange.get_balances()
        stand.exchange.create_order(**order)
        assert stand.exchange.account.known() is None


@pytest.mark.parametrize("status", ["open", "closed", "canceled"])
def test_an_exit_that_was_found_as_ended_is_booked_by_the_next_lookup(stand: Stand, status: str) -> None:
    """That has its fee and interest; and freqtrade would never look a canceled one up again, for its fills."""
    stand.answer = {"id": "7", "status": status, "amount": 30.031, "filled": 30.031, "price": 100.0}
    assert [stand.exchange.create_order(**order)["status"] for order in (LONG_EXIT, COVER)] == ["open", "open"]
    assert stand.exchange.create_order(**ENTRY)["status"] == status


@pytest.mark.parametrize("order", [LONG_EXIT, COVER], ids=["long", "short"])
def test_the_wallets_after_an_exit_are_those_on_which_it_was_decided(stand: Any, order: dict[str, Any]) -> None:
    """They are asked for after an exit, before it is booked: no request is sent for an account that fits less."""
    stand.trades = [position(PAIR, short=order["side"] == "buy")]
    before = stand.exchange.get_balances()
    stand.exchange.create_order(**order)
    stand.balance = {"USDT": coin(1.0)}
    assert stand.exchange.get_balances() == before
    assert len(stand.exchange.fetch_positions()) == 1
    assert stand.readings == 1
    fees(stand)
    assert stand.exchange.get_balances() != before, "another exit is decided on a new reading"
    stand.exchange.create_order(**order)
    stand.exchange.margin_loop.run = lambda: None
    stand.exchange._process_margin()
    stand.exchange.get_balances()
    assert stand.readings == 3, "and so is the next loop"


def test_the_wallets_after_an_entry_are_read_anew(stand: Stand) -> None:
    stand.exchange.get_balances()
    stand.exchange.create_order(**ENTRY)
    readings = stand.readings
    stand.exchange.get_balances()
    assert stand.readings == readings + 1


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (COVER | {"ordertype": "market"}, {"hasEnded": True}),
        (LONG_EXIT | {"ordertype": "market"}, {"hasEnded": True}),
        (LONG_EXIT | {"time_in_force": "IOC"}, {"hasEnded": True}),
        (LONG_EXIT | {"time_in_force": "GTC"}, {}),
    ],
    ids=["cover", "market", "IOC", "resting"],
)
def test_an_order_that_ends_at_once_is_looked_for_among_the_ended_ones_until_it_is_shown_as_ended(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, order: dict[str, Any], expected: dict[str, bool]
) -> None:
    asked: list[dict[str, Any]] = []

    def fetch_order(_id: str, _pair: str, params: dict[str, Any]) -> dict[str, Any]:
        asked.append({name: value for name, value in params.items() if name == "hasEnded"})
        return {"id": "7", "status": "open" if len(asked) == 1 else "closed"}

    stand.exchange._api.fetch_order = fetch_order
    monkeypatch.setattr(type(stand.exchange), "has_ladders", False)
    stand.exchange.unproven = SimpleNamespace(shown=lambda _id, _pair, found: found)
    stand.exchange.create_order(**order)
    for _ in range(3):
        stand.exchange.fetch_order("7", PAIR)
    assert asked == [expected, expected, {}]
    stand.exchange.create_order(**order)
    monkeypatch.setattr(stand.exchange, "_pace", SimpleNamespace(is_slow=True, read_ms=lambda: 1.0))
    stand.exchange.fetch_order("7", PAIR)
    assert asked[-1] == {}, "where the venue is slow, both lists are read at once"


# -- orders as freqtrade books them -----------------------------------------------------------------------------------


@pytest.fixture
def short(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the open short; the row of order 7 is that of its cover of 20 coins, of which freqtrade wanted 30."""
    made = position(PAIR, short=True, fee_open_currency="USDT")
    stand.trades = [made]
    stand.rows = {"7": SimpleNamespace(ft_order_side="buy", amount=20.0, ft_amount=30.0)}  # type: ignore[attr-defined]
    monkeypatch.setattr(live_leverage, "order_row", lambda order_id, _: stand.rows.get(order_id))  # type: ignore[attr-defined]
    stand.settled = []  # type: ignore[attr-defined]
    stand.exchange.settle_interest = lambda *given: stand.settled.append(given)  # type: ignore[attr-defined]
    stand.fills = [{"amount": 20.02, "fees": [{"currency": "BTC", "cost": 0.02}]}]  # type: ignore[attr-defined]
    monkeypatch.setattr(BitgetExchange, "get_trades_for_order", lambda *_, **__: stand.fills)  # type: ignore[attr-defined]
    return made


def row_of(status: str = "closed", filled: float = 20.02, order_id: str = "7") -> dict[str, Any]:
    """Return the venue's row of a cover."""
    row = {"id": order_id, "status": status, "amount": 20.02, "filled": filled, "average": 90.0, "price": 91.0}
    return {**row, "fee": None, "timestamp": 5_000}


def test_a_cover_that_is_done_is_booked_in_coins_of_the_position_with_fee_and_interest(stand: Any, short: Any) -> None:
    stand.exchange.get_balances()
    shown = stand.exchange._shown(row_of(), PAIR)
    assert (shown["amount"], shown["filled"], shown["remaining"], shown["cost"]) == (20.0, 20.0, 0.0, 1_800.0)
    assert shown["fee"] == {"currency": "USDT", "cost": pytest.approx(1.8), "rate": pytest.approx(0.001)}
    assert stand.settled == [(short, 90.0)]
    assert stand.exchange.account.known() is None


@pytest.mark.parametrize(("status", "filled"), [("open", 0.0), ("open", 10.01), ("canceled", 0.0)])
def test_a_cover_that_is_not_done_has_no_fee_yet(stand: Any, short: Any, status: str, filled: float) -> None:
    shown = stand.exchange._shown(row_of(status, filled), PAIR)
    assert (shown["amount"], shown["filled"], shown["fee"]) == (20.0, filled / 20.02 * 20.0, None)
    assert stand.settled == []


@pytest.mark.parametrize(
    ("fills", "cost"),
    [
        ([(20.02, [("BTC", 0.02)])], 1.8),
        ([(10.0, [("BTC", 0.01)]), (10.02, [("BGB", 0.5), ("USDT", 0.25)])], 0.9 + 0.5 * 4.0 + 0.25),
        ([(10.0, [("BTC", 0.01)])], 20.02 * 0.001 * 90.0),
        ([(20.02, [("XYZ", 5.0)])], 0.0),
        ([(20.02, [])], 0.0),
        (TemporaryError("x"), 20.02 * 0.001 * 90.0),
    ],
    ids=["coins", "several", "not all of them", "no price", "free", "not read"],
)
def test_the_fee_of_a_cover_is_that_of_all_its_fills_or_the_usual_one(
    stand: Any, short: Any, monkeypatch: pytest.MonkeyPatch, fills: Any, cost: float
) -> None:
    stand.prices |= {"BGB": 4.0, "XYZ": None}

    def read(*_: Any, **__: Any) -> Any:
        if isinstance(fills, Exception):
            raise fills
        return [
            {"amount": amount, "fees": [{"currency": code, "cost": paid} for code, paid in fees]}
            for amount, fees in fills
        ]

    monkeypatch.setattr(BitgetExchange, "get_trades_for_order", read)
    assert stand.exchange._fee_of_cover(row_of(), PAIR) == pytest.approx(cost)


def test_the_fee_of_a_cover_is_that_of_its_row_where_it_has_one(
    stand: Any, short: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of a unified account do; its fills are not read for it."""
    monkeypatch.setattr(BitgetExchange, "get_trades_for_order", None)
    fees_of_row = [{"currency": "BTC", "cost": 0.03}, {"currency": "USDT", "cost": 0.5}]
    assert stand.exchange._fee_of_cover({**row_of(), "fees": fees_of_row}, PAIR) == pytest.approx(0.03 * 90.0 + 0.5)


@pytest.mark.parametrize("fee", [{"currency": "BTC", "cost": 0.0}, {"currency": "BTC", "cost": None}, {"cost": 1.0}])
def test_a_fee_that_the_row_of_a_cover_does_not_show_yet_is_that_of_its_fills(
    stand: Any, short: Any, fee: dict[str, Any]
) -> None:
    """Sums may come later than the end of an order."""
    known = {"currency": "USDT", "cost": 0.5}
    assert stand.exchange._fee_of_cover({**row_of(), "fees": [known, fee]}, PAIR) == pytest.approx(0.02 * 90.0)


def test_orders_that_are_no_exits_are_shown_as_they_are(stand: Any, short: Any) -> None:
    """The entry, an order of no row, one of a pair without a trade."""
    stand.rows["8"] = SimpleNamespace(ft_order_side="sell", amount=1.0, ft_amount=1.0)
    for order_id in ("8", "9"):
        order = row_of(order_id=order_id)
        assert stand.exchange._shown(order, PAIR) is order
    stand.trades = []
    order = row_of()
    assert stand.exchange._shown(order, PAIR) is order
    assert stand.settled == []


def test_the_exit_of_a_long_is_shown_as_it_is_with_its_interest(stand: Any, short: Any) -> None:
    stand.trades = [position(PAIR)]
    stand.rows["7"].ft_order_side = "sell"
    order = row_of()
    assert stand.exchange._shown(order, PAIR) is order
    assert stand.settled == [(stand.trades[0], 90.0)]
    assert stand.exchange._shown(row_of("open"), PAIR)["filled"] == 20.02
    assert len(stand.settled) == 1


def test_a_filled_rung_of_a_short_has_the_fee_rate_of_all_its_covers(stand: Any, short: Any) -> None:
    """Its own is rounded to lots; one of another trade is left alone."""
    stand.exchange.interest = SimpleNamespace(unbooked=lambda _, price: -price, forget=lambda: None)
    key = trade_rows.key_of(short)
    rung = live_cover(trade_id=key.id, opened_ms=key.opened_ms, filled=0.5, average=90.0)
    shown = stand.exchange._shown_rung(rung)
    assert (shown["status"], short.funding_fees) == ("closed", -90.0)
    assert shown["fee"]["rate"] == pytest.approx(1 / 0.999 - 1)
    assert shown["fee"]["cost"] == pytest.approx(45.0 * (1 / 0.999 - 1))
    short.funding_fees = None
    other = stand.exchange._shown_rung(replace(rung, opened_ms=1))
    assert other == {**replace(rung, opened_ms=1).to_ccxt(), "status": "closed"}
    stand.trades = []
    assert stand.exchange._shown_rung(rung) == {**rung.to_ccxt(), "status": "closed"}
    assert short.funding_fees is None
    sale = live(trade_id=key.id, opened_ms=key.opened_ms, filled=0.5, average=90.0)
    stand.trades = [short]
    assert stand.exchange._shown_rung(sale)["fee"] is None


# -- the account ------------------------------------------------------------------------------------------------------


def test_freqtrade_sees_the_margin_and_the_positions(stand: Stand) -> None:
    stand.balance = {"USDT": coin(0.0, debt=2_000.0), "BTC": coin(30.25)}
    stand.trades = [position(PAIR)]
    stand.stored.of[PAIR] = MarginEntry("k-o1", PAIR, False, 3.0, 0.25, 77)
    shown = stand.exchange.get_balances()
    assert shown == {"USDT": {"free": 0.0, "used": 1_000.0, "total": 1_000.0}}
    (seen,) = stand.exchange.fetch_positions()
    assert (seen["symbol"], seen["contracts"], seen["side"]) == (PAIR, 30.0, "long")
    assert seen["liquidationPrice"] is not None
    assert stand.exchange.fetch_positions(PAIR) == [seen]
    assert stand.exchange.fetch_positions("ETH/USDT") == []
    assert stand.exchange._besides(stand.trades[0]) == 0.25
    assert stand.readings == 1, "both are of one reading"
    stand.exchange.levels.agrees = False
    (seen,) = stand.exchange.fetch_positions()
    assert seen["liquidationPrice"] is None


def test_a_balance_that_cannot_be_read_is_the_last_one_however_old(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Freqtrade reads it before each exit, outside of any handler, and waits for four tries where there was none."""
    stand.error = TemporaryError("no answer")
    with pytest.raises(TemporaryError, match="no answer"):
        stand.exchange.get_balances()
    stand.error = None
    stand.balance = {"USDT": coin(0.0, debt=2_000.0), "BTC": coin(30.0)}
    stand.trades = [position(PAIR)]
    shown = stand.exchange.get_balances()
    holdings = stand.exchange.managers.holdings
    holdings._last[:] = [(balances, at_seconds - 3_600) for balances, at_seconds in holdings._last]
    stand.error = TemporaryError("no answer")
    before = stand.readings
    assert stand.exchange.get_balances() == shown
    assert stand.readings == before + 1
    holdings._hung[:] = [holdings.clock()]
    assert stand.exchange.get_balances() == shown
    assert stand.readings == before + 1, "the next exit does not wait for it again"
    with pytest.raises(TemporaryError, match="got no answer"):
        stand.exchange._read_balances_anew()
    assert stand.readings == before + 1, "nor does an entry, which is not made"


def test_a_rate_that_freqtrade_asks_for_is_the_price_of_its_coin(stand: Stand) -> None:
    assert stand.exchange.get_rate(PAIR, side="exit") == 111.0
    assert stand.exchange.account.price("BTC") == 111.0
    assert stand.exchange.account.price("ETH") == 10.0


def test_ladders_leave_what_shorts_have_sold_for_their_covers(stand: Stand) -> None:
    stand.trades = [position(PAIR, short=True, stake=3_000.0, leverage=1.0)]
    stand.balance = {"USDT": coin(13_000.0, free=12_900.0), "BTC": coin(0.0, debt=30.0)}
    assert stand.exchange.free("USDT") == 12_900.0
    assert stand.exchange.free_margin("USDT") == 7_000.0
    stand.balance = {"USDT": coin(13_000.0, free=6_000.0), "BTC": coin(0.0, debt=30.0)}
    stand.exchange.account.forget()
    assert stand.exchange.free_margin("USDT") == 6_000.0
    assert stand.exchange.free_margin("BTC") == 0.0


def test_resting_orders_repay_by_name(stand: Stand) -> None:
    short = position(PAIR, short=True)
    stand.trades = [short]
    stand.balance = {"USDT": coin(13_000.0), "BTC": coin(0.0, debt=30.0)}
    stand.exchange.get_balances()
    assert stand.exchange.loan_type(short) == LoanKind.AUTO_REPAY
    assert stand.exchange.cover_amount(PAIR, 0.999) == 1.0


# -- interest ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def trade(stand: Stand) -> Any:
    made = position(PAIR, short=True)
    made.funding_fee_running = -3.0
    stand.trades = [made]
    return made


def fees(stand: Stand) -> Any:
    """Ask for the funding fees of a trade as an exit does."""
    return stand.exchange.get_funding_fees(pair=PAIR, amount=1.0, is_short=True, open_date=NOW)


def test_an_exit_waits_for_no_records_of_interest(stand: Stand, trade: Any) -> None:
    stand.exchange.interest = None
    assert fees(stand) == -3.0
    assert stand.log == ["begin"]
    stand.trades = []
    assert fees(stand) == 0.0


def test_freqtrade_s_own_update_asks_for_interest_and_begins_no_exit(
    stand: Stand, trade: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The method of the installed freqtrade, which asks with the arguments of an exit."""
    stand.exchange.interest = SimpleNamespace(unbooked=lambda found, price: -5.0 if found is trade else price)
    monkeypatch.setattr(Trade, "get_open_trades", staticmethod(lambda: [trade]))
    bot: Any = SimpleNamespace(trading_mode=TradingMode.FUTURES, exchange=stand.exchange)
    FreqtradeBot.update_funding_fees(bot)
    assert (trade.funding_fee_running, trade.funding_fees) == (-5.0, -5.0)
    assert stand.log == []


@pytest.mark.parametrize("error", [ccxt.RequestTimeout("x"), AttributeError("x"), FreqtradeException("x"), LOCKED])
def test_interest_that_is_not_known_ends_no_bot(
    stand: Stand, trade: Any, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The last known one counts."""

    def raising(*_: Any) -> None:
        raise error

    stand.exchange.interest = SimpleNamespace(unbooked=raising, forget=lambda: None)
    assert stand.exchange.interest_of(trade) == -3.0
    stand.exchange.settle_interest(trade, 100.0)
    assert trade.funding_fees == -3.0
    assert "The interest of trade 1 on BTC/USDT is not known now" in caplog.text
    assert stand.rollbacks == (2 if error is LOCKED else 0), "a session that has failed answers nobody until then"
    trade.funding_fee_running = None
    assert stand.exchange.interest_of(trade) == 0.0


def test_the_end_of_an_exit_reads_the_interest_anew(stand: Stand, trade: Any) -> None:
    log: list[Any] = []
    stand.exchange.interest = SimpleNamespace(
        unbooked=lambda _, price: log.append(price) or -9.0, forget=lambda: log.append("forget")
    )
    stand.exchange.settle_interest(trade, 95.0)
    assert (log, trade.funding_fees) == (["forget", 95.0], -9.0)


# -- liquidations and loops -------------------------------------------------------------------------------------------


def test_a_liquidation_is_shown_with_its_interest_and_one_message(
    stand: Stand, trade: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitget_margin.freqtrade.liquidation_exits.order_row", lambda *_: None)
    stand.exchange.interest = SimpleNamespace(unbooked=lambda _, price: -price / 10, forget=lambda: None)
    stand.exchange._api.fetch_my_liquidations = lambda *_: [{"info": {"liqFee": "2"}}]
    done = {
        "id": "9",
        "side": "buy",
        "status": "closed",
        "filled": 30.0,
        "average": 140.0,
        "timestamp": 1,
        "info": {"side": "liquidation-buy"},
    }
    other = {"id": "8", "side": "buy", "status": "open", "filled": 0.0, "info": {"side": "buy"}}
    found = stand.exchange._with_liquidations([other, done], [other], PAIR)
    assert [order["id"] for order in found] == ["8", "9"]
    assert trade.funding_fees == -14.0
    ((text, _),) = stand.exchange._alerts.warnings
    assert text.startswith("LIQUIDATED: the venue has closed 30 of trade 1 on BTC/USDT at 140. Its fee of 2 USDT")
    assert stand.exchange._with_liquidations([other], [other], PAIR) == [other]


def test_the_steps_over_the_account_run_in_each_loop_of_a_live_bot(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[int] = []
    stand.exchange.margin_loop = SimpleNamespace(run=lambda: runs.append(1))
    stand.exchange.managers.process_loop = lambda: None
    stand.exchange.process_loop()
    assert runs == [1]
    monkeypatch.setattr(live_leverage, "has_database", lambda: False)
    stand.exchange.process_loop()
    assert runs == [1]
    assert stand.exchange.fetch_positions() == []
