"""A ladder that is refused for the moment is placed again, until it is placed or refused for good."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import ccxt_errors
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.core.error_codes import TABLE, Verdict
from bitget_margin.freqtrade.client import Budget, VenueClient
from bitget_margin.freqtrade.ladders import Ladders
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder, TradeKey
from support.botless import PAIR, Records, Stand, rung, structure, without_freqtrade

KEY = TradeKey(1, 1_000)
MOMENTARY = {Verdict.STATE, Verdict.LIMITED}


def waiting(**more: Any) -> TrackedOrder:
    """Return a rung that was refused for the moment."""
    return rung(phase=Phase.WAITING, reason="0BTC can be used at most", **more)


def ladders(monkeypatch: pytest.MonkeyPatch, *rungs: TrackedOrder, sellable: float = 1.0) -> tuple[Stand, Ladders]:
    """Return a stand with an open trade, and its ladders."""
    stand = Stand(Records(*rungs))
    stand.trade()
    without_freqtrade(monkeypatch, stand)
    made = Ladders(stand.exchange, stand.resting)
    monkeypatch.setattr(made, "_limits", lambda _trade: SimpleNamespace(sellable=sellable))
    return stand, made


def test_it_is_placed_by_the_next_loop_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stand, made = ladders(monkeypatch, waiting())
    made.place_waiting((), Budget(3_000))
    made.place_waiting((), Budget(3_000))
    assert stand.venue.placed == [["k-1-x-0"]]
    assert stand.records.rows["k-1-x-0"].phase is Phase.LIVE


def test_while_it_is_refused_the_tries_grow_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    stand, made = ladders(monkeypatch, waiting())
    stand.venue.placing = lambda row: row
    times = []
    for _ in range(120):
        before = len(stand.venue.placed)
        made.place_waiting((), Budget(3_000))
        if len(stand.venue.placed) > before:
            times.append(stand.seconds - 1_000)
        stand.seconds += 1
    assert times == [0, 5, 15, 35, 75]


@pytest.mark.parametrize("phase", [Phase.REFUSED, Phase.INTENDED])
def test_what_is_refused_for_good_or_in_doubt_is_not_placed_again(
    monkeypatch: pytest.MonkeyPatch, phase: Phase
) -> None:
    stand, made = ladders(monkeypatch, waiting())
    stand.venue.placing = lambda row: replace(row, phase=phase)
    for _ in range(3):
        made.place_waiting((), Budget(3_000))
        stand.seconds += 500
    assert len(stand.venue.placed) == 1


def test_a_trade_that_exits_has_ended_or_has_sold_since_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    stand, made = ladders(monkeypatch, waiting())
    made.drop_waiting(stand.trades[KEY])
    assert stand.records.rows["k-1-x-0"].phase is Phase.LOST
    for more in ({"trades": {}}, {"sellable": 0.4}):
        stand, made = ladders(monkeypatch, waiting(), **{k: v for k, v in more.items() if k == "sellable"})
        if "trades" in more:
            stand.trades.clear()
        made.place_waiting((), Budget(3_000))
        assert stand.venue.placed == []
        assert stand.records.rows["k-1-x-0"].phase is Phase.LOST
    stand, made = ladders(monkeypatch, waiting())
    made.place_waiting({KEY}, Budget(3_000))
    assert stand.venue.placed == [], "another thread exits it just now"


def test_before_it_is_placed_again_a_look_takes_in_what_came_late(monkeypatch: pytest.MonkeyPatch) -> None:
    stand, made = ladders(monkeypatch, waiting())
    stand.venue.shown["k-1-x-0"] = rung(phase=Phase.LIVE, order_id="77")
    made.place_waiting((), Budget(3_000))
    assert stand.venue.placed == []
    assert stand.records.rows["k-1-x-0"].order_id == "77"


def test_one_loop_has_one_budget_for_all_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    stand, made = ladders(monkeypatch, waiting(), waiting(client_id="k-1-y-0", ladder="second"))
    made.place_waiting((), Budget(10))  # too little for a request
    assert stand.venue.placed == []


# -- what an answer to a ladder comes to ------------------------------------------------------------------------------


def phase_of(answer: object) -> Phase:
    """Return what becomes of a rung whose placing is answered so."""

    def create_orders(*_: object) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return [answer]

    venue = VenueClient(lambda: SimpleNamespace(create_orders=create_orders))
    (placed,) = venue.place(PAIR, [rung()], Budget(1_000))
    return placed.phase


def tied(error: Exception, code: str) -> Exception:
    """Return an exception of ccxt with the venue's answer tied to it."""
    ccxt_errors.tie(error, 400, {"code": code, "msg": "no"})
    return error


def test_every_code_leads_to_the_phase_that_its_verdict_asks_for() -> None:
    for code, row in TABLE.items():
        final = Phase.REFUSED if row.verdict in {Verdict.DEFINITIVE, Verdict.REFUSED} else Phase.LOST
        expected = Phase.WAITING if row.verdict in MOMENTARY else final
        assert phase_of(structure("rejected", info={"errorCode": code, "errorMsg": "no"})) is expected, code
        assert phase_of(structure("rejected", info={"code": code, "msg": "no"})) is expected, code
        assert phase_of(tied(ccxt.ExchangeError(code), code)) is expected, code


@pytest.mark.parametrize(
    ("answer", "phase"),
    [
        (structure(None, "7"), Phase.LIVE),
        (structure("open", "7"), Phase.LIVE),
        (structure("closed", "7"), Phase.ENDED),
        (structure("rejected", info={"errorMsg": "no code"}), Phase.WAITING),
        (ccxt.RequestTimeout("not sent: no time"), Phase.WAITING),
        (ccxt.BadRequest("there are 60 orders"), Phase.REFUSED),
        (PlaceUnresolved("create_orders", [{**structure(None), "clientOrderId": "k-1-x-0"}]), Phase.INTENDED),
    ],
)
def test_an_answer_comes_to_a_phase(answer: object, phase: Phase) -> None:
    assert phase_of(answer) is phase
