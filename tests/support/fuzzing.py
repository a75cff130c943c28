"""Fuzzing: hypothesis draws bytes, which are read as decisions; zeros decide for documented behaviour.

So a failing case shrinks to the few deviations that it needs. `FUZZ_CASES` is the number of cases of all tests, of
which each has its share.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

T = TypeVar("T")

DEFAULT_CASES: Final = 1_000
CASES: Final = int(os.environ.get("FUZZ_CASES", str(DEFAULT_CASES)))
THOROUGH: Final = "FUZZ_CASES" in os.environ
SHARES: Final = {"readers": 115, "junk": 5, "faults": 10, "flows": 35, "sync calls": 17, "async calls": 18}
"""Shares of the tests out of their sum; the last one gets the remainder."""
PARTS_MAX: Final = 300
performed: Final[Counter[str]] = Counter()


def share(name: str) -> int:
    """Return the number of cases of one test."""
    names, total = list(SHARES), sum(SHARES.values())
    if name == names[-1]:
        return CASES - sum(share(other) for other in names[:-1])
    return CASES * SHARES[name] // total


def examples(most: int) -> int:
    """Return the number of examples that hypothesis draws for a test: a third of them unless `FUZZ_CASES` is set."""
    return most if THOROUGH else most // 3


class Choices:
    """Decisions read from bytes; after the last byte, each is the first possibility."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __repr__(self) -> str:
        return f"Choices({self._data.rstrip(bytes(1))!r})"

    def below(self, count: int) -> int:
        """Return a number from 0 to below `count`."""
        width = 1 if count <= 256 else 2
        drawn = self._data[self._at : self._at + width]
        self._at += width
        return int.from_bytes(drawn) % count

    def pick(self, possible: Sequence[T]) -> T:
        """Return one of these."""
        return possible[self.below(len(possible))]

    def once_in(self, count: int) -> bool:
        """Return whether a rare event happens."""
        return self.below(count) == count - 1


def fuzzed(name: str, size: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a test that runs with its share of cases, each of `size` bytes, as `choices`.

    The cases are the same in every run, unless `FUZZ_CASES` is set.
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        def count(data: bytes) -> Choices:
            performed[name] += 1
            return Choices(data)

        bounds = settings(
            max_examples=share(name),
            derandomize=not THOROUGH,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        made = bounds(given(choices=st.binary(min_size=size, max_size=size).map(count))(test))
        made.share = name
        return made

    return decorate


SCALARS: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 11, 1.5, 1e308, float("inf"), float("nan"), 2**63, -(2**63), 10**30, 10**400),
    *("", " ", "0", "-0", "1", "00000", "null", "NaN", "sNaN", "Infinity", "1e999", "1e-999"),
    *("9" * 30, "9" * 5_000, "0." + "0" * 60 + "1", "1_000", "٣", "١٢", "\ud800", "\x00", "é" * 9, "\u202e", "a" * 300),
    *("{", "[]", "{}", '{"a": 1}', "<html>", "success", "error", "live", "filled", "cancelled", "BTCUSDT", "btcusdt"),
    *(" 11", "11 ", "11.0", "0011", "1/2", "a/b/c", "%41", "&symbol=X", "a:b", "1-1", "1_1", "'", '"', "\\", "None"),
)
HUGE: Final = ("1E+9999999999", "1E-9999999999", "0E-99999999")
"""Numbers that no amount can be."""
CONTAINERS: Final[tuple[Any, ...]] = (
    *([], {}, [[]], [None], {"": None}, [{}], [[], {}], {"orderList": []}, {"data": []}, {"a": {"b": {"c": []}}}),
    *([1, 2], ["11"], [{"orderId": "11"}], {"orderId": "11"}, {"0": "11"}, {"code": "00000"}),
)
NAMES: Final = (
    *("code", "msg", "data", "requestTime", "orderList", "resultList", "successList", "failureList", "list", "cursor"),
    *("orderId", "clientOid", "clientOrderId", "symbol", "status", "orderStatus", "category", "errorMsg", "errorCode"),
    *("side", "size", "baseSize", "quoteSize", "price", "priceAvg", "amount", "cTime", "uTime", "feeDetail", "fee"),
    *("coin", "frozen", "locked", "available", "borrow", "interest", "assets", "serverTime", "err_msg", "err_code"),
    *("orderType", "force", "posSide", "posMode", "reduceOnly", "basePrice", "baseVolume", "qty", "triggerPrice"),
    *("cumExecQty", "cumExecValue", "avgPrice", "createdTime", "updatedTime", "feeCoin", "timeInForce"),
)
"""Names of fields in documented responses."""


def junk(choices: Choices, depth: int = 3) -> Any:
    """Return any value that JSON can express."""
    if depth == 0 or not choices.once_in(3):
        return choices.pick(SCALARS)
    match choices.below(4):
        case 0:
            return copied(choices.pick(CONTAINERS))
        case 1:
            return [junk(choices, depth - 1) for _ in range(choices.below(4))]
        case 2:
            return {choices.pick(NAMES): junk(choices, depth - 1) for _ in range(choices.below(4))}
        case _:
            return nested(choices.pick((2, 20, 200)))


def nested(depth: int) -> Any:
    """Return nested lists and objects."""
    value: Any = "bottom"
    for i in range(depth):
        value = [value] if i % 2 else {"data": value}
    return value


def copied(value: Any) -> Any:
    """Return a tree of its own."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value


def spoiled(body: Any, choices: Choices, words: Sequence[Any]) -> Any:
    """Return the body with a few of its parts changed; `words` are values that are valid in some field."""
    root = [body]
    for _ in range(choices.pick((0, 1, 1, 1, 2, 2, 3, 5))):
        if choices.once_in(40):
            root[0] = junk(choices)
        parts = _parts(root)
        telling = [part for part in parts if part[1] in NAMES] if choices.below(2) else parts
        _spoil(choices.pick(telling or parts), choices, words)
    return root[0]


def _parts(root: list[Any]) -> list[tuple[Any, Any]]:
    """Return where each part of a tree is held, level by level; of a very large one, as many as matter."""
    found: list[tuple[Any, Any]] = []
    holders: list[Any] = [root]
    for holder in holders:
        for key, part in holder.items() if isinstance(holder, dict) else enumerate(holder):
            found.append((holder, key))
            if isinstance(part, dict | list):
                holders.append(part)
        if len(found) > PARTS_MAX:
            break
    return found


def _spoil(part: tuple[Any, Any], choices: Choices, words: Sequence[Any]) -> None:
    holder, key = part
    value = holder[key]
    match choices.below(7):
        case 0 | 1:
            holder[key] = choices.pick(words)
        case 2:
            holder[key] = junk(choices)
        case 3 if isinstance(holder, dict):
            del holder[key]
        case 4 if isinstance(value, dict):
            value[choices.pick(NAMES)] = junk(choices) if choices.below(2) else choices.pick(words)
        case 4 if isinstance(value, list):
            value.insert(
                choices.below(len(value) + 1), copied(value[0]) if value and choices.below(2) else junk(choices)
            )
        case 5:
            holder[key] = [value] if choices.below(2) else {choices.pick(NAMES): value}
        case _:
            holder[key] = _turned(value, choices)


def _turned(value: Any, choices: Choices) -> Any:
    """Return the same in another type."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 100:
        return choices.pick((int, float))(value)
    if isinstance(value, list):
        return {str(i): inner for i, inner in enumerate(value)} if choices.below(2) else value * 2
    if isinstance(value, dict):
        return list(value.items()) if choices.below(2) else list(value.values())
    return str(value)
