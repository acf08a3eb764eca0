"""The losses as functions of JAX on the CPU: ``numloss.jax.huber(prediction, target)``.

Each takes what the loss of its name takes, but for ``out``, and works under ``jax.jit``,
``jax.grad``, ``jax.vmap`` and ``jax.lax.scan``. Bits are those of the NumPy call.

The value is float64 where JAX has it (``jax_enable_x64``), else rounded to float32; arrays among
the results have the dtype that they have with NumPy. XLA calls libnumloss itself
(``numloss_xla_call``, csrc/capi/xla.cpp): no Python runs between its programs and the kernels.

Examples
--------
>>> import jax
>>> import jax.numpy as jnp
>>> import numloss
>>> step = jax.jit(jax.value_and_grad(numloss.jax.huber))
>>> value, gradient = step(jnp.array([1.0, 2.0, 4.0]), jnp.array([1.5, 2.0, 1.0]))
>>> float(value)
0.875
>>> gradient.tolist()
[-0.1666666716337204, 0.0, 0.3333333432674408]
"""

from __future__ import annotations

import ctypes
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import dtypes
from jax.custom_derivatives import SymbolicZero
from numpy.typing import NDArray

import numloss
from numloss import _convert
from numloss._loss import EXTRAS, OF_NUMPY, TEMPERED
from numloss._raise import Error, InputTypeError

_TARGET = "numloss"
_VALUE, _GRADIENT, _HESSIAN = 1, 2, 4  # as csrc/include/numloss.h has them, and those below
_REDUCTIONS = ("mean", "sum", "none")
_DENOMINATORS = ("weight", "count")
_DTYPES = ("float32", "float64", "float16", "bfloat16")
_INTEGERS = ("axis", "ignore_index")

Operands = tuple[Any, ...]


_HANDLER = ctypes.CDLL(numloss.get_library()).numloss_xla_call
jax.ffi.register_ffi_target(_TARGET, jax.ffi.pycapsule(_HANDLER), platform="cpu", api_version=1)


@dataclass(frozen=True)
class _Form:
    """All of a call but its numbers: what XLA compiles one program for."""

    loss: str
    operands: tuple[str, ...]  #: what they are, as the header of the library tells
    attributes: tuple[tuple[str, Any], ...]
    dtype: np.dtype[Any]  #: of values and gradients
    value_dtype: np.dtype[Any] | None  #: of a sum or mean; None: values of the examples are given
    axis: int  #: of the classes; -1: every element is an example
    heads: tuple[int, ...]  #: the operands that there are gradients by
    extras: tuple[str, ...]  #: those of EXTRAS that are asked for

    @property
    def is_diagonal(self) -> bool:
        """Whether the Hessian has nothing beside its diagonal."""
        return self.axis < 0 and len(self.heads) == 1

    def call(self, want: int, operands: Operands) -> list[Any]:
        """Return value, gradients, Hessians, those that are wanted, then extras, in this order."""
        shape = operands[0].shape
        of_heads = [jax.ShapeDtypeStruct(shape, self.dtype)] * len(self.heads)
        results = [self._value(shape)] if want & _VALUE else []
        results += of_heads * bool(want & _GRADIENT) + of_heads * bool(want & _HESSIAN)
        examples = self._examples(shape)
        for extra in self.extras:
            # Classes come as the halves of 64 bits, as JAX may have no type of so many.
            is_class = extra == "return_predicted"
            kind = ((*examples, 2), np.uint32) if is_class else (examples, self.dtype)
            results.append(jax.ShapeDtypeStruct(*kind))
        # Operands that a batch shares come with an axis of length 1, which costs no copy.
        call = jax.ffi.ffi_call(_TARGET, results, vmap_method="expand_dims")
        names = " ".join(self.operands)
        made: list[Any] = call(
            *operands,
            loss=self.loss,
            want=want,
            axes=len(shape),
            operands=names,
            **dict(self.attributes),
        )
        axes = _varying(operands)
        return [_cast(x, axes) for x in made] if axes else made

    def _value(self, shape: tuple[int, ...]) -> jax.ShapeDtypeStruct:
        if self.value_dtype is not None:
            return jax.ShapeDtypeStruct((), self.value_dtype)
        return jax.ShapeDtypeStruct(self._examples(shape), self.dtype)

    def _examples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape if self.axis < 0 else shape[: self.axis] + shape[self.axis + 1 :]

    def operands_of(self, primals: Operands) -> Operands:
        """Return the operands of a call that is differentiated, which may be by its heads alone."""
        for i, (name, primal) in enumerate(zip(self.operands, primals, strict=True)):
            if primal.perturbed and i not in self.heads:
                raise Error(
                    f"{name} has no gradient in numloss.jax.{self.loss}: "
                    f"use jax.lax.stop_gradient({name})",
                    name,
                )
        return tuple(primal.value for primal in primals)

    def cotangents(self, of_heads: list[Any]) -> Operands:
        """Return the cotangents of all operands: None for those without a gradient."""
        found = dict(zip(self.heads, of_heads, strict=True))
        return tuple(found.get(i) for i in range(len(self.operands)))

    def times(self, cotangent: Any, derivative: Any) -> Any:
        """Return a derivative of the value times the value's cotangent."""
        if type(cotangent) is SymbolicZero:
            return jnp.zeros_like(derivative)
        if self.value_dtype is None and self.axis >= 0:
            cotangent = jnp.expand_dims(cotangent, self.axis)
        return cotangent * derivative


# Under jax.shard_map a number's type says along which axes of the mesh it differs. What a call of C
# gives differs wherever an operand does, which JAX cannot know.


def _varying(operands: Operands) -> frozenset[str]:
    """Return the axes of a mesh along which any of the operands differs."""
    axes: frozenset[str] = frozenset()
    for operand in operands:
        if isinstance(operand, jax.core.Tracer):
            kind: Any = operand.aval  # the names are of JAX 0.10, and of those before
            by_axis = getattr(kind, "manual_axis_type", None)
            found: Any = getattr(by_axis, "varying", None) or getattr(kind, "vma", ())
            axes |= frozenset(found)
    return axes


def _cast(x: Any, axes: frozenset[str]) -> Any:
    """Return a number as one that differs along axes of a mesh."""
    missing = tuple(sorted(axes - _varying((x,))))
    if not missing:
        return x
    if hasattr(jax.lax, "pcast"):
        return jax.lax.pcast(x, missing, to="varying")
    return jax.lax.pvary(x, missing)


def _like(operand: Any, derivative: Any) -> Any:
    """Return a derivative in the type of its operand, and laid out over a mesh as that is."""
    x = derivative.astype(operand.dtype)
    # Of meshes with explicit axes alone a type has more to say.
    sharding = operand.aval.sharding if isinstance(operand, jax.core.Tracer) else None
    return jax.reshard(x, sharding) if sharding is not None and any(sharding.spec) else x


@cache
def _differentiable(form: _Form) -> Callable[..., Any]:
    """Return the function of a form's operands to value and extras, with the value's derivatives.

    Those of the log-sum-exp are added by `_with_derivatives`.
    """
    value = jax.custom_vjp(lambda *operands: form.call(_VALUE, operands))
    value_and_gradients = jax.custom_vjp(lambda *operands: form.call(_VALUE | _GRADIENT, operands))

    def forward(*primals: Any) -> tuple[list[Any], list[Any]]:
        operands = form.operands_of(primals)
        found, *rest = value_and_gradients(*operands)
        gradients, extras = rest[: len(form.heads)], rest[len(form.heads) :]
        # A cotangent has the type of its input, which another input may have promoted.
        heads = [operands[head] for head in form.heads]
        cast = [_like(head, x) for x, head in zip(gradients, heads, strict=True)]
        return [found, *extras], cast

    def backward(gradients: list[Any], cotangents: list[Any]) -> Operands:
        return form.cotangents([form.times(cotangents[0], x).astype(x.dtype) for x in gradients])

    def second_forward(*primals: Any) -> tuple[Any, Any]:
        operands = form.operands_of(primals)
        found = form.call(_VALUE | _GRADIENT, operands)
        if not form.is_diagonal:
            return found, None
        _, hessian = form.call(_GRADIENT | _HESSIAN, operands)
        return found, (_like(operands[0], found[1]), _like(operands[0], hessian))

    def second_backward(derivatives: Any, cotangents: list[Any]) -> Operands:
        if derivatives is None:
            raise Error(
                f"numloss.jax.{form.loss} has no second derivative: its Hessian is more than the "
                f"diagonal that numloss.{form.loss}.grad_and_hess returns"
            )
        gradient, hessian = derivatives
        of_value, of_gradient = cotangents
        total = form.times(of_value, gradient)
        if type(of_gradient) is not SymbolicZero:
            total = total + of_gradient * hessian
        return form.cotangents([total.astype(hessian.dtype)])

    value.defvjp(forward, backward, symbolic_zeros=True)
    value_and_gradients.defvjp(second_forward, second_backward, symbolic_zeros=True)
    made: Callable[..., Any] = jax.jit(value)
    return made


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _with_derivatives(axis: int, prediction: jax.Array, logsumexp: jax.Array) -> jax.Array:
    """Return a known log-sum-exp of a prediction, whose derivative is the softmax."""
    return logsumexp


@_with_derivatives.defjvp  # type: ignore[untyped-decorator]
def _tangent_of_logsumexp(
    axis: int, primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    prediction, _ = primals
    logsumexp = _with_derivatives(axis, *primals)
    wide = jnp.promote_types(prediction.dtype, logsumexp.dtype)
    softmax = jnp.exp(prediction.astype(wide) - jnp.expand_dims(logsumexp, axis))
    return logsumexp, (softmax * tangents[0]).sum(axis).astype(logsumexp.dtype)


def _taken(name: str, scores: jax.Array, given: Mapping[str, Any], axis: int) -> jax.Array:
    """Return scores as a loss takes them: capped, divided, without the classes left out."""
    cap, mask = given.get("softcap"), given.get("where")
    if cap is not None:
        scores = jnp.where(scores == -jnp.inf, scores, cap * jnp.tanh(scores / cap))
    if name in TEMPERED and "temperature" in given:
        scores = scores / given["temperature"]
    if mask is None:
        return scores
    if mask.ndim < scores.ndim:
        mask = jnp.expand_dims(mask, [d for d in range(scores.ndim) if d != axis])
    return jnp.where(mask, scores, -jnp.inf)


def _classes(halves: jax.Array) -> jax.Array:
    """Return predicted classes from their halves, in the type that JAX has for integers."""
    low = jax.lax.bitcast_convert_type(halves[..., 0], np.int32)
    return low.astype(dtypes.canonicalize_dtype(np.int64))


# ------------------------------------------------------------------------------------- arguments


def _data(name: str, value: Any) -> jax.Array:
    """Return an array-like as an array of a type that JAX has."""
    array = _convert.array(name, value)
    made = jnp.asarray(array.astype(array.dtype.newbyteorder("="), copy=False))
    if array.dtype.kind in "iu" and made.dtype != array.dtype and array.size > 0:
        bounds = np.iinfo(made.dtype)
        if array.min() < bounds.min or array.max() > bounds.max:
            raise Error(
                f"{name} must hold integers that fit {made.dtype}, as JAX has no larger ones "
                "without jax.config.update('jax_enable_x64', True)",
                name,
            )
    return made


def _number(value: Any) -> NDArray[np.uint32]:
    """Return float64 numbers as their halves, which JAX has also where it has no float64."""
    return np.asarray(value, np.float64)[..., None].view(np.uint32)


def _stand_in(value: Any) -> Any:
    """Return an array of NumPy's like one of JAX's, whose numbers may not be known yet."""
    return _ones(value.dtype, value.shape) if isinstance(value, jax.Array) else value


@lru_cache(maxsize=1024)
def _ones(dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    return np.broadcast_to(np.ones((), dtype), shape)


def _is_data(name: str, value: Any) -> bool:
    """Whether a further input is an array, not a number, whose 64 bits are to be kept."""
    if name == "target":
        return not isinstance(value, float) or isinstance(value, np.generic)
    return np.ndim(value) > 0


def _refuse_traced(given: dict[str, Any], parameters: Mapping[str, inspect.Parameter]) -> None:
    """Refuse what is compiled in and not known yet."""
    for name, value in given.items():
        is_structure = isinstance(parameters[name].default, bool) or name in _INTEGERS
        if is_structure and isinstance(value, jax.core.Tracer) and value.ndim == 0:
            raise InputTypeError(
                f"{name} must be known while JAX traces, as it is compiled in: name it in "
                "static_argnames",
                name,
            )


def _arranged(
    loss: numloss.Loss[...], inputs: tuple[str, ...], given: dict[str, Any]
) -> tuple[_Form, Operands]:
    """Return the form and the operands of a call, or raise as the NumPy call does."""
    if loss.domain == "sequences":
        raise Error(f"{loss.__name__} has no form for JAX: call numloss.{loss.__name__}", "loss")
    if given.get("groups") is not None:
        raise Error("groups must be left out in JAX, where lists are rows of one length", "groups")
    for name in (*inputs, "weight"):
        value = given.get(name)
        if value is None or isinstance(value, jax.Array):
            continue
        if name == inputs[0] or _is_data(name, value):
            given[name] = _data(name, value)
    # Booleans stay such; other arrays among the options are numbers.
    if given.get("where") is not None and not isinstance(given["where"], jax.Array):
        given["where"] = _data("where", given["where"])
    # A number that JAX has made an array of has no type of its own either.
    target = given.get("target")
    if isinstance(target, jax.Array) and target.weak_type and target.ndim == 0:
        given["target"] = target.astype(given[inputs[0]].dtype)
    dtype, axis, heads = loss._outline(**{name: _stand_in(x) for name, x in given.items()})
    if dtypes.canonicalize_dtype(dtype) != dtype:
        raise InputTypeError(
            f"results of dtype {dtype} need jax.config.update('jax_enable_x64', True)", "dtype"
        )
    operands, attributes = _split(given, heads)
    names = [name.partition(":")[0] for name in operands]
    is_value = given.get("reduction") != "none"
    form = _Form(
        loss.__name__,
        tuple(operands),
        tuple(attributes.items()),
        dtype,
        dtypes.canonicalize_dtype(np.float64) if is_value else None,
        axis,
        tuple(names.index(head) for head in heads),
        tuple(name for name in EXTRAS if attributes.get(name)),
    )
    return form, tuple(operands.values())


def _split(
    given: dict[str, Any], heads: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, int | str]]:
    """Return the operands, whose numbers may change, and the attributes, which are compiled in."""
    operands: dict[str, Any] = {}
    attributes: dict[str, int | str] = {}
    for name, value in given.items():
        if name == "reduction":
            attributes[name] = _REDUCTIONS.index(value)
        elif name == "denominator" and isinstance(value, str):
            attributes[name] = _DENOMINATORS.index(value)
        elif name == "dtype":
            attributes[name] = 0 if value is None else 1 + _DTYPES.index(np.dtype(value).name)
        elif value is None and name != "weight":
            attributes[name] = ""
        elif isinstance(value, (bool, np.bool_)) and name != "target":
            attributes[name] = bool(value)
        elif isinstance(value, str):
            attributes[name] = str(value)
        elif name in _INTEGERS:
            attributes[name] = int(value)
        elif isinstance(value, jax.Array):
            operands[name] = value
        elif name in heads:
            operands[name] = _data(name, value)
        elif value is not None:
            operands[f"{name}:number"] = _number(value)
    return operands, attributes


# ----------------------------------------------------------------------------------- the functions


def _signature(loss: numloss.Loss[...]) -> inspect.Signature:
    """Return a loss's signature without what JAX's functions do not take."""
    signature = inspect.signature(loss)
    kept = [x for name, x in signature.parameters.items() if name not in OF_NUMPY]
    return signature.replace(parameters=kept)


_TEXT = """{summary}

It is ``numloss.{name}`` as a function of JAX on the CPU, whose arguments it takes, but for ``out``.

Returns
-------
jax.Array
    The reduced value, float64 with ``jax_enable_x64``, else float32; with ``reduction="none"`` the
    examples' values in the dtype of the prediction. What ``return_logsumexp`` and
    ``return_predicted`` ask for follows in a tuple.

Raises
------
numloss.Error
    While JAX traces, for what shapes, dtypes and known parameters tell; and where a gradient is
    asked for that there is not. What the numbers alone tell is an exception of JAX's when the
    program runs, with the sentence that numloss has for it.
"""


def _function(loss: numloss.Loss[...]) -> Callable[..., Any]:
    """Return a loss as a function of JAX."""
    name, signature = loss.__name__, _signature(loss)
    inputs = tuple(
        x.name for x in signature.parameters.values() if x.kind is x.POSITIONAL_OR_KEYWORD
    )

    def function(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise InputTypeError(f"numloss.jax.{name}: {error}") from None
        _refuse_traced(given, signature.parameters)
        form, operands = _arranged(loss, inputs, given)
        if axes := _varying(operands):
            operands = tuple(_cast(jnp.asarray(x), axes) for x in operands)
        value, *extras = _differentiable(form)(*operands)
        if not extras:
            return value
        found = dict(zip(form.extras, extras, strict=True))
        if "return_logsumexp" in found:
            scores = _taken(name, operands[0], given, form.axis)
            found["return_logsumexp"] = _with_derivatives(
                form.axis, scores, jax.lax.stop_gradient(found["return_logsumexp"])
            )
        if "return_predicted" in found:
            found["return_predicted"] = _classes(found["return_predicted"])
        return value, *found.values()

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _TEXT.format(name=name, summary=str(loss.__doc__).partition("\n")[0])
    function.__dict__["__signature__"] = signature
    return function


_FUNCTIONS = {
    name: _function(getattr(numloss, name))
    for name in (*numloss.LOSSES, *numloss._losses.penalties.__all__)
}
__all__ = list(_FUNCTIONS)


def __getattr__(name: str) -> Callable[..., Any]:
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
