"""The venue's time is learned from responses, and start times follow it, however wrong the local clock is."""

import copy
from email.utils import formatdate
from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.adapter import venue_clock
from bitget_margin.adapter.venue_clock import WHOLE_WINDOW, bounded
from bitget_margin.core.endpoints import Endpoint
from support.calling import exchange
from support.script import EPOCH_MS

DAY_MS = 86_400_000
OPEN = Endpoint.OPEN_ORDERS.path
VENUE_MS = EPOCH_MS + 100 * DAY_MS
"""What the venue's clock shows; the local one shows EPOCH_MS."""


@pytest.fixture
def client() -> Any:
    """Return an exchange that has seen no answer."""
    made = copy.copy(exchange())
    made.milliseconds = lambda: EPOCH_MS
    return made


def receive(client: Any, body: object, headers: object = None) -> None:
    client.handle_errors(200, "OK", "https://127.0.0.1/", "GET", headers, "{}", body, {}, "")


def response_at(time_ms: object) -> dict[str, Any]:
    return {"code": "00000", "msg": "success", "requestTime": time_ms, "data": []}


def test_before_the_first_response_it_is_the_local_time_with_ccxts_correction(client: Any) -> None:
    assert client.venue_milliseconds() == EPOCH_MS
    client.options["timeDifference"] = -5_000
    assert client.venue_milliseconds() == EPOCH_MS + 5_000
    client.options["timeDifference"] = None
    assert client.venue_milliseconds() == EPOCH_MS


@pytest.mark.parametrize("written", [VENUE_MS, str(VENUE_MS)])
def test_a_response_has_the_time_which_is_then_measured_without_the_local_clock(client: Any, written: object) -> None:
    with mock.patch.object(venue_clock, "elapsed_ms", return_value=5_000.0):
        receive(client, response_at(written))
        client.milliseconds = lambda: 0  # the local clock has jumped
        assert client.venue_milliseconds() == VENUE_MS
    with mock.patch.object(venue_clock, "elapsed_ms", return_value=7_500.0):
        assert client.venue_milliseconds() == VENUE_MS + 2_500
        receive(client, response_at(VENUE_MS + 2_000))
        assert client.venue_milliseconds() == VENUE_MS + 2_000


def test_a_refusal_has_the_time_too(client: Any) -> None:
    with pytest.raises(ccxt.InvalidNonce):
        receive(client, {"code": "40008", "msg": "Request timestamp expired", "requestTime": VENUE_MS, "data": None})
    assert abs(client.venue_milliseconds() - VENUE_MS) < 1_000


@pytest.mark.parametrize("written", [None, 1, 0, -VENUE_MS, "", "soon", True, 1.5, VENUE_MS // 1_000, 10**30, [], {}])
def test_an_implausible_time_is_ignored(client: Any, written: object) -> None:
    receive(client, response_at(written))
    assert client.venue_milliseconds() == EPOCH_MS
    receive(client, response_at(VENUE_MS))
    receive(client, response_at(written))
    assert abs(client.venue_milliseconds() - VENUE_MS) < 1_000


@pytest.mark.parametrize("body", [None, [], "x", {}, response_at(None)])
@pytest.mark.parametrize("name", ["Date", "date"])
def test_the_date_header_counts_only_before_the_first_time_of_the_venue(client: Any, name: str, body: object) -> None:
    receive(client, body, {name: formatdate(VENUE_MS / 1_000, usegmt=True)})
    assert abs(client.venue_milliseconds() - VENUE_MS) < 2_000
    receive(client, response_at(VENUE_MS + DAY_MS), {name: formatdate(0, usegmt=True)})
    receive(client, body, {name: formatdate(VENUE_MS / 1_000, usegmt=True)})
    assert abs(client.venue_milliseconds() - VENUE_MS - DAY_MS) < 2_000


@pytest.mark.parametrize("date", ["", "yesterday", None, 5, "Mon, 99 Foo 2023 25:61:61 GMT", formatdate(0)])
def test_an_invalid_date_is_ignored(client: Any, date: object) -> None:
    receive(client, None, {"Date": date})
    assert client.venue_milliseconds() == EPOCH_MS


def test_two_exchange_objects_have_a_clock_each(client: Any) -> None:
    other = copy.copy(client)
    receive(client, response_at(VENUE_MS))
    assert other.venue_milliseconds() == EPOCH_MS


# -- what is sent -----------------------------------------------------------------------------------------------------


def sent(client: Any, start_ms: object, path: str = OPEN) -> Any:
    """Return how long before the venue's now, in days, a request asks."""
    receive(client, response_at(VENUE_MS))
    params = bounded(client, path, {"symbol": "BTCUSDT", "startTime": start_ms})
    return round((VENUE_MS - int(params["startTime"])) / DAY_MS, 2)


@pytest.mark.parametrize(
    ("start_ms", "days"),
    [
        (WHOLE_WINDOW, 89),  # ours, where no time is given
        (str(WHOLE_WINDOW), 89),
        (EPOCH_MS - 90 * DAY_MS, 90),  # stock ccxt's, by the local clock
        (EPOCH_MS - 90 * DAY_MS - 9_000, 90),
        (1, 90),  # older than the venue answers for: it would refuse
        (VENUE_MS - 91 * DAY_MS, 90),
        (VENUE_MS - 50 * DAY_MS, 50),  # a caller's own
        (str(VENUE_MS - DAY_MS), 1),
        (VENUE_MS + DAY_MS, -1),
    ],
)
@pytest.mark.parametrize("path", [OPEN, Endpoint.HISTORY_ORDERS.path, "v2/margin/crossed/fills"])
def test_a_start_time_is_within_the_accepted_window(client: Any, start_ms: int, days: float, path: str) -> None:
    assert sent(client, start_ms, path) == days


@pytest.mark.parametrize("behind_days", [-100, -2, 0, 2, 100])
def test_the_window_of_stock_ccxt_is_moved_to_the_venue_s_clock(client: Any, behind_days: int) -> None:
    client.milliseconds = lambda: VENUE_MS - behind_days * DAY_MS
    assert sent(client, client.milliseconds() - 90 * DAY_MS) == 90


def test_other_requests_are_unchanged(client: Any) -> None:
    for path, params in (
        (OPEN, {"symbol": "BTCUSDT"}),
        (OPEN, {"startTime": "soon"}),
        ("v2/margin/isolated/open-orders", {"startTime": 1}),
        ("v2/spot/trade/fills", {"startTime": 1}),
        (Endpoint.UNIFIED_BATCH_CANCEL.path, [{"orderId": "1"}]),
    ):
        assert bounded(client, path, params) is params


def test_the_given_parameters_are_not_changed(client: Any) -> None:
    params = {"symbol": "BTCUSDT", "startTime": 1}
    client.sign(OPEN, ["private", "margin"], "GET", params)
    assert params == {"symbol": "BTCUSDT", "startTime": 1}
