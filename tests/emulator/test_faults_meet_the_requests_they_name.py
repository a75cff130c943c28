"""Promise: a fault meets the requests that its rule names, by its chance, and no others."""

from typing import Any

import pytest

from bitget_margin.emulator import Account, Emulator, FaultKind, FaultRule
from bitget_margin.emulator.behaviour.faults import FaultBoard

from .admin import admin
from .client import CROSSED, Client, FakeClock

BATCH_CANCEL = f"{CROSSED}/batch-cancel-order"


def meets(board: FaultBoard, uid: str = "1001", path: str = BATCH_CANCEL, *, public: bool = False) -> bool:
    """Return whether one more request meets a fault."""
    return board.draw(path, uid, public=public) is not None


def pattern(seed: int, probability: float = 0.3, others: int = 0) -> list[bool]:
    """Return which of 200 requests meet a fault, while others ask too."""
    board = FaultBoard(seed)
    board.add(FaultRule(FaultKind.TWICE, probability=probability))
    hits = []
    for _ in range(200):
        hits.append(meets(board))
        for _ in range(others):
            meets(board, "1002")
    return hits


def test_probability_is_repeatable() -> None:
    """The same seed gives the same faults, whatever other accounts do meanwhile; another seed gives others."""
    assert pattern(1) == pattern(1) == pattern(1, others=3)
    assert pattern(1) != pattern(2)
    assert 30 < sum(pattern(1)) < 90
    assert sum(pattern(1, 1.0)) == 200


def test_seed_of_the_venue(clock: FakeClock) -> None:
    """Two venues with one seed treat the same requests alike."""

    def codes(seed: int) -> list[str]:
        account = Account(uid="1001")
        with (
            Emulator(accounts=(account,), clock=clock, fault_seed=seed) as venue,
            Client(venue.url, account, clock, lambda: clock.advance(101)) as client,
        ):
            venue.add_fault(FaultKind.CODE_45001, probability=0.5)
            return [client.open_orders().code for _ in range(40)]

    assert codes(7) == codes(7) != codes(8)
    assert set(codes(7)) == {"00000", "45001"}


def test_rules_are_met_in_order_until_used_up(venue: Emulator, client: Client) -> None:
    """The first remaining rule applies; remaining rules can be shown and cleared."""
    venue.add_fault(FaultKind.CODE_40010, count=2)
    venue.add_fault("code-45001")
    assert client.open_orders().code == "40010"
    assert [(rule.kind, rule.count) for rule in venue.faults] == [("code-40010", 1), ("code-45001", None)]
    assert [client.open_orders().code for _ in range(3)] == ["40010", "45001", "45001"]
    venue.clear_faults()
    assert client.open_orders().code == "00000"


def test_missed_chance_passes_to_the_next_rule() -> None:
    board = FaultBoard(0)
    board.add(FaultRule(FaultKind.TWICE, probability=0.01))
    board.add(FaultRule(FaultKind.NULL_DATA))
    assert meets(board)


def test_rules_of_one_account(venue: Emulator, client: Client, other: Client) -> None:
    venue.add_fault(FaultKind.CODE_45001, uid="1001")
    venue.add_fault(FaultKind.CODE_40010, uid="1002", count=1)
    assert [client.open_orders().code, other.open_orders().code, other.open_orders().code] == [
        "45001",
        "40010",
        "00000",
    ]
    venue.add_fault(FaultKind.CODE_40010)
    venue.clear_faults("1001")
    assert (client.open_orders().code, other.open_orders().code) == ("40010", "40010")


def test_paths(venue: Emulator, client: Client) -> None:
    """A path is the end of the request's path; public requests must be named, private ones need not."""
    venue.add_fault(FaultKind.CODE_45001, "/cancel-order")
    assert client.cancel_batch("1").code == "00000"
    assert client.post(f"{CROSSED}/cancel-order", {"symbol": "BTCUSDT", "orderId": "1"}).code == "45001"
    venue.clear_faults()
    venue.add_fault(FaultKind.CODE_45001)
    assert (client.get("/api/v2/public/time").code, client.open_orders().code) == ("00000", "45001")
    venue.add_fault(FaultKind.CODE_40010, "public/time")
    assert client.get("/api/v2/public/time").code == "40010"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "explode"}, "kind must be one of refuse, reset-before, .*, unified, not 'explode'"),
        ({"kind": ["refuse"]}, r"kind must be one of .*, not \['refuse'\]"),
        ({"kind": "twice", "path": 1}, "path must be text, not 1"),
        ({"kind": "twice", "path": "/nowhere"}, "no path ends with '/nowhere'; there are /api/v2/"),
        ({"kind": "twice", "count": 0}, "count must be a whole number from 1 on, or None, not 0"),
        ({"kind": "item-code-after", "items": 0}, "items must be a whole number from 1 on, or None, not 0"),
        ({"kind": "code-after", "code": 43012}, "code must be text like '43012', or None, not 43012"),
        ({"kind": "code-after", "code": ""}, "code must be text like '43012', or None, not ''"),
        ({"kind": "code-after", "text": None}, "text must be text, not None"),
        ({"kind": "code-after", "status": 99}, "status must be a status of HTTP like 400, not 99"),
        ({"kind": "code-after", "status": "400"}, "status must be a status of HTTP like 400, not '400'"),
        ({"kind": "twice", "count": True}, "count must be a whole number from 1 on, or None, not True"),
        ({"kind": "twice", "probability": 0}, "probability must be a number above 0 and up to 1, not 0"),
        ({"kind": "twice", "probability": 1.5}, "probability must be a number above 0 and up to 1, not 1.5"),
        ({"kind": "twice", "probability": float("nan")}, "up to 1, not nan"),
        ({"kind": "twice", "probability": "0.5"}, "up to 1, not '0.5'"),
        ({"kind": "twice", "uid": "9"}, "there is no account 9; there are 1001, 1002"),
        ({"kind": "twice", "uid": 1001}, "uid must be text, not 1001"),
        ({"kind": "refuse", "duration_ms": 0}, "duration_ms must be a whole number from 1 on, not 0"),
        ({"kind": "refuse", "duration_ms": 1.5}, "duration_ms must be a whole number from 1 on, not 1.5"),
    ],
)
def test_wrong_rules_are_explained(venue: Emulator, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        venue.add_fault(**fields)
    assert venue.faults == ()


def test_admin_adds_shows_and_clears_faults(venue: Emulator, client: Client) -> None:
    wanted = {"kind": "code-45001", "path": "/open-orders", "count": 2, "probability": 1.0, "uid": "1001"}
    answer = {"code": None, "text": "refused by a fault", "status": 400, "items": None}
    rule = wanted | {"duration_ms": 1000} | answer
    assert admin(venue, "faults", wanted) == (200, rule)
    assert client.open_orders().code == "45001"
    assert admin(venue, "faults") == (200, [rule | {"count": 1}])
    assert admin(venue, "faults", {"kind": "twice", "probability": 0.25})[1]["probability"] == 0.25
    status, left = admin(venue, "faults/clear", {"uid": "1001"})
    assert (status, [fault["kind"] for fault in left]) == (200, ["twice"])
    assert admin(venue, "faults/clear", {}) == (200, [])
    assert admin(venue, "requests?uid=1001")[1][0]["fault"] == "code-45001"


@pytest.mark.parametrize(
    ("action", "fields", "message"),
    [
        ("faults", {}, "missing: kind"),
        ("faults", {"kind": "twice", "chance": 1}, "unknown: chance; there are kind, path, count"),
        ("faults", {"kind": "explode"}, "kind must be one of refuse"),
        ("faults", {"kind": "twice", "probability": 2}, "up to 1, not 2"),
        ("faults/clear", {"uid": "9"}, "there is no account 9"),
        ("faults/clear", {"uid": 9}, "uid must be text"),
        ("refuse", {"duration_ms": "x"}, "duration_ms must be a whole number from 1 on, not 'x'"),
    ],
)
def test_admin_explains_wrong_faults(venue: Emulator, action: str, fields: object, message: str) -> None:
    status, content = admin(venue, action, fields)
    assert status == 400
    assert message in content["error"]
