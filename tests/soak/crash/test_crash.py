"""Test the crash drill: its draws are repeatable, and its judge finds every kind of broken promise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind, Order
from bitget_margin.emulator.market.orders import Force, LoanType, OrderType, Side, Status
from bitget_margin.emulator.messages import HttpRequest
from crash import command
from crash.evidence import Evidence, Sample, Track
from crash.faults import DrawnFaults
from crash.judge import delays, findings, late_stops, longest_loop_seconds
from crash.pairs import LIMIT_MS, PlayedPair
from crash.scenario import FLOOR, Scenario, draw_scenario
from crash.table import table

PAIR = "C001/USDT"
KEY = "abcdefgh"
ENTRY, EXIT, RUNG = f"{KEY}-o{'1' * 16}", f"{KEY}-o{'2' * 16}", f"{KEY}-1-aaaaaaaa-0"
DUE_MS = 5_000
IDS = count(1)


def order(side: Side, name: str, amount: str, *, at_ms: int = 0, status: Status = Status.FILLED) -> Order:
    return Order(
        client_oid=name,
        symbol="C001USDT",
        side=side,
        order_type=OrderType.MARKET,
        force=Force.GTC,
        loan_type=LoanType.NORMAL,
        price=Decimal(0),
        base_size=Decimal(amount),
        quote_size=Decimal(0),
        order_id=str(next(IDS)),
        uid="1",
        created_ms=at_ms,
        updated_ms=at_ms,
        status=status,
        filled=Decimal(amount) if status is Status.FILLED else Decimal(0),
    )


def row(placed: Order) -> dict[str, Any]:
    """Return freqtrade's row of an order."""
    named = {"ft_pair": PAIR, "ft_order_side": placed.side.value, "order_id": placed.order_id}
    return {**named, "filled": float(placed.filled)}


def sound(exit_after_ms: int = 1_000, *, ladders: bool = True) -> Evidence:
    """Return a run without flaws: 10 coins, of which a rung holds 6 until 2 s after the first exit."""
    at_ms = DUE_MS + exit_after_ms
    orders = [
        order(Side.BUY, ENTRY, "10"),
        order(Side.SELL, EXIT, "4", at_ms=at_ms),
        order(Side.SELL, EXIT.replace("2", "3"), "6", at_ms=at_ms + 2_000),
        order(Side.SELL, RUNG, "6", status=Status.CANCELLED),
        order(Side.BUY, "by-hand-b", "1", status=Status.LIVE),
    ]
    coins = ((0, "10", "6"), (at_ms, "6", "6"), (at_ms + 1_900, "6", "0"), (at_ms + 2_000, "0", "0"))
    track = Track(PAIR, Decimal(0))
    track.prices = [(0, Decimal(100)), (DUE_MS, Decimal(90)), (DUE_MS + 500, Decimal(80))]
    track.samples = [Sample(at, Decimal(total), Decimal(held)) for at, total, held in coins]
    trades = [{"pair": PAIR, "is_open": 0, "stop_loss": 92.0}]
    return Evidence(ladders, [track], orders, trades, [row(placed) for placed in orders if placed.filled])


def test_a_sound_run_has_delays_and_no_findings() -> None:
    assert findings(sound()) == []
    (delay,) = delays(sound(1_000))
    assert (delay.sent, delay.first, delay.last) == (1_000, 1_000, 3_000)


def sold_twice(evidence: Evidence) -> None:
    again = order(Side.SELL, EXIT, "4", at_ms=DUE_MS + 9_000)
    evidence.orders.append(again)
    evidence.rows.append(row(again))


def left(evidence: Evidence) -> None:
    evidence.tracks[0].samples.append(Sample(DUE_MS + 9_000, Decimal(2), Decimal(0)))


def sold_others(evidence: Evidence) -> None:
    evidence.tracks[0].samples.append(Sample(DUE_MS + 9_000, Decimal(-4), Decimal(0)))


def canceled_foreign(evidence: Evidence) -> None:
    evidence.orders[-1] = replace(evidence.orders[-1], status=Status.CANCELLED)


def lost_row(evidence: Evidence) -> None:
    evidence.rows.pop()


def invented_row(evidence: Evidence) -> None:
    evidence.rows.append({**evidence.rows[-1], "order_id": "none"})


def open_trade(evidence: Evidence) -> None:
    evidence.trades[0]["is_open"] = 1


def orphaned_rung(evidence: Evidence) -> None:
    evidence.orders.append(order(Side.BUY, RUNG, "1", status=Status.LIVE))


def borrowed(evidence: Evidence) -> None:
    evidence.borrowed = {"C001": Decimal(1)}


def ended(evidence: Evidence) -> None:
    evidence.error = "the bot ended"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (sold_twice, "double"),
        (sold_others, "double"),
        (left, "left"),
        (canceled_foreign, "foreign"),
        (lost_row, "books"),
        (invented_row, "books"),
        (open_trade, "books"),
        (orphaned_rung, "owner"),
        (borrowed, "borrowed"),
        (ended, "run"),
    ],
)
def test_every_broken_promise_is_found(change: Callable[[Evidence], None], rule: str) -> None:
    evidence = sound()
    change(evidence)
    assert [finding.rule for finding in findings(evidence)] == [rule]
    assert [finding.rule for finding in pair(evidence, sound(ladders=False)).broken] == [rule]


def pair(ladders: Evidence, stock: Evidence) -> PlayedPair:
    return PlayedPair.of(draw_scenario(1, 0, AccountKind.CLASSIC), ladders, stock)


@pytest.mark.parametrize(("later_ms", "is_late"), [(-3_000, False), (4_900, False), (5_100, True), (60_000, True)])
def test_a_stop_that_leaves_more_than_a_loop_later_than_without_ladders_is_late(later_ms: int, is_late: bool) -> None:
    played = pair(sound(4_000 + later_ms), sound(4_000, ladders=False))
    assert [finding.rule for finding in played.broken] == (["late"] if is_late else [])
    assert f"{int(is_late)} of 1 stops left more than 5 s later" in table([played], ("with ladders", "without"))


def due(pairs: Mapping[str, tuple[int, int | None]], loops: Sequence[tuple[int, int]] = ()) -> Evidence:
    """Return evidence of stops by pair: the time at which each was due, and the time until all was sold."""
    made = Evidence(ladders=True, loops=list(loops))
    for i, (name, (due_ms, first_ms)) in enumerate(pairs.items()):
        track = Track(
            name, Decimal(0), [(0, Decimal(100)), (due_ms, Decimal(90))], [Sample(0, Decimal(10), Decimal(0))]
        )
        made.trades.append({"id": i, "pair": name, "stop_loss": 92.0, "is_open": 0})
        if first_ms is not None:
            track.samples.append(Sample(due_ms + first_ms, Decimal(0), Decimal(0)))
        made.tracks.append(track)
    return made


@pytest.mark.parametrize(
    ("first_ms", "others", "is_late"),
    [
        (14_900, [(10, 5_000), (500, 9_000)], False),
        (15_100, [(10, 5_000), (500, 9_000)], True),
        (10_100, [(10, 900)], True),  # it left before this one was due
        (10_100, [(10, 20_000)], True),  # it left later
        (None, [(10, 5_000)], True),
    ],
)
def test_a_stop_waits_for_the_exits_before_it(
    first_ms: int | None, others: list[tuple[int, int]], is_late: bool
) -> None:
    stops = {"C001/USDT": (1_000, first_ms), **{f"C10{i}/USDT": times for i, times in enumerate(others)}}
    late = late_stops(due(stops), due({"C001/USDT": (1_000, 1)}), LIMIT_MS)
    assert [finding.rule for finding in late] == (["late"] if is_late else [])


@pytest.mark.parametrize(
    ("first_ms", "loops", "stock_loops", "is_late"),
    [
        (7_900, [], [(1, 500), (1, 3_500)], False),
        (8_100, [], [(1, 500), (1, 3_500)], True),
        (24_900, [(1, 500), (2, 20_500)], [(1, 500), (2, 20_500)], False),  # the other one left before the restart
        (25_100, [(1, 500), (2, 20_500)], [(1, 500), (2, 20_500)], True),
        (5_100, [(1, 500), (2, 20_500)], [(1, 500), (2, 20_500)], True),  # this one left before it, too
    ],
)
def test_a_missed_look_of_freqtrade_and_a_restart_of_one_bot_alone_are_luck(
    first_ms: int, loops: list[tuple[int, int]], stock_loops: list[tuple[int, int]], is_late: bool
) -> None:
    ladders, stock = due({"C001/USDT": (1_000, first_ms)}, loops), due({"C001/USDT": (1_000, 1)}, stock_loops)
    assert bool(late_stops(ladders, stock, LIMIT_MS)) == is_late


def test_the_longest_loop_is_counted_from_the_first_stop_that_is_due_and_not_across_a_restart() -> None:
    evidence = sound()
    evidence.loops = [(1, DUE_MS - 9_000), (1, DUE_MS - 1_000), (1, DUE_MS + 3_000), (2, DUE_MS + 30_000)]
    assert longest_loop_seconds(evidence) == 4.0
    evidence.loops.append((2, DUE_MS + 36_000))
    assert longest_loop_seconds(evidence) == 6.0
    assert longest_loop_seconds(Evidence(ladders=False)) == 0.0


def test_an_exit_that_never_leaves_is_late() -> None:
    evidence = sound()
    evidence.orders = [placed for placed in evidence.orders if placed.side is Side.BUY]
    evidence.rows = evidence.rows[:1]
    del evidence.tracks[0].samples[1:]
    (delay,) = delays(evidence)
    assert (delay.sent, delay.first, delay.last) == (None, None, None)
    played = pair(evidence, sound(ladders=False))
    assert [finding.rule for finding in played.broken] == ["left", "late"]
    assert f"over {LIMIT_MS // 1_000} s" in table([played], ("with ladders", "without"))


def test_coins_that_no_rung_holds_delay_a_stop_until_they_are_sold() -> None:
    evidence = sound()
    # The exit sells 3 of 4 free coins.
    evidence.tracks[0].samples[1] = Sample(DUE_MS + 1_000, Decimal(7), Decimal(6))
    (delay,) = delays(evidence)
    assert (delay.sent, delay.first) == (1_000, 3_000)


def test_a_trade_that_its_rungs_have_sold_has_no_stop() -> None:
    evidence = sound()
    evidence.tracks[0].samples = [Sample(0, Decimal(0), Decimal(0))]
    assert delays(evidence) == []


def test_a_broken_promise_without_ladders_is_not_one_of_the_plugin() -> None:
    stock = sound(ladders=False)
    sold_twice(stock)
    assert pair(sound(), stock).broken == []


def test_the_command_ends_with_1_where_a_promise_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    flawed = False

    def play(scenario: Scenario, *, ladders: bool) -> Evidence:
        evidence = sound(ladders=ladders)
        if flawed and ladders:
            sold_twice(evidence)
        return evidence

    monkeypatch.setattr(command, "play", play)
    monkeypatch.setattr(command.forked, "_server", lambda: None)
    arguments = ["--runs", "3", "--json", str(tmp_path / "runs.jsonl"), "--logs", str(tmp_path / "logs")]
    assert command.main(arguments) == 0
    flawed = True
    assert command.main(arguments) == 1
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 6
    assert len(list((tmp_path / "logs").iterdir())) == 6


def test_runs_are_drawn_from_seed_and_number_alone_and_fall_a_fifth_within_a_minute() -> None:
    drawn = [draw_scenario(7, number, AccountKind.CLASSIC) for number in range(200)]
    assert drawn == [draw_scenario(7, number, AccountKind.CLASSIC) for number in range(200)]
    assert drawn != [draw_scenario(8, number, AccountKind.CLASSIC) for number in range(200)]
    assert 30 < sum(scenario.kill_at is not None for scenario in drawn) < 90
    for scenario in drawn:
        assert max(scenario.latency_at(seconds) for seconds in range(60)) == scenario.latency_ms <= 2_000
        for plan in scenario.plans:
            below = plan.path[round(plan.due_seconds(scenario.stop_loss) * 10) :]
            assert max(below) <= 1 - scenario.stop_loss
            assert plan.path[-1] == FLOOR
            assert len(plan.path) <= 600


def test_a_request_meets_the_same_fault_whatever_other_requests_are_sent() -> None:
    def drawn(others: int) -> list[object]:
        board = DrawnFaults("1", share=0.5)
        board.active = True
        found: list[object] = []
        for _ in range(50):
            for body, times in ((b'{"symbol":"A","side":"sell"}', 1), (b'{"symbol":"B","side":"sell"}', others)):
                for _ in range(times):
                    board.begin_request(HttpRequest("POST", "/place-order", "", {}, body, ""))
                    fault = board.draw("/place-order", "1", public=False)
                    found += [fault] if b'"A"' in body else []
        return found

    assert drawn(0) == drawn(3)
    assert 10 < drawn(0).count(None) < 40
