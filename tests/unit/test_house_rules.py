"""Check the naming and layout rules of `plugin/`, by reading its syntax trees.

The glossary in `docs/architecture.md` has the words that are used instead of the refused ones.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "plugin" / "bitget_margin"
SUPPORT = ROOT / "tests" / "support"

REFUSED_WORDS = frozenset(
    """
    desk knock keeper tend ledger told said say says tell tells whose who trouble troubles absurd stranger strangers
    spared hidden story stories shout shouted news
    """.split()  # noqa: SIM905 - a table of words
)
"""Words that no identifier contains, in the package and in the tests' support modules.

They are metaphors and verbs of speech, for which the field has a plain term.
"""

ALLOWED_NAMES = frozenset({"fetch_ledger", "parse_ledger_entry", "parse_ledger_type"})
"""Identifiers that contain a refused word because ccxt has defined them."""

OPENERS = ("What", "How", "When", "Who", "Whose", "Where", "Whatever", "Whoever", "Wherever")
"""Words with which no docstring begins: its first words name the thing or the action instead."""

FIRST_SENTENCE_MAX = 100
"""Longest first sentence of a module's docstring."""

LINES_MAX = 350
"""Longest module without an entry in `LONG_MODULES`."""

LONG_MODULES = {
    "core/error_codes.py": "one table of the error codes with their sources",
    "sync.py": "one class with every method of the API, and its documentation",
    "async_support.py": "one class with every method of the API, as coroutines",
    "emulator/behaviour/knobs.py": "one class with every knob, and the documentation of each",
    "freqtrade/compat.py": "one typed view of every part of freqtrade that is used",
    "freqtrade/exchange.py": "one class with every overridden method of freqtrade's exchange",
}
"""Modules above `LINES_MAX`, with the reason why they are not split."""

SHARED_CLASS_NAMES = {
    "bitget": "ccxt looks an exchange class up by its id, in each of the three flavours",
    "AccountKind": "the emulator exports it and must not import the core, nor the core the emulator",
}
"""Class names that are defined more than once, with the reason."""

SHARED_MODULE_NAMES = {
    "__init__": "packages",
    "__main__": "entry points of `python -m`",
    "account": "the same endpoints in both API versions",
    "cancel": "the same operation in several layers and API versions",
    "change": "the same operation in two layers: ccxt's methods over the flow of any change",
    "config": "the settings of one package each",
    "emulator": "the emulator and the command that starts it",
    "endpoints": "the endpoints of the client and of each emulated API version",
    "errors": "the error types of one package each",
    "exchange": "the exchange class of ccxt's interface and that of freqtrade's",
    "listing": "the same endpoints in both API versions",
    "loans": "the same concept in several layers and API versions",
    "market_data": "the same endpoints in both API versions",
    "orders": "order structures of the adapter, orders of the emulator, and the command `orders`",
    "params": "checked parameters of a call and of an emulated request",
    "place": "the same operation in several layers and API versions",
    "rows": "the same order records, read by the adapter and written by each emulated API version",
}
"""Module names that are used in more than one package, with the reason."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module of the package."""

    path: Path
    tree: ast.Module
    lines: int

    @property
    def name(self) -> str:
        """Path below its folder, as it stands in the tables above."""
        return self.path.relative_to(SUPPORT if SUPPORT in self.path.parents else PACKAGE).as_posix()


@cache
def modules(folder: Path = PACKAGE) -> tuple[Module, ...]:
    """Parse every module of a folder."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text("utf-8")
        found.append(Module(path, ast.parse(text), len(text.splitlines())))
    return tuple(found)


def _stored(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the names that one node defines."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield node.lineno, name
        case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            yield node.lineno, name
        case ast.alias(asname=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield node.lineno, name
        case ast.ExceptHandler(name=str(name)):
            yield node.lineno, name


def _words(identifier: str) -> set[str]:
    """Split a snake or camel case identifier into lower case words."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)}


def _first_sentence(docstring: str) -> str:
    paragraph = " ".join(docstring.split("\n\n", 1)[0].split())
    return re.split(r"(?<=[.:!?])\s", paragraph, maxsplit=1)[0]


def refused_words() -> list[str]:
    """List the identifiers that contain a refused word."""
    found = []
    for module in (*modules(), *modules(SUPPORT)):
        names = [(1, module.path.stem), *(name for node in ast.walk(module.tree) for name in _stored(node))]
        found += [
            f"{module.name}:{line}: {name}"
            for line, name in sorted(set(names))
            if name not in ALLOWED_NAMES and _words(name) & REFUSED_WORDS
        ]
    return found


def docstring_openers() -> list[str]:
    """List the docstrings that begin with a question word, and the first sentences of modules that are too long."""
    found = []
    for module in modules():
        for node in ast.walk(module.tree):
            if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            docstring = ast.get_docstring(node)
            if docstring is None:
                continue
            line = getattr(node, "lineno", 1)
            if re.match(rf"(?:{'|'.join(OPENERS)})\b", docstring):
                found.append(f"{module.name}:{line}: {docstring.splitlines()[0]}")
            if isinstance(node, ast.Module) and len(_first_sentence(docstring)) > FIRST_SENTENCE_MAX:
                found.append(f"{module.name}:1: first sentence over {FIRST_SENTENCE_MAX}: {_first_sentence(docstring)}")
    return found


def repeated_classes() -> list[str]:
    """List the class names that are defined in more than one place."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and node.name not in SHARED_CLASS_NAMES:
                places[node.name].append(f"{module.name}:{node.lineno}")
    return [f"{name}: {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1]


def repeated_modules() -> list[str]:
    """List the module names that are used in more than one package without a reason."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module in modules():
        if module.path.stem not in SHARED_MODULE_NAMES:
            places[module.path.stem].append(module.name)
    return [f"{name}: {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1]


def long_modules() -> list[str]:
    """List the modules that are too long without a reason."""
    return [
        f"{module.name}: {module.lines} lines"
        for module in modules()
        if module.lines > LINES_MAX and module.name not in LONG_MODULES
    ]


def relative_imports() -> list[str]:
    """List the relative imports."""
    return [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def ambiguous_clocks() -> list[str]:
    """List the functions called `now_ms`, whose name does not name a clock."""
    return [
        f"{module.name}:{node.lineno}: {node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.strip("_") == "now_ms"
    ]


RULES = (
    refused_words,
    docstring_openers,
    repeated_classes,
    repeated_modules,
    long_modules,
    relative_imports,
    ambiguous_clocks,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rules_of_the_house(rule: Callable[[], list[str]]) -> None:
    assert rule() == []
