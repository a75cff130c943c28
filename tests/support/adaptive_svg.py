"""SVG pictures that follow the reader's light or dark mode.

The colors are classes of a style sheet in the picture, with a media query. A browser answers it for a picture in a page
by the color scheme of that page, also where a button has chosen it, as in the theme of the documents.
"""

import re
from collections.abc import Iterable
from typing import Final

INK: Final = "ink"
GREY: Final = "grey"
TEAL: Final = "teal"
RED: Final = "red"
ORANGE: Final = "orange"
BLUE: Final = "blue"
_LIGHT: Final = {
    INK: "#1f2328",
    GREY: "#6b7280",
    TEAL: "#0f8a7e",
    RED: "#d23f3c",
    ORANGE: "#d97706",
    BLUE: "#1d6fd1",
}
_DARK: Final = {
    INK: "#e6e6e6",
    GREY: "#9ca3af",
    TEAL: "#2fbfae",
    RED: "#f0655f",
    ORANGE: "#f5a524",
    BLUE: "#58a6ff",
}

_GROUND: Final = "#292929"
"""The ground of rich's terminals."""
_GREY_SPREAD: Final = 10


def drawing(width: float, height: float, label: str, parts: Iterable[str]) -> str:
    """Return an SVG; its parts have the names above as classes."""
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="13" role="img" aria-label="{label}">'
    )
    light, dark = _rules(_LIGHT), _rules(_DARK)
    style = f"<style>\npath{{fill:none}}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n</style>"
    return "\n".join([opening, style, *parts, "</svg>\n"])


def text(content: str, x: float, y: float, color: str, *, bold: bool = False, anchor: str = "start") -> str:
    """Return a line of text."""
    weight = ' font-weight="bold"' if bold else ""
    content = content.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text class="{color}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{content}</text>'


def terminal(svg: str) -> str:
    """Return a picture of a terminal, as rich draws it on a dark ground, with a light ground for light pages."""
    styled = re.findall(r"^ *(\.[\w-]+) \{ fill: (#[0-9a-f]{6})", svg, re.MULTILINE)
    rules = [f"{name} {{ fill: {_lightened(color)} }}" for name, color in styled]
    rules += [f'rect[fill="{_GROUND}"] {{ fill: #ffffff; stroke: #d0d7de }}', f"text[fill] {{ fill: {_LIGHT[INK]} }}"]
    # What a browser would load from another host: a picture fetches nothing, and is shown in the reader's own font.
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    head, closing, rest = svg.partition("    </style>")
    return f"{head}    @media (prefers-color-scheme: light) {{\n" + "\n".join(rules) + f"\n    }}\n{closing}{rest}"


def _lightened(color: str) -> str:
    """Return the color for a light ground: a grey upside down, any other one darker."""
    parts = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
    if max(parts) - min(parts) < _GREY_SPREAD:
        parts = [(255 - part) // 2 for part in parts]
    else:
        parts = [part * 2 // 3 for part in parts]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _rules(colors: dict[str, str]) -> str:
    return "\n".join(
        f".{name}{{fill:{color}}} path.{name}{{fill:none;stroke:{color}}}" for name, color in colors.items()
    )
