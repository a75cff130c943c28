"""The documents as a reader meets them: their examples, commands, links and headings."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (
    *(ROOT / name for name in ("README.md", "DESCRIPTION.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    ROOT / "user_data" / "README.md",
    *sorted(DOCS.rglob("*.md")),
)
NOT_RUN = re.compile(r"<!-- not run: .+ -->")
"""Above an example that cannot run here, with the reason."""
_BETWEEN_COMMANDS = re.compile(r"[;&|]+")
_REDIRECTION = re.compile(r"[<>]")


@dataclass(frozen=True, slots=True)
class Example:
    """A fenced block; `line` is that of its first line of code, from 1."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a shell example, in words."""

    example: Example
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.example}: {' '.join(self.words)}"


def examples(language: str) -> list[Example]:
    """Return the examples in a language, but for those that say that they cannot run."""
    return [example for page in PAGES for example in _examples(page) if example.language == language]


def commands() -> list[Command]:
    """Return every command of the shell examples."""
    return [Command(example, words) for example in examples("sh") for words in _commands(example.text)]


def links(page: Path) -> list[str]:
    """Return where the links and pictures of a page lead."""
    return [
        str(child.attrs.get("href") or child.attrs.get("src"))
        for token in _tokens(page)
        for child in token.children or ()
        if child.type in {"link_open", "image"}
    ]


def code(page: Path) -> list[str]:
    """Return what a page has as code inside of sentences and tables."""
    return [child.content for token in _tokens(page) for child in token.children or () if child.type == "code_inline"]


def anchors(page: Path) -> set[str]:
    """Return the anchors that code hosts, and Sphinx, give to the headings of a page."""
    tokens = _tokens(page)
    titles = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    found: Counter[str] = Counter()
    names = set()
    for title in titles:
        name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        names.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return names


def rows(page: Path, heading: str) -> list[list[str]]:
    """Return the cells of the rows of the tables under a heading, in Markdown, without the tables' own headings."""
    _, found, part = page.read_text("utf-8").partition(f"\n{heading}\n")
    assert found, f"{page} has no {heading}"
    part = re.split(r"^#+ ", part, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [*part.splitlines(), ""]
    table = [line for line, below in pairwise(lines) if line.startswith("| `") and not below.startswith("|--")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


def _examples(page: Path) -> Iterator[Example]:
    before = None
    for token in _tokens(page):
        excused = before is not None and before.type == "html_block" and NOT_RUN.match(before.content)
        if token.type == "fence" and token.map and not excused:
            yield Example(page, token.map[0] + 2, token.info.strip(), token.content)
        before = token


@cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))


def _commands(text: str) -> Iterator[tuple[str, ...]]:
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=";&|<>")
        words.whitespace_split = True
        command: list[str] = []
        before = ""
        for word in (*words, ";"):
            if _BETWEEN_COMMANDS.fullmatch(word):
                if command:
                    yield tuple(command)
                command = []
            elif not _REDIRECTION.match(word) and not _REDIRECTION.match(before):
                command.append(word)
            before = word
