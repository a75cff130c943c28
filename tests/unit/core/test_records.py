"""Records are read whole: all pages and all windows, within what the venue answers at once."""

from collections.abc import Mapping
from typing import Any

import pytest

from bitget_margin.core import records
from bitget_margin.core.effects import Fault
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.record_pages import NoSuchRecords, RecordKind, RecordQuery
from bitget_margin.core.records import RecordReader, TooManyRecords
from support.recorded import CLASSIC, DAY_MS, UNIFIED, RecordVenue
from support.script import EPOCH_MS, Script, in_turn

KINDS = [CLASSIC, UNIFIED]
ORDERS = RecordQuery(RecordKind.ORDERS, symbol="BTCUSDT")
HOUR_MS = 3_600_000


def read(
    venue: RecordVenue,
    since_ms: int | None = None,
    until_ms: int | None = None,
    at_most: int | None = None,
    sought: RecordQuery = ORDERS,
    keep: Any = lambda _id, _raw: True,
    start_as: AccountKind | None = None,
) -> list[int]:
    """Return the ids of the records that a reader returns, in its order."""
    ctx = venue.script.ctx(kind=start_as or venue.kind)
    found = venue.script.run(RecordReader(ctx, sought, EPOCH_MS, since_ms, until_ms, at_most, keep).read())
    assert isinstance(found, Mapping), found
    return [int(record_id) for record_id in found]


def spread(count: int, *, days: int = 88) -> dict[int, int]:
    """Return so many records, evenly spread over the last days, by id and age."""
    return {1000 + i: (count - 1 - i) * days * DAY_MS // count + HOUR_MS for i in range(count)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sought", [ORDERS, RecordQuery(RecordKind.FILLS), RecordQuery(RecordKind.FINANCIAL)])
@pytest.mark.parametrize("count", [0, 99, 100, 500, 1203])
def test_every_record_of_ninety_days_is_read_once(kind: AccountKind, sought: RecordQuery, count: int) -> None:
    ages = spread(count)
    assert read(RecordVenue(ages, kind), sought=sought) == sorted(ages, reverse=True)


@pytest.mark.parametrize("kind", KINDS)
def test_both_ends_of_a_span_belong_to_it(kind: AccountKind) -> None:
    ages = {i: i * DAY_MS for i in range(1, 80)}
    ages = {100 - number: age for number, age in ages.items()}
    found = read(RecordVenue(ages, kind), EPOCH_MS - 70 * DAY_MS, EPOCH_MS - 10 * DAY_MS)
    assert sorted(found) == [100 - day for day in range(70, 9, -1)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_alone_reads_the_newest_and_no_older_window(kind: AccountKind) -> None:
    venue = RecordVenue(spread(1200), kind)
    assert read(venue, at_most=50)[:50] == list(range(2199, 2149, -1))
    assert len(venue.asked) == 1
    assert venue.asked[0]["limit"] == "100"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [3, 150, 700])
def test_a_limit_with_a_start_reads_the_oldest_from_there(kind: AccountKind, count: int) -> None:
    venue = RecordVenue(spread(1200), kind)
    found = read(venue, since_ms=EPOCH_MS - 60 * DAY_MS, at_most=count)
    oldest = min(found)
    assert set(range(oldest, oldest + count)) <= set(found)
    assert oldest == min(number for number, age in venue.ages.items() if age <= 60 * DAY_MS)
    assert count > 500 or len(venue.asked) <= 8, "windows grow from the start on, and the rest is not read"


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_caller_leaves_out_does_not_count_towards_a_limit(kind: AccountKind) -> None:
    venue = RecordVenue(spread(900), kind)
    found = read(venue, at_most=20, keep=lambda record_id, _raw: int(record_id) % 30 == 0)
    assert found[:20] == [number for number in range(1899, 999, -1) if number % 30 == 0][:20]


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_before_the_accessible_time_is_moved_into_it(kind: AccountKind) -> None:
    ages = {2: 89 * DAY_MS, 3: DAY_MS}
    assert read(RecordVenue(ages, kind), since_ms=1) == [3, 2]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("since_ms", "until_ms"), [(None, EPOCH_MS - 91 * DAY_MS), (EPOCH_MS + DAY_MS, None), (1, EPOCH_MS - 100 * DAY_MS)]
)
def test_a_span_outside_of_the_accessible_time_sends_nothing(kind: AccountKind, since_ms: Any, until_ms: Any) -> None:
    venue = RecordVenue({1: 1}, kind)
    assert read(venue, since_ms, until_ms) == []
    assert venue.asked == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_of_this_moment_is_found_though_the_clock_here_is_behind(kind: AccountKind) -> None:
    assert read(RecordVenue({5: -30_000}, kind)) == [5]


@pytest.mark.parametrize(("first", "then"), [(CLASSIC, UNIFIED), (UNIFIED, CLASSIC)])
def test_the_other_kind_of_account_is_read_by_its_own_windows(first: AccountKind, then: AccountKind) -> None:
    ages = spread(700)
    venue = RecordVenue(ages, then)
    assert sorted(read(venue, start_as=first)) == sorted(ages)


def test_a_page_of_other_categories_is_not_the_last_one() -> None:
    foreign = [{"id": str(i), "category": "SPOT", "ts": "1"} for i in range(500, 400, -1)]
    ours = [{"id": "7", "category": "Margin", "ts": "1"}]
    pages = [{"list": foreign, "cursor": "401"}, {"list": ours, "cursor": "7"}, {"list": None, "cursor": None}]
    script = Script(in_turn(*pages))
    reader = RecordReader(script.ctx(kind=UNIFIED), RecordQuery(RecordKind.FINANCIAL), EPOCH_MS, None, None, None)
    assert list(script.run(reader.read())) == ["7"]  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_pages_without_end_are_no_reason_to_go_on_for_ever(kind: AccountKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "PAGES_MAX", 7)
    venue = RecordVenue(dict.fromkeys(range(1, 10000), DAY_MS), kind)
    reader = RecordReader(venue.script.ctx(kind=kind), ORDERS, EPOCH_MS, None, None, None)
    found = venue.script.run(reader.read())
    assert isinstance(found, Fault)
    assert isinstance(found.error, TooManyRecords)
    assert len(venue.asked) == 7


@pytest.mark.parametrize("kind", KINDS)
def test_a_cursor_that_does_not_move_ends_a_window(kind: AccountKind) -> None:
    rows = [{"orderId": str(i)} for i in range(200, 100, -1)]
    stuck = {"orderList": rows} if kind is CLASSIC else {"list": rows, "cursor": "101"}
    script = Script(in_turn(stuck))
    reader = RecordReader(script.ctx(kind=kind), ORDERS, EPOCH_MS, None, None, None)
    assert len(script.run(reader.read())) == 100  # type: ignore[arg-type]
    assert len(script.calls) == (2 if kind is CLASSIC else 4)


def test_a_unified_account_has_no_liquidations() -> None:
    venue = RecordVenue({}, UNIFIED)
    with pytest.raises(NoSuchRecords):
        read(venue, sought=RecordQuery(RecordKind.LIQUIDATIONS))
    assert venue.asked == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_without_an_id_is_no_page_and_time_is_bounded(kind: AccountKind) -> None:
    rows = [{"orderId": "1"}, {"nothing": 1}]
    script = Script(in_turn({"orderList": rows} if kind is CLASSIC else {"list": rows, "cursor": None}))
    reader = RecordReader(script.ctx(kind=kind, timeout_ms=900), ORDERS, EPOCH_MS, None, None, None)
    assert isinstance(script.run(reader.read()), Fault)
