"""The pictures of docs/performance.md: SVG without a background, legible on light and on dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from bench.cells import MIDDLE, shape_name
from bench.contestants import OURS, OURS_OUT, PEERS
from bench.results import Row, Run, largest, losses_of, rows_of, times_as_long
from bench.tables import speedup

#: Greys and hues of middle lightness stand out from white and from near black.
INK, FAINT, BLUE = "#808890", "#80889055", "#2f81f7"
COLOURS = {
    "torch": "#e8590c", "jax": "#2b9a66", "numpy": "#a371f7",
    "sklearn": "#c99700", "optax": "#d6336c", "torch_compile": "#8b6f47",
}  # fmt: skip
MARKERS = {OURS_OUT: "|", "jax": "s", "numpy": "^", "sklearn": "D", "optax": "v", "torch": "o"}
STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "numloss",  # the same file from the same figures
    "font.family": "sans-serif",
    "font.size": 9,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), INK),
    "axes.spines.top": False,
    "axes.spines.right": False,
}
TITLES = {"value": "value", "value+grad": "value and gradient"}


def peers(run: Run, path: Path) -> None:
    """Draw every contestant's time as a multiple of numloss's: a row for each loss."""
    cells = [
        row
        for row in rows_of(run, dtype="float32", threads=1)
        if tuple(row["shape"]) in MIDDLE and row["mode"] in TITLES
    ]
    order = losses_of(cells)
    cells.sort(key=lambda row: order.index(row["loss"]))
    labels = list(dict.fromkeys(map(label, cells)))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9, 0.25 * len(labels) + 1.4), sharey=True)
        for ax, mode in zip(axes, TITLES, strict=True):
            rows = {label(row): row for row in cells if row["mode"] == mode}
            draw_multiples(ax, [rows.get(name) for name in labels])
            ax.set_title(TITLES[mode])
        axes[0].set_yticks(range(len(labels)), labels)
        axes[0].invert_yaxis()
        handles, names = axes[1].get_legend_handles_labels()
        figure.legend(handles, names, loc="lower center", ncols=len(names), frameon=False)
        figure.tight_layout(rect=(0, 0.05, 1, 1))
        save(figure, path)


def label(row: Row) -> str:
    """Name of a row of the picture."""
    return f"{row['loss']}  {shape_name(row['shape'])}"


def draw_multiples(ax: Axes, rows: Sequence[Row | None]) -> None:
    """Draw one mode: a mark for each contestant in each row."""
    ax.axvline(1, color=BLUE, linewidth=2, label=OURS)
    for name in (OURS_OUT, *PEERS):
        points = list(multiples(rows, name))
        if points:
            across, down = zip(*points, strict=True)
            marker, colour = MARKERS.get(name, "x"), COLOURS.get(name, BLUE)
            text = "numloss, out=" if name == OURS_OUT else name
            ax.scatter(across, down, s=22, color=colour, marker=marker, label=text)
    ax.set(xscale="log", xlabel="time, as a multiple of numloss's")
    ax.set_xlim(left=0.5)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:g}")
    ax.grid(color=FAINT, linewidth=0.5)
    ax.set_axisbelow(True)


def multiples(rows: Sequence[Row | None], name: str) -> Iterator[tuple[float, int]]:
    """Yield where a contestant's marks go: multiples of our call that makes a fresh array."""
    for place, row in enumerate(rows):
        times = times_as_long(row, name) if row else None
        if times is not None:
            yield times, place


def threads(run: Run, path: Path) -> None:
    """Draw how many times as fast the largest arrays of each loss are on more threads."""
    rows = list(largest(run["threads"]).values())
    counts = list(rows[0]["seconds"])
    colours = dict(zip(losses_of(rows), (BLUE, *COLOURS.values()) * 9, strict=False))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9, 4.6), sharey=True)
        for ax, mode in zip(axes, TITLES, strict=True):
            places = list(map(int, counts))
            ax.plot([1, places[-1]], [1, places[-1]], color=FAINT, linewidth=2)
            for row in (row for row in rows if row["mode"] == mode):
                times = [speedup(row, count) for count in counts]
                ax.plot(places, times, "o-", ms=4, color=colours[row["loss"]], label=label(row))
            ax.set(title=TITLES[mode], xticks=places, xlabel="threads")
            ax.grid(color=FAINT, linewidth=0.5)
        axes[0].set(yticks=places, ylabel="times as fast as on one thread")
        axes[0].legend(frameon=False, loc="upper left")
        figure.tight_layout()
        save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write SVG, the same bytes from the same figures."""
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(figure)
