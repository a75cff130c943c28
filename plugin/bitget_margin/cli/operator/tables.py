"""Tables for a console of any width: no number and no id is ever cut.

A cut number is a false one: `270` of `2700`. So a table is shown only where it fits as a whole. Else the next, narrower
layout is tried, and where none fits, the values follow each other as words.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from rich import box
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_WIDE: Final = 10_000
"""Width in which no value of a table wraps."""
_SENTENCES: Final = frozenset({"reason", "outcomes"})
"""Fields that wrap between words in the narrowest layout; all others stay whole."""
_SENTENCE_MIN_WIDTH: Final = 18

Row = Mapping[str, Text]
"""Values of one row by the name of their field."""
Layout = Sequence[str]
"""Columns of a table: a name that begins with > is right-aligned, and one of several lines has a field in each."""


def fitted_table(
    to: Console, title: str, layouts: Sequence[Layout], rows: Sequence[Row], styles: Sequence[str | None] = ()
) -> RenderableType:
    """Return the first layout that shows every value whole at this width, or the values as words.

    :param layouts: the widest first
    :param styles: of each row, if there are any
    """
    *wider, narrowest = layouts
    options = to.options.update(width=_WIDE)
    for layout in wider:
        table = _table(title, layout, rows, styles)
        if Measurement.get(to, options, table).maximum <= to.width:
            return table
    table = _table(title, narrowest, rows, styles)
    if Measurement.get(to, options, table).minimum <= to.width:
        return table
    return _as_words(title, [name for column in narrowest for name in _fields(column)], rows)


def _table(title: str, layout: Layout, rows: Sequence[Row], styles: Sequence[str | None]) -> Table:
    table = Table(title=Text(title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in layout:
        fields = _fields(column)
        justify: JustifyMethod = "right" if column.startswith(">") else "left"
        wraps = not _SENTENCES.isdisjoint(fields)
        texts = [Text(name) for name in fields]
        texts += [row[name] for row in rows for name in fields if name not in _SENTENCES]
        width = max(text.cell_len for text in texts)
        min_width = max(width, _SENTENCE_MIN_WIDTH) if wraps else width
        table.add_column("\n".join(fields), justify=justify, overflow="fold", no_wrap=not wraps, min_width=min_width)
    for i, row in enumerate(rows):
        cells = [Text("\n").join(_lines(row, _fields(column))) for column in layout]
        table.add_row(*cells, style=styles[i] if styles else None)
    return table


def _fields(column: str) -> list[str]:
    return column.lstrip(">").split("\n")


def _lines(row: Row, fields: Sequence[str]) -> list[Text]:
    """Return the lines of a cell; an empty sentence takes none."""
    return [row[name] for name in fields if row[name].plain or name not in _SENTENCES]


def _as_words(title: str, fields: Sequence[str], rows: Sequence[Row]) -> RenderableType:
    lines = [Text(title, "bold")]
    for row in rows:
        words = [Text.assemble(f"{name} ", row[name]) for name in fields if row[name].plain]
        lines.append(Text(", ").join(words))
    return Group(*lines)
