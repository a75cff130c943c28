"""Flows side by side: what they send at the same step goes out as one group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bitget_margin.core.call import Effect, Flow, Reply, SendAll, T, Wait


def together(flows: Iterable[Flow[T]]) -> Flow[tuple[T, ...]]:
    """Run independent flows in step and return their results in the same order."""
    running = list(flows)
    results: dict[int, T] = {}
    effects: dict[int, Effect] = {}

    def advance(i: int, value: Any) -> None:
        try:
            effects[i] = running[i].send(value)
        except StopIteration as stop:
            results[i] = stop.value
            effects.pop(i, None)

    for i in range(len(running)):
        advance(i, None)
    while effects:
        sending = {i: effect.sends for i, effect in effects.items() if isinstance(effect, SendAll)}
        waiting = {i: effect.until_ms for i, effect in effects.items() if isinstance(effect, Wait)}
        others = effects.keys() - sending.keys() - waiting.keys()
        if others:
            # A new measurement of the clock, say: before anything is sent again.
            for i in sorted(others):
                advance(i, (yield effects[i]))
        elif sending:
            replies: tuple[Reply, ...] = yield SendAll(tuple(send for sends in sending.values() for send in sends))
            start = 0
            for i, sends in sending.items():
                advance(i, replies[start : start + len(sends)])
                start += len(sends)
        else:
            yield Wait(max(waiting.values()))
            for i in waiting:
                advance(i, None)
    return tuple(results[i] for i in range(len(running)))
