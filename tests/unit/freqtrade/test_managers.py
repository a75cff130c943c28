"""The managers of a bot are built together, and each step of a loop runs, whatever happens to the others."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade.budget import LOOP_MS, Pace
from bitget_margin.freqtrade.config import BotSettings
from bitget_margin.freqtrade.managers import Managers
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import PAIR, Messages, Records, Rules, Stand, live, rung

STEPS = ["repair_after_crash", "restore_amounts", "resolve", "process_loop", "repeat", "look_up", "place_waiting"]


def test_the_managers_share_one_lock_one_store_and_one_client() -> None:
    shared: dict[str, Any] = {
        "store": Records(),
        "client": SimpleNamespace(pace=Pace(1_000, lambda: 0.0), api=lambda: None),
        "alerts": Messages(),
        "holdings": SimpleNamespace(),
        "rules": Rules(),
        "settings": BotSettings(wait_ms=2_000),
        "new_trade": lambda: None,
        "clock": lambda: 5.0,
        "epoch_ms": lambda: 7,
    }
    made: Any = Managers(**shared)
    own, late = made.resting.take_in.__self__, made.resting.take_late_buy.__self__
    parts = [made.resting, made.recovery, made.lost, made.ladders, made.exits, made.maintenance, made.unproven]
    parts += [made.names, made.rests, made.exits.held, made.exits.amounts, own, late]
    others = {name: getattr(made, name) for name in ("lock", "missed", "resting", "lost", "recovery", "names", "rests")}
    others |= {name: getattr(made.exits, name) for name in ("held", "amounts")}
    for name, value in {**shared, **others}.items():
        assert all(getattr(part, name, value) is value for part in parts), name
    assert made.missed.clock() == 5.0
    assert made.unproven.wait_ms == LOOP_MS
    assert made.names.started_ms == 7
    assert made.names.adopt == made.lost.adopt == own.adopt == late.adopt == made.recovery.adopt
    assert made.exits.drop_waiting == made.ladders.drop_waiting
    assert late.sell == made.rests.sell


@pytest.fixture
def recorded(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the arguments of the steps of a loop; a step in `failing` fails."""
    stand.calls.clear()
    asked: dict[str, Any] = {"failing": None}

    def step(name: str) -> Any:
        def call(*args: Any, **more: Any) -> None:
            stand.calls.append((name,))
            asked[name] = (*args, *more.values())
            if asked["failing"] == name:
                raise ZeroDivisionError

        return call

    managers = stand.managers
    for name, manager in zip(
        STEPS,
        [
            managers.maintenance,
            managers.exits,
            managers.recovery,
            managers.maintenance,
            managers.unproven,
            managers.lost,
            managers.ladders,
        ],
        strict=True,
    ):
        monkeypatch.setattr(manager, name, step(name))
    monkeypatch.setattr(managers.maintenance, "hand_over_ended", step("hand_over_ended"))
    monkeypatch.setattr(managers.exits, "busy", lambda: {"busy"})
    return asked


@pytest.mark.parametrize("failing", [None, *STEPS])
def test_a_step_of_the_loop_that_fails_does_not_keep_the_others_back(
    stand: Stand, recorded: dict[str, Any], caplog: pytest.LogCaptureFixture, failing: str | None
) -> None:
    recorded["failing"] = failing
    stand.managers.process_loop()
    assert [call[0] for call in stand.calls if call != ("rollback",)] == STEPS
    assert stand.calls.count(("rollback",)) == (failing is not None) == len(caplog.records)


def test_all_steps_of_a_loop_share_one_budget_and_leave_busy_trades_alone(
    stand: Stand, recorded: dict[str, Any]
) -> None:
    stand.managers.process_loop()
    (budget,) = recorded["resolve"]
    assert budget.left_ms() == 3_000
    assert recorded["process_loop"] == recorded["place_waiting"] == ({"busy"}, budget)
    assert recorded["look_up"] == (budget,)


def test_ended_orders_are_handed_over_except_those_of_busy_trades(stand: Stand, recorded: dict[str, Any]) -> None:
    stand.managers.hand_over_ended()
    assert recorded["hand_over_ended"] == ({"busy"},)


@pytest.mark.parametrize("has_any", [True, False])
def test_whether_orders_are_handed_over_is_told_to_the_exchange(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, has_any: bool
) -> None:
    monkeypatch.setattr(stand.maintenance, "hand_over_ended", lambda _busy: has_any)
    assert stand.managers.hand_over_ended() is has_any


@pytest.mark.parametrize(
    ("orders", "may_have_sold"),
    [
        ([], False),
        ([live("a")], True),
        ([rung("a")], True),
        ([live("a", side="buy")], False),
        ([live("a", phase=Phase.ENDED)], False),
        ([live("a", trade_id=2)], False),
    ],
)
def test_resting_sells_of_a_trade_may_have_sold_coins(stand: Stand, orders: list[Any], may_have_sold: bool) -> None:
    stand.store.add(orders)
    assert stand.managers.resting_may_have_sold(PAIR) is may_have_sold
    assert stand.managers.resting_may_have_sold("ETH/USDT") is False


@pytest.mark.parametrize("step", ["process_loop", "hand_over_ended"])
def test_while_the_other_thread_works_on_the_orders_the_loop_waits(
    stand: Stand, recorded: dict[str, Any], step: str
) -> None:
    thread = threading.Thread(target=getattr(stand.managers, step))
    with stand.managers.lock:
        thread.start()
        thread.join(0.05)
        assert stand.calls == []
    thread.join()
    assert stand.calls != []
