"""Promise: each message of the page for troubles is one that the code can show, word for word between its ellipses."""

import ast
import importlib.util
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bitget_margin.freqtrade.config import NAME
from support.documents import DOCS

MESSAGE = re.compile(r"(?:<!-- of (\w+) -->\n)?```text\n(.*?)\n```", re.DOTALL)
OURS, FREQTRADE, PYTHON = "bitget_margin", "freqtrade", "Python"
MESSAGES = [
    (found[1] or OURS, found[2]) for found in MESSAGE.finditer((DOCS / "troubleshooting.md").read_text("utf-8"))
]
LEAST = 4
"""Characters of a part that is looked for: a shorter one is everywhere."""
ENDS = ' ,.:;()[]"'
"""What stands between a part and what is put in beside it, which may come from another line of the code."""


OF_FREQTRADE = ("freqtrade.exchange", "freqtrade.configuration", "freqtrade.resolvers")
FOLDERS = {OURS: ("bitget_margin",), FREQTRADE: OF_FREQTRADE}


@cache
def texts(source: str) -> str:
    """Return the texts of a package, with an ellipsis for what is put in, and any blanks as one."""
    if source == PYTHON:
        return " ".join(f"{error_of_an_abstract_class()} {error_of_bases_in_the_wrong_order()}".split())
    specs = [importlib.util.find_spec(name) for name in FOLDERS[source]]
    folders = [Path(spec.origin).parent for spec in specs if spec is not None and spec.origin is not None]
    assert len(folders) == len(specs)
    trees = [ast.parse(path.read_text("utf-8")) for folder in folders for path in folder.rglob("*.py")]
    constants = dict(found for tree in trees for found in constants_of(tree))
    return "\n".join(" ".join(text.split()) for tree in trees for text in texts_of(tree, constants))


def constants_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the names of a module that stand for a text."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield target.id, value.value


def texts_of(tree: ast.Module, constants: dict[str, str]) -> Iterator[str]:
    """Yield the texts of a module; an f-string is one, and its parts are others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part_of(part, constants) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"%(\.\d)?[sdf]", "…", node.value)


def part_of(part: ast.expr, constants: dict[str, str]) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    constant = constants.get(part.value.id) if isinstance(part.value, ast.Name) else None
    if constant is None:
        return "…"
    return repr(constant) if part.conversion == ord("r") else constant


def error_of_an_abstract_class() -> TypeError:
    class Lacking(ABC):
        @abstractmethod
        def populate_indicators(self) -> None: ...

    with pytest.raises(TypeError) as caught:
        Lacking()
    return caught.value


def error_of_bases_in_the_wrong_order() -> TypeError:
    class Mixin:
        pass

    with pytest.raises(TypeError) as caught:
        type("Wrong", (object, Mixin), {})
    return caught.value


@pytest.mark.parametrize(("package", "message"), MESSAGES, ids=[message[:50] for _, message in MESSAGES])
def test_a_message_is_one_of_the_code(package: str, message: str) -> None:
    # Others do not know the exchange: they put its name in.
    shown = message if package == OURS else message.replace(NAME, "…")
    parts = [part.strip(ENDS) for part in shown.split("…")]
    parts = [part for part in parts if len(part) >= LEAST]
    assert parts
    assert [part for part in parts if part not in texts(package)] == []


def test_there_are_messages_of_all() -> None:
    assert {package for package, _ in MESSAGES} == {OURS, FREQTRADE, PYTHON}
    assert len(MESSAGES) > 40
