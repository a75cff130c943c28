"""Promise: what the documents list is what there is, and what they name exists."""

import configparser
import dataclasses
import json
import re
from enum import Enum
from pathlib import Path

import pytest

import bitget_margin
import bitget_margin.emulator
import bitget_margin.freqtrade
from bitget_margin.adapter.tested_versions import CCXT, FREQTRADE
from bitget_margin.emulator import FaultKind, Knobs
from bitget_margin.freqtrade.config import BotSettings
from support.documents import DOCS, PAGES, ROOT, anchors, code, links, rows


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, heading = link.partition("#")
        if "://" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (heading and heading not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_description_of_the_package_stands_alone() -> None:
    """An index shows it without the repository."""
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg", "utf-8")
    page = ROOT / metadata["metadata"]["long_description"].removeprefix("file: ")
    assert [link for link in links(page) if "://" not in link] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_exists(page: Path) -> None:
    existing = {name for path in (ROOT / "tests").rglob("*.py") for name in _tests(path)}
    named = {text for text in code(page) if re.fullmatch(r"test_\w+", text)}
    assert named <= existing


def _tests(path: Path) -> list[str]:
    return re.findall(r"def (test_\w+)", path.read_text("utf-8"))


def test_every_choice_of_tests_chooses_some() -> None:
    existing = [name for path in (ROOT / "tests").rglob("*.py") for name in _tests(path)]
    chosen = [word for page in PAGES for word in re.findall(r'-k "(\w+)"', page.read_text("utf-8"))]
    assert chosen
    for word in chosen:
        assert any(word in name for name in existing), word


def test_every_method_of_the_guide_is_in_the_reference() -> None:
    """Of each flavour: the coroutines are named apart."""
    guide = set(re.findall(r"`([a-z_]+)(?:\([^`]*\))?`", (DOCS / "ccxt.md").read_text("utf-8")))
    kinds = [kind for kind in bitget_margin.bitget.__mro__ if kind.__module__.startswith("bitget_margin")]
    own = {name for kind in kinds for name, value in vars(kind).items() if callable(value)}
    methods = {name for name in guide & own if not name.startswith("watch_")}
    assert len(methods) > 20
    for section in ("bitget_margin.bitget", "bitget_margin.async_support.bitget"):
        _, _, text = (DOCS / "api.md").read_text("utf-8").partition(f".. autoclass:: {section}\n")
        described, _, _ = text.partition(".. autoclass::")
        assert methods - set(re.findall(r"\w+", described)) == set()


def test_every_knob_has_its_row() -> None:
    knobs = [[f"`{knob.name}`", knob.metadata["help"]] for knob in dataclasses.fields(Knobs)]
    assert rows(DOCS / "emulator.md", "## Knobs") == knobs


def test_every_fault_has_its_row() -> None:
    faults = [[f"`{kind}`", "yes" if kind.executes else "no", kind.meaning] for kind in FaultKind]
    listed = [row for row in rows(DOCS / "emulator.md", "## Faults") if len(row) == 3]
    assert listed == faults


def test_every_setting_of_a_bot_has_its_row() -> None:
    shown = {
        row[0].strip("`"): row[1].strip("`") for row in rows(DOCS / "freqtrade.md", "### Settings") if len(row) == 3
    }
    defaults = dataclasses.asdict(BotSettings()).items()
    plain = {name: value.value if isinstance(value, Enum) else value for name, value in defaults}
    assert shown == {name: "none" if value is None else json.dumps(value) for name, value in plain.items()}


def test_every_public_name_is_in_the_reference() -> None:
    packages = (bitget_margin, bitget_margin.emulator, bitget_margin.freqtrade)
    named = {f"{package.__name__}.{name}" for package in packages for name in package.__all__ if name != "__version__"}
    page = (DOCS / "api.md").read_text("utf-8")
    assert {name for name in named if not re.search(rf"{re.escape(name)}\b", page)} == set()


def test_the_oldest_version_that_was_tested_is_the_floor_and_there_is_no_cap() -> None:
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg", "utf-8")
    ranges = [
        next(line for line in metadata[section][option].splitlines() if line.startswith(f"{name}>="))
        for name, section, option in (
            ("ccxt", "options", "install_requires"),
            ("freqtrade", "options.extras_require", "freqtrade"),
        )
    ]
    assert ranges == [f"ccxt>={CCXT.oldest},<5", f"freqtrade>={FREQTRADE.oldest}"]


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (
            "README.md",
            (
                f"Tested with ccxt {CCXT.oldest} and freqtrade {FREQTRADE.oldest}, and with ccxt {CCXT.newest} and "
                f"freqtrade {FREQTRADE.newest}."
            ),
        ),
        ("docs/freqtrade.md", f"Tested with freqtrade {FREQTRADE.oldest} and {FREQTRADE.newest};"),
        ("docs/ccxt.md", f"stock ccxt {CCXT.oldest} and {CCXT.newest}"),
        ("Dockerfile", f"ARG FREQTRADE={FREQTRADE.newest}"),
    ],
)
def test_the_documents_name_the_versions_that_were_tested(page: str, text: str) -> None:
    assert text in " ".join((ROOT / page).read_text("utf-8").split())


def test_every_module_of_the_architecture_exists_with_the_names_that_are_given() -> None:
    text = (DOCS / "architecture.md").read_text("utf-8")
    sources = [path for folder in ("plugin", "tests") for path in (ROOT / folder).rglob("*.py")]
    wrong = []
    for module, name in re.findall(r"`([\w/]+\.py)(?:: ([\w.]+))?`", text):
        defined = rf"^\s*(?:def |class )?{name.rpartition('.')[2]}\b"
        found = [path.read_text("utf-8") for path in sources if path.as_posix().endswith(f"/{module}")]
        if not any(re.search(defined, source, re.MULTILINE) for source in found):
            wrong.append((module, name))
    assert wrong == []
