"""The document: what was measured, beside what is promised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cases import CASES, VARIANTS

from accuracy import bounds, sums
from accuracy.functions import BY_NAME
from accuracy.losses import DTYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Results = dict[str, Any]

ABOUT = """\
# Accuracy

How far results are from the exact ones, and how far they may be. `make accuracy` measures it,
writes this page, and fails where a bound is broken. A result below is never edited by hand.

## What is counted

An error is counted in **units in the last place** (ULP): the distance, at the exact result, of two
neighbouring numbers of the dtype of the result. The nearest number is at most 0.5 away.

- At 0 and at subnormal numbers the unit is the smallest subnormal number (1.4e-45 for float32). An
  exact result of 0 that comes out as anything else therefore shows as a huge error, and so does
  a subnormal result that was flushed to 0.
- An infinity counts as the power of two that follows the largest finite number: an overflow that is
  due is no error. A NaN is an infinite error; the median of a column may be, too.
- Inputs are taken for exact, whatever their dtype, and so are parameters.
- The reference is the definition of the loss in plain arithmetic, in mpmath's numbers of 100
  digits, 400 where 1 - exp(-700) matters. A gradient is a difference quotient of step 1e-30, right
  to 25 digits or more. Examples at a kink are left out of gradients.

Where the exact result is a difference of larger terms, it can be near 0 while they are not. No
formula in the dtype of the inputs is then right to its own last place, and the unit is that of the
terms:

| result | the unit is that of |
|---|---|
| value of `kl_divergence` | the cross-entropy, from which the entropy is taken |
| value of `multiclass_hinge` | the margin (times the weight), where it is larger than the value |
| gradient of a loss of one score, target between 0 and 1 (smoothing included) | the larger of the \
gradients for the targets 0 and 1 |
| gradient of a loss of a distribution v, V p - v (smoothing and `ordinal_cross_entropy` included) \
| the larger of V p and v |
| gradient of `ranked_probability`, `crps_ensemble` | the largest element of the row's gradient |

Everything else, such as the gradient of a label's cross-entropy at a class with probability
1e-30, has to be right to its own last place.

What a bound is worth differs. The one ULP of exponential and logarithms was the aim, and for
float32 every bound of a function is proved by trying every number. The 0.5 and 2.5 of the simplest
losses follow from their formulas. All others, float64's and the losses', were set after measuring:
the largest error seen, and some room. They hold on the inputs described here and are watched; they
are not proved for all inputs.
"""

FUNCTIONS = """\
## Elementary functions

Nothing here calls the system's mathematical library, so that every machine gives the same bits.
For float32, **every one of the 2^32 numbers** goes through each function on every instruction set:
results on the best one are compared with NumPy's in float64 (whose own error is below 1e-8 of a
unit), the others with it, bit by bit, NaN being one result. For float64, 10^5 arguments or more
are compared with mpmath (120 bits): all magnitudes, the neighbours of the points where the range
reduction changes, arguments whose results lie halfway between two numbers, subnormal arguments and
results, the ends of the exponents. The losses compute these very functions: binary cross-entropy of
a logit for the target 0 is `softplus`, its gradient `sigmoid`, its Hessian `sigmoid_variance`.
"""

POWER = """
The error of `power_three_halves` is divided by max(1, |1.5 log x|): the price of a logarithm in
working precision, and the reason why a focal loss is less accurate the larger `gamma` is.
"""

LOSSES = """\
## Losses

`value` and `gradient` of the examples (`reduction="none"`). Inputs are those the tests draw, half
of them shrunk by up to 2^20 towards 0, and points at which a careless formula loses its digits:
logits up to ±700, residuals down to 2^-60, chances within 2^-20 of 1. Rows have 4, 7, 200 and 1000
classes; in the long ones, gradients are compared at eight classes, the label and the likeliest
among them.

A bound holds for float32 and float64, over all parameters measured below. float16 and bfloat16 are
computed in float32 and rounded once: the bound is 0.5 and what float32's comes to in the longer
unit, below 0.51.

"""

TABLES = """
Each cell below: median / 99 of 100 / maximum. *torch* is its function where it has one, else its
users' formula, with automatic differentiation. *scipy* is the formula from the functions of
`scipy.special` (`expit`, `log_expit`, `log_softmax`, `softmax`, `xlogy`, `rel_entr`, `huber`), the
gradient too where they give it. All compute on the same inputs. `–`: there is no such function,
parameter or dtype.
"""

SUMS = """\
## Sums

Sums are carried in float64, with the rounding error kept, whatever the dtype. Each loss with its
default parameters takes 10^8 float32 numbers (examples, or rows of 8 classes) by
`reduction="sum"`; the exact sum of the same values, `reduction="none"`, is `math.fsum`'s. The unit
is float64's at the exact sum. The bound is {bound:g}.

"""

GROUPED = """
**Binary cross-entropy is the exception.** Without `weight` and `pos_weight` its sum is no sum of
the values: it takes one logarithm of the product of up to 32 examples' 1 + exp(-|x|), in the dtype
of the computation. It is compared with the exact sum of the exact losses instead. For hard labels
its relative error is at most {argued:g} eps (eps = 2^-23 for float32, 2^-52 for float64): 32 steps
of two roundings of half an eps, one eps each of the exponential and the logarithm. Equal examples,
whose roundings add up, come to {float32:.1f} eps in float32 and {float64:.1f} in float64 at worst
(2001 logits from -20 to 20; the bound that is checked is {bound:g}). The roundings of different
examples cancel: the sum of {terms:,} is off by {relative:.1e} of itself, {random:.1e} eps of
float32 (the bound that is checked is {cancelling:g}).
"""


def render(results: Results) -> str:
    """Return the document of all parts."""
    sections = [
        ABOUT,
        FUNCTIONS,
        machine_line(results["functions"]),
        table(*functions_table(results["functions"]["found"], results["points"]["found"])),
        POWER,
        LOSSES,
        table(*bounds_table(results["losses"]["found"])),
        TABLES,
        machine_line(results["losses"]),
        *loss_tables(results["losses"]["found"]),
        SUMS.format(bound=bounds.SUM),
        table(*sums_table(results["sums"]["found"])),
        grouped(results["sums"]["found"]),
        machine_line(results["sums"]),
    ]
    return "\n".join(section.strip("\n") + "\n" for section in sections)


def machine_line(part: Results) -> str:
    """Say where and with what a part was measured."""
    machine = part["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    isas = "instruction sets " + ", ".join(machine["isas"])
    return f"Measured {machine['date'][:10]}: {machine['cpu']}, {isas}; {versions}."


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def functions_table(swept: Results, checked: Results) -> tuple[list[str], list[list[str]]]:
    """Return the functions' errors."""
    head = ["function", "bound", "float32 max", "at", "float64 max", "at", "other bits"]
    rows = []
    for name, function in BY_NAME.items():
        short, long = swept[name], checked[name]
        rows.append(
            [
                f"`{name}`: {function.formula}",
                f"{bounds.FUNCTIONS[name]:g}",
                f"{short['worst']:.4f}",
                f"`{short['where']!r}`",
                f"{long['worst']:.3f}",
                f"`{long['where']!r}`",
                f"{short['differing']} of {short['numbers']:,}",
            ]
        )
    return head, rows


def bounds_table(found: Results) -> tuple[list[str], list[list[str]]]:
    """Return bounds and worst errors of every loss, over its parameters."""
    head = ["loss", "bound: value, gradient", *DTYPES]
    rows = []
    for name in CASES:
        own = [variant for variant in VARIANTS if variant.name == name]
        bound = bounds.Bound(
            *map(max, zip(*(bounds.of_variant(v, "float32") for v in own), strict=True))
        )
        variants = [found[repr(variant)] for variant in own]
        cells = [
            ", ".join(
                f"{max(v[dtype]['numloss'][of]['worst'] for v in variants):.3g}"
                for of in ("value", "gradient")
            )
            for dtype in DTYPES
        ]
        rows.append([f"`{name}`", f"{bound.value:g}, {bound.gradient:g}", *cells])
    return head, rows


def loss_tables(found: Results) -> Iterator[str]:
    """Yield a heading and a table for each dtype."""
    head = ["loss", *(f"{who} {of}" for of in ("value", "gradient") for who in CONTESTANTS)]
    for dtype in DTYPES:
        yield f"### {dtype}\n"
        yield table(head, ([f"`{v!r}`", *loss_cells(found[repr(v)][dtype])] for v in VARIANTS))


CONTESTANTS = ("numloss", "torch", "scipy")


def loss_cells(measured: Results) -> Iterator[str]:
    """Yield the cells of a row."""
    for of in ("value", "gradient"):
        for who in CONTESTANTS:
            figures = measured.get(who, {}).get(of)
            yield "–" if figures is None else " / ".join(number(x) for x in figures.values())


def number(x: float) -> str:
    """Write an error: two decimals, or its magnitude."""
    return f"{x:.2f}" if x < 100 else f"{x:.0e}".replace("e+0", "e")


def sums_table(found: Results) -> tuple[list[str], list[list[str]]]:
    """Return the errors of sums."""
    rows = [
        [f"`{name}`", f"{summed['terms']:,}", f"{summed['ulps']:g}"]
        for name, summed in found["losses"].items()
        if summed["ulps"] is not None
    ]
    return ["loss", "terms", "off the exact sum of the values, ULP"], rows


def grouped(found: Results) -> str:
    """Return what is said of the sum that is not one of values."""
    summed = found["losses"][sums.GROUPED]
    relative = summed["relative"]
    return GROUPED.format(
        argued=bounds.GROUPED_ARGUED,
        bound=bounds.GROUPED_EQUAL,
        cancelling=bounds.GROUPED,
        float32=found["equal"]["float32"] / 2**-23,
        float64=found["equal"]["float64"] / 2**-52,
        random=relative / 2**-23,
        relative=relative,
        terms=summed["terms"],
    )
