"""Promise: a part of another package that has moved is named, and one that has not is no reason to stop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.adapter.declared_parts import PartCheck, PartMoved, declared_members, refuse_import
from bitget_margin.adapter.tested_versions import CCXT, FREQTRADE

DECLARED = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    class Thing:
        '''A class.'''
        made: int
        def act(self, first, second=None): ...
        def spread(self, first, *rest): ...
        def named(self, *, key=None): ...
        @property
        def shown(self): ...
    class _Own:
        def left_out(self): ...
class Other:
    def left_out_too(self): ...
"""
OWN = __name__.partition(".")[0]
"""Package of the functions below."""


class Whole:
    annotated: int

    def __init__(self) -> None:
        self.made = 1

    def act(self, first: Any, second: Any = None, third: Any = None) -> None: ...
    def spread(self, first: Any, other: Any) -> None: ...
    def named(self, before: Any = None, key: Any = None) -> None: ...
    @property
    def shown(self) -> int:
        return 1


@pytest.fixture
def members(tmp_path: Path) -> Any:
    path = tmp_path / "declared.py"
    path.write_text(DECLARED)
    found = declared_members(str(path))
    assert set(found) == {"Thing"}
    return found["Thing"]


def moved(members: Any, actual: type, **more: Any) -> list[str]:
    check = PartCheck(OWN)
    check.compare_members("Thing", actual, members, **more)
    assert check.checked == 5
    return check.moved


def test_a_class_that_has_everything_passes(members: Any) -> None:
    assert moved(members, Whole) == []


def changed(**changes: Any) -> type:
    return type("Changed", (Whole,), changes)


@pytest.mark.parametrize(
    ("method", "text"),
    [
        (lambda self, first: None, "Thing.act takes (first), and no longer (first, second)"),
        (lambda self, second, first: None, "Thing.act takes (second, first), and no longer (first, second)"),
        (lambda self, first, new, second=None: None, "Thing.act takes (first, new, second), and no longer"),
        (lambda self, first, second, new: None, "Thing.act takes (first, second, new), and no longer"),
    ],
)
def test_other_parameters_are_named(members: Any, method: Callable[..., None], text: str) -> None:
    (found,) = moved(members, changed(act=method))
    assert found.startswith(text)


@pytest.mark.parametrize(
    "method",
    [lambda self, *args, **kwargs: None, lambda self, first, second=None, *, new=1: None],
)
def test_further_parameters_that_nobody_has_to_give_are_no_change(members: Any, method: Callable[..., None]) -> None:
    assert moved(members, changed(act=method)) == []


def test_by_name_the_order_does_not_matter(members: Any) -> None:
    swapped = changed(act=lambda self, second=None, first=None: None)
    assert moved(members, swapped, by_name=True) == []
    assert moved(members, swapped) != []
    assert moved(members, changed(act=lambda self, first: None), by_name=True) != []
    assert moved(members, changed(act=lambda self, first: None), by_name=True, decorated={"act": "second"}) == []


def test_a_missing_member_is_named(members: Any) -> None:
    class Broken:
        def act(self, first: Any, second: Any = None) -> None: ...
        def named(self, *, key: Any = None) -> None: ...

    # `made` is used by no method.
    assert moved(members, Broken) == ["Thing.made is missing", "Thing.spread is missing", "Thing.shown is missing"]
    check = PartCheck(OWN)
    check.compare_members("Thing", Broken, members, besides=("made", "spread", "shown"))
    assert (check.checked, check.moved) == (2, [])


def sends(self: Any) -> None:
    self.first()
    self.second("a text")


def test_calls_are_compared_with_their_order_where_it_matters() -> None:
    def check(*names: str, **more: Any) -> list[str]:
        found = PartCheck(OWN)
        found.compare_calls("Thing.sends", sends, names, **more)
        return found.moved

    assert check("second", "first", "a text") == []
    assert check("first", "second", in_order=True) == []
    assert check("second", "first", in_order=True) == ["Thing.sends no longer uses second, first in this order"]
    assert check("third") == ["Thing.sends no longer uses third"]
    missing = PartCheck(OWN)
    missing.compare_calls("Thing.sends", None, ())
    assert missing.moved == ["Thing.sends is missing"]
    compiled = PartCheck(OWN)
    compiled.compare_calls("Thing.sends", len, ("first",))
    assert compiled.moved == []


def test_what_another_package_has_put_in_its_place_is_not_compared(members: Any) -> None:
    """A tool for traces takes any parameters, and calls the original one."""

    def traced(*args: Any) -> None: ...

    traced.__module__ = "tracing.tool"
    assert moved(members, changed(act=traced, __init__=traced)) == []
    check = PartCheck(OWN)
    check.compare_calls("Thing.act", traced, ("first",))
    assert check.moved == []


def test_what_has_moved_is_an_import_error_with_the_version_and_the_command() -> None:
    PartCheck(OWN, 1, []).refuse_moved(CCXT, "4.5.91")
    with pytest.raises(ImportError) as refused:
        PartCheck(OWN, 2, ["a.b is missing", "a.c is missing"]).refuse_moved(CCXT, "4.5.91")
    text = str(refused.value)
    assert "ccxt 4.5.91" in text
    assert "a.b is missing; a.c is missing" in text
    assert text.endswith(f"pip install 'ccxt=={CCXT.newest}'")


def test_an_import_that_fails_is_of_freqtrade_or_of_another_package() -> None:
    with pytest.raises(PartMoved, match=rf"cannot import name 'x'.*pip install 'freqtrade=={FREQTRADE.newest}'"):
        refuse_import(ImportError("cannot import name 'x'", name="freqtrade.exchange"))
    refuse_import(ModuleNotFoundError("No module named 'talib'", name="talib"))


def test_a_source_that_is_not_there_declares_nothing(tmp_path: Path) -> None:
    assert declared_members(str(tmp_path / "none.py")) == {}
