"""Comparison of the used parts of other packages with those that are installed.

The parts are those that a module declares for type checkers, in classes below `if TYPE_CHECKING`: they are read from
its source, so that there is one list of them. Nothing of the other package is run.
"""

import ast
import importlib
import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Final, TypeAlias

from bitget_margin.adapter.tested_versions import FREQTRADE, TestedPackage
from bitget_margin.version import __version__

Member: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.AnnAssign
_OWN: Final = ("self", "_self", "cls")
_Kind: Final = inspect.Parameter


class PartMoved(ImportError):
    """Installed version of another package that lacks what this package uses of it, or has it in another form."""


@dataclass(slots=True)
class PartCheck:
    """Number of parts that were compared, and what has moved.

    A function that another package has put in place of the original one, as tools for traces do, is not compared.
    """

    package: str
    """Package whose parts are compared."""
    checked: int = 0
    moved: list[str] = field(default_factory=list)

    def compare_members(
        self,
        shown: str,
        actual: type,
        members: Sequence[Member],
        *,
        besides: Collection[str] = (),
        decorated: Mapping[str, str] | None = None,
        by_name: bool = False,
    ) -> None:
        """Compare the declared members of a class with an installed class.

        :param shown: name of the installed class, for people
        :param besides: names of members that are not compared
        :param decorated: names of parameters that a decorator takes, by method
        :param by_name: whether methods are called by the names of their parameters, whose order does not matter then
        """
        for member in members:
            name = _name_of(member)
            if name in besides:
                continue
            self.checked += 1
            is_attribute = isinstance(member, ast.AnnAssign)
            if not hasattr(actual, name) and not (is_attribute and name in _names_of_instances(actual)):
                self.moved.append(f"{shown}.{name} is missing")
            elif not isinstance(member, ast.AnnAssign):
                wanted, found = _declared(member), self._original(getattr(actual, name, None))
                taken = frozenset({(decorated or {}).get(name)})
                if found is not None and not _accepts(wanted, found, taken, by_name=by_name):
                    self.moved.append(f"{shown}.{name} takes {_parameters_of(found)}, and no longer {wanted.text}")

    def compare_calls(self, shown: str, function: object, names: Sequence[str], *, in_order: bool = False) -> None:
        """Check that the code of a function uses these names and texts, and first in this order if that matters."""
        self.checked += 1
        original = self._original(function)
        if original is None:
            if not callable(function):
                self.moved.append(f"{shown} is missing")
            return
        used = _of_code(original.__code__)
        missing = [name for name in names if name not in used]
        if missing:
            self.moved.append(f"{shown} no longer uses {', '.join(missing)}")
        elif in_order and sorted(names, key=used.index) != list(names):
            self.moved.append(f"{shown} no longer uses {', '.join(names)} in this order")

    def _original(self, found: object) -> FunctionType | None:
        """Return a function of the package; None of a property, and of what has no code or is of another package."""
        function = _function(found)
        is_own = function is not None and str(function.__module__).partition(".")[0] == self.package
        return function if is_own else None

    def refuse_moved(self, package: TestedPackage, version: str) -> None:
        """Raise if something has moved.

        :raises PartMoved: names what, in which version of which package, and the command that helps
        """
        if self.moved:
            raise PartMoved(moved_text(package, version, self.moved), name=package.name)


def moved_text(package: TestedPackage, version: str, moved: Sequence[str]) -> str:
    """Return what has moved in a package, and the command that helps."""
    named = "; ".join(dict.fromkeys(moved))
    return (
        f"bitget-margin {__version__} does not work with {package.name} {version}, in which a part that it uses has "
        f"moved: {named}. Install the newest version that was tested: {package.install_command}"
    )


def refuse_import(error: ImportError) -> None:
    """Raise an error that names what has moved, unless it is another package than freqtrade that is missing.

    :raises PartMoved: freqtrade does not have what was imported from it
    """
    if (error.name or "").partition(".")[0] == FREQTRADE.name:
        raise PartMoved(moved_text(FREQTRADE, freqtrade_version(), [str(error)]), name=error.name) from error


def freqtrade_version() -> str:
    """Return the version of the installed freqtrade."""
    return str(getattr(importlib.import_module(FREQTRADE.name), "__version__", "unknown"))


@cache
def declared_members(source: str) -> Mapping[str, tuple[Member, ...]]:
    """Return the members of each public class below `if TYPE_CHECKING` of a source file; none without the file."""
    try:
        tree = ast.parse(Path(source).read_text("utf-8"))
    except OSError:
        return {}
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    classes = [node for block in blocks for node in block.body if isinstance(node, ast.ClassDef)]
    return {
        owner.name: tuple(member for member in owner.body if isinstance(member, Member))
        for owner in classes
        if not owner.name.startswith("_")
    }


@dataclass(frozen=True, slots=True)
class _Parameters:
    """Declared parameters of a method, without `self`."""

    positional: tuple[str, ...]
    named: frozenset[str]
    is_open: bool
    """Whether further ones are left open."""

    @property
    def text(self) -> str:
        return f"({', '.join((*self.positional, *sorted(self.named)))})"


def _name_of(member: Member) -> str:
    if isinstance(member, ast.AnnAssign):
        return member.target.id if isinstance(member.target, ast.Name) else ""
    return member.name


def _declared(member: ast.FunctionDef | ast.AsyncFunctionDef) -> _Parameters:
    given = member.args
    positional = tuple(argument.arg for argument in given.args if argument.arg not in _OWN)
    named = frozenset(argument.arg for argument in given.kwonlyargs)
    return _Parameters(positional, named, given.vararg is not None or given.kwarg is not None)


def _function(found: object) -> FunctionType | None:
    """Return the function below decorators; None of a property, and of what is set on instances alone."""
    function = inspect.unwrap(found) if callable(found) else None
    return function if isinstance(function, FunctionType) else None


def _accepts(wanted: _Parameters, found: FunctionType, taken: frozenset[str | None], *, by_name: bool) -> bool:
    """Whether a method can be called, and overridden, with the declared parameters."""
    parameters = [each for each in inspect.signature(found).parameters.values() if each.name not in _OWN]
    if any(each.kind is _Kind.VAR_KEYWORD for each in parameters):
        return True
    if any(each.kind is _Kind.VAR_POSITIONAL for each in parameters):
        return wanted.named <= {each.name for each in parameters}
    names = [each.name for each in parameters]
    known = {*wanted.positional, *wanted.named}
    if not known - taken <= set(names):
        return False
    if not by_name and tuple(names[: len(wanted.positional)]) != wanted.positional:
        return False
    required = {each.name for each in parameters if each.default is _Kind.empty}
    return wanted.is_open or required <= known


def _parameters_of(found: FunctionType) -> str:
    return f"({', '.join(name for name in inspect.signature(found).parameters if name not in _OWN)})"


def _names_of_instances(actual: type) -> frozenset[str]:
    """Return the names that a class annotates, and those that its methods use: attributes of its instances."""
    found: set[str] = set()
    for base in actual.__mro__:
        found.update(vars(base).get("__annotations__", ()))
        for value in vars(base).values():
            function = _function(value)
            found.update(() if function is None else function.__code__.co_names)
    return frozenset(found)


def _of_code(code: CodeType) -> list[str]:
    """Return the names and texts that code uses, in the order of their first use."""
    texts = [constant for constant in code.co_consts if isinstance(constant, str)]
    inner = [name for constant in code.co_consts if isinstance(constant, CodeType) for name in _of_code(constant)]
    return [*code.co_names, *texts, *inner]
