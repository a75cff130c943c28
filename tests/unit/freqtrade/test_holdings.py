"""A balance counts as evidence only where it shows the account, and is held against the books of that coin."""

import threading
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.freqtrade import holdings, trade_rows
from bitget_margin.freqtrade.holdings import IS_UNIFIED, Holding, Holdings


def readings(balance: Any, *pairs: str) -> Holdings:
    """Return readings of this balance beside open trades on these pairs, of one coin each."""

    def fetch() -> Any:
        if isinstance(balance, Exception):
            raise balance
        return balance

    return Holdings(fetch, lambda pair: pair.split("/", maxsplit=1)[0], lambda: True)


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        ({"total": {"BTC": 1.5, "USDT": 0.0}, "BTC": {"total": 1.5, "free": 1.0, "used": 0.5}}, Holding(1.5, 1.0, 0.5)),
        ({"total": {"USDT": 3.0}}, Holding(0.0, 0.0, 0.0)),
        ({"total": {"USDT": 3.0}, "BTC": {"total": None, "free": None, "used": None}}, Holding(0.0, 0.0, 0.0)),
        ({"total": {}}, None),
        ({}, None),
        ({"total": {"BTC": 0.0}}, None),
        (ccxt.RequestTimeout("no answer"), None),
    ],
)
def test_an_empty_balance_or_none_is_no_reading(balance: object, expected: Holding | None) -> None:
    assert readings(balance).read("BTC") == expected


def test_a_balance_that_cannot_be_read_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    readings(ccxt.RequestTimeout("no answer")).read("BTC")
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("bitget_margin", "The balance of BTC cannot be read: no answer")
    ]


@pytest.mark.parametrize(
    ("took_seconds", "after_seconds", "is_read"),
    [(0.4, 2.9, False), (6.0, 0.0, False), (0.4, 3.1, True), (0.2, 0.0, True)],
)
@pytest.mark.parametrize("by", ["an exit", "freqtrade"])
def test_after_a_reading_that_hung_no_other_one_is_waited_for(
    caplog: pytest.LogCaptureFixture, by: str, took_seconds: float, after_seconds: float, is_read: bool
) -> None:
    """A refusal comes at once; an exit cannot wait for one hanging request after the other."""
    now, answers = [100.0], [True]

    def fetch() -> Any:
        if answers[0]:
            return {"total": {"BTC": 1.0}, "BTC": {"total": 1.0, "free": 1.0, "used": 0.0}}
        now[0] += took_seconds
        raise ccxt.RequestTimeout("no answer")

    made = Holdings(fetch, str, lambda: True, clock=lambda: now[0])
    answers[0] = False
    if by == "freqtrade":
        now[0] += took_seconds
        made.note_failure(now[0] - took_seconds)
    else:
        assert made.read("BTC") is None
    answers[0] = True
    now[0] += after_seconds
    assert (made.read("BTC") is not None) is is_read
    if not is_read:
        assert "The balance of BTC is not read: the last request for it has got no answer" in caplog.text
        made.remember({"total": {"BTC": 1.0}})
        assert made.read("BTC") is not None, "it answers again"


def test_a_reading_beside_that_hung_counts_too() -> None:
    now = [100.0]

    def hang() -> Any:
        now[0] += 1
        raise ccxt.RequestTimeout("no answer")

    made = Holdings(dict, str, lambda: True, clock=lambda: now[0], fetch_for_freqtrade=hang)
    made._read_beside(hang, lambda: None, None)
    assert made._hung == [101.0]


def test_a_reading_is_known_to_have_hung_for_three_seconds() -> None:
    now = [100.0]
    made = Holdings(dict, str, lambda: True, clock=lambda: now[0])
    assert not made.has_hung()
    made.note_failure(99.0)
    assert made.has_hung()
    now[0] += 2.9
    assert made.has_hung()
    now[0] += 0.2
    assert not made.has_hung()


@pytest.mark.parametrize(("is_unified", "net"), [(True, 1.5), (False, 1.25)])
@pytest.mark.parametrize("freezes", [True, False])
def test_a_balance_is_of_the_kind_of_account_that_it_names(freezes: bool, is_unified: bool, net: float) -> None:
    """An answer to something else may name the other kind meanwhile: a debt would count twice, or not at all."""
    made = Holdings(dict, str, lambda: freezes, clock=lambda: 0.0)
    row = {"total": 1.5, "free": 1.0, "used": 0.5, "debt": 0.25}
    made.remember({IS_UNIFIED: is_unified, "BTC": row})
    holding = made.last("BTC", 1)
    assert holding is not None
    assert holding.net == net
    made.remember({"BTC": row})
    unnamed = made.last("BTC", 1)
    assert unnamed is not None
    assert unnamed.net == (1.25 if freezes else 1.5)


def test_the_books_of_a_coin_are_those_of_all_its_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    trades = [SimpleNamespace(pair=pair, has=1.0, is_short=False) for pair in ("BTC/USDT", "BTC/USDC", "ETH/USDT")]
    monkeypatch.setattr(holdings, "Trade", SimpleNamespace(get_trades_proxy=lambda is_open: trades if is_open else []))
    monkeypatch.setattr(trade_rows, "remaining_amount", lambda trade: trade.has)
    made = readings({})
    assert made.booked("BTC") == 2.0
    assert [made.has_others("BTC", total) for total in (1.9, 2 * 1.002, 2.005)] == [False, False, True]
    assert [made.shows("BTC", total, 0.5) for total in (1.5, 1.51)] == [False, True]


def test_what_freqtrade_read_a_moment_ago_is_remembered_and_no_longer() -> None:
    now = [100.0]
    made = Holdings(dict, str, lambda: True, clock=lambda: now[0])
    assert (made.last_reading(9), made.last("BTC", 9), made.last_total("BTC")) == (None, None, None)
    made.remember({})
    assert (made.last_reading(9), made.last("BTC", 9), made.last_total("BTC")) == (None, None, None)
    balances = {"BTC": {"total": 1.5, "free": 1.0, "used": 0.5}, "ETH": {"total": None}, "info": []}
    made.remember({"BTC": {"total": 9.0}})
    made.remember(balances)
    assert (made.last_total("BTC"), made.last_total("ETH"), made.last_total("XRP")) == (1.5, 0.0, 0.0)
    now[0] += 10
    assert made.last_reading(10) is balances
    assert made.last("BTC", 10) == Holding(1.5, 1.0, 0.5)
    now[0] += 0.1
    assert (made.last_reading(10), made.last("BTC", 10)) == (None, None)
    now[0] += 49.9
    assert made.last_total("BTC") == 1.5
    now[0] += 0.1
    assert made.last_total("BTC") is None


def test_a_five_hundredth_of_an_amount_is_no_difference() -> None:
    assert Holdings.tolerance(10.0) == 0.02


# -- read ahead -------------------------------------------------------------------------------------------------------


def test_a_balance_that_was_read_ahead_answers_freqtrade_once(caplog: pytest.LogCaptureFixture) -> None:
    now, answers = [100.0], [{"BTC": {"total": 1.5}}, {"BTC": {"total": 2.5}}]
    made = Holdings(dict, str, lambda: True, lambda: now[0], fetch_for_freqtrade=lambda: answers.pop(0))
    assert made.take_ahead() is None
    first = made.read_beside(ahead=True)
    assert first is not None
    assert first.ended(5)
    now[0] += 10
    assert made.take_ahead() == {"BTC": {"total": 1.5}}
    assert made.take_ahead() is None
    assert made.last("BTC", 10) == Holding(1.5, 0.0, 0.0), "and it is the last one that was read"
    assert made.last("BTC", 9.9) is None
    second = made.read_beside(ahead=True)
    assert second is not None
    second.result()
    now[0] += 10.1
    assert made.take_ahead() is None, "older by now"
    assert caplog.records == []


def test_a_reading_for_the_exit_alone_does_not_answer_freqtrade() -> None:
    made = Holdings(dict, str, lambda: True, lambda: 100.0, fetch_for_freqtrade=lambda: {"BTC": {"total": 1.5}})
    for ahead in (True, False):
        reading = made.read_beside(ahead=ahead)
        assert reading is not None
        reading.result()
    assert made.last_total("BTC") == 1.5
    assert made.take_ahead() is None, "the one before has become old by it"


def test_a_reading_ahead_that_fails_leaves_it_to_freqtrade(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Any] = [{"BTC": {"total": 1.5}}]
    made = Holdings(dict, str, lambda: True, lambda: 100.0, fetch_for_freqtrade=lambda: answers.pop(0))
    for _ in range(2):
        reading = made.read_beside(ahead=True)
        assert reading is not None
        reading.result()
    assert made.take_ahead() is None, "the one before is not taken for it"
    assert caplog.messages == ["The balance could not be read beside other requests: pop from empty list"]
    assert made.last_total("BTC") == 1.5


def test_where_freqtrade_reads_itself_nothing_is_read_ahead() -> None:
    assert Holdings(dict, str, lambda: True).read_beside(ahead=True) is None


# -- while freqtrade books orders -------------------------------------------------------------------------------------


def test_while_freqtrade_books_orders_a_reading_answers_for_ten_seconds() -> None:
    now = [100.0]
    made = Holdings(dict, str, lambda: True, lambda: now[0])
    balances = {"BTC": {"total": 1.5}}
    made.remember(balances)
    assert made.of_booking() is None
    now[0] += 1
    made.begin_booking()
    now[0] += 1
    assert made.of_booking() is None, "it was read before"
    made.remember(balances)
    now[0] += 10
    assert made.of_booking() is balances
    now[0] += 0.1
    assert made.of_booking() is None
    made.begin_booking()
    made.remember(balances)
    assert made.of_booking() is balances
    made.end_booking()
    assert made.of_booking() is None
    made.end_booking()


# -- age --------------------------------------------------------------------------------------------------------------


def test_a_balance_is_as_old_as_its_request_and_a_late_one_replaces_no_younger_one() -> None:
    now = [100.0]

    def fetch() -> Any:
        now[0] += 2
        return {"BTC": {"total": 1.5}}

    made = Holdings(dict, str, lambda: True, lambda: now[0], fetch_for_freqtrade=fetch)
    reading = made.read_beside(ahead=True)
    assert reading is not None
    reading.result()
    assert made.last("BTC", 1.9) is None, "coins may have moved while it was under way"
    assert made.last("BTC", 2.0) is not None
    assert (made.since("BTC", 100.0), made.since("BTC", 100.1)) == (Holding(1.5, 0.0, 0.0), None)
    assert made.take_ahead() is not None, "freqtrade has waited for it"
    made.remember({"BTC": {"total": 2.5}})
    made.remember({"BTC": {"total": 3.5}}, 101.9)
    assert made.last("BTC", 9) == Holding(2.5, 0.0, 0.0)


def test_a_reading_ahead_that_comes_after_the_begin_of_another_exit_answers_nobody() -> None:
    answer = threading.Event()
    made = Holdings(
        dict,
        str,
        lambda: True,
        fetch_for_freqtrade=lambda: answer.wait(5) and {"BTC": {"total": 1.5}},  # type: ignore[arg-type, return-value]
    )
    late = made.read_beside(ahead=True)
    made.drop_ahead()
    answer.set()
    assert late is not None
    late.result()
    assert made.take_ahead() is None
    assert made.last("BTC", 9) is not None
