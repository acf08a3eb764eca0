"""The same bits: whatever the threads, the instruction set, the place in memory, the layout."""

from functools import cache

import ml_dtypes
import numpy as np
import pytest
from cases import DISTRIBUTIONS, PLAIN, SHARED, assert_same, per_example, results
from hypothesis import given, settings
from hypothesis import strategies as st

import numloss
from numloss import _core

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [np.dtype(name) for name in ("float64", "float32", "float16")] + [BFLOAT16]
ISAS = _core.config()["isas"]
#: The first variant of every loss.

every_variant = pytest.mark.parametrize("variant", SHARED, ids=str)

# -------------------------------------------------------------------------------- instruction sets

#: Around vectors, sum lanes, tiles and blocks.
SIZES = [0, 1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 511, 512, 513, 1023, 1025]
SIZES += [8191, 8192, 8193, 65537]
#: Around panels of rows, tiles of classes, and the number from which rows are folded.
CLASSES = [
    1,
    2,
    3,
    4,
    5,
    10,
    63,
    64,
    65,
    100,
    128,
    255,
    256,
    257,
    1000,
    1023,
    1024,
    1025,
    2050,
    5000,
]
#: A table of distances is quadratic in the classes.
MOST_ORDERED = 300
ROWS = [0, 1, 2, 15, 16, 17, 63, 64, 65, 130]
#: All rows with few classes, few rows with many, and more rows than a block holds.
GRIDS = [(n, c) for c in CLASSES for n in ROWS if n <= 2 or n * c <= 8200]
GRIDS += [(7000, 5), (33, 1025), (7, 5000)]


@pytest.fixture
def selected_isa():
    before = _core.config()["isa"]
    yield _core.select_isa
    _core.select_isa(before)


@cache
def inputs(variant, shape, dtype):
    return (*variant.inputs(shape, dtype), variant.options(shape[-1]))


def in_every_mode(loss, prediction, target, **options):
    """Run each of the kernels of a loss once."""
    return [
        loss(prediction, target, reduction="sum", **options),
        loss.grad(prediction, target, reduction="none", **options),
        *loss.value_and_grad(prediction, target, reduction="none", **options),
        *loss.grad_and_hess(prediction, target, reduction="sum", **options),
    ]


@pytest.mark.parametrize("isa", ISAS[:-1] or ISAS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@every_variant
def test_instruction_sets(variant, dtype, isa, selected_isa):
    shapes = GRIDS if variant.rowwise else [(n,) for n in SIZES]
    if variant.name == "ordinal_cross_entropy":
        shapes = [(n, c) for n, c in shapes if c <= MOST_ORDERED or (n, c) == (2, 1025)]
    if dtype.itemsize == 2:
        # Only loading and storing differ from float32.
        shapes = [shape for shape in shapes if np.prod(shape) < 1100][::3]
    for shape in shapes:
        prediction, target, options = inputs(variant, shape, dtype)
        selected_isa(ISAS[-1])
        expected = in_every_mode(variant.loss, prediction, target, **options)
        selected_isa(isa)
        assert_same(in_every_mode(variant.loss, prediction, target, **options), expected, shape)


def test_instruction_set_is_the_one_selected(selected_isa):
    for isa in ISAS:
        selected_isa(isa)
        assert _core.config()["isa"] == isa


# ----------------------------------------------------------------------------------------- threads

#: Enough work for several threads, in several blocks, the last one shorter.
MANY_ELEMENTS = {"float32": (2_400_011,), "float64": (1_200_011,)}
MANY_ROWS = [(60_013, 41), (1_203, 1_030)]


def with_threads(n, loss, prediction, target, **options):
    with numloss.threads(n):
        return [
            loss(prediction, target, **options),
            *loss.value_and_grad(prediction, target, **options),
        ]


@pytest.mark.parametrize("variant", PLAIN, ids=str)
def test_threads(variant):
    for dtype in ("float32", "float64"):
        for shape in MANY_ROWS if variant.rowwise else [MANY_ELEMENTS[dtype]]:
            arrays = variant.inputs(shape, dtype)
            options = variant.options(shape[-1])
            expected = with_threads(1, variant.loss, *arrays, **options)
            for n in (2, 3, 7):
                assert_same(with_threads(n, variant.loss, *arrays, **options), expected, (shape, n))


@pytest.mark.parametrize("variant", PLAIN, ids=str)
def test_threads_share_what_is_copied_together(variant):
    for shape in [(1203, 1030), (60_013, 41)] if variant.rowwise else [(150, 40, 250)]:
        if variant.name == "ordinal_cross_entropy" and shape[-1] > MOST_ORDERED:
            continue
        arrays = variant.inputs(shape, "float32")
        options = variant.options(shape[-1])
        expected = with_threads(1, variant.loss, *arrays, **options)
        for n in (1, 2, 7):
            found = with_threads(n, variant.loss, *map(np.asfortranarray, arrays), **options)
            assert_same(found, expected, (shape, n))


# ---------------------------------------------------------------------------------------- position


def shapes_of(variant, elements, *rows):
    """Return the shapes for a loss: of elements, or of rows of classes."""
    if not variant.rowwise:
        return [elements]
    most = MOST_ORDERED if variant.name == "ordinal_cross_entropy" else np.inf
    return [shape for shape in rows if shape[-1] <= most]


@pytest.mark.parametrize("dtype", DTYPES[:2], ids=str)
@every_variant
def test_an_example_gives_the_same_bits_anywhere(variant, dtype):
    for shape in shapes_of(variant, (700,), (130, 3), (130, 300), (3, 1030)):
        prediction, target = variant.inputs(shape, dtype)
        options = variant.options(shape[-1])
        base = per_example(variant.loss, prediction, target, **options)
        every = np.arange(shape[0])
        orders = [np.roll(every, k) for k in (1, 5, 16, 64, 511)]
        orders += [every[1:], every[::-1], every[::3], every[-1:], every[:1]]
        for order in orders:
            found = per_example(variant.loss, prediction[order], target[order], **options)
            assert_same(found, [x[order] for x in base], (shape, order[:3]))


@pytest.mark.parametrize("dtype", DTYPES[:2], ids=str)
@every_variant
def test_neighbours_do_not_matter(variant, dtype):
    for shape in shapes_of(variant, (700,), (130, 3), (130, 300), (3, 1030)):
        prediction, target = variant.inputs(shape, dtype)
        options = variant.options(shape[-1])
        kept = np.arange(shape[0]) % 3 == 1
        expected = [x[kept] for x in per_example(variant.loss, prediction, target, **options)]
        assert all(np.isfinite(x).all() for x in expected)
        chances = variant.domain.in_unit
        for extreme in (np.nan, 0.0, 1.0) if chances else (np.nan, np.inf, -np.inf, 1e38):
            prediction[~kept] = extreme
            found = per_example(variant.loss, prediction, target, **options)
            assert_same([x[kept] for x in found], expected, extreme)


# ---------------------------------------------------------------------------------------- layouts


def strided(x):
    buffer = np.full([2 * n + 1 for n in x.shape], np.array(1, x.dtype))
    view = buffer[tuple(slice(1, None, 2) for _ in x.shape)]
    view[...] = x
    return view


def reversed_(x):
    every = (slice(None, None, -1),) * x.ndim
    return np.ascontiguousarray(x[every])[every]


def transposed(x):
    return np.ascontiguousarray(x.T).T


def middle_first(x):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, 0)), 0, 1)


def unaligned(x):
    buffer = np.zeros(x.nbytes + 1, np.uint8)
    view = buffer[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    assert not view.flags.aligned or x.itemsize == 1
    return view


def byte_swapped(x):
    return x.astype(x.dtype.newbyteorder())


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def off_by_one(x):
    """Aligned to its elements, not to vectors."""
    buffer = np.zeros(x.size + 1, x.dtype)
    view = buffer[1:].reshape(x.shape)
    view[...] = x
    return view


LAYOUTS = [
    strided,
    reversed_,
    transposed,
    middle_first,
    unaligned,
    byte_swapped,
    read_only,
    off_by_one,
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__.strip("_"))
@every_variant
def test_layouts(variant, layout):
    for shape in shapes_of(variant, (9, 70, 3), (9, 7, 5), (5, 3, 300), (2, 2, 1025)):
        for dtype in DTYPES:
            if layout is byte_swapped and dtype == BFLOAT16:
                continue  # it has but one byte order
            prediction, target, options = inputs(variant, shape, dtype)
            weight = np.linspace(0, 1, 63).reshape(9, 7)[: shape[0], : shape[1]]
            weight = np.ascontiguousarray(weight if variant.rowwise else weight[..., :1, None])
            weight = np.broadcast_to(weight, shape[:2] if variant.rowwise else shape).copy()
            call = {"weight": weight, **options}
            expected = results(variant.loss, prediction, target, **call)
            laid = layout(prediction), layout(target), layout(weight)
            for p, t, w in ((*laid[:2], weight), (prediction, *laid[1:]), laid):
                call["weight"] = w
                assert_same(results(variant.loss, p, t, **call), expected, (shape, dtype))
            assert np.array_equal(laid[0], prediction)
            assert np.array_equal(laid[1], target)


@pytest.mark.parametrize("layout", [transposed, middle_first, strided], ids=lambda f: f.__name__)
@pytest.mark.parametrize("variant", PLAIN, ids=str)
def test_layouts_of_more_than_is_copied_at_a_time(variant, layout):
    """What is copied together begins and ends within rows, and serves several blocks."""
    for shape in shapes_of(variant, (40, 51, 60), (3, 41, 300), (2, 9, 5000)):
        prediction, target, options = inputs(variant, shape, np.dtype("float32"))
        ones = np.ones(variant.examples(prediction))
        for call in (options, {"weight": ones, **options}):
            expected = results(variant.loss, prediction, target, **call)
            laid = layout(prediction), layout(target)
            assert_same(results(variant.loss, *laid, **call), expected, (shape, call))
            for method in (variant.loss.grad, variant.loss.value_and_grad):
                place = layout(prediction)
                found = into(place, method, place, laid[1], **call)
                assert_same(found, into(None, method, prediction, target, **call), (shape, call))


@pytest.mark.parametrize("variant", PLAIN, ids=str)
def test_columns_of_any_type_and_number(variant):
    """Planes of few columns, and of numbers that are converted as they are copied."""
    shapes = ((700, 2), (700, 3), (140, 17)) if not variant.rowwise else ((3, 90, 300), (70, 1025))
    for shape in shapes:
        for dtype in DTYPES:
            prediction, target, options = inputs(variant, shape, dtype)
            expected = results(variant.loss, prediction, target, **options)
            laid = np.asfortranarray(prediction), np.asfortranarray(target)
            assert_same(results(variant.loss, *laid, **options), expected, (shape, dtype))
            place = laid[0].copy(order="F")
            found = into(place, variant.loss.value_and_grad, place, laid[1], **options)
            assert_same(found, into(None, variant.loss.value_and_grad, *laid, **options))


def sliced(x):
    """Some of the columns of a wider array."""
    wide = np.zeros((*x.shape[:-1], x.shape[-1] + 5), x.dtype)
    wide[..., : x.shape[-1]] = x
    return wide[..., : x.shape[-1]]


@pytest.mark.parametrize("layout", [sliced, strided, reversed_, byte_swapped])
@pytest.mark.parametrize("variant", [v for v in PLAIN if not v.rowwise], ids=str)
def test_long_rows_of_elements(variant, layout):
    """Tiles begin and end within rows, which lie apart in one array and not in another."""
    for shape in ((40, 700), (9, 256), (9, 255)):
        for dtype in DTYPES[:3]:
            prediction, target, options = inputs(variant, shape, dtype)
            weight = np.broadcast_to(np.linspace(0, 1, shape[-1]), shape)
            for more in ({}, {"weight": weight.astype(dtype)}, {"weight": weight}):
                call = {**options, **more}
                expected = results(variant.loss, prediction, target, **call)
                for p, t in ((layout(prediction), sliced(target)), (sliced(prediction), target)):
                    assert_same(results(variant.loss, p, t, **call), expected, (shape, dtype))
                method, place = variant.loss.value_and_grad, sliced(prediction)
                with numloss.threads(3):
                    found = into(place, method, place, layout(target), **call)
                assert_same(found, into(None, method, prediction, target, **call), (shape, dtype))


def into(out, method, prediction, target, **call):
    """Call a method that writes to an array laid out in some way; return all its results."""
    found = method(prediction, target, out=out, **call)
    return list(found) if isinstance(found, tuple) else [found]


@pytest.mark.parametrize("layout", [transposed, middle_first, strided], ids=lambda f: f.__name__)
@every_variant
def test_inputs_and_outputs_that_lie_alike(variant, layout):
    """Without weights nothing but a sum depends on the order of the examples."""
    for shape in shapes_of(variant, (9, 70, 3), (9, 7, 5), (5, 3, 300)):
        for dtype in DTYPES[1:3]:
            prediction, target, options = inputs(variant, shape, dtype)
            laid = layout(prediction), layout(target)
            for method in (variant.loss.grad, variant.loss.value_and_grad):
                for call in ({"reduction": "none"}, {"reduction": "mean"}, {"denominator": 3.0}):
                    call |= options
                    new = np.empty_like(prediction)
                    expected = into(new, method, prediction, target, **call)
                    assert_same(into(layout(new), method, *laid, **call), expected, (shape, call))
                    in_place = layout(prediction)
                    assert_same(into(in_place, method, in_place, laid[1], **call), expected, call)


@pytest.mark.parametrize("name", ["binary_cross_entropy", "hinge", "squared_hinge", "focal"])
def test_a_bad_target_by_columns_leaves_the_output_alone(name):
    variant = next(v for v in PLAIN if v.name == name)
    prediction, target = map(np.asfortranarray, variant.inputs((70, 30), "float32"))
    target[40, 20] = 7.0
    for method in (variant.loss.grad, variant.loss.value_and_grad):
        out = np.full_like(prediction, 9.0)
        with pytest.raises(ValueError, match=r"\(40, 20\)|\[40, 20\]"):
            method(prediction, target, out=out)
        assert (out == 9.0).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("variant", PLAIN, ids=str)
def test_arrays_larger_than_the_caches_give_what_their_parts_give(variant, dtype):
    """Memory is asked for ahead only in large arrays; the parts are small ones."""
    n = 5_000_003 // dtype.itemsize
    for shape in shapes_of(variant, (n,), (n // 10, 10), (n // 100, 100), (n // 5000, 5000)):
        few = shape[0] // 8 + 1
        small = variant.inputs((few, *shape[1:]), dtype)
        options = variant.options(shape[-1])
        prediction, target = (np.concatenate([x] * 8)[: shape[0]] for x in small)
        expected = per_example(variant.loss, *small, **options)
        found = per_example(variant.loss, prediction, target, **options)
        assert_same(found, [np.concatenate([x] * 8)[: shape[0]] for x in expected], shape)
        value, gradient = variant.loss.value_and_grad(
            prediction, target, reduction="sum", **options
        )
        assert_same([gradient], [found[1]], shape)
        assert value == variant.loss(prediction, target, reduction="sum", **options)


@pytest.mark.parametrize("dtype", DTYPES[2:], ids=str)
@pytest.mark.parametrize(
    "variant", [v for v in PLAIN if v.rowwise and v.name != "ordinal_cross_entropy"], ids=str
)
def test_long_rows_of_16_bits_are_those_of_32_rounded(variant, dtype):
    """Of rows of some lengths the exponentials are kept for the gradient, of others taken twice."""
    pairs = variant.name == "multilabel_margin"  # its work grows with the square of the classes
    for classes in (4097, 5000, 9001 if pairs else 200_003):
        prediction, target, options = inputs(variant, (2, classes), dtype)
        wide = [prediction.astype("float32"), target]
        if variant.domain is DISTRIBUTIONS:
            wide[1] = target.astype("float32")
        with np.errstate(over="ignore"):  # float16 ends at 65504
            expected = [x.astype(dtype) for x in variant.loss.grad_and_hess(*wide, **options)]
        assert variant.loss(prediction, target, **options) == variant.loss(*wide, **options)
        assert_same(variant.loss.grad_and_hess(prediction, target, **options), expected, classes)
        out = strided(np.zeros_like(prediction))
        found = variant.loss.grad(prediction, target, out=out, **options)
        assert_same([found], expected[:1], classes)
        in_place = prediction.copy()
        found = variant.loss.grad(in_place, target, out=in_place, **options)
        assert_same([found], expected[:1], classes)


@pytest.mark.parametrize("dtype", DTYPES[:3], ids=str)
@every_variant
def test_weights_of_any_type(variant, dtype):
    for shape in shapes_of(variant, (9001,), (700, 13), (30, 290)):
        prediction, target, options = inputs(variant, shape, dtype)
        examples = variant.examples(prediction)
        weight = (np.arange(np.prod(examples)) % 7).astype("float16").reshape(examples)
        expected = results(variant.loss, prediction, target, weight=weight.astype(float), **options)
        for other in (weight, weight.astype("float32"), weight.astype(np.uint8)):
            found = results(variant.loss, prediction, target, weight=other, **options)
            assert_same(found, expected, (shape, other.dtype))


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -2, -4])
@pytest.mark.parametrize("variant", [v for v in SHARED if v.rowwise], ids=str)
def test_class_axis(variant, axis):
    for classes in (5, 300):
        prediction, target, options = inputs(variant, (4, 3, 6, classes), np.dtype("float32"))
        moved = np.ascontiguousarray(np.moveaxis(prediction, -1, axis))
        moved_target = target
        if target.ndim == prediction.ndim:
            moved_target = np.ascontiguousarray(np.moveaxis(target, -1, axis))
        expected = results(variant.loss, prediction, target, **options)
        expected = [np.moveaxis(x, -1, axis) if x.ndim == 4 else x for x in expected]
        assert_same(results(variant.loss, moved, moved_target, axis=axis, **options), expected)


@every_variant
def test_broadcast_views(variant):
    for shape in ((40, 5), (3, 300)):
        prediction, target, options = inputs(variant, shape, np.dtype("float32"))
        for p, t in (
            (np.broadcast_to(prediction[:1], shape), target),
            (prediction, np.broadcast_to(target[:1], target.shape)),
            (np.broadcast_to(prediction[:, :1], shape), target),
        ):
            weight = np.broadcast_to(np.float64(0.5), variant.examples(prediction))
            expected = results(variant.loss, p.copy(), t.copy(), weight=weight.copy(), **options)
            assert_same(results(variant.loss, p, t, weight=weight, **options), expected)


@pytest.mark.parametrize("layout", [np.copy, strided, reversed_, transposed, unaligned, off_by_one])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@every_variant
def test_gradient_in_place(variant, dtype, layout):
    for shape in shapes_of(variant, (9, 70, 3), (9, 7, 5), (5, 3, 300)):
        prediction, target, options = inputs(variant, shape, dtype)
        for reduction in ("mean", "none"):
            call = {"reduction": reduction, **options}
            value, gradient = variant.loss.value_and_grad(prediction, target, **call)
            place, kept = layout(prediction), target.copy()
            result = variant.loss.grad(place, target, out=place, **call)
            assert result is place
            assert_same([place], [gradient], shape)
            place = layout(prediction)
            pair = variant.loss.value_and_grad(place, target, out=place, **call)
            assert_same((pair[0], place), (value, gradient), shape)
            assert np.array_equal(target, kept)


def at_byte(x, begin):
    """Return a copy that begins so many bytes behind a line of memory."""
    buffer = np.zeros(x.nbytes + 128, np.uint8)
    first = -buffer.ctypes.data % 64 + begin
    view = buffer[first : first + x.nbytes].view(x.dtype)
    view[...] = x
    return view


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("variant", [v for v in SHARED if not v.rowwise], ids=str)
def test_derivatives_begin_anywhere_in_a_line(variant, dtype):
    prediction, target, options = inputs(variant, (5001,), np.dtype(dtype))
    for weight in (None, *np.random.default_rng(0).uniform(size=(6, 5001))):
        call = {"weight": weight, **options}
        expected = variant.loss.grad_and_hess(prediction, target, **call)
        for begin in range(0, 64, prediction.itemsize):
            places = at_byte(expected[0], begin), at_byte(expected[1], (begin + 8) % 64)
            for place in places:
                place[...] = 7
            variant.loss.grad_and_hess(prediction, target, out=places, **call)
            assert_same(places, expected, begin)
            variant.loss.grad(prediction, target, out=places[0], **call)
            assert_same(places[:1], expected[:1], begin)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@every_variant
def test_hessian_in_place(variant, dtype):
    for shape in shapes_of(variant, (9, 70, 3), (9, 7, 5), (5, 3, 300)):
        prediction, target, options = inputs(variant, shape, np.dtype(dtype))
        expected = variant.loss.grad_and_hess(prediction, target, **options)
        gradient, place = np.empty_like(prediction), prediction.copy()
        variant.loss.grad_and_hess(place, target, out=(gradient, place), **options)
        assert_same([gradient, place], expected, shape)


@pytest.mark.parametrize("layout", [np.copy, strided, reversed_, transposed, unaligned])
@every_variant
def test_results_go_where_they_are_sent(variant, layout):
    for shape in shapes_of(variant, (9, 70, 3), (9, 7, 5), (5, 3, 300)):
        prediction, target, options = inputs(variant, shape, np.dtype("float32"))
        call = {"reduction": "none", **options}
        expected = variant.loss.value_and_grad(prediction, target, **call)
        values = layout(np.full(variant.examples(prediction), 7, "float32"))
        places = layout(np.full(shape, 7, "float32"))
        variant.loss(prediction, target, out=values, **call)
        assert_same([values], expected[:1])
        values[...] = 7
        variant.loss.value_and_grad(prediction, target, out=(values, places), **call)
        assert_same([values, places], expected)
        more = layout(np.full(shape, 7, "float32"))
        variant.loss.grad_and_hess(prediction, target, out=(places, more), **call)
        assert_same([places, more], variant.loss.grad_and_hess(prediction, target, **call))
        for buffer in (places, more):
            if layout is strided:
                assert (buffer.base[::2] == 1).all()


def test_out_itself_is_returned():
    place = np.zeros(3)
    for prediction in (np.arange(3.0), np.arange(3), [0.0, 1.0, 2.0], np.arange(3.0, dtype=">f8")):
        assert numloss.huber.grad(prediction, 0.0, out=place) is place
        assert numloss.huber(prediction, 0.0, reduction="none", out=place) is place
        assert numloss.huber.value_and_grad(prediction, 0.0, out=place)[1] is place
    empty = np.zeros((0, 3))
    assert numloss.huber.grad(empty, 0.0, out=empty, reduction="sum") is empty


@pytest.mark.parametrize("variant", PLAIN, ids=str)
def test_lists_and_scalars(variant):
    shape = (4, 3) if variant.rowwise else (4,)
    prediction, target, options = inputs(variant, shape, np.dtype("float64"))
    expected = results(variant.loss, prediction, target, **options)
    assert_same(results(variant.loss, prediction.tolist(), target.tolist(), **options), expected)
    alone = prediction[1], target[1]
    one = results(variant.loss, *alone, **options)
    expected = results(variant.loss, prediction[1:2], target[1:2], **options)
    assert_same(one, [x[0] if x.ndim else x for x in expected])
    assert one[0].shape == ()
    assert one[2].shape == alone[0].shape


# ------------------------------------------------------------------------------------------- types


@pytest.mark.parametrize("target_dtype", DTYPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    "variant", [v for v in SHARED if v.name in ("huber", "kl_divergence")], ids=str
)
def test_mixed_floats_promote(variant, dtype, target_dtype):
    shape = (40, 4) if variant.rowwise else (40,)
    prediction, target = variant.inputs(shape, dtype)
    # Shares that every type holds, so that each sum is 1.
    target = (np.eye(4)[np.arange(40) % 4] + 1) / 5 if variant.rowwise else target
    target = np.round(target.astype(float) * 16) / 16
    if variant.rowwise:
        target[:, 0] += 1 - target.sum(axis=-1)
    target = target.astype(target_dtype)
    if {dtype, target_dtype} == {np.dtype("float16"), BFLOAT16}:
        with pytest.raises(TypeError, match="prediction and target"):  # NumPy has no type for both
            variant.loss(prediction, target)
        return
    promoted = np.promote_types(dtype, target_dtype)
    found = results(variant.loss, prediction, target)
    assert found[0].dtype == found[2].dtype == promoted
    expected = results(variant.loss, prediction.astype(promoted), target.astype(promoted))
    assert_same(found, expected)


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i2"])
def test_integers_become_float64(dtype):
    prediction = (np.arange(33) - 3 * (np.dtype(dtype).kind == "i")).astype(dtype)
    target = np.linspace(-1, 1, 33)
    wide = prediction.astype(float)
    assert_same(results(numloss.huber, prediction, target), results(numloss.huber, wide, target))
    # Of a target they are numbers like any other, and leave the prediction its type.
    for float_type in DTYPES:
        p = target.astype(float_type)
        found = results(numloss.huber, p, prediction)
        assert found[0].dtype == float_type
        assert_same(found, results(numloss.huber, p, wide.astype(float_type)))


# ---------------------------------------------------------------------------------- random layouts


@st.composite
def views(draw, x, writeable=False):
    """Lay an array out at random: order of the axes, steps of either sign, gaps, byte order."""
    order = draw(st.permutations(range(x.ndim)))
    steps = [draw(st.sampled_from([-3, -2, -1, 1, 2])) for _ in range(x.ndim)]
    lead = draw(st.integers(0, 2))
    dtype = x.dtype
    if not writeable and draw(st.booleans()) and dtype != BFLOAT16:
        dtype = dtype.newbyteorder()
    lengths = [x.shape[axis] * abs(steps[axis]) for axis in order]
    offset = draw(st.sampled_from([0, 1, dtype.itemsize]))
    room = np.zeros(int(np.prod(lengths, dtype=int)) * dtype.itemsize + offset + lead, np.uint8)
    flat = room[offset : room.size - lead].view(dtype)
    base = flat.reshape(lengths).transpose(np.argsort(order))
    view = base[(..., *(slice(None, None, step) for step in steps))]
    view[...] = x
    if not writeable and draw(st.booleans()):
        view.flags.writeable = False
    return view


@st.composite
def calls(draw):
    variant = draw(st.sampled_from(SHARED))
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=4)))
    examples = shape
    if variant.rowwise:
        shape = (*shape, draw(st.sampled_from([1, 2, 5, 70, 257])))
    dtype = draw(st.sampled_from(DTYPES))
    prediction, target = variant.inputs(shape, dtype, seed=draw(st.integers(0, 99)))
    call = variant.options(shape[-1] if variant.rowwise else 1)
    if draw(st.booleans()):
        axes = examples if draw(st.booleans()) else ()  # else one weight for all
        pattern = [n if draw(st.booleans()) else 1 for n in axes]
        call["weight"] = np.random.default_rng(1).uniform(0.5, 2.0, size=pattern)
    if variant.rowwise:
        axis = draw(st.integers(-len(shape), len(shape) - 1))
        prediction = np.moveaxis(prediction, -1, axis)
        if target.ndim == prediction.ndim:
            target = np.moveaxis(target, -1, axis)
        call["axis"] = axis
    return variant, prediction, target, call


def in_every_way(loss, prediction, target, call):
    if "denominator" in call:
        return [loss(prediction, target, **call), loss.grad(prediction, target, **call)]
    return results(loss, prediction, target, **call)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_random_layouts(data):
    variant, prediction, target, call = data.draw(calls())
    p, t = np.ascontiguousarray(prediction), np.ascontiguousarray(target)
    p, t = p.reshape(prediction.shape), t.reshape(target.shape)
    if p.size == 0:
        call["denominator"] = 2.0  # no mean over nothing
    expected = in_every_way(variant.loss, p, t, call)
    laid = data.draw(views(p)), data.draw(views(t))
    if "weight" in call:
        call["weight"] = data.draw(views(call["weight"]))
    assert_same(in_every_way(variant.loss, *laid, call), expected)
    place = data.draw(views(p, writeable=True))
    variant.loss.grad(place, t, out=place, **call)
    assert_same([place], [variant.loss.grad(p, t, **call)])


@pytest.mark.parametrize("classes", [5, 257, 1025, 5000])
def test_value_is_the_same_with_its_gradient(classes):
    """The denominator of soft labels is found before the run, or by it."""
    rng = np.random.default_rng(classes)
    for _ in range(40):
        logits = rng.normal(size=(3, classes)).astype("float32")
        target = rng.random(size=(3, classes))
        target = (target / target.sum(axis=1, keepdims=True)).astype("float32")
        options = {"class_weight": rng.random(classes)}
        value = numloss.cross_entropy(logits, target, **options)
        assert value == numloss.cross_entropy.value_and_grad(logits, target, **options)[0]
