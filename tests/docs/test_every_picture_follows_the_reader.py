"""Promise: each picture of the documents follows the reader's light or dark mode, fetches nothing, and is shown."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from support.adaptive_svg import INK, drawing, terminal, text
from support.documents import DOCS, PAGES, links

PICTURES = sorted((DOCS / "pictures").glob("*.svg"))
TERMINAL = """<svg>
    <style>
    .r1 { fill: #c5c8c6 }
    .r2 { fill: #98a84b;font-weight: bold }
    </style>
    <rect fill="#292929"/>
</svg>"""


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_light_and_dark_and_fetches_nothing(picture: Path) -> None:
    svg = picture.read_text("utf-8")
    ET.fromstring(svg)  # noqa: S314 - our own
    assert "@media (prefers-color-scheme: " in svg
    assert re.findall(r"@import|@font-face|url\((?!#)|href=|src=", svg.replace("clip-path", "")) == []


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_shown(picture: Path) -> None:
    assert any((page.parent / link).resolve() == picture for page in PAGES for link in links(page) if "://" not in link)


def test_a_terminal_gets_a_light_ground_with_dark_letters() -> None:
    _, _, light = terminal(TERMINAL).partition("@media (prefers-color-scheme: light) {")
    rules = dict(re.findall(r"(\S+) \{ fill: (#\w{6})", light.partition("</style>")[0]))
    assert rules['rect[fill="#292929"]'] == "#ffffff"
    assert {".r1", ".r2"} <= set(rules)
    assert all(sum(bytes.fromhex(rules[name][1:])) < 3 * 128 for name in (".r1", ".r2"))


def test_a_drawing_has_each_color_in_both_modes() -> None:
    svg = drawing(10, 10, "a drawing", [text("a < b & c", 1, 1, INK)])
    assert "".join(ET.fromstring(svg).itertext()).strip().endswith("a < b & c")  # noqa: S314 - our own
    light, _, dark = svg.partition("@media (prefers-color-scheme: dark)")
    assert re.findall(r"(\.\w+)\{fill:#", light) == re.findall(r"(\.\w+)\{fill:#", dark) != []
