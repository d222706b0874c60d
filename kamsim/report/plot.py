"""What figures share: large enough for a projector, safe for color-blind readers, the same bytes every time.

Drawing takes most of a second to load, so matplotlib waits until there is something to draw.
"""

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

DPI = 120
FONT = 16
LETTERS = 140  # in a line of notes
LARGE = 26  # read on a phone too, where the figure is as wide as the screen
# Okabe and Ito's palette, which color-blind readers tell apart; each verdict has a marker of its own as well.
BLUE, ORANGE, GRAY, INK = "#0072B2", "#D55E00", "#7F7F7F", "#222222"
# For parts of a whole, one after the other.
COLORS = (BLUE, ORANGE, "#E69F00", "#CC79A7", "#56B4E9", "#009E73", "#F0E442")
MARKS = {"better": (BLUE, "o", BLUE), "worse": (ORANGE, "s", ORANGE), "": (GRAY, "D", "white")}


def canvas(height: float, pad: float = 0.12) -> "Figure":
    """Make a figure 1,920 pixels wide, its height told where the width is 16, with room beside each panel."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return Figure(figsize=(16, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=pad, h_pad=0.12))


def png(figure: "Figure") -> bytes:
    """Content of a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    content = io.BytesIO()
    # Without the writer's version the same figures make the same bytes.
    figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    return content.getvalue()


def few_ticks(axis: "Axis", most: int = 10, integer: bool = False) -> None:
    """Number an axis sparsely, or at whole numbers alone."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=most, integer=integer))


def full_numbers(axis: "Axis", sign: str = "") -> None:
    """Number an axis of amounts in full, ``25,000`` and not ``2.5e+04``; with sign "+" those of gains too."""
    axis.set_major_formatter(lambda value, _: f"{value:{sign},.10g}" if value else "0")


def log_ticks(axis: "Axis") -> None:
    """Number an axis of factors."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(base=10, subs=(1, 1.5, 2, 3, 5, 7)))
    axis.set_minor_formatter(NullFormatter())


def dress(panel: "Axes") -> None:
    """Leave of the frame the axis below, and draw a grid of values."""
    panel.grid(axis="x", color="#DDDDDD", linewidth=1)
    panel.set_axisbelow(True)
    panel.spines[["top", "right", "left"]].set_visible(False)


def dress_small(panel: "Axes", title: str, most: int = 5) -> None:
    """Dress one of several panels that stand side by side."""
    panel.set_title(title, fontsize=FONT + 1, fontweight="bold")
    few_ticks(panel.xaxis, most)
    panel.tick_params(labelsize=FONT - 2, length=0, axis="y")
    panel.tick_params(labelsize=FONT - 3, axis="x")
    dress(panel)


def dress_large(panel: "Axes", labels: Sequence[str], values: Sequence[str], what: str, size: int = LARGE - 2) -> None:
    """Name each row of a panel, at whole numbers from 0 down, on the left, and say its value on the right."""
    panel.set_yticks(range(len(labels)), labels, fontsize=size)
    panel.set_ylim(len(labels) - 0.4, -0.6)
    right = panel.secondary_yaxis("right")
    right.set_yticks(range(len(values)), values, fontsize=LARGE)
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)
    if panel.get_xscale() == "linear":
        few_ticks(panel.xaxis, 5)
    panel.set_xlabel(what, fontsize=LARGE - 3)
    panel.tick_params(axis="x", labelsize=LARGE - 3)
    panel.tick_params(axis="y", length=0)
    dress(panel)


def key_of_verdicts(labels: Mapping[str, str]) -> list["Line2D"]:
    """Say in the legend of a figure what the marks of verdicts mean."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=color, marker=marker, markerfacecolor=face, markersize=11, markeredgewidth=2.5,
               linewidth=3, label=labels[kind])
        for kind, (color, marker, face) in MARKS.items()
    ]  # fmt: skip


def draw_difference(panel: "Axes", place: int, verdict: str, ends: Sequence[float], at: float) -> None:
    """Draw a difference with its interval; a line of NaN draws nothing, for a single world has no interval."""
    color, marker, face = MARKS.get(verdict, MARKS[""])
    panel.plot(ends, [place, place], color=color, linewidth=3, solid_capstyle="butt")
    panel.plot([at], [place], marker, color=color, markerfacecolor=face, markersize=11, markeredgewidth=2.5)


def patch(label: str, color: str, hatch: str = "", edge: str = "") -> "Patch":
    """Say in the legend of a figure what bars of a color mean."""
    from matplotlib.patches import Patch

    return Patch(facecolor=color, edgecolor=edge or color, hatch=hatch, label=label)


def room_for(notes: Sequence[str]) -> float:
    """Height of what `say_below` says of notes."""
    return 0.3 * len(_lines(notes))


def say_below(figure: "Figure", handles: Sequence["Line2D | Patch"], notes: Sequence[str], columns: int) -> None:
    """Say below the panels what marks mean, and the notes, for figures travel without what a terminal said."""
    figure.legend(
        handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=FONT,
        title="\n".join(_lines(notes)), title_fontsize=FONT - 2,
    )  # fmt: skip


def _lines(notes: Sequence[str]) -> list[str]:
    return [line for note in notes for line in textwrap.wrap(f"Note: {note}", LETTERS)]


def short_name(name: str, width: int) -> str:
    """Shorten a name in its middle, for names of a family often differ only at the end."""
    return name if len(name) <= width else f"{name[: width - 13]}…{name[-12:]}"
