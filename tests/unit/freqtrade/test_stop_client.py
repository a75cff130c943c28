"""Promise: a stop is known by its id, or by its terms where exactly one fits; nobody else's is ever taken for it."""

from dataclasses import replace
from typing import Any

import pytest

from bitget_margin.adapter.strategy_views import StrategyView
from bitget_margin.core.responses import Listing
from bitget_margin.core.strategy_queries import StrategyList
from bitget_margin.core.strategy_row import parse_strategy
from bitget_margin.freqtrade.stop_client import StopClient, StopSight
from bitget_margin.freqtrade.stop_rows import structure
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder

PAIR, AT_MS = "BTC/USDT", 1_000_000
STOP = TrackedOrder("k-s1", Origin.STOP, 1, 1_000, PAIR, "sell", "tpsl", 0, 55_000.0, 0.5, AT_MS)
"""A stop without an answer."""
RAW = {"orderId": "7", "symbol": "BTCUSDT", "category": "MARGIN", "qty": "0.5", "status": "pending"}
RAW |= {"stopLoss": "55000", "slOrderType": "market", "createdTime": str(AT_MS + 20)}


class Api:
    """An exchange object whose lists show what a test has set."""

    def __init__(self, view: StrategyView) -> None:
        self.view = view

    def perform(self, flow: Any) -> StrategyView:
        """Return the lists."""
        flow.close()
        return self.view


def look_up(stop: TrackedOrder, *rows: dict[str, Any], whole: bool = True) -> StopSight:
    shown = [parse_strategy({**RAW, **row}, Listing.OPEN) for row in rows]
    waiting = StrategyList(tuple(row for row in shown if row is not None), whole=whole)
    client = StopClient(lambda: Api(StrategyView(waiting, StrategyList((), whole=True))), lambda _: "BTCUSDT")
    return client.look_up([stop], 1_000)[0]


@pytest.mark.parametrize(
    ("rows", "order_id"),
    [
        ([{"clientOid": "k-s1"}], "7"),
        ([{"clientOid": "k-s1"}, {"orderId": "8"}], "7"),  # its name decides
        ([{}], "7"),  # the name was ignored, and one fits
        ([{"clientOid": "123456789"}], "7"),  # the venue has made a name
        ([{"clientOid": "of-another-program"}], None),
        ([{"qty": "0.6"}], None),
        ([{"stopLoss": "55001"}], None),
        ([{"symbol": "ETHUSDT"}], None),
        ([{"side": "buy"}], None),
        ([{"createdTime": str(AT_MS - 1)}], None),  # placed before
        ([{"createdTime": str(AT_MS + 60_001)}], None),  # long after
        ([{}, {"orderId": "8"}], None),  # either could be it
        ([], None),
    ],
)
def test_one_without_an_answer_is_recognised_only_where_exactly_one_fits(
    rows: list[dict[str, Any]], order_id: str | None
) -> None:
    sight = look_up(STOP, *rows)
    assert (sight.stop.order_id, sight.missing) == (order_id, order_id is None)
    assert sight.stop.phase is (Phase.INTENDED if order_id is None else Phase.LIVE)


def test_one_with_an_id_is_found_by_it_alone_and_has_the_amount_of_its_row() -> None:
    known = replace(STOP, phase=Phase.LIVE, order_id="7")
    assert look_up(known, {"qty": "0.3"}, {"orderId": "8", "clientOid": "k-s1"}).stop.amount == 0.3
    assert look_up(known, {"orderId": "8", "clientOid": "k-s1"}) == StopSight(known, missing=True)


def test_a_list_that_was_not_read_to_its_end_misses_nothing() -> None:
    assert look_up(STOP, whole=False) == StopSight(STOP)


@pytest.mark.parametrize(
    ("state", "status", "average"),
    [
        ({"phase": Phase.INTENDED}, "open", None),
        ({"phase": Phase.LIVE, "reason": "triggered"}, "open", None),
        ({"phase": Phase.LIVE, "filled": 0.2, "average": 54_900.0}, "open", None),  # its end is not proven
        ({"phase": Phase.ENDED, "filled": 0.5, "average": 54_900.0}, "closed", 54_900.0),
        ({"phase": Phase.ENDED, "reason": "canceled"}, "canceled", None),
    ],
)
def test_freqtrade_sees_it_open_until_its_end_is_proven(
    state: dict[str, Any], status: str, average: float | None
) -> None:
    seen = structure(replace(STOP, order_id="7", **state))
    assert (seen["id"], seen["status"], seen["average"], seen["stopPrice"]) == ("7", status, average, 55_000.0)
