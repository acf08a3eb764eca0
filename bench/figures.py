"""The pictures of docs/performance.md: SVG without a background, legible on light and on dark."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator, NullLocator

from bench import report, scaling
from bench.cells import shape_name
from bench.peers import ALL_NAMES, OURS, OURS_INTO_BUFFER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Greys and hues of middle lightness stand out from white and from near black.
INK, FAINT = "#808890", "#80889055"
COLOURS = {
    **dict.fromkeys((OURS, OURS_INTO_BUFFER), "#2f81f7"),
    "torch": "#e8590c", "jax": "#2b9a66", "numpy": "#a371f7",
    "sklearn": "#c99700", "optax": "#d6336c", "torch_compile": "#8b6f47",
}  # fmt: skip
LABELS = {OURS_INTO_BUFFER: "numloss, out="}
MARKERS = {
    OURS_INTO_BUFFER: "|",
    "jax": "s",
    "numpy": "^",
    "sklearn": "D",
    "optax": "v",
    "torch": "o",
}
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
#: The modes of pictures with two panels.
TITLES = {"value": "value", "value+grad": "value and gradient"}
#: What the first picture shows of each loss: the sizes people have.
SHOWN = {
    "mse": ("64", "1M", "20M"),
    "huber": ("64", "1M", "20M"),
    "binary_cross_entropy": ("64", "1M", "20M"),
    "focal": ("1M", "20M"),
    "cross_entropy": ("8x10", "100kx10", "20kx100", "1024x1000", "256x50257"),
    "kl_divergence": ("1024x1000",),
    "multiclass_hinge": ("1024x1000",),
}


def peers(cells: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw, for each cell, every contestant's time as a multiple of numloss's."""
    chosen = [cell for cell in cells if shown(cell)]
    labels = list(dict.fromkeys(label(cell) for cell in chosen))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9, 0.23 * len(labels) + 1.3), sharey=True)
        for ax, (mode, title) in zip(axes, TITLES.items(), strict=True):
            rows = {label(cell): cell for cell in chosen if cell["mode"] == mode}
            draw_multiples(ax, [rows.get(name) for name in labels])
            ax.set_title(title)
        axes[0].set_yticks(range(len(labels)), labels)
        axes[0].invert_yaxis()
        handles, names = axes[1].get_legend_handles_labels()
        unique = dict(zip(names, handles, strict=True))
        figure.legend(
            unique.values(), unique.keys(), loc="lower center", ncols=len(unique), frameon=False
        )
        figure.tight_layout(rect=(0, 0.05, 1, 1))
        save(figure, path)


def shown(cell: dict[str, Any]) -> bool:
    """Whether the first picture has a cell."""
    plain = cell["dtype"] == "float32" and cell["threads"] == 1
    return plain and shape_name(cell["shape"]) in SHOWN.get(cell["loss"], ())


def label(cell: dict[str, Any]) -> str:
    """Name of a row."""
    return f"{cell['loss']}  {shape_name(cell['shape'])}"


def draw_multiples(ax: Axes, cells: Sequence[dict[str, Any] | None]) -> None:
    """Draw one mode: a row for each cell, a mark for each peer."""
    ax.axvline(1, color=COLOURS[OURS], linewidth=2, label=OURS)
    for name in (OURS_INTO_BUFFER, *ALL_NAMES):
        points = list(multiples(cells, name))
        if points:
            across, down = zip(*points, strict=True)
            ax.scatter(
                across,
                down,
                s=22,
                color=COLOURS[name],
                marker=MARKERS.get(name, "x"),
                label=LABELS.get(name, name),
            )
    logarithmic(ax, "x", (1, 3))
    ax.set_xlim(left=0.5)
    ax.set_xlabel("time, as a multiple of numloss's")
    ax.grid(color=FAINT, linewidth=0.5)
    ax.set_axisbelow(True)


def multiples(cells: Sequence[dict[str, Any] | None], name: str) -> Iterator[tuple[float, int]]:
    """Yield where the marks of a contestant go: multiples of our call that makes a fresh array."""
    for row, cell in enumerate(cells):
        if cell and name in cell["times"]:
            yield cell["times"][name]["median"] / cell["times"][OURS]["median"], row


#: What the second picture shows, and in which colour.
ROOFLINE = {
    "mse": "#2f81f7", "huber": "#1b9aaa", "binary_cross_entropy": "#e8590c", "focal": "#d6336c",
    "cross_entropy": "#2b9a66", "multiclass_hinge": "#c99700",
}  # fmt: skip


def roofline(cells: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the rate of operations against operations a byte, under what bounds it."""
    chosen = [cell for cell in cells if on_roofline(cell)]
    with plt.rc_context(STYLE):
        figure, ax = plt.subplots(figsize=(9, 4.8))
        for loss, colour in ROOFLINE.items():
            for mode, face in (("value", "none"), ("value+grad", colour)):
                points = [
                    (intensity(cell), rate(cell, ours_seconds(cell)))
                    for cell in chosen
                    if (cell["loss"], cell["mode"]) == (loss, mode)
                ]
                named = loss if mode == "value+grad" else None
                across, down = zip(*points, strict=True) if points else ((), ())
                ax.scatter(across, down, s=30, facecolors=face, edgecolors=colour, label=named)
        draw_roofs(ax, chosen)
        logarithmic(ax, "x", (1, 2, 5))
        logarithmic(ax, "y", (1, 2, 5))
        ax.set_xlabel("operations (AVX2 lanes) per byte moved")
        ax.set_ylabel("10⁹ operations (AVX2 lanes) per second")
        ax.legend(frameon=False, loc="lower right", title="filled: with gradient")
        ax.grid(color=FAINT, linewidth=0.5)
        figure.tight_layout()
        save(figure, path)


def on_roofline(cell: dict[str, Any]) -> bool:
    """Whether the second picture has a cell: those that calls as such do not bound."""
    plain = cell["dtype"] == "float32" and cell["threads"] == 1 and cell["loss"] in ROOFLINE
    return plain and "arithmetic" in cell["limits"]


def logarithmic(ax: Axes, which: str, digits: Sequence[int]) -> None:
    """Scale an axis by logarithms, with ticks at these digits alone, written in full."""
    ax.set(**{f"{which}scale": "log"})
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(LogLocator(subs=digits))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def intensity(cell: dict[str, Any]) -> float:
    """Operations per byte."""
    return float(cell["operations"] / cell["bytes"])


def rate(cell: dict[str, Any], seconds: float) -> float:
    """10^9 operations per second, if a cell takes that long."""
    return float(1e-9 * cell["operations"] / seconds)


def ours_seconds(cell: dict[str, Any]) -> float:
    """Our time; that of a gradient is with `out=`."""
    times = cell["times"]
    return float(times.get(OURS_INTO_BUFFER, times[OURS])["median"])


def draw_roofs(ax: Axes, cells: Sequence[dict[str, Any]]) -> None:
    """Draw the best rate of arithmetic, and the best bandwidths of smaller and larger arrays."""
    lowest, highest = (choose(map(intensity, cells)) for choose in (min, max))
    peak = max(rate(cell, cell["limits"]["arithmetic"]) for cell in cells)
    ax.plot([lowest, 2 * highest], [peak, peak], color=INK, linewidth=1)
    ax.annotate("arithmetic", (lowest, 1.06 * peak), color=INK)
    for name in (report.CACHE, report.MEMORY):
        within = [cell for cell in cells if report.size_class(cell) == name]
        if within:
            bytes_ = max(cell["bytes"] / cell["limits"]["memory"] for cell in within)
            start, end = 0.5 * lowest, min(2 * highest, 1e9 * peak / bytes_)
            ax.plot([start, end], [1e-9 * bytes_ * x for x in (start, end)], color=INK, linewidth=1)
            ax.annotate(
                name,
                (start, 1e-9 * bytes_ * start),
                xytext=(6, 0),
                textcoords="offset points",
                va="top",
                color=INK,
            )


def threads(measured: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw how many times as fast the largest arrays of each loss are on more threads."""
    counts = list(map(int, measured[0]["times"]))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9, 4.6), sharey=True)
        for ax, (mode, title) in zip(axes, TITLES.items(), strict=True):
            ax.plot([1, max(counts)], [1, max(counts)], color=FAINT, linewidth=2)
            for cell in largest(measured):
                if cell["mode"] == mode:
                    times_as_fast = [1.0, *scaling.speedups(cell).values()]
                    colour = ROOFLINE.get(cell["loss"], INK)
                    ax.plot(counts, times_as_fast, "o-", ms=4, color=colour, label=label(cell))
            ax.set_title(title)
            ax.set_xticks(counts)
            ax.set_xlabel("threads")
            ax.grid(color=FAINT, linewidth=0.5)
        axes[0].set_yticks(counts)
        axes[0].set_ylabel("times as fast as on one thread")
        axes[0].legend(frameon=False, loc="upper left")
        figure.tight_layout()
        save(figure, path)


def largest(measured: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cells of the largest shape of each loss."""
    by_size = sorted(measured, key=lambda cell: math.prod(cell["shape"]))
    shapes = {cell["loss"]: cell["shape"] for cell in by_size}
    return [cell for cell in measured if cell["shape"] == shapes[cell["loss"]]]


def save(figure: Figure, path: Path) -> None:
    """Write SVG, the same bytes from the same figures."""
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(figure)
