"""Curves of losses: value, gradient and Hessian against the prediction, as arrays and pictures."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import numloss
from numloss.evaluation.errors import UsageError
from numloss.evaluation.extras import imported
from numloss.evaluation.specs import SECONDS, LossSpec, inputs_of, options_of, parse_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Options of the command; every other one belongs to the loss.
OPTIONS = (
    "--help", "--from", "--to", "--target", *(f"--{name}" for name in SECONDS), "--classes",
    "--option", "--output",
)  # fmt: skip
ENDINGS = (".svg", ".png", ".pdf")

# A kink lies on a point or near one: the default range has its target in the middle.
_POINTS = 601
# So many points and classes take 50 MB.
_MOST_CLASSES = 10_000
_PANELS = ("value", "gradient", "Hessian")
# How far the default range goes from its middle, and options in whose unit it is measured.
_REACH = {"prediction": 3.0, "score": 3.0, "logit": 6.0, "class": 6.0}
_SCALES = ("delta", "margin", "beta", "epsilon", "c")
# Without colours curves differ in their marks.
_COLOURS = ("blue", "orange", "green", "red", "magenta", "cyan")
_MARKS = ("braille", "x", "o", "+", "*", "#")
_ROWS, _LEAST_COLUMNS = 13, 40


@dataclass(frozen=True)
class Setting:
    """What the curves are drawn for; None stands for what suits the losses."""

    start: float | None = None
    stop: float | None = None
    target: float | None = None
    second: float = 1.0
    classes: int | None = None


@dataclass(frozen=True)
class Curves:
    """A loss and its derivatives by the prediction, number by number."""

    name: str
    #: What the prediction is, and what is held fixed.
    axis: str
    prediction: Array
    value: Array
    gradient: Array
    hessian: Array

    @property
    def panels(self) -> tuple[Array, Array, Array]:
        """The arrays to be drawn, in the order of the pictures."""
        return self.value, self.gradient, self.hessian


# ---------------------------------------------------------------------------------------- arguments


def gathered(arguments: Iterable[str]) -> list[str]:
    """Write ``--delta 0.5``, which is no option of the command, as ``--option=delta=0.5``."""
    found: list[str] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if not name.startswith("--") or word == "--" or name in OPTIONS:
            found.append(word)
            continue
        if not equals and words and not words[0].startswith("--"):
            value = words.pop(0)
        found.append(f"--option={name[2:].replace('-', '_')}={value}")
    return found


def parse_losses(texts: Sequence[str], options: Sequence[str]) -> list[LossSpec]:
    """Read losses, and the options that stand beside a lone one."""
    for option in options:
        name, _, value = option.partition("=")
        if not value:
            raise UsageError(f"--{name.replace('_', '-')}: an option of a loss needs a value")
        if len(texts) > 1:
            raise UsageError(
                f"--{name.replace('_', '-')}: which of the {len(texts)} losses is it for? Write "
                f"LOSS:{name}={value}"
            )
    specs: list[LossSpec] = []
    for text in texts:
        more = f"{',' if ':' in text else ':'}{','.join(options)}" if options else ""
        spec = parse_loss(text + more, "")
        if spec.name not in numloss.LOSSES:
            raise UsageError(f"{text}: a metric has no derivatives to draw")
        if spec.text in [other.text for other in specs]:
            raise UsageError(f"{text}: given twice")
        _refuse_arrays(spec)
        specs.append(spec)
    return specs


def _refuse_arrays(spec: LossSpec) -> None:
    """Refuse options that say nothing of one example."""
    if "axis" in spec.options:
        raise UsageError(f"{spec.text}: a curve has no axis of classes to choose")
    for name, value in spec.options.items():
        if not spec.loss.rowwise and isinstance(value, list):
            raise UsageError(
                f"{spec.text}: a curve has one {name}: write {spec.name}:{name}=A "
                f"{spec.name}:{name}=B"
            )


# ------------------------------------------------------------------------------------------- curves


def curves_of(specs: Sequence[LossSpec], setting: Setting) -> list[Curves]:
    """Compute the curves of losses over one range of the prediction.

    Parameters
    ----------
    specs : sequence of LossSpec
        Losses with their options.
    setting : Setting
        The range, and what is held fixed.

    Returns
    -------
    list of Curves
        The curves, in the order of the losses.

    Raises
    ------
    UsageError
        If a loss does not take what is held fixed, or losses have no prediction in common.
    """
    kinds = [_kind(spec) for spec in specs]
    if "probability" in kinds and set(kinds) != {"probability"}:
        other = next(spec for spec, kind in zip(specs, kinds, strict=True) if kind != "probability")
        taker = specs[kinds.index("probability")]
        raise UsageError(
            f"{taker.text} takes probabilities and {other.text} does not: draw them apart"
        )
    prediction = np.linspace(*_range(specs, setting), _POINTS)
    return [_curves(spec, setting, prediction) for spec in specs]


def _kind(spec: LossSpec) -> str:
    """Return what the loss calls its prediction."""
    if spec.loss.rowwise:
        return "class"
    if spec.loss.domain == "signs":
        return "score"
    if spec.loss.link != "sigmoid":
        return "prediction"
    return "logit" if spec.options.get("from_logits", True) else "probability"


def _range(specs: Sequence[LossSpec], setting: Setting) -> tuple[float, float]:
    ranges = [_usual_range(spec, setting) for spec in specs]
    start = min(start for start, _ in ranges) if setting.start is None else setting.start
    stop = max(stop for _, stop in ranges) if setting.stop is None else setting.stop
    above = max(spec.loss.prediction_above for spec in specs)
    if setting.start is None and start <= above:
        start = above + (stop - above) / _POINTS
    if not start < stop:
        raise UsageError(f"--from must be below --to, got {start:g} and {stop:g}")
    return start, stop


def _usual_range(spec: LossSpec, setting: Setting) -> tuple[float, float]:
    """Return a range that shows the kinks of a loss, but not how it goes to infinity."""
    kind = _kind(spec)
    if kind == "probability":
        return 0.05, 0.95
    if spec.options.get("log_input") is False:  # means, above 0
        return 0.05, 2 * _target(spec, setting) + _REACH[kind]
    standard = {name: option.default for name, option in options_of(spec.loss).items()}
    options = {**standard, **spec.options}
    scales = [options[name] for name in _SCALES if name in options]
    if inputs_of(spec.loss) and setting.second > 0:
        is_square = inputs_of(spec.loss) == ("variance",)
        scales.append((math.sqrt(setting.second) if is_square else setting.second) * 1.5)
    numbers = [scale for scale in scales if isinstance(scale, (int, float)) and 0 < scale < 1e100]
    reach = max([_REACH[kind], *(2 * number for number in numbers)])
    middle = _target(spec, setting) if kind == "prediction" else 0.0
    return middle - reach, middle + reach


def _target(spec: LossSpec, setting: Setting) -> float:
    if setting.target is not None:
        return setting.target
    # An error in relation to 0 shows nothing, and an amount may have to be above 0.
    if spec.loss.family == "relative" or spec.loss.link == "log":
        return 1.0
    return 0.0 if _kind(spec) in ("prediction", "class") else 1.0


def _curves(spec: LossSpec, setting: Setting, prediction: Array) -> Curves:
    if spec.loss.rowwise:
        return _curves_over_classes(spec, setting, prediction)
    target = _target(spec, setting)
    axis = f"{_kind(spec)}, target {target:g}"
    inputs: list[Any] = [prediction, target]
    for name in inputs_of(spec.loss):
        inputs.append(np.full_like(prediction, setting.second))
        axis += f", {name} {setting.second:g}"
    return Curves(spec.text, axis, prediction, *_computed(spec, inputs))


def _curves_over_classes(spec: LossSpec, setting: Setting, prediction: Array) -> Curves:
    """Compute a loss by the logit of the label; those of the other classes are 0."""
    if spec.loss.domain in ("ordered labels", "real"):
        return _curves_over_a_column(spec, setting, prediction)
    classes = setting.classes or _classes_of_options(spec)
    if classes > _MOST_CLASSES:
        raise UsageError(f"--classes must be at most {_MOST_CLASSES}, got {classes}")
    target = _target(spec, setting)
    label = int(target)
    if label != target or not 0 <= label < classes:
        raise UsageError(
            f"{spec.text}: --target must be a label from 0 to {classes - 1}, got {target:g}"
        )
    logits = np.zeros((len(prediction), classes))
    logits[:, label] = prediction
    labels: Array | NDArray[np.int64] = np.full(len(prediction), label)
    if "ignore_index" not in options_of(spec.loss):  # it takes probabilities alone
        labels = np.eye(classes, dtype=bool if spec.loss.domain == "booleans" else float)[labels]
    value, gradient, hessian = _computed(spec, [logits, labels])
    others = f"those of the other {classes - 1} classes are 0" if classes > 2 else "the other is 0"
    axis = f"logit of the label, {label}; {others}"
    return Curves(spec.text, axis, prediction, value, gradient[:, label], hessian[:, label])


def _curves_over_a_column(spec: LossSpec, setting: Setting, prediction: Array) -> Curves:
    """Compute a loss of thresholds or members by the only one of a row."""
    target = _target(spec, setting)
    of_labels = "labels" in spec.loss.domain
    if of_labels and target not in (0, 1):
        raise UsageError(f"{spec.text}: --target must be a label from 0 to 1, got {target:g}")
    inputs = [prediction[:, None], np.full(len(prediction), int(target) if of_labels else target)]
    value, gradient, hessian = _computed(spec, inputs)
    what = "the threshold of two classes, label" if of_labels else "the only number, target"
    return Curves(spec.text, f"{what} {target:g}", prediction, value, gradient[:, 0], hessian[:, 0])


def _classes_of_options(spec: LossSpec) -> int:
    """Return the number of classes that options such as class_weight are for."""
    lengths = [len(value) for value in spec.options.values() if isinstance(value, list)]
    return max([2, *lengths]) if lengths else 3


def _computed(spec: LossSpec, inputs: Sequence[Any]) -> tuple[Array, Array, Array]:
    """Return value, gradient and Hessian by the prediction, example by example."""
    asked = {**spec.options, "reduction": "none"}
    try:
        value = spec.loss(*inputs, **asked)
        gradient, hessian = spec.loss.grad_and_hess(*inputs, **asked)
    except (numloss.Error, numloss.InputTypeError) as error:
        said = {"target": " (--target)", "prediction": " (--from, --to)"}
        where = said.get(error.argument or "", "")
        raise UsageError(f"{spec.text}: {error.problem}{where}") from None
    if inputs_of(spec.loss):  # of the derivatives by both predictions, those by the first
        gradient, hessian = gradient[0], hessian[0]
    return value, gradient, hessian


# ----------------------------------------------------------------------------------------- pictures


def _labels(curves: Sequence[Curves]) -> tuple[list[str], str]:
    """Return what each curve is called, and what the axis is."""
    axes = list(dict.fromkeys(curve.axis for curve in curves))
    if len(axes) == 1:
        return [curve.name for curve in curves], axes[0]
    return [f"{curve.name} ({curve.axis})" for curve in curves], "prediction"


def check_ending(path: Path) -> None:
    """Refuse a name that does not say which kind of picture it is."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"--output {path}: a picture is written as {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        )


def picture(curves: Sequence[Curves], ending: str) -> bytes:
    """Draw with matplotlib; the same curves give the same bytes.

    Parameters
    ----------
    curves : sequence of Curves
        What to draw.
    ending : str
        One of `ENDINGS`.

    Returns
    -------
    bytes
        The file.
    """
    mpl = imported("matplotlib", "a picture in a file", "plot")
    figures: Any = import_module("matplotlib.figure")
    kind = ending.lower()[1:]
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    content = io.BytesIO()
    # Names of an SVG's elements would be drawn by chance without a salt.
    with mpl.rc_context({"svg.hashsalt": "numloss", "svg.fonttype": "none"}):
        figure = figures.Figure(figsize=(6.4, 7.2), layout="constrained")
        _draw(figure, curves)
        figure.savefig(content, format=kind, dpi=150, metadata=dates.get(kind))
    return content.getvalue()


def _draw(figure: Any, curves: Sequence[Curves]) -> None:
    names, axis = _labels(curves)
    panels = figure.subplots(3, 1, sharex=True)
    for place, (title, panel) in enumerate(zip(_PANELS, panels, strict=True)):
        for name, curve in zip(names, curves, strict=True):
            panel.plot(curve.prediction, curve.panels[place], label=name)
        panel.set_ylabel(title)
        panel.grid(visible=True, alpha=0.3)
    panels[-1].set_xlabel(axis)
    if len(curves) == 1:
        panels[0].set_title(names[0])
    else:
        panels[0].legend(fontsize="small")


def text(curves: Sequence[Curves], columns: int, colours: bool) -> str:
    """Draw with characters, in lines of so many columns, and at least 40."""
    plotext = imported("plotext", "a picture in the terminal", "plot")
    columns = max(columns, _LEAST_COLUMNS)
    names, axis = _labels(curves)
    marks = _MARKS if len(curves) > 1 and not colours else ("braille",)
    lines: list[str] = []
    if len(curves) == 1:
        lines.append(names[0])
    for place, title in enumerate(_PANELS):
        plotext.clear_figure()
        plotext.theme("clear")
        plotext.limit_size(False, False)
        plotext.plot_size(columns, _ROWS)
        plotext.title(title)
        for i, (name, curve) in enumerate(zip(names, curves, strict=True)):
            drawn = curve.panels[place]
            finite = np.isfinite(drawn)
            plotext.plot(
                curve.prediction[finite].tolist(),
                drawn[finite].tolist(),
                marker=marks[i % len(marks)],
                color=_COLOURS[i % len(_COLOURS)],
                label=name if len(curves) > 1 and place == 0 else None,
            )
        built = plotext.build()
        lines += (built if colours else plotext.uncolorize(built)).splitlines()
    lines.append(axis.center(columns))
    return "\n".join(line.rstrip() for line in lines) + "\n"
