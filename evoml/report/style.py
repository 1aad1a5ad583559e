"""How our pictures look: one palette, one type size ladder, and SVG that is the same bytes every time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from io import StringIO
from typing import TYPE_CHECKING, Any, ParamSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Arguments = ParamSpec("Arguments")

INK, MUTED, LINE, PAPER = "#1f2933", "#5f6b7a", "#d9dee5", "#ffffff"

# Okabe and Ito's palette: told apart by colour-blind readers, and never the only sign of what is meant.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
SERIES = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, INK, MUTED)

GROUPS = {  # group of steps -> (edge, fill, words of the legend)
    "input": (MUTED, "#ffffff", "input"),
    "preparation": ("#007a59", "#e3f4ee", "preparation"),
    "construction": ("#b87700", "#fdf1d9", "new columns"),
    "selection": ("#a8487d", "#f9e9f1", "column selection"),
    "structure": (MUTED, "#eef0f3", "wiring"),
    "model": (BLUE, "#e0eef7", "model"),
    "other": (INK, "#f7f7f7", "other step"),
}

RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": PAPER,
    "svg.fonttype": "none",  # text stays text: searchable, and small
    "svg.hashsalt": "evoml",
}


RASTER_DPI = 160  # of what is too much to describe


@contextmanager
def our_style() -> Iterator[None]:
    """Matplotlib with our settings and no one else's; the caller's are back afterwards."""
    import matplotlib.style

    with matplotlib.style.context(RC, after_reset=True):
        yield


def in_our_style(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Make a drawing function draw in our style."""

    @wraps(draw)
    def styled(*arguments: Arguments.args, **keywords: Arguments.kwargs) -> Figure:
        with our_style():
            return draw(*arguments, **keywords)

    return styled


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of ``width`` x ``height`` inches that belongs to no window and no global state."""
    from evoml.report.shown import ShownFigure

    return ShownFigure(figsize=(width, height))


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure and bare axes whose units are points, with y growing downwards: a sheet to draw diagrams on."""
    figure = new_figure(width / 72, height / 72)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return figure, axes


def note_figure(text: str) -> Figure:
    """Return a figure that says why there is nothing to show."""
    figure, axes = canvas(420, 60)
    axes.text(210, 30, text, ha="center", va="center", color=MUTED)
    return figure


ORIGIN = "Out-of-fold: rows that each fold's model was not fitted on. The model was selected on these folds."


def with_origin(figure: Figure) -> Figure:
    """Return a figure of an explanation with a line at its foot that says what its rows are."""
    figure.text(0.995, 5 / 72 / figure.get_figheight(), ORIGIN, ha="right", va="bottom", fontsize=7.5, color=MUTED)
    return figure


def on_powers_of_ten(axes: Axes, low: float, high: float) -> None:
    """Give the y axis a scale of powers of ten, its ticks plain numbers; (low, high) is what is drawn, both positive."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

    axes.set_yscale("log")
    narrow = high < 30.0 * low
    axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]) if narrow else LogLocator(numticks=8))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line of text in points. Call within our style."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    properties = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text, size=size, prop=properties).get_extents().x1)


def to_svg(figure: Figure, name: str) -> str:
    """Return a figure as an ``<svg>`` element to put into a page; equal figures give equal bytes.

    ``name`` makes the ids within it unique in the page.
    """
    out = StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with our_style():
        figure.savefig(out, format="svg", metadata=nothing, dpi=RASTER_DPI)
    svg = out.getvalue()
    svg = re.sub(r"<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    return re.sub(r"<[a-zA-Z][^>]*>", lambda tag: _with_unique_ids(tag.group(), name), svg)


def _with_unique_ids(tag: str, name: str) -> str:
    tag = re.sub(r'\bid="', f'id="{name}-', tag)
    tag = re.sub(r'href="#', f'href="#{name}-', tag)
    return tag.replace("url(#", f"url(#{name}-")
