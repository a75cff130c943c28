"""Parsers return their documented types and raise nothing, for any response."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import ccxt
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import bitget_margin.core
from bitget_margin.adapter import ccxt_errors
from bitget_margin.core.effects import Fault, Reply
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.verdicts import Verdict, hint_gone, verdict_of_fault
from support.fuzzing import NAMES, SCALARS, Choices, fuzzed, junk, nested, performed, share
from support.hostile import CODES, TEXTS, Hostile

PATHS: Final = (
    *("batch-cancel-order", "cancel-order", "batch-place-order", "open-orders", "history-orders", "account/assets"),
    *("v3/trade/cancel-batch", "v3/trade/unfilled-orders", "v3/trade/order-info", "v3/account/assets"),
)
ITEMS: Final = ({"orderId": "11"}, {"clientOid": "a"}, {"orderId": "12"})
UNREAL: Final = frozenset({"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "gaierror"})


def named(wanted: Callable[[str], bool], parameters: int) -> dict[str, Callable[..., Any]]:
    """Return the functions of the core with such names, so that new parsers are fuzzed too."""
    found: dict[str, Callable[..., Any]] = {}
    for module in pkgutil.iter_modules(bitget_margin.core.__path__, "bitget_margin.core."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if wanted(name) and inspect.isfunction(value) and len(inspect.signature(value).parameters) == parameters:
                found[f"{value.__module__}.{name}"] = value
    return dict(sorted(found.items()))


READERS: Final = named(lambda name: name.startswith("read_"), 1)
PARTS: Final = named(lambda name: name in {"decimal", "text", "milliseconds"}, 1)


def test_every_reader_of_the_core_is_among_them() -> None:
    assert {name.rsplit(".", 1)[-1] for name in READERS} >= {
        "read_page",
        "read_single",
        "read_assets",
        "read_frozen",
    }
    assert len(PARTS) == 3


@fuzzed("readers", size=40)
def test_of_an_answer_with_wrong_parts_each_reader_makes_what_it_can(choices: Choices) -> None:
    """Documented responses with some parts changed."""
    venue = Hostile(choices, ids=("11", "12"), client_ids=("a",))
    path = choices.pick(PATHS)
    asked: Any = ITEMS if path.endswith("cancel-batch") else {"symbol": "BTCUSDT", "orderIdList": ITEMS}
    read(venue.answer(path, asked))


JSON_VALUES: Final = st.recursive(
    st.sampled_from(SCALARS) | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=5),
    max_leaves=12,
)


@given(body=JSON_VALUES | st.fixed_dictionaries({"code": st.just("00000"), "data": JSON_VALUES}))
@settings(
    max_examples=share("junk"),
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
def test_of_anything_that_json_can_say_each_reader_makes_what_it_can(body: object) -> None:
    """Any JSON value with the names of documented fields."""
    performed["junk"] += 1
    read(body)


test_of_anything_that_json_can_say_each_reader_makes_what_it_can.share = "junk"


@pytest.mark.parametrize("depth", [100, 100_000])
def test_no_reader_goes_down_into_what_it_does_not_know(depth: int) -> None:
    """A response may be nested deeper than the recursion limit of Python."""
    body = nested(depth)
    for data in (body, {"orderList": [body]}, {"successList": [body]}, [body], {"orderId": body}):
        read({"code": "00000", "data": data})


@fuzzed("faults", size=40)
def test_whatever_was_raised_becomes_a_fault_or_an_answer(choices: Choices) -> None:
    """Circular chains of exceptions, arguments of any type, and bodies that are no JSON objects."""
    errors = [raised(choices) for _ in range(1 + choices.below(3))]
    for i, error in enumerate(errors):
        linked = choices.below(4)
        if linked == 1:
            error.__cause__ = choices.pick(errors)
        elif linked == 2:
            error.args = (*errors[i + 1 :], *error.args)
        elif linked == 3 and not isinstance(error, UnicodeError):
            vars(error)["reason"] = choices.pick(errors)
    venue = Hostile(choices, ids=("11",))
    body = venue.answer("cancel-order", {"orderId": "11"}) if choices.below(4) else junk(choices)
    status = choices.pick((200, 400, 403, 429, 500, 502, 999))
    if choices.below(3):
        ccxt_errors.attach_response(errors[0], status, body)
    reply = ccxt_errors.reply(errors[0])
    assert isinstance(reply, Reply | Fault)
    if isinstance(reply, Reply):
        assert reply.body is body
        assert reply.body["code"] == "00000"
        return
    assert isinstance(verdict_of_fault(reply), Verdict)
    assert isinstance(hint_gone(reply.code, reply.text), bool)
    if reply.status == 429:
        assert verdict_of_fault(reply) is Verdict.LIMITED
    elif reply.code is None or status >= 500:
        assert verdict_of_fault(reply) is (_verdict_without_code(reply) if reply.sent else Verdict.UNSENT)
    if not reply.sent:
        assert any(type(error).__name__ in UNREAL for error in errors)


def _verdict_without_code(fault: Fault) -> Verdict:
    """Return the verdict on a response without a code: a gateway that forbids has passed nothing on."""
    return Verdict.DEFINITIVE if fault.status == 403 else Verdict.AMBIGUOUS


def raised(choices: Choices) -> Exception:
    """Return an exception of a kind that libraries raise, or of another one."""
    words = (choices.pick(TEXTS), junk(choices), choices.pick(CODES))
    kinds: tuple[Callable[..., Exception], ...] = (
        *(ccxt.ExchangeError, ccxt.NetworkError, ccxt.RequestTimeout, OSError, ValueError, RecursionError, KeyError),
        type("NewConnectionError", (OSError,), {}),
        type("gaierror", (OSError,), {}),
    )
    if choices.once_in(10):
        return UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    return choices.pick(kinds)(*words[: choices.below(4)])


def read(body: object) -> None:
    """Parse this with every parser, and check the results."""
    for name, reader in READERS.items():
        found = reader(body)
        sound(found)
        if name.endswith("read_frozen"):
            finite(found)
    if isinstance(body, Mapping):
        for value in [*body.values(), *_inner(body.get("data"))]:
            for part in PARTS.values():
                sound(part(value))


def _inner(data: object) -> list[Any]:
    if isinstance(data, Mapping):
        return list(data.values())
    return data if isinstance(data, list) else []


def finite(found: Any) -> None:
    """Check that these are finite amounts of coins."""
    assert all(isinstance(amount, Decimal) and amount.is_finite() for amount in (found or {}).values())
    assert all(isinstance(coin, str) and coin for coin in found or {})


def sound(found: object) -> None:
    """Check the documented types of a result."""
    for row in getattr(found, "rows", ()):
        assert isinstance(row, OrderRow)
        assert isinstance(row.order_id, str)
        assert row.order_id
        assert isinstance(row.symbol, str)
        assert isinstance(row.state, RowState)
        assert isinstance(row.raw, Mapping)
        for number in (row.number, row.created_ms, row.updated_ms):
            assert number is None or isinstance(number, int)
    if hasattr(found, "rows"):
        assert len(found.rows) <= found.size
    for item in (*getattr(found, "successes", ()), *getattr(found, "failures", ())):
        assert isinstance(item.raw, Mapping)
        assert {type(item.order_id), type(item.client_id)} <= {str, type(None)}
        assert item.order_id or item.client_id
        assert {type(item.reason), type(item.code)} <= {str, type(None)}
    assert all(isinstance(raw, Mapping) for raw in getattr(found, "unreadable", ()))
