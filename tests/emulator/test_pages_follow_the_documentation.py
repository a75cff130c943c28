"""Promise: open-orders, history-orders and fills are cut into pages as documented."""

import pytest

from bitget_margin.emulator import Emulator

from .client import CROSSED, START_MS, Client, FakeClock

DAY_MS = 86_400_000
LISTS = ("open-orders", "history-orders", "fills")


def listed(client: Client, name: str, **params: object) -> list[str]:
    """Return the order ids of a list."""
    data = client.get(f"{CROSSED}/{name}", **({"symbol": "BTCUSDT", "startTime": START_MS} | params)).data
    return [row["orderId"] for row in data["fills" if name == "fills" else "orderList"]]


def order_ids(venue: Emulator, clock: FakeClock, name: str, count: int) -> list[str]:
    """Fill a list with orders, one per second, and return their ids, newest first."""
    ids = []
    for _ in range(count):
        clock.advance(1000)
        order_id = venue.place("1001", {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.001"})
        if name == "history-orders":
            venue.cancel(order_id)
        elif name == "fills":
            venue.fill(order_id)
        ids.append(order_id)
    return ids[::-1]


@pytest.mark.parametrize("name", LISTS)
def test_pages_are_newest_first_and_continue_below_the_last_id(
    venue: Emulator, client: Client, clock: FakeClock, name: str
) -> None:
    ids = order_ids(venue, clock, name, 5)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        reply = client.get(f"{CROSSED}/{name}", symbol="BTCUSDT", startTime=START_MS, limit=2, **cursor).data
        rows = reply["fills" if name == "fills" else "orderList"]
        if not rows:
            break
        key = "tradeId" if name == "fills" else "orderId"
        assert (reply["maxId"], reply["minId"]) == (rows[0][key], rows[-1][key])
        seen += [row["orderId"] for row in rows]
        cursor = {"idLessThan": reply["minId"]}
    assert (reply["maxId"], reply["minId"]) == (None, None)
    assert seen == ids


@pytest.mark.parametrize("name", LISTS)
def test_closed_range_beats_the_cursor(venue: Emulator, client: Client, clock: FakeClock, name: str) -> None:
    """With start and end, idLessThan is ignored; with a start alone, both count."""
    ids = order_ids(venue, clock, name, 4)
    start, end = START_MS + 2000, START_MS + 3000
    assert listed(client, name, startTime=start, endTime=end) == ids[1:3]
    assert listed(client, name, startTime=start, endTime=end, idLessThan=ids[2]) == ids[1:3]
    if name != "fills":
        assert listed(client, name, startTime=start, idLessThan=ids[1]) == ids[2:3]


@pytest.mark.parametrize("name", LISTS)
def test_an_id_beats_everything(venue: Emulator, client: Client, clock: FakeClock, name: str) -> None:
    """An order id finds its order outside the range of time and below any cursor."""
    ids = order_ids(venue, clock, name, 3)
    params = {"startTime": 5, "endTime": 6, "idLessThan": "1"}
    assert listed(client, name, orderId=ids[1], **params) == [ids[1]]
    assert listed(client, name, orderId="1", **params) == []
    client_oid = venue.order(ids[0]).client_oid
    assert listed(client, name, clientOid=client_oid, **params) == [ids[0]]


@pytest.mark.parametrize("name", LISTS)
def test_other_symbols_stay_out(venue: Emulator, client: Client, clock: FakeClock, name: str) -> None:
    ids = order_ids(venue, clock, name, 1)
    assert listed(client, name, symbol="ETHUSDT") == []
    assert listed(client, name, symbol="ETHUSDT", orderId=ids[0]) == []


@pytest.mark.parametrize(("name", "cap"), [("open-orders", 100), ("history-orders", 500), ("fills", 500)])
def test_pages_have_a_default_and_a_cap(venue: Emulator, client: Client, clock: FakeClock, name: str, cap: int) -> None:
    """A page has 100 rows by default, and never more than its cap."""
    ids = order_ids(venue, clock, name, 510)
    assert listed(client, name) == ids[:100]
    assert listed(client, name, limit=1000) == ids[:cap]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"symbol": None}, "40019"),
        ({"symbol": "NOPEUSDT"}, "40034"),
        ({"startTime": None}, "40019"),
        ({"startTime": "soon"}, "40020"),
        ({"startTime": START_MS, "endTime": START_MS - 1}, "40707"),
        ({"startTime": START_MS - 91 * DAY_MS, "endTime": START_MS}, "40705"),
        ({"limit": "0"}, "40020"),
        ({"limit": "-1"}, "40020"),
        ({"idLessThan": "x"}, "40020"),
    ],
)
@pytest.mark.parametrize("name", LISTS)
def test_wrong_parameters_are_refused(client: Client, name: str, params: dict[str, object], code: str) -> None:
    wanted = {"symbol": "BTCUSDT", "startTime": START_MS} | params
    given = {key: value for key, value in wanted.items() if value is not None}
    client.get(f"{CROSSED}/{name}", **given).assert_refused(code)


def test_history_goes_back_three_months(client: Client) -> None:
    """A start before that is refused for ended orders and fills, not for open ones."""
    old = START_MS - 93 * DAY_MS
    client.history(startTime=old).assert_refused("40704")
    client.fills(startTime=old).assert_refused("40704")
    assert client.open_orders(startTime=old).data["orderList"] == []


def test_only_ended_orders_are_in_history(venue: Emulator, client: Client) -> None:
    """An order is in exactly one of the two lists, also while it is partly filled."""
    order_id = client.placed()
    venue.fill(order_id, "0.001")
    assert (client.open_ids(), client.history_ids()) == ([order_id], [])
    venue.fill(order_id)
    assert (client.open_ids(), client.history_ids()) == ([], [order_id])


def test_orders_of_long_ago_are_filtered_by_creation(venue: Emulator, client: Client, clock: FakeClock) -> None:
    """A live order older than the start of the range is not listed, though it was changed since."""
    (order_id,) = order_ids(venue, clock, "open-orders", 1)
    clock.advance(10_000)
    venue.fill(order_id, "0.0001")
    assert client.open_ids(startTime=clock.now_ms - 5000) == []
    assert client.open_ids(startTime=START_MS) == [order_id]


def test_a_trade_has_two_financial_records(venue: Emulator, client: Client, clock: FakeClock) -> None:
    client.bought("100")
    bought_ms = clock.now_ms
    path, start = f"{CROSSED}/financial-records", {"startTime": START_MS}
    page = client.get(path, **start).data
    came, went = page["resultList"]
    assert (went["coin"], went["marginType"], went["amount"], went["balance"]) == (
        "USDT",
        "deal_out",
        "-99.96",
        "99900.04",
    )
    assert (came["coin"], came["marginType"], came["cTime"]) == ("BTC", "deal_in", str(bought_ms))
    assert float(came["fee"]) == -float(came["amount"]) / 1000
    assert (page["maxId"], page["minId"]) == (came["marginId"], went["marginId"])
    assert client.get(path, **start, limit=1, idLessThan=came["marginId"]).data["resultList"] == [went]
    for filters in ({"coin": "BTC"}, {"marginType": "deal_in"}, {"endTime": clock.now_ms, "coin": "BTC"}):
        assert client.get(path, **start, **filters).data["resultList"] == [came]
    assert client.get(path, startTime=clock.now_ms + 1).data == {"resultList": [], "maxId": None, "minId": None}
    client.get(path).assert_refused("40019")
    client.get(path, startTime=START_MS - 93 * DAY_MS).assert_refused("40704")


def test_nothing_is_ever_liquidated(client: Client) -> None:
    path = f"{CROSSED}/liquidation-history"
    assert client.get(path, startTime=START_MS).data == {"resultList": [], "maxId": None, "minId": None}
    client.get(path).assert_refused("40019")
