"""Flows that run concurrently do not mix up their replies, and none waits for longer than it must."""

from typing import Any

from bitget_margin.core.effects import Call, Effect, Flow, Resync, Send, SendAll, Wait, run_concurrently
from bitget_margin.core.endpoints import Endpoint


def sends(name: str, count: int) -> SendAll:
    """Return a group of so many requests."""
    return SendAll(tuple(Send(Call(Endpoint.ASSETS, {"n": f"{name}{i}"}), 1, 1) for i in range(count)))


def flow(name: str, *steps: Effect) -> Flow[list[Any]]:
    """Return a flow that takes these steps, and returns what it was answered."""
    got = []
    for step in steps:
        got.append((yield step))  # noqa: PERF401 - a comprehension cannot yield
    return [name, *got]


def drive(flows: list[Flow[list[Any]]]) -> tuple[list[Any], Any]:
    """Answer every request with its own name, and a measurement of the clock with how many there were."""
    seen: list[Any] = []
    running, value = run_concurrently(flows), None
    try:
        while True:
            effect = running.send(value)
            value = None
            if isinstance(effect, SendAll):
                names = [dict(send.call.params)["n"] for send in effect.sends]  # type: ignore[call-overload]
                seen.append(names)
                value = tuple(names)
            elif isinstance(effect, Wait):
                seen.append(effect.until_ms)
            else:
                seen.append(effect)
                value = f"clock {len(seen)}"
    except StopIteration as stop:
        return seen, stop.value


def test_replies_go_to_the_flow_that_asked_however_many_each_sends() -> None:
    seen, results = drive([flow("a", sends("a", 2)), flow("b", sends("b", 1)), flow("c", sends("c", 3))])
    assert seen == [["a0", "a1", "b0", "c0", "c1", "c2"]]
    assert results == (["a", ("a0", "a1")], ["b", ("b0",)], ["c", ("c0", "c1", "c2")])


def test_a_new_measurement_of_the_clock_comes_before_anything_is_sent_and_goes_to_who_asked_for_it() -> None:
    first, second = Resync(1), Resync(2)
    seen, results = drive([flow("a", sends("a", 1)), flow("b", first), flow("c", second, sends("c", 1)), flow("d")])
    assert seen == [first, second, ["a0", "c0"]]
    assert results == (["a", ("a0",)], ["b", "clock 1"], ["c", "clock 2", ("c0",)], ["d"])


def test_what_is_sent_does_not_wait_for_those_who_wait() -> None:
    seen, results = drive([flow("a", Wait(5), sends("a", 1)), flow("b", sends("b", 1), Wait(7)), flow("c", Wait(6))])
    assert seen == [["b0"], 7, ["a0"]]
    assert [result[0] for result in results] == ["a", "b", "c"]


def test_no_flows_have_no_results() -> None:
    assert drive([]) == ([], ())


# -- the window -------------------------------------------------------------------------------------------------------
