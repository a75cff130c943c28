"""Whatever the venue answers, a call ends in time, raises what is documented, and says of each order what is proven."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ccxt
import pytest

import bitget_margin
from bitget_margin import CancelReport, CancelResult, Outcome, PlaceUnresolved, report_of
from bitget_margin.adapter.fetch import view_orders
from support.caller import TIMEOUT_S, Caller
from support.fuzzing import Choices, fuzzed
from support.hostile import Hostile
from support.served_rows import CLIENT, ENDS, LIVES, ORDER, STATUS_OF_ENDS, has_state, listed, written_ids
from support.simulated_transport import AsyncSession, Session, simulated_time
from support.wire import CROSS

BTC: Final = "BTC/USDT"
UNEXECUTED: Final = frozenset({"429", "40008", "40084", "40085"})
"""Over the limit, at the wrong time, or for the other kind of account: nothing was placed."""


@pytest.fixture(scope="module")
def sync_caller() -> Iterator[Caller]:
    made = Caller(bitget_margin.bitget, Session)
    yield made
    made.close()


@pytest.fixture(scope="module")
def async_caller() -> Iterator[Caller]:
    made = Caller(bitget_margin.async_support.bitget, AsyncSession)
    yield made
    made.close()


@fuzzed("sync calls", size=160)
def test_whatever_is_answered_a_sync_call_says_what_is_proven(sync_caller: Caller, choices: Choices) -> None:
    """Every method, every flaw."""
    survives(sync_caller, choices)


@fuzzed("async calls", size=160)
def test_whatever_is_answered_an_async_call_says_what_is_proven(async_caller: Caller, choices: Choices) -> None:
    """The same for coroutines, whose requests go side by side."""
    survives(async_caller, choices)


@dataclass
class Case:
    """One call: what was asked for, and what came of it."""

    caller: Caller
    venue: Hostile
    exchange: Any
    result: Any = None
    error: Exception | None = None

    def run(self, method: str, *args: Any, allowed_s: float = TIMEOUT_S) -> None:
        """Make the call: what is raised is one of ccxt's exceptions, and that in time."""
        began_s = self.caller.clock.now_s
        try:
            self.result = self.caller(self.exchange, method, *args)
        except ccxt.BaseError as error:
            self.error = error
        assert self.error is None or str(self.error)
        assert self.caller.clock.now_s - began_s <= allowed_s + self.caller.grace_s

    @property
    def ids(self) -> Sequence[str]:
        return self.venue.ids

    @property
    def asked(self) -> list[tuple[str, str, str]]:
        """Symbol, kind of id and id of every order."""
        named = [(ORDER, value) for value in self.venue.ids] + [(CLIENT, value) for value in self.venue.client_ids]
        return [(self.venue.symbol, *one) for one in named]

    def sent(self, *words: str) -> int:
        """Return how many requests went to endpoints of these names."""
        return sum(path.rsplit("/", 1)[-1] in words for _, path in self.caller.wire.sent)


def survives(caller: Caller, choices: Choices) -> None:
    run = choices.pick(METHODS)
    ids = ("11", "12", "13")[: choices.pick((1, 2, 3))]
    names = ("a", "b")[: choices.below(3)]
    with simulated_time(caller.clock):
        venue = Hostile(choices, "BTCUSDT", ids, names)
        run(Case(caller, venue, caller.ready(venue)))


def batch_cancel(case: Case) -> None:
    confirm = case.venue.choices.below(2) == 0
    case.run("batch_cancel", list(case.ids), BTC, list(case.venue.client_ids), {"confirm": confirm})
    reported(case, confirm)
    if case.error is None:
        assert all(result.outcome.resolved for result in case.result.results)


def cancel_orders(case: Case) -> None:
    confirm = case.venue.choices.below(2) == 1
    params = CROSS | {"clientOrderIds": list(case.venue.client_ids), "confirm": confirm}
    case.run("cancel_orders", list(case.ids), BTC, params)
    reported(case, confirm)
    if case.error is None:
        assert len(case.result) == len(case.asked)
        for order, asked in zip(case.result, case.asked, strict=True):
            truthful(case, order, asked)


def cancel_orders_for_symbols(case: Case) -> None:
    wanted = [{"id": one, "symbol": BTC} for one in case.ids]
    wanted += [{"clientOrderId": name, "symbol": BTC} for name in case.venue.client_ids]
    case.run("cancel_orders_for_symbols", wanted, CROSS)
    reported(case, confirm=False)


def cancel_order(case: Case) -> None:
    named = bool(case.venue.client_ids)
    case.venue.ids, case.venue.client_ids = case.venue.ids[: not named], case.venue.client_ids[:named]
    given = ("", BTC, CROSS | {"clientOrderId": case.venue.client_ids[0]}) if named else (case.ids[0], BTC, CROSS)
    case.run("cancel_order", *given)
    reported(case, confirm=False)
    if case.error is None:
        truthful(case, case.result, case.asked[0])


def cancel_all_orders(case: Case) -> None:
    symbol = case.venue.choices.pick((BTC, None))
    # Without a symbol, each that the venue names has the time of a call.
    case.run("cancel_all_orders", symbol, CROSS, allowed_s=TIMEOUT_S if symbol else 60 * TIMEOUT_S)
    report = report_of(case.error)
    for result in report.results if report else ():
        proven(case, result, (_market_id(result.symbol), ORDER, str(result.id)), confirm=False)
    if case.error is None:
        assert case.sent("assets")
        for order in case.result:
            truthful(case, order, (_market_id(order["symbol"]), ORDER, order["id"]))


def fetch_order(case: Case) -> None:
    case.run("fetch_order", case.ids[0], BTC, CROSS)
    if case.error is None:
        assert case.result["id"] == case.ids[0]
        assert listed(case.venue.served, case.result)


def view_many(case: Case) -> None:
    case.run("perform", view_orders(case.exchange, BTC, case.ids, case.venue.client_ids, CROSS))
    for asked_for, order in () if case.result is None else case.result.orders.items():
        assert asked_for in {*case.ids, *case.venue.client_ids}
        assert asked_for in {order["id"], order["clientOrderId"]}
        assert listed(case.venue.served, order)


def fetch_open_orders(case: Case) -> None:
    symbol = case.venue.choices.pick((BTC, None))
    case.run("fetch_open_orders", symbol, None, case.venue.choices.pick((None, 1, 2)), CROSS)
    if case.error is None:
        assert isinstance(case.result, list)
        assert all(listed(case.venue.served, order) for order in case.result)


def fetch_balance(case: Case) -> None:
    case.run("fetch_balance", CROSS)
    if case.error is None:
        assert isinstance(case.result["total"], dict)


def create_order(case: Case) -> None:
    named = bool(case.venue.client_ids)
    params = CROSS | ({"clientOrderId": case.venue.client_ids[0]} if named else {})
    case.run("create_order", BTC, "limit", "buy", 0.001, 50_000, params)
    assert placed_at_most_once(case, "place-order")
    if case.error is None:
        assert case.result["id"] in written_ids(case.venue.served)


def create_orders(case: Case) -> None:
    names = ["a", "b", "c"][: 1 + case.venue.choices.below(3)]
    order = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 50_000}
    wanted = [{**order, "params": CROSS | {"clientOrderId": name}} for name in names]
    case.venue.ids, case.venue.client_ids = (), names
    case.run("create_orders", wanted, CROSS)
    assert placed_at_most_once(case, "batch-place-order", "place-batch")
    orders = case.error.orders if isinstance(case.error, PlaceUnresolved) else case.result or []
    assert len(orders) in {0, len(names)}
    for name, made in zip(names, orders, strict=bool(orders)):
        assert made["clientOrderId"] == name
        assert made["id"] in {None, *written_ids(case.venue.served)}
        if case.error is None:
            assert made["id"] is not None or made["status"] == "rejected"


def edit_order(case: Case) -> None:
    case.exchange.options["uta"] = True
    case.run("edit_order", case.ids[0], BTC, "limit", "buy", 0.002, 49_000, CROSS)
    assert placed_at_most_once(case, "modify-order")
    if case.error is None:
        assert case.result["id"] == case.ids[0]
        assert (case.result["price"], case.result["amount"]) == (49_000, 0.002)
        assert listed(case.venue.served, case.result)


def change_debt(case: Case) -> None:
    method, word = case.venue.choices.pick((("borrow_cross_margin", "borrow"), ("repay_cross_margin", "repay")))
    case.run(method, "USDT", 10, CROSS)
    # A repayment may go to the endpoint of each kind of account, of which one does not serve it.
    assert placed_at_most_once(case, word) or case.sent("repay") == 2
    if case.error is None:
        assert case.result["currency"]
        assert set(case.result) >= {"id", "currency", "amount", "timestamp", "info"}


def read_loans(case: Case) -> None:
    method, args = case.venue.choices.pick(
        (
            ("fetch_borrow_interest", ("USDT", None, None, None)),
            ("fetch_cross_borrow_rate", ("USDT",)),
            ("fetch_leverage", (BTC,)),
            ("fetch_cross_margin_level", ()),
        )
    )
    case.run(method, *args, CROSS)


def set_leverage(case: Case) -> None:
    case.exchange.options["uta"] = True
    case.run("set_leverage", 3, BTC, CROSS | {"code": "USDT"})
    assert placed_at_most_once(case, "set-leverage")


def placed_at_most_once(case: Case, *words: str) -> bool:
    """Whether at most one placing was sent, besides those that the venue refused in words that say so."""
    answers = [answer for answer in case.venue.served if answer.path.rsplit("/", 1)[-1] in words]
    # The gateway refuses with 429, whatever the body is.
    unexecuted = sum(
        answer.status == 429 or (answer.status < 500 and _code(answer) in UNEXECUTED) for answer in answers
    )
    return case.sent(*words) - unexecuted <= 1


def _code(answer: Any) -> str | None:
    return str(answer.body.get("code")) if isinstance(answer.body, dict) else None


METHODS: Final[tuple[Callable[[Case], None], ...]] = (
    *(batch_cancel, batch_cancel, cancel_orders, cancel_orders_for_symbols, cancel_order, cancel_all_orders),
    *(fetch_order, fetch_open_orders, fetch_balance, create_order, create_orders, view_many),
    *(edit_order, change_debt, read_loans, set_leverage),
)


def reported(case: Case, confirm: bool) -> None:
    """Hold the report of a cancel against what was asked and what was served."""
    report = case.result if isinstance(case.result, CancelReport) else report_of(case.error)
    if report is None:
        # Either it came back in another form, or no cancel ever left.
        assert case.error is None or not case.sent("batch-cancel-order", "cancel-order", "cancel-batch")
        return
    assert str(report)
    assert len(report.results) == len(case.asked)
    for result, asked in zip(report.results, case.asked, strict=True):
        proven(case, result, asked, confirm)


def proven(case: Case, result: CancelResult, asked: tuple[str, str, str], confirm: bool) -> None:
    """Hold one outcome against the answers."""
    served, outcome = case.venue.served, result.outcome
    assert _market_id(result.symbol) == asked[0]
    assert asked[1] == CLIENT or result.id == asked[2]
    if outcome in ENDS:
        assert has_state(served, *asked, ENDS[outcome])
    elif outcome is Outcome.OPEN:
        assert has_state(served, *asked, LIVES)
    elif outcome is Outcome.ACCEPTED:
        assert not confirm
        assert result.order["status"] is None
    if outcome.resolved:
        truthful(case, result.order, asked)


def truthful(case: Case, order: Any, asked: tuple[str, str, str]) -> None:
    """Hold what an order structure says of an end against the answers."""
    assert _market_id(order["symbol"]) == asked[0]
    assert asked[1] == CLIENT or order["id"] == asked[2]
    states = STATUS_OF_ENDS.get(order["status"])
    assert states is None or has_state(case.venue.served, *asked, states)


def _market_id(symbol: str) -> str:
    return {BTC: "BTCUSDT", "ETH/USDT": "ETHUSDT"}.get(symbol, symbol)
