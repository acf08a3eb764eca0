"""The bits that every build has to give: hashes of all results, kept in golden.json.

``python tests/golden.py write`` takes the bits of this build for golden ones: a release that
changes them says so in its changelog. ``python tests/golden.py record FILE`` writes the calls
themselves and their results, for tests/native/replay.cpp, which repeats them where there is no
Python.

Inputs are drawn from Philox's integers, which never change, by arithmetic that is exact, so that
the bits depend on neither NumPy's version nor the CPU. The bits of a NaN are not part of the
promise.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from cases import (
    COMPARING,
    MEANS,
    RATES,
    RESIDUALS,
    TABLED,
    TWO_HEADED_VARIANTS,
    VARIANTS,
    WAYS,
    Array,
    Domain,
    Inputs,
    PerExample,
    Shape,
    Variant,
    in_type,
)
from recording import call, recording

import numloss
from numloss import _core
from numloss._loss import EXTRAS as RETURNS

FILE = Path(__file__).with_name("golden.json")
DTYPES = [np.dtype(name) for name in ("float32", "float64", "float16", ml_dtypes.bfloat16)]

#: Less than a vector, tails, more than a tile, more than a block.
SIZES: list[Shape] = [(1,), (17,), (1025,), (33_001,)]
#: Panels of rows and their remainder, tiles of classes, folded rows, more rows than a block holds.
GRIDS: list[Shape] = [(3, 2), (130, 10), (66, 100), (5, 257), (3, 1030), (2, 5000), (5000, 7)]
#: Of rows that are compared: of a number, of less than a vector, of more lanes than one, long ones.
COMPARED: list[Shape] = [(1, 1), (17, 5), (130, 33), (3, 1030)]
#: The distances of ordered classes are a table, quadratic in their number.
MOST_ORDERED = 300


class Draw:
    """Random numbers as numpy.random.Generator draws them, roughly: the same ones for ever.

    All are multiples of a power of two, so that sums of them are exact in any order.
    """

    def __init__(self, seed: int) -> None:
        self._bits = np.random.Philox(key=seed)

    def _unit(self, size: Shape, digits: int) -> Array:
        raw = self._bits.random_raw(int(np.prod(size, dtype=int)))
        return (raw >> np.uint64(64 - digits)).astype(float).reshape(size) * 2.0**-digits

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Shape = ()) -> Array:
        return low + (high - low) * self._unit(size, 32)

    def normal(self, scale: float = 1.0, size: Shape = ()) -> Array:
        total = sum(self._unit(size, 32) for _ in range(12))  # of mean 6 and variance 1
        return scale * (total - 6.0)

    def exponential(self, size: Shape = ()) -> Array:
        return 4.0 * self._unit(size, 8) * self._unit(size, 8)

    def integers(self, high: int) -> int:
        return int(self._bits.random_raw() % high)

    def permutation(self, x: Array) -> Array:
        return x[np.argsort(self._bits.random_raw(x.size), kind="stable")]


def shapes(variant: Variant, dtype: np.dtype[Any]) -> list[Shape]:
    """Return the shapes to hash: few where only loading and storing differ from float32."""
    every = GRIDS if variant.rowwise else SIZES
    if variant.name in TABLED:
        every = [shape for shape in every if shape[-1] <= MOST_ORDERED]
    return every if dtype.itemsize > 2 else [s for s in every if np.prod(s) < 2000]


def extremes(variant: Variant, dtype: np.dtype[Any]) -> Array:
    """Return the ends of the type, as predictions."""
    info = ml_dtypes.finfo(dtype)
    ends = [info.max, info.tiny, info.smallest_subnormal, info.eps, np.inf]
    ends = [float(x) for x in ends]
    return np.array([0.0, np.nan, *ends, *(-x for x in ends)], dtype)


@cache
def drawn(domain: Domain, seed: int, shape: Shape) -> Inputs:
    """Draw a prediction and a target: once for all losses of a domain and all types."""
    return domain.draw(Draw(seed), shape)


def inputs(variant: Variant, dtype: np.dtype[Any]) -> Iterator[Inputs]:
    """Draw predictions and targets of every shape; then the hard points, and the type's ends."""
    for seed, shape in enumerate(shapes(variant, dtype)):
        prediction, target = drawn(variant.domain, seed, shape)
        yield prediction.astype(dtype), in_type(target, dtype)
    prediction, target = variant.domain.points
    with np.errstate(over="ignore"):
        prediction, target = prediction.astype(dtype), in_type(target, dtype)
    # Means must be above 0, and some are not in 16 bits.
    kept = prediction > 0 if variant.domain in (RATES, MEANS) else slice(None)
    yield prediction[kept], target[kept]
    if variant.domain.inside is not np.isfinite:
        return
    ends = extremes(variant, dtype)
    shape = (2 * ends.size, 5) if variant.rowwise else (2 * ends.size,)
    prediction, target = variant.domain.draw(Draw(99), shape)
    prediction = prediction.astype(dtype)
    prediction.reshape(len(prediction), -1)[: ends.size, 0] = ends
    if variant.domain is RESIDUALS:
        target[-ends.size :] = ends
    yield prediction, in_type(target, dtype)


def canonical(result: Any) -> bytes:
    """Return the bytes of a result, every NaN the same."""
    x = np.array(result)
    if x.dtype != np.int64:
        x[np.isnan(x)] = np.nan
    return x.tobytes()


def hash_of(variant: Variant, dtype: np.dtype[Any], call: Callable[..., list[Any]] = call) -> str:
    """Return a hash of all that a loss gives for a type; ``call`` calls it."""
    digest = sha256()
    for prediction, target in inputs(variant, dtype):
        options = variant.options(prediction.shape[-1] if variant.rowwise else 1)
        weights: list[dict[str, Any]] = [{}]
        if prediction.size < 20_000:
            weights.append({"weight": np.arange(1, 1 + len(prediction)) % 8 / 4})
        for weight, (method, way) in product(weights, WAYS):
            for result in call(
                variant.loss, method, prediction, target, **way, **weight, **options
            ):
                digest.update(canonical(result))
    return digest.hexdigest()[:24]


def heads(dtype: np.dtype[Any]) -> Iterator[tuple[Array, Array, Array]]:
    """Draw means, targets and variances of every shape; then the hard points."""
    for seed, shape in enumerate(s for s in SIZES if dtype.itemsize > 2 or np.prod(s) < 2000):
        draw = Draw(seed)
        variance = draw.exponential(size=shape) + 2.0**-6
        drawn = draw.normal(size=shape), draw.normal(size=shape), variance
        yield tuple(x.astype(dtype) for x in drawn)  # type: ignore[misc]
    prediction, target = RESIDUALS.points
    info = ml_dtypes.finfo(dtype)
    ends = [float(info.tiny), 2.0**-6, 1.0, float(info.max), np.inf, np.nan]
    variance = np.resize(ends, prediction.shape)
    with np.errstate(over="ignore"):
        yield prediction.astype(dtype), target.astype(dtype), variance.astype(dtype)


def hash_of_heads(
    name: str, options: Any, dtype: np.dtype[Any], call: Callable[..., list[Any]] = call
) -> str:
    """Return a hash of all that a loss of two heads gives for a type; ``call`` calls it."""
    digest = sha256()
    loss = getattr(numloss, name)
    for p, t, v in heads(dtype):
        for weight in ({}, {"weight": np.arange(1, 1 + len(p)) % 8 / 4}):
            asked = options | weight
            value, *gradients = call(loss, "value_and_grad", p, t, v, **asked)
            each = call(loss, "__call__", p, t, v, reduction="none", **asked)
            derivatives = call(loss, "grad_and_hess", p, t, v, reduction="sum", **asked)
            for result in (value, *each, *gradients, *derivatives):
                digest.update(canonical(result))
    return digest.hexdigest()[:24]


def hash_of_comparison(
    name: str, options: Any, dtype: np.dtype[Any], call: Callable[..., list[Any]] = call
) -> str:
    """Return a hash of all that a loss which compares rows gives for a type."""
    digest = sha256()
    loss = getattr(numloss, name)
    for seed, shape in enumerate(COMPARED):
        inputs = [x.astype(dtype) for x in COMPARING[name].draw(Draw(seed), shape)]
        weight = np.arange(1, 1 + shape[0]) % 8 / 4
        weight = weight if loss.rowwise else weight[:, None]
        for given, (method, way) in product(({}, {"weight": weight}), WAYS):
            for result in call(loss, method, *inputs, **way, **given, **options):
                digest.update(canonical(result))
    return digest.hexdigest()[:24]


def hash_of_extras(
    variant: Variant, dtype: np.dtype[Any], call: Callable[..., list[Any]] = call
) -> str:
    """Return a hash of the log-sum-exp and the predicted classes that a loss gives beside."""
    digest = sha256()
    for prediction, target in inputs(variant, dtype):
        options = variant.options(prediction.shape[-1]) | asked(variant)
        for method, way in (WAYS[0], WAYS[3], WAYS[-1]):
            found = call(variant.loss, method, prediction, target, **way, **options)
            for extra in found[-len(asked(variant)) :]:
                digest.update(canonical(extra))
    return digest.hexdigest()[:24]


def asked(variant: Variant) -> dict[str, bool]:
    """Return the options that ask for all that a loss over classes can give beside."""
    parameters = _core.losses()[variant.name][1]
    return {name: True for name in RETURNS if name in parameters}


#: A variant for each kernel: parameters change nothing of the scores.
EXTRAS = {f"{v} and extras": v for v in VARIANTS if asked(v) and not v.parameters}


def names_of_heads() -> dict[str, tuple[str, Any]]:
    """Return the losses of two heads with their options, by the name of their hash."""
    named = {}
    for variant in TWO_HEADED_VARIANTS:
        options = {k: x for k, x in variant.parameters.items() if not isinstance(x, PerExample)}
        key = "-".join([variant.name, *(f"{k}={x}" for k, x in options.items())])
        named[key] = variant.name, options
    return named


def names_of_comparisons() -> dict[str, tuple[str, Any]]:
    """Return the losses that compare rows with their options, by the name of their hash."""
    return {
        "-".join([name, *(f"{k}={x}" for k, x in options.items())]): (name, options)
        for name, case in COMPARING.items()
        for options in case.parameters
    }


def hashes(
    call: Callable[..., list[Any]] = call, share: tuple[int, int] = (0, 1)
) -> dict[str, dict[str, str]]:
    """Return the hash of every variant and type, or of a share (k, n): the k-th of every n."""
    named: dict[str, Callable[[np.dtype[Any]], str]] = {
        str(v): partial(hash_of, v, call=call) for v in VARIANTS
    }
    for key, (name, options) in names_of_heads().items():
        named[key] = partial(hash_of_heads, name, options, call=call)
    for key, (name, options) in names_of_comparisons().items():
        named[key] = partial(hash_of_comparison, name, options, call=call)
    for key, variant in EXTRAS.items():
        named[key] = partial(hash_of_extras, variant, call=call)
    index, of = share
    chosen = list(named.items())[index::of]
    return {key: {str(t): made(t) for t in DTYPES} for key, made in chosen}


def record(path: Path, share: tuple[int, int] = (0, 1)) -> None:
    """Write every call of the hashes, or of a share of them, and what it gave."""
    with recording(path) as call:
        found = hashes(call, share)
    golden = read()
    differ = [key for key, value in found.items() if value != golden.get(key)]
    assert not differ, f"the bits of this build are not the golden ones: {differ}"


def read() -> dict[str, dict[str, str]]:
    """Return the golden hashes."""
    golden: dict[str, dict[str, str]] = json.loads(FILE.read_text())
    return golden


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write"]:
            FILE.write_text(json.dumps(hashes(), indent=1) + "\n")
        case ["record", path]:
            record(Path(path))
        case ["record", path, share]:
            index, of = map(int, share.split("/"))
            record(Path(path), (index, of))
        case _:
            sys.exit(__doc__)
