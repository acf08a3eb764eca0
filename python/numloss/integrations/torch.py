"""Every loss as a function of torch tensors, which autograd, ``torch.compile`` and vmap know.

``numloss.torch.huber(prediction, target, delta=2.0)`` takes what ``numloss.huber`` takes, as
tensors on the CPU, and gives the same bits. Three ops stand behind each loss, made from its
signature: ``torch.ops.numloss.huber``, ``huber_value_and_grad`` and ``huber_grad_and_hess``.

A reduced value is a float64 scalar whatever the dtype of the prediction, as in NumPy; gradients
have the dtype of the prediction.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function, forward_ad

import numloss
from numloss import _convert, _core, _raise
from numloss._loss import EXTRAS, OF_NUMPY, TEMPERED
from numloss._raise import Error, InputTypeError, listed, shown
from numloss.integrations import torch_embeddings

if TYPE_CHECKING:

    def __getattr__(name: str) -> Callable[..., Any]: ...


# ------------------------------------------------------------------------------------- signatures

#: The methods of a loss that are ops, by how many derivatives they give.
_METHODS = ("__call__", "value_and_grad", "grad_and_hess")

#: The keywords of every loss in the language of torch. An argument that is a word or a number is
#: two of them: the schema of an op knows no unions.
_CALL = {
    "weight": ("Tensor?", None),
    "reduction": ("str", "mean"),
    "denominator": ("str", "weight"),
    "denominator_number": ("float?", None),
    "allow_negative_weight": ("bool", False),
    "dtype": ("ScalarType?", None),
}


class _Signature:
    """What a loss takes, and what its ops take for it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.loss = getattr(numloss, name)
        self.inputs = _core.losses()[name][0]
        self.rowwise = self.loss.rowwise
        #: Whether an example is a sequence of rows.
        self.of_sequences = self.loss.domain == "sequences"
        declared = inspect.signature(self.loss.__wrapped__).parameters
        self.heads = self.loss.heads
        #: Whether the diagonal of the Hessian is all of it.
        self.has_hessian = len(self.heads) == 1 and not self.rowwise
        self.extras = [x for x in EXTRAS if x in declared]
        self.types: dict[str, str] = {}
        self.defaults: dict[str, Any] = {}
        #: The arguments of ops for what is no word where a word may stand.
        self.instead: dict[str, str] = {}
        for parameter in declared.values():
            if parameter.kind is not parameter.VAR_KEYWORD and parameter.name != "out":
                self._add(parameter)
        call = inspect.signature(self.loss)
        if "weight" in call.parameters:
            for argument, (kind, default) in _CALL.items():
                self.types[argument], self.defaults[argument] = kind, default
            self.instead["denominator"] = "denominator_number"
        # An op writes nowhere: it has no out.
        self.shown = call.replace(
            parameters=[x for x in call.parameters.values() if x.name not in OF_NUMPY]
        )
        self.names = set(self.shown.parameters)
        #: What the loss calls the arguments of its ops.
        self.names_of_loss = {x: x for x in self.types} | {x: k for k, x in self.instead.items()}
        self.required = {
            x.name for x in self.shown.parameters.values() if x.default is inspect.Parameter.empty
        }
        self.function: Callable[..., Any]
        self.in_order = list(self.defaults.items())
        self.places = {x: i for i, x in enumerate(self.defaults)}
        self.head_places = [self.places[x] for x in self.heads]
        self.ops: dict[str, Any] = {}

    def _add(self, parameter: inspect.Parameter) -> None:
        name, kind, default = parameter.name, str(parameter.annotation), parameter.default
        takes_word = isinstance(default, str)
        if takes_word:
            self.types[name], self.defaults[name] = "str", default
        if "ArrayLike" in kind:
            argument = f"{name}_array" if takes_word else name
            self.instead[name] = argument
            # None stands for a default that is a number: no tensor stands in a schema.
            self.types[argument], self.defaults[argument] = "Tensor?", None
        elif not takes_word:
            self.types[name], self.defaults[name] = kind.replace(" | None", "?"), default

    def schema(self) -> str:
        """Return what the ops take and give, in the language of torch."""
        parts = []
        for name, kind in self.types.items():
            default = self.defaults[name]
            text = f'"{default}"' if isinstance(default, str) else repr(default)
            parts.append(f"Tensor {name}" if name in self.required else f"{kind} {name}={text}")
        return f"({', '.join(parts)}) -> Tensor[]"

    def by_name(self, arguments: Iterable[Any]) -> dict[str, Any]:
        """Return arguments of an op by their names; the last ones, if defaults, are left out."""
        return dict(zip(self.types, arguments, strict=False))


# -------------------------------------------------------------------------------------------- ops


def _untracked(tensor: Tensor) -> Tensor:
    """Return a tensor as the loss reads it: where it lies, without its history."""
    return tensor.detach() if tensor.requires_grad else tensor


def _numpy_dtype(dtype: torch.dtype) -> Any:
    if dtype is not torch.bfloat16:
        return str(dtype).removeprefix("torch.")
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        raise InputTypeError(
            "a tensor of bfloat16 needs a package: pip install ml_dtypes"
        ) from None
    return np.dtype(bfloat16)


def _operand(signature: _Signature, name: str, x: Any) -> Any:
    """Return an argument of an op as the loss takes it."""
    if isinstance(x, Tensor):
        # A tensor without axes is a number, which promotes no other's dtype.
        is_number = x.dim() == 0 and name not in signature.heads
        return x.item() if is_number else _untracked(x)
    return _numpy_dtype(x) if isinstance(x, torch.dtype) else x


def _is_real(tensor: Tensor) -> bool:
    """Whether it is of a float type; torch knows no common one for those of 8 bits."""
    return bool(tensor.is_floating_point()) and tensor.itemsize > 1


class _Plan:
    """What a call of an op gives, told by shapes and dtypes alone."""

    def __init__(self, signature: _Signature, method: str, given: dict[str, Any]) -> None:
        self.signature, self.given = signature, given
        self.prediction = given[signature.heads[0]]
        self.result = self._result()
        # A gradient is yet to be multiplied by what comes back, such as the scale that keeps those
        # of a mean over many float16 numbers from vanishing: it is not rounded to 16 bits before.
        derivatives = _METHODS.index(method)
        is_short = self.result.is_floating_point and self.result.itemsize == 2
        widens = is_short and derivatives > 0 and "dtype" in signature.types
        self.dtype = torch.float32 if widens else self.result
        self.has_value = derivatives < 2
        has_values = self.has_value and given.get("reduction") == "none"
        extras = [x for x in signature.extras if given.get(x)]
        rows = self._rows() if has_values or extras else ()
        self.values = [self._new(rows, self.dtype)] if has_values else []
        self.derivatives = [
            [torch.empty_like(given[head], dtype=self.dtype) for head in signature.heads]
            for _ in range(derivatives)
        ]
        self.extras = [
            self._new(rows, torch.int64 if x == "return_predicted" else self.dtype) for x in extras
        ]

    def _result(self) -> torch.dtype:
        """Return the dtype of results by the rule of NumPy's calls."""
        dtype: torch.dtype | None = self.given.get("dtype")
        if dtype is not None:
            return dtype
        dtype = self.prediction.dtype if _is_real(self.prediction) else torch.float64
        for name in self.signature.inputs:
            x = self.given.get(name)
            if x is not None and x.dtype is not dtype and x.dim() > 0 and _is_real(x):
                dtype = torch.promote_types(dtype, x.dtype)
        return dtype

    def _rows(self) -> tuple[int, ...]:
        """Return the shape of the examples."""
        shape: tuple[int, ...] = self.prediction.shape
        if not self.signature.rowwise:
            return shape
        groups = self.given.get("groups")
        if groups is not None:
            return tuple(groups.shape)
        if self.signature.of_sequences:
            return shape[:-2]
        axis = self.given.get("axis", -1)
        return shape[:axis] + shape[axis:][1:]

    def _new(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return self.prediction.new_empty(shape, dtype=dtype)

    def places(self) -> tuple[Any, ...]:
        """Return where the call is to write, as the losses' ``out`` has it."""
        of_derivatives = (by if len(by) > 1 else by[0] for by in map(tuple, self.derivatives))
        return (*self.values, *of_derivatives, *self.extras)

    def results(self, value: Callable[[], Tensor]) -> list[Tensor]:
        """Return all that the op gives, in one list."""
        values = [value()] if self.has_value and not self.values else self.values
        derivatives = [x for by_heads in self.derivatives for x in by_heads]
        if self.dtype is self.result:
            return [*values, *derivatives, *self.extras]
        # Derivatives stay as they are.
        return [*map(self._rounded, values), *derivatives, *map(self._rounded, self.extras)]

    def _rounded(self, x: Tensor) -> Tensor:
        return x.to(self.result) if x.dtype is self.dtype else x


def _compute(signature: _Signature, method: str, *arguments: Any) -> list[Tensor]:
    """Do what an op does, on tensors that hold numbers."""
    given = signature.by_name(arguments)
    plan = _Plan(signature, method, given)
    options = {
        signature.names_of_loss[name]: _operand(signature, name, x)
        for name, x in given.items()
        if x is not None or signature.defaults[name] is not None
    }
    if plan.dtype is not plan.result:
        options["dtype"] = _numpy_dtype(plan.dtype)
    places = plan.places()
    if places:
        options["out"] = places if len(places) > 1 else places[0]
    found = getattr(signature.loss, method)(**options)
    value = found[0] if isinstance(found, tuple) else found
    return plan.results(lambda: torch.from_numpy(np.array(value)))


def _pretend(signature: _Signature, method: str, *arguments: Any) -> list[Tensor]:
    """Do what an op does on tensors without numbers."""
    given = signature.by_name(arguments)
    plan = _Plan(signature, method, given)
    _refuse_two_devices(plan)
    return plan.results(lambda: plan.prediction.new_empty((), dtype=torch.float64))


def _refuse_two_devices(plan: _Plan) -> None:
    """Refuse tensors beside meta ones: results would lie on the CPU and hold nothing."""
    device = plan.prediction.device
    for name, x in plan.given.items():
        is_number = isinstance(x, Tensor) and x.dim() == 0 and x.is_cpu
        if isinstance(x, Tensor) and x.device != device and not is_number:
            raise InputTypeError(
                f"{name} must lie where {plan.signature.heads[0]} does, on device {device}, got "
                f"{x.device}: bring both to one",
                name,
            )


def _for_each(
    op: Any,
    pretend: Callable[..., list[Tensor]],
    info: Any,
    in_dims: Sequence[int | None],
    *arguments: Any,
) -> Any:
    """Do what an op does under vmap: the calls that a loop would make."""
    if info.batch_size == 0:
        one = [
            x if axis is None else x.new_empty(x.shape[:axis] + x.shape[axis + 1 :])
            for x, axis in zip(arguments, in_dims, strict=True)
        ]
        results = [x.new_empty((0, *x.shape)) for x in pretend(*one)]
        return results, [0] * len(results)
    calls = [
        op(
            *(
                x if axis is None else x.select(axis, i)
                for x, axis in zip(arguments, in_dims, strict=True)
            )
        )
        for i in range(info.batch_size)
    ]
    results = [torch.stack(parts) for parts in zip(*calls, strict=True)]
    return results, [0] * len(results)


def _define(library: torch.library.Library, signature: _Signature) -> None:
    for method in _METHODS[: 2 + signature.has_hessian]:
        op_name = signature.name if method == "__call__" else f"{signature.name}_{method}"
        name = f"numloss::{op_name}"
        torch.library.define(name, signature.schema(), lib=library)
        torch.library.impl(name, "cpu", partial(_compute, signature, method), lib=library)
        pretend = partial(_pretend, signature, method)
        torch.library.register_fake(name, pretend, lib=library)
        op = getattr(torch.ops.numloss, op_name).default
        torch.library.register_vmap(name, partial(_for_each, op, pretend), lib=library)
        signature.ops[method] = op


_LIBRARY = torch.library.Library("numloss", "FRAGMENT")
_SIGNATURES = {name: _Signature(name) for name in _core.losses()}
for _signature in _SIGNATURES.values():
    _define(_LIBRARY, _signature)


# --------------------------------------------------------------------------------------- autograd

#: Whether one of torch.func is at work. Where torch has no such question, it always may be.
_in_transform = getattr(torch._C, "_are_functorch_transforms_active", lambda: True)

#: Whether torch.export is at work; older torch does not tell.
_is_exporting = getattr(torch.compiler, "is_exporting", lambda: False)


class _Value(Function):  # type: ignore[misc]
    """The value of a loss; its gradient comes from the same pass and waits for the way back."""

    @staticmethod
    def forward(ctx: Any, name: str, *arguments: Any) -> tuple[Tensor, ...]:
        value, *rest = _SIGNATURES[name].ops["value_and_grad"](*arguments)
        gradients, extras = _split(name, rest)
        outputs = (value, *extras)
        _keep(ctx, name, arguments, gradients, extras, outputs)
        return outputs

    @staticmethod
    def backward(ctx: Any, value: Tensor | None, *extras: Tensor | None) -> tuple[Any, ...]:
        return _way_back(ctx, value, extras)


class _ValueInTwoSteps(Function):  # type: ignore[misc]
    """The same for the transforms of torch.func, which ask for two steps. They take twice as long.

    What the second one keeps must be an output of the first: the gradients are outputs.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(name: str, *arguments: Any) -> tuple[Tensor, ...]:
        return tuple(_SIGNATURES[name].ops["value_and_grad"](*arguments))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...]) -> None:
        name, *arguments = inputs
        gradients, extras = _split(name, outputs[1:])
        _keep(ctx, name, arguments, gradients, extras, outputs)

    @staticmethod
    def backward(ctx: Any, value: Tensor | None, *rest: Tensor | None) -> tuple[Any, ...]:
        return _way_back(ctx, value, _split(ctx.loss, rest)[1])


class _Gradient(Function):  # type: ignore[misc]
    """A gradient times what came back: differentiable where the Hessian is diagonal."""

    generate_vmap_rule = True

    @staticmethod
    def forward(name: str, returned: Tensor, *rest: Any) -> tuple[Tensor, ...]:
        gradients, arguments = _split(name, rest)
        return _times(returned, gradients, _SIGNATURES[name].by_name(arguments))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...]) -> None:
        name, returned, *rest = inputs
        gradients, arguments = _split(name, rest)
        _save(ctx, name, (returned, *gradients), arguments)

    @staticmethod
    def backward(ctx: Any, *second: Tensor | None) -> tuple[Any, ...]:
        signature = _SIGNATURES[ctx.loss]
        if not signature.has_hessian:
            raise Error(
                f"{ctx.loss} has no second derivative in torch: its Hessian is not diagonal, and "
                "numloss computes the diagonal alone. Write the loss in torch where it is needed"
            )
        (returned, gradient), arguments = _saved(ctx)
        by_returned = by_head = None
        if second[0] is not None:
            by_returned, by_head = _Hessian.apply(
                ctx.loss, second[0], returned, gradient, *arguments
            )
        return (None, by_returned, None, *_at_heads(signature, [by_head], arguments))


class _Hessian(Function):  # type: ignore[misc]
    """The derivatives of ``_Gradient``, by what came back and by the prediction."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        name: str, second: Tensor, returned: Tensor, gradient: Tensor, *arguments: Any
    ) -> tuple[Tensor, Tensor]:
        signature = _SIGNATURES[name]
        hessian = signature.ops["grad_and_hess"](*arguments)[1]
        by_returned = second * gradient
        if signature.by_name(arguments).get("reduction") != "none":
            by_returned = by_returned.sum()
        return by_returned, second * returned * hessian

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...]) -> None:
        ctx.loss = inputs[0]

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> tuple[Any, ...]:
        raise Error(f"{ctx.loss} has no third derivative in torch: numloss computes two")


def _split(name: str, rest: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return the gradients by each head, which come first, and what follows."""
    heads = len(_SIGNATURES[name].heads)
    return rest[:heads], rest[heads:]


def _keep(
    ctx: Any,
    name: str,
    arguments: Sequence[Any],
    gradients: Sequence[Tensor],
    extras: Sequence[Tensor],
    outputs: tuple[Tensor, ...],
) -> None:
    """Keep for the way back what a call gave, and what it was given."""
    has_logsumexp = bool(_SIGNATURES[name].by_name(arguments).get("return_logsumexp"))
    # Gradients, if they are outputs, follow the value; the predicted class comes last.
    constants = (*outputs[1 : len(outputs) - len(extras)], *extras[has_logsumexp:])
    if constants:
        ctx.mark_non_differentiable(*constants)
    # torch would make zeros, of the size of the prediction, for outputs that nobody came back from.
    if not torch.compiler.is_compiling():
        ctx.set_materialize_grads(False)
    _save(ctx, name, (*gradients, *extras[:has_logsumexp]), arguments)


def _save(ctx: Any, name: str, results: Sequence[Tensor], arguments: Sequence[Any]) -> None:
    # torch refuses to read a saved tensor that has been written to since.
    ctx.loss, ctx.results = name, len(results)
    ctx.others = [None if isinstance(x, Tensor) else x for x in arguments]
    ctx.places = [i for i, x in enumerate(arguments) if isinstance(x, Tensor)]
    ctx.save_for_backward(*results, *(arguments[i] for i in ctx.places))


def _saved(ctx: Any) -> tuple[tuple[Tensor, ...], list[Any]]:
    saved, arguments = ctx.saved_tensors, list(ctx.others)
    for i, tensor in zip(ctx.places, saved[ctx.results :], strict=True):
        arguments[i] = tensor
    return saved[: ctx.results], arguments


def _way_back(ctx: Any, value: Tensor | None, extras: Sequence[Tensor | None]) -> tuple[Any, ...]:
    """Return the gradients by the arguments, from what came back to a value and to extras."""
    signature = _SIGNATURES[ctx.loss]
    saved, arguments = _saved(ctx)
    gradients, logsumexp = _split(ctx.loss, saved)
    given = signature.by_name(arguments)
    found: list[Tensor | None] = [None] * len(gradients)
    if value is not None:
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            found = list(_Gradient.apply(ctx.loss, value, *gradients, *arguments))
        else:  # nobody differentiates further
            found = list(gradients if _is_one(value) else _times(value, gradients, given))
    if logsumexp and extras[0] is not None:
        scores, slope = _taken(ctx.loss, given[signature.heads[0]], given)
        more = slope * _by_logsumexp(scores, logsumexp[0], extras[0], given)
        found[0] = more if found[0] is None else found[0] + more
    return (None, *_at_heads(signature, found, arguments))


def _times(
    returned: Tensor, gradients: Sequence[Tensor], given: dict[str, Any]
) -> tuple[Tensor, ...]:
    """Return gradients times what came back to a value, or to each example's."""
    groups = given.get("groups")
    if given.get("reduction") == "none" and groups is not None:
        returned = returned.repeat_interleave(groups)
    elif given.get("reduction") == "none" and returned.dim() < gradients[0].dim():
        for _ in range(gradients[0].dim() - returned.dim()):  # two, of sequences
            returned = returned.unsqueeze(given.get("axis", -1))
    return tuple(returned * gradient for gradient in gradients)


def _is_one(x: Tensor) -> bool:
    """Whether it is the number 1, which a backward pass from the loss itself begins with."""
    if torch.compiler.is_compiling() or type(x) is not Tensor or x.dim() > 0:
        return False
    try:
        return bool(x.item() == 1)
    except RuntimeError:  # one of a batch, or of a trace
        return False


def _at_heads(
    signature: _Signature, found: Sequence[Tensor | None], arguments: Sequence[Any]
) -> list[Tensor | None]:
    """Return gradients in the places of the arguments that they are by."""
    by_argument: list[Tensor | None] = [None] * len(arguments)
    for place, gradient in zip(signature.head_places, found, strict=True):
        by_argument[place] = gradient
    return by_argument


def _taken(name: str, scores: Tensor, given: dict[str, Any]) -> tuple[Tensor, Any]:
    """Return scores as a loss takes them (capped, divided, masked), and their slope."""
    slope: Any = 1
    cap, mask, axis = given.get("softcap"), given.get("where"), given.get("axis", -1)
    if cap is not None:
        bent = (scores / cap).tanh()
        slope = 1 - bent * bent
        scores = torch.where(scores == -torch.inf, scores, cap * bent)
    if name in TEMPERED and given.get("temperature", 1) != 1:
        scores, slope = scores / given["temperature"], slope / given["temperature"]
    if mask is not None:
        if mask.dim() < scores.dim():
            shape = [1] * scores.dim()
            shape[axis] = -1
            mask = mask.reshape(shape)
        scores = torch.where(mask, scores, -torch.inf)
    return scores, slope


def _by_logsumexp(
    scores: Tensor, logsumexp: Tensor, returned: Tensor, given: dict[str, Any]
) -> Tensor:
    """Return the gradient of log(sum(exp(scores))), which torch differentiates further."""
    axis = given.get("axis", -1)
    return returned.unsqueeze(axis) * (scores - logsumexp.unsqueeze(axis)).exp()


# -------------------------------------------------------------------------------------- functions

#: What the schema types are in Python, and what makes such a one of a NumPy number.
_PLAIN: dict[str, tuple[tuple[type, ...], Callable[[Any], Any]]] = {
    "float": ((float, int), float),
    "int": ((int,), operator.index),
    "bool": ((bool,), bool),
    "str": ((str,), str),
    "ScalarType": ((torch.dtype,), lambda x: getattr(torch, np.dtype(x).name)),
}


def _tensor(signature: _Signature, name: str, x: Any) -> Tensor:
    """Return an array among the arguments as a tensor that an op takes."""
    if not isinstance(x, Tensor):
        if name in signature.heads:
            raise InputTypeError(
                f"{name} must be a torch.Tensor, got {type(x).__name__}: "
                f"use numloss.{signature.name} for arrays",
                name,
            )
        return torch.from_numpy(np.array(_convert.array(name, x)))
    # A meta tensor is asked for shapes alone.
    if not (x.is_cpu or x.is_meta) or x.layout is not torch.strided:
        raise InputTypeError(
            f"{name} must be a dense tensor in the memory of the CPU, got layout {x.layout} on "
            f"device {x.device}: use {name}.cpu() or {name}.to_dense()",
            name,
        )
    if name not in signature.heads:
        _refuse_history(signature, name, x)
    return x


def _refuse_history(signature: _Signature, name: str, x: Tensor) -> None:
    """Refuse a tensor that a gradient is wanted by, where there is none."""
    if x.requires_grad and torch.is_grad_enabled():
        order = f" ({signature.heads[0]} comes first)" if name == "target" else ""
        raise InputTypeError(
            f"{name} requires a gradient, which {signature.name} has by "
            f"{' and '.join(signature.heads)} alone: use {name}.detach(){order}",
            name,
        )


def _number(signature: _Signature, name: str, x: Tensor) -> Any:
    """Return the number that a tensor without axes is."""
    name = signature.names_of_loss[name]
    _refuse_history(signature, name, x)
    try:
        return x.item()
    except RuntimeError:
        raise InputTypeError(
            f"{name} must be a number that is known, got {shown(x)}: vmap has one for its whole "
            "batch, use a loop where they differ",
            name,
        ) from None


def _plain(signature: _Signature, name: str, x: Any, given: dict[str, Any]) -> Any:
    """Return any other argument in a type that the schema knows."""
    if isinstance(x, Tensor) and x.dim() == 0 and not torch.compiler.is_compiling():
        x = _number(signature, name, x)
    if name == "axis" and isinstance(x, tuple):
        raise InputTypeError(
            f"axis must be an integer for tensors, got {x}: use prediction.flatten", "axis"
        )
    kind = signature.types[name]
    types, convert = _PLAIN[kind.rstrip("?")]
    shown = signature.shown.parameters
    if type(x) in types or (x is None and kind.endswith("?") and name in shown):
        return x
    # The loss says what is wrong with it, or takes it: a number of NumPy's.
    inputs = [_operand(signature, key, given[key]) for key in signature.inputs if key in given]
    signature.loss(*inputs, **{name.removesuffix("_number"): x})
    return convert(x)


def _arguments(signature: _Signature, inputs: Sequence[Any], named: dict[str, Any]) -> list[Any]:
    """Return all arguments of an op in their order."""
    given = {**dict(zip(signature.inputs, inputs, strict=False)), **named}
    is_call = len(given) == len(inputs) + len(named) and signature.required.issubset(given)
    if not is_call or not signature.names.issuperset(given):
        _raise.arguments(signature.function, len(inputs), list(named))
    taken = {}
    for name, x in given.items():
        place = name if isinstance(x, str) else signature.instead.get(name, name)
        if not signature.types[place].startswith("Tensor"):
            taken[place] = _plain(signature, place, x, given)
        elif x is not None or name in signature.inputs:
            taken[place] = _tensor(signature, name, x)
    # Those after the last one that is given are left out: each takes time.
    count = 1 + max(signature.places[name] for name in taken)
    return [taken.get(name, default) for name, default in signature.in_order[:count]]


def _call(signature: _Signature, arguments: list[Any]) -> tuple[Tensor, ...]:
    """Return value and extras, with a gradient where there is to be one."""
    heads = [arguments[place] for place in signature.head_places]
    if torch.is_grad_enabled() and any(x.requires_grad for x in heads):
        if _is_exporting():
            raise Error(
                f"{signature.name} would be exported without its gradient: export it under "
                "torch.no_grad(), and leave the loss of what is trained out"
            )
        if not _in_transform():
            return tuple(_Value.apply(signature.name, *arguments))
        value, *rest = _ValueInTwoSteps.apply(signature.name, *arguments)
        return (value, *_split(signature.name, rest)[1])
    if not torch.compiler.is_compiling():
        _refuse_tangents(signature, arguments)
    return tuple(signature.ops["__call__"](*arguments))


def _refuse_tangents(signature: _Signature, arguments: list[Any]) -> None:
    for x in arguments:
        if isinstance(x, Tensor) and forward_ad.unpack_dual(x).tangent is not None:
            raise Error(
                f"{signature.name} has no forward mode in torch: use torch.func.vjp, or jacrev"
            )


_DOC = """{summary}

It is ``numloss.{name}`` as a function of tensors: the arguments mean the same and the results are
the same bits. {heads} may require a gradient; nothing else may.

Parameters
----------
{inputs} : torch.Tensor
    In the memory of the CPU, as they lie; all but {heads} may be numbers or arrays, too.
**options
    Those of ``numloss.{name}`` but for ``out``; arrays among them are tensors or NumPy's.

Returns
-------
torch.Tensor
    The reduced value as a float64 scalar; with ``reduction="none"`` one value for each example in
    the dtype of the prediction. What ``return_logsumexp`` and ``return_predicted`` ask for follows
    in a tuple.

Raises
------
numloss.Error
    (a ValueError) What ``numloss.{name}`` refuses; a derivative that there is none of.
numloss.InputTypeError
    (a TypeError) If an argument has another type, lies elsewhere, or requires a gradient.
"""


def _function(signature: _Signature) -> Callable[..., Any]:
    """Return a loss as a function of tensors."""

    def call(*inputs: Any, **options: Any) -> Any:
        results = _call(signature, _arguments(signature, inputs, options))
        return results if len(results) > 1 else results[0]

    name = call.__name__ = call.__qualname__ = signature.name
    # Its own code: torch.compile keeps a few graphs for each code, not for each function.
    call.__code__ = call.__code__.replace(co_name=name)
    call.__signature__ = signature.shown  # type: ignore[attr-defined]
    call.__doc__ = _DOC.format(
        name=name,
        summary=signature.loss.__doc__.partition("\n")[0],
        heads=" and ".join(f"``{x}``" for x in signature.heads),
        inputs=", ".join(signature.inputs),
    )
    signature.function = call
    return call


_FUNCTIONS = {name: _function(signature) for name, signature in _SIGNATURES.items()}
globals().update(_FUNCTIONS)
globals().update(torch_embeddings.FUNCTIONS)
__all__ = ["Loss"]
__all__ += _FUNCTIONS
__all__ += torch_embeddings.FUNCTIONS


class Loss(torch.nn.Module):  # type: ignore[misc]
    """A loss with its parameters as a module, which trainers such as skorch's take for a criterion.

    Parameters
    ----------
    name : str
        Of a loss, such as ``"huber"``.
    **options
        Parameters of that loss. Tensors among them, such as ``class_weight``, are buffers: they
        move with the module and are part of its state.

    Raises
    ------
    numloss.Error
        (a ValueError) If no loss has that name, or the loss no such parameter. What their values
        should be is said by the first call.

    Examples
    --------
    >>> import torch
    >>> import numloss
    >>> criterion = numloss.torch.Loss("huber", delta=2.0)
    >>> prediction = torch.tensor([1.0, 4.0], requires_grad=True)
    >>> loss = criterion(prediction, torch.tensor([0.5, 0.0]))
    >>> loss
    tensor(3.0625, dtype=torch.float64, grad_fn=<_ValueBackward>)
    >>> loss.backward()
    >>> prediction.grad
    tensor([0.2500, 1.0000])
    """

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        if name not in _FUNCTIONS:
            raise Error(f"name must be {listed(_FUNCTIONS)}, got {shown(name)}", "name")
        signature = _SIGNATURES[name]
        if not signature.names.issuperset(options):
            _raise.arguments(signature.function, 0, list(options))
        self.name = name
        self.options = {key: x for key, x in options.items() if not isinstance(x, Tensor)}
        for key in options.keys() - self.options.keys():
            self.register_buffer(key, options[key])

    def forward(self, *inputs: Tensor, **options: Any) -> Any:
        """Return the loss of a prediction against a target; options go before the module's own."""
        return _FUNCTIONS[self.name](*inputs, **{**self.options, **self._buffers, **options})

    def extra_repr(self) -> str:
        """Return what the module shows of itself."""
        return ", ".join([repr(self.name), *(f"{k}={x!r}" for k, x in self.options.items())])
