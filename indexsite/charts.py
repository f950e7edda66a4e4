"""Charts as SVG: columns of one or more parts, told apart by pattern and not by colour alone.

Everything is in attributes, for no style may stand in a page; colours come from the style sheets.
The table that stands below a chart says all that it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 76, 632, 28, 220  # where columns stand
FILLS = ("solid", "hatched", "dotted", "empty")
_MOST_CAPTIONS = 12
_MOST_TICKS = 7
_STEPS = (1, 2, 5)
_CAPTION = ' class="caption"'


@dataclass(frozen=True)
class Column:
    """What one column stands for.

    Attributes:
        label: stands below it.
        parts: from the bottom up, in the order of the legend.
        caption: stands above it.
        is_running: whether its period is not over, so that it is drawn with a broken line.
    """

    label: Any
    parts: Sequence[float]
    caption: str = ""
    is_running: bool = False


@dataclass(frozen=True)
class Box:
    """One part of a column, in the units of the drawing."""

    x: str
    y: str
    width: str
    height: str
    fill: str
    is_running: bool


@dataclass(frozen=True)
class Text:
    """A word in the drawing."""

    x: str
    y: str
    text: Any
    is_caption: bool = False


@dataclass(frozen=True)
class Chart:
    """A drawing, ready for `templates/numbers/chart.html`."""

    key: str
    title: Any
    legend: list[tuple[Any, str]]
    boxes: list[Box]
    lines: list[Text]
    words: list[Text]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    bottom: int = BOTTOM

    @property
    def drawing(self) -> SafeString:
        """Lines, columns and words as SVG: a template takes several times as long for so many.
        Only words come from elsewhere, and are escaped.
        """
        lines = [
            f'<line class="grid" x1="{self.left}" x2="{self.right}" y1="{line.y}" y2="{line.y}"/>'
            f'<text class="scale" x="{line.x}" y="{line.y}" dy="5" text-anchor="end">'
            f"{conditional_escape(line.text)}</text>\n"
            for line in self.lines
        ]
        boxes = [
            f'<rect class="part {box.fill}{" running" if box.is_running else ""}"'
            f' x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"'
            f' fill="url(#{self.key}-{box.fill})"/>\n'
            for box in self.boxes
        ]
        words = [
            f"<text{_CAPTION if word.is_caption else ''}"
            f' x="{word.x}" y="{word.y}" text-anchor="middle">'
            f"{conditional_escape(word.text)}</text>\n"
            for word in self.words
        ]
        return mark_safe("".join(lines + boxes + words))  # noqa: S308  (every text is escaped)


def draw(
    key: str,
    title: Any,
    legend: Sequence[Any],
    columns: Sequence[Column],
    *,
    unit: str = "",
    highest: float = 0,
) -> Chart:
    """Columns side by side, each part on the one before it.

    Args:
        key: another one for each chart of a page.
        legend: names of the parts, at most four.
        unit: stands after the numbers of the scale.
        highest: the end of the scale; found from the columns if 0.

    Raises:
        ValueError: if there are more parts than patterns.
    """
    if len(legend) > len(FILLS):
        raise ValueError(f"A chart has at most {len(FILLS)} parts.")
    top = highest or _end_of_scale(max((sum(one.parts) for one in columns), default=0))
    slot = (RIGHT - LEFT) / max(len(columns), 1)
    boxes: list[Box] = []
    words: list[Text] = []
    step = -(-len(columns) // _MOST_TICKS) if len(columns) > _MOST_CAPTIONS else 1
    for place, column in enumerate(columns):
        left = LEFT + place * slot
        boxes += _boxes(column, left + slot * 0.15, slot * 0.7, top)
        if (len(columns) - 1 - place) % step == 0:
            words.append(Text(_n(left + slot / 2), _n(BOTTOM + 20), column.label))
        if column.caption and len(columns) <= _MOST_CAPTIONS:
            above = _height(min(sum(column.parts), top), top)
            words.append(Text(_n(left + slot / 2), _n(BOTTOM - above - 6), column.caption, True))
    lines = [
        Text(_n(LEFT - 6), _n(BOTTOM - _height(value, top)), f"{value:g}{unit}")
        for value in (0, top / 2, top)
    ]
    named = [(name, FILLS[place]) for place, name in enumerate(legend)]
    return Chart(key, title, named, boxes, lines, words)


def _boxes(column: Column, x: float, width: float, top: float) -> list[Box]:
    boxes, y = [], float(BOTTOM)
    for place, part in enumerate(column.parts):
        if part > 0:
            height = _height(part, top)
            y -= height
            place_in = (_n(x), _n(y), _n(width), _n(height))
            boxes.append(Box(*place_in, FILLS[place], column.is_running))
    return boxes


def _height(value: float, top: float) -> float:
    return (BOTTOM - TOP) * value / top


def _end_of_scale(highest: float) -> float:
    """The next number above that is 1, 2 or 5 with noughts; even, so that its half is one, too."""
    power = 1
    while True:
        for step in _STEPS:
            if (end := step * power) >= highest and end > 1:
                return end
        power *= 10


def _n(value: float) -> str:
    """A number as SVG reads it, whatever the reader's language."""
    return f"{value:.1f}"
