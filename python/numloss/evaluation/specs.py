"""Losses as people name them: objects, pairs with options, or text such as ``huber:delta=2``."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np

import numloss
from numloss._links import compares
from numloss._loss import CALL_DEFAULTS, EXTRAS
from numloss._raise import Error, InputTypeError
from numloss.evaluation.errors import UsageError
from numloss.evaluation.names import closest
from numloss.evaluation.wording import either

LossLike: TypeAlias = "numloss.Loss[...] | str | tuple[numloss.Loss[...] | str, Mapping[str, Any]]"

# Keywords that the evaluation sets itself, or has no place for the results of.
_RESERVED = {"prediction", "target", *CALL_DEFAULTS, *EXTRAS}
# Options that say in which form a prediction is, beside scores in the last axis.
FORMS = ("axis", "from_logits", "log_input", "log_variance")
_WORDS = {
    "true": True, "false": False, "null": None, "none": None, "inf": float("inf"),
    "nan": float("nan"),
}  # fmt: skip

#: What people call losses elsewhere, and what to write here.
ELSEWHERE = {
    "bce": "binary_cross_entropy",
    "bce_with_logits": "binary_cross_entropy",
    "log_loss": "binary_cross_entropy for two classes, cross_entropy for more",
    "logloss": "binary_cross_entropy for two classes, cross_entropy for more",
    "soft_margin": "logistic, or binary_cross_entropy of targets 0 and 1",
    "multilabel_soft_margin": "binary_cross_entropy, of several targets a row",
    "perceptron": "hinge:margin=0",
    "asl": "asymmetric",
    "poly1": "poly_binary_cross_entropy for two classes",
    "ce": "cross_entropy",
    "crossentropy": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "acc": "accuracy, or binary_accuracy for two classes",
    "brier_score": "brier, or multiclass_brier for more than two classes",
    "top_k": "top_k_accuracy",
    "rps": "ranked_probability",
    "l1": "mae",
    "l2": "mse",
    "rmse": "mse, and take the root of its mean",
    "pinball": "quantile",
    "l2_loss": "half_mse",
    "half_squared_error": "half_mse",
    "smoothl1": "smooth_l1",
    "charbonnier": "pseudo_huber",
    "logcosh": "log_cosh",
    "welsch": "robust:alpha=-inf",
    "geman_mcclure": "robust:alpha=-2",
    "svr": "epsilon_insensitive",
    "rmsle": "msle, and take the root of its mean",
    "kld": "kl_divergence",
    "jsd": "js_divergence",
    "tvd": "total_variation",
    "kl_div": "kl_divergence of probabilities of classes, generalized_kl of amounts",
    "sparsemax_loss": "sparsemax",
    "bitempered": "bi_tempered",
    "entmax15_loss": "entmax15",
    "focal_loss": "focal, or softmax_focal for more than two classes",
}


@cache
def inputs_of(loss: numloss.Loss[...]) -> tuple[str, ...]:
    """Names of the arrays that a loss takes beside prediction and target."""
    predicts = isinstance(loss, numloss.Loss) and not compares(loss)
    return loss.heads[1:] if predicts else ()


@cache
def asides_of(loss: numloss.Loss[...]) -> tuple[str, ...]:
    """Names of the arrays that a loss takes beside the target, or does without."""
    parameters = inspect.signature(loss).parameters.values() if hasattr(loss, "heads") else ()
    return tuple(
        p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is None
    )


#: What losses of two predictions call the second one.
SECONDS = tuple(dict.fromkeys(x for loss in numloss.LOSSES.values() for x in inputs_of(loss)))


@cache
def options_of(loss: numloss.Loss[...]) -> dict[str, inspect.Parameter]:
    """Options that a command may set."""
    parameters = inspect.signature(loss).parameters
    # Probabilities of classes are taken for their logarithms here, which have them for a softmax.
    left_out = {"from_logits"} if loss.rowwise else set()
    return {
        name: value for name, value in parameters.items() if name not in {*_RESERVED, *left_out}
    }


@cache
def known() -> dict[str, Any]:
    """Return what an evaluation computes: losses and metrics, by name."""
    from numloss.evaluation.metrics import METRICS

    return {**numloss.LOSSES, **METRICS}


@dataclass(frozen=True)
class LossSpec:
    """A loss, or metric, with its options."""

    text: str
    name: str
    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse losses of examples that are neither numbers nor rows."""
        if self.loss.domain == "sequences":
            raise UsageError(
                f"loss must be one of single numbers or rows, got {self.name}, which takes "
                f"sequences of rows: call numloss.{self.name}"
            )

    @property
    def loss(self) -> Any:
        """The loss, or metric."""
        return known()[self.name]

    @property
    def ignores(self) -> bool:
        """Whether some rows may not count."""
        has = options_of(self.loss)
        return "ignore_index" in has or "class_weight" in has

    @property
    def weighs(self) -> bool:
        """Whether the loss gives rows weights by itself."""
        return self.options.get("class_weight") is not None

    @property
    def higher_is_better(self) -> bool:
        """Whether good predictions have high values, as for accuracy."""
        return bool(getattr(self.loss, "higher_is_better", False))

    @property
    def is_forecast(self) -> bool:
        """Whether the predictions that it takes are probabilities of classes, or their logits."""
        return self.is_binary or bool(self.loss.link == "softmax")

    @property
    def is_binary(self) -> bool:
        """Whether they are of two classes, one number each."""
        return bool(self.loss.link == "sigmoid") and not self.loss.rowwise

    @property
    def is_likelihood(self) -> bool:
        """Whether it is the negative log-likelihood of labels as they are."""
        plain = not self.options.get("label_smoothing", 0.0) and all(
            self.options.get(name) is None for name in ("class_weight", "pos_weight")
        )
        return self.loss.likelihood and plain and not self.options.get("z_loss", 0.0)

    def described(self) -> tuple[str, dict[str, Any]]:
        """Return what is written of it, as JSON can hold it."""
        return self.name, {key: _plain(value) for key, value in sorted(self.options.items())}


def _plain(value: Any) -> Any:
    """Return an option as JSON can hold it."""
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "__array__"):
        return np.asarray(value).tolist()
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def specs_of(losses: LossLike | Sequence[LossLike] | Mapping[str, LossLike]) -> dict[str, LossSpec]:
    """Read what `Evaluation` and `evaluate` are given as losses."""
    if isinstance(losses, Mapping):
        return {str(name): spec_of(loss) for name, loss in losses.items()}
    several = isinstance(losses, Sequence) and not _is_one(losses)
    listed: Any = losses if several else [losses]
    specs = {(spec := spec_of(loss)).text: spec for loss in listed}
    if len(specs) < len(listed):
        raise Error("losses must differ: name two of one kind in a mapping", "losses")
    return specs


def _is_one(losses: Any) -> bool:
    """Tell one loss from several."""
    return isinstance(losses, str) or (
        isinstance(losses, tuple) and len(losses) == 2 and isinstance(losses[1], Mapping)
    )


def spec_of(loss: LossLike) -> LossSpec:
    """Read one loss."""
    from numloss.evaluation.metrics import Metric

    try:
        if isinstance(loss, str):
            return parse_loss(loss)
        if isinstance(loss, (numloss.Loss, Metric)):
            _refuse_comparison(loss.__name__, "loss")
            return LossSpec(loss.__name__, loss.__name__, {})
        if not (isinstance(loss, tuple) and len(loss) == 2 and isinstance(loss[1], Mapping)):
            raise InputTypeError(
                "a loss must be a loss, its name, or a pair of it and its options, got "
                f"{type(loss).__name__}",
                "loss",
            )
        base, options = spec_of(loss[0]), {str(name): value for name, value in loss[1].items()}
        _check_options(base.name, f"loss {base.text}", options)
    except UsageError as error:
        raise Error(str(error), "loss") from None
    merged = {**base.options, **options}
    shown = ",".join(f"{key}={_plain(value)}" for key, value in merged.items())
    return LossSpec(f"{base.name}:{shown}" if shown else base.name, base.name, merged)


def loss_of(
    loss: numloss.Loss[...] | str,
    options: Mapping[str, Any],
    purpose: str,
    refused: tuple[str, ...] = FORMS,
) -> tuple[numloss.Loss[...], dict[str, Any]]:
    """Read one loss with options for a purpose that metrics, and some options, are not for."""
    spec = spec_of((loss, options))
    if not isinstance(spec.loss, numloss.Loss):
        raise InputTypeError(f"loss must be a loss, got the metric {spec.name}", "loss")
    if spec.loss.rowwise and spec.loss.link == "log":
        raise Error(
            f"loss must take scores, got {spec.name}, which takes log-probabilities", "loss"
        )
    if spec.loss.rowwise and spec.loss.domain in ("ordered labels", "real"):
        columns = "a number for each threshold" if "labels" in spec.loss.domain else "an ensemble"
        raise Error(
            f"loss must take a score for each class, got {spec.name}, which takes {columns}", "loss"
        )
    for name in refused:
        if name in spec.options:
            raise Error(
                f"{name} is not for {purpose}: it takes scores, of classes in the last axis", name
            )
    return spec.loss, dict(spec.options)


def parse_loss(text: str, said: str = either("loss ", "--loss ")) -> LossSpec:
    """Parse ``name`` or ``name:option=value,option=value``."""
    name, _, rest = text.partition(":")
    name = name.strip()
    if name not in known():
        hint = closest(name, known())
        if name.lower() in ELSEWHERE:
            hint = f" (here it is {ELSEWHERE[name.lower()]})"
        raise UsageError(f"no loss is named {name!r}{hint}; there are {', '.join(known())}")
    options = _parse_options(f"{said}{text}", rest)
    _check_options(name, f"{said}{text}", options)
    return LossSpec(text, name, options)


def _refuse_comparison(name: str, said: str) -> None:
    if compares(known()[name]):
        raise UsageError(
            f"{said}: {name} compares rows or scores, and is no loss of a prediction of numbers or "
            f"classes: call numloss.{name} itself"
        )


def _check_options(name: str, said: str, options: Mapping[str, Any]) -> None:
    _refuse_comparison(name, said)
    inputs = inputs_of(known()[name])
    has = {key: p for key, p in options_of(known()[name]).items() if key not in inputs}
    for option in options:
        if option in EXTRAS:
            raise UsageError(
                f"{said}: an evaluation has no place for what {option} asks for: call "
                f"numloss.{name}"
            )
        if option not in has:
            choices = f"it has {', '.join(has)}" if has else "it has none"
            hint = closest(option, has)
            raise UsageError(f"{said}: {name} has no option {option!r}{hint}; {choices}")
    if options.get("log_target"):
        raise UsageError(f"{said}: targets are probabilities here: log_target must be left out")
    check = getattr(known()[name], "check", None)
    if check is not None:
        try:
            check(options)
        except ValueError as error:
            raise UsageError(f"{said}: {error}") from None


def _parse_options(said: str, rest: str) -> dict[str, Any]:
    """Read the options with Python's grammar, in which bare words stand for strings."""
    try:
        call = ast.parse(f"loss({rest})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError("options must be written as option=value")
        options: dict[str, Any] = {}
        for keyword in call.keywords:
            if keyword.arg is None or keyword.arg in options:
                raise ValueError(f"{ast.unparse(keyword)!r} is no option, or a second one")
            options[keyword.arg] = _value(keyword.value)
        return options
    except (SyntaxError, ValueError, TypeError, RecursionError) as error:
        needed = "write name:option=value,option=value"
        reason = str(error) if type(error) is ValueError else "cannot be read"
        raise UsageError(f"{said}: {reason}; {needed}") from None


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return _WORDS.get(node.id.lower(), node.id)
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(element) for element in node.elts]
    if isinstance(node, ast.UnaryOp) and ast.unparse(node).lower() == "-inf":
        return -float("inf")
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(f"{ast.unparse(node)!r} is not a number, a word or a list") from None
