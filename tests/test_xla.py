"""The handler for XLA as XLA calls it, without JAX: frames that are right, odd and hostile."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_char_p, c_int, c_int64, c_size_t, c_uint32, c_void_p

import capi
import ml_dtypes
import numpy as np
import pytest

import numloss

VALUE, BOTH, NONE = 1, 3, 2
EXECUTE, METADATA, BUFFER, SCALAR, TEXT = 3, 1, 1, 3, 4
INVALID_ARGUMENT, RESOURCE_EXHAUSTED = 3, 8
#: XLA's numbers of types.
TYPES = {"bool": 1, "int8": 2, "int16": 3, "int32": 4, "int64": 5, "uint8": 6, "uint16": 7,
         "uint32": 8, "uint64": 9, "float16": 10, "float32": 11, "float64": 12,
         "bfloat16": 16, "complex64": 15}  # fmt: skip

P = np.array([1.0, 2.0, 4.0], "float32")
T = np.array([1.0, 1.5, 0.0], "float32")


class Sized(Structure):
    def __init__(self, **members):
        super().__init__(size=ctypes.sizeof(self), **members)


class Extension(Sized):
    _fields_ = [("size", c_size_t), ("type", c_int), ("next", c_void_p)]


class Version(Sized):
    _fields_ = [("size", c_size_t), ("next", c_void_p), ("major", c_int), ("minor", c_int)]


class Metadata(Structure):
    _fields_ = [("size", c_size_t), ("version", Version), ("traits", c_uint32), ("state", c_int64)]


class MetadataExtension(Structure):
    _fields_ = [("base", Extension), ("metadata", POINTER(Metadata))]


class Error(Sized):
    _fields_ = [("size", c_size_t), ("next", c_void_p), ("message", c_char_p), ("code", c_int)]


CREATE = ctypes.CFUNCTYPE(c_void_p, POINTER(Error))


class Api(Sized):
    _fields_ = [("size", c_size_t), ("next", c_void_p), ("version", Version),
                ("internal", c_void_p), ("create", CREATE)]  # fmt: skip


class Buffer(Sized):
    _fields_ = [("size", c_size_t), ("next", c_void_p), ("type", c_int), ("data", c_void_p),
                ("rank", c_int64), ("dims", POINTER(c_int64))]  # fmt: skip


class Buffers(Sized):
    _fields_ = [("size", c_size_t), ("next", c_void_p), ("count", c_int64),
                ("kinds", POINTER(c_int)), ("buffers", POINTER(c_void_p))]  # fmt: skip


class Text(Structure):
    _fields_ = [("data", c_char_p), ("length", c_size_t)]


NO_TEXT = POINTER(Text)()


class Scalar(Structure):
    _fields_ = [("type", c_int), ("value", c_void_p)]


class Attributes(Sized):
    _fields_ = [("size", c_size_t), ("next", c_void_p), ("count", c_int64),
                ("kinds", POINTER(c_int)), ("names", POINTER(POINTER(Text))),
                ("values", POINTER(c_void_p))]  # fmt: skip


class Frame(Sized):
    _fields_ = [("size", c_size_t), ("extensions", c_void_p), ("api", POINTER(Api)),
                ("context", c_void_p), ("stage", c_int), ("arguments", Buffers),
                ("results", Buffers), ("attributes", Attributes), ("future", c_void_p)]  # fmt: skip


class Refusal(Exception):  # noqa: N818 (a word of its own, as the library's faults are)
    """The error that the handler made."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Call:
    """A frame that may still be changed, and what it points to."""

    def __init__(self, arrays, results, /, **attributes):
        self.kept = []
        self.errors = []
        self.frame = Frame(
            stage=EXECUTE,
            arguments=self.buffers(arrays),
            results=self.buffers(results),
            attributes=self.attributes(attributes),
        )
        self.api = Api(version=Version(major=0, minor=3), create=CREATE(self.note))
        self.frame.api = ctypes.pointer(self.api)

    def note(self, error):
        self.errors.append((error[0].code, error[0].message.decode()))
        return 1

    def keep(self, x):
        self.kept.append(x)
        return x

    def buffers(self, arrays):
        made = [
            self.keep(
                Buffer(type=TYPES[str(x.dtype)], data=x.ctypes.data, rank=x.ndim,
                       dims=self.keep((c_int64 * x.ndim)(*x.shape)))
            )
            for x in map(self.keep, arrays)
        ]  # fmt: skip
        n = len(made)
        return Buffers(
            count=n,
            kinds=self.keep((c_int * n)(*[BUFFER] * n)),
            buffers=self.keep((c_void_p * n)(*map(ctypes.addressof, made))),
        )

    def attributes(self, given):
        names = [self.keep(Text(x.encode(), len(x))) for x in given]
        values = [self.attribute(x) for x in given.values()]
        n = len(given)
        return Attributes(
            count=n,
            kinds=self.keep((c_int * n)(*[TEXT if type(x) is Text else SCALAR for x in values])),
            names=self.keep((POINTER(Text) * n)(*map(ctypes.pointer, names))),
            values=self.keep((c_void_p * n)(*map(ctypes.addressof, values))),
        )

    def attribute(self, x):
        if isinstance(x, str):
            return self.keep(Text(x.encode(), len(x.encode())))
        number = self.keep(np.asarray(x, "bool" if isinstance(x, bool) else None))
        return self.keep(Scalar(TYPES[str(number.dtype)], number.ctypes.data))

    def run(self):
        handler = capi.library().numloss_xla_call
        handler.restype, handler.argtypes = c_void_p, [POINTER(Frame)]
        made = handler(ctypes.byref(self.frame))
        if self.errors:
            assert made == 1
            raise Refusal(*self.errors[-1])
        assert made is None


def huber(**changed):
    """Return a call of a value and a gradient, and its results."""
    value, gradient = np.zeros((), "float64"), np.zeros(3, "float32")
    given = {"loss": "huber", "operands": "prediction target delta", "want": BOTH, "axes": 1}
    call = Call([P, T, np.float32(2.0)[...]], [value, gradient], **given | changed)
    return call, value, gradient


def test_a_call_gives_the_bits_of_python():
    call, value, gradient = huber()
    call.run()
    known = numloss.huber.value_and_grad(P, T, delta=2.0)
    assert value == known[0]
    assert (gradient == known[1]).all()


def test_operands_of_a_batch_are_shared_or_its_own():
    p, t = np.stack([P, 2 * P]), T[None]
    number = np.array([0.7]).view("uint32").reshape(1, 2)
    value, gradient = np.zeros(2, "float32"), np.zeros((2, 3), "float32")
    Call([p, t, number], [value, gradient], loss="huber", want=BOTH, axes=1,
         operands="prediction target delta:number").run()  # fmt: skip
    for i in range(2):
        known = numloss.huber.value_and_grad(p[i], T, delta=0.7)
        assert value[i] == np.float32(known[0])
        assert (gradient[i] == known[1]).all()


def test_more_options_than_a_loss_has_are_refused():
    deltas = [np.float32(2.0)[...]] * 9
    call = Call([P, T, *deltas], [np.zeros(())], loss="huber", want=VALUE, axes=1,
                operands="prediction target" + 9 * " delta")  # fmt: skip
    with pytest.raises(Refusal, match="delta must be given once"):
        call.run()


def test_every_kind_of_attribute():
    x, y = np.eye(3, 4, dtype=ml_dtypes.bfloat16), np.array([0, 3, 9], "uint8")
    values = np.zeros(3, ml_dtypes.bfloat16)
    Call([x, y], [values], loss="multiclass_hinge", want=VALUE, reduction=NONE, axes=2, axis=1,
         operands="prediction target", ignore_index=9, variant="crammer_singer",
         class_weight="").run()  # fmt: skip
    known = numloss.multiclass_hinge(
        x, y, reduction="none", ignore_index=9, variant="crammer_singer"
    )
    assert (values == known).all()
    value = np.zeros((), "float64")
    Call([T / 2, T / 2], [value], loss="binary_cross_entropy", want=VALUE, axes=1,
         operands="prediction target", from_logits=False).run()  # fmt: skip
    assert value == numloss.binary_cross_entropy(T / 2, T / 2, from_logits=False)


@pytest.mark.parametrize("kind", ["int64", "uint32"])
def test_what_options_ask_for_follows_the_results(kind):
    x, y = np.arange(24.0).reshape(2, 3, 4) % 5, np.array([0, 3, 1])
    value, gradient, logsumexp = np.zeros(2), np.zeros((2, 3, 4)), np.zeros((2, 3))
    predicted = np.zeros((2, 3, 2) if kind == "uint32" else (2, 3), kind)
    Call([x, y[None]], [value, gradient, logsumexp, predicted], loss="cross_entropy", want=BOTH,
         axes=2, operands="prediction target", return_logsumexp=True,
         return_predicted=True).run()  # fmt: skip
    for i in range(2):
        known = numloss.cross_entropy.value_and_grad(
            x[i], y, return_logsumexp=True, return_predicted=True
        )
        found = value[i], gradient[i], logsumexp[i], predicted[i].view("int64").reshape(3)
        assert all((a == b).all() for a, b in zip(found, known, strict=True))


@pytest.mark.parametrize(
    ("results", "text"),
    [
        ([np.zeros(())], "results must be as many as the call gives, 2, got 1"),
        ([np.zeros(()), np.zeros(3, "int64"), np.zeros(3)], "as the call gives, 2, got 3"),
        ([np.zeros(()), np.zeros(3, "int32")], "int64"),
        ([np.zeros(()), np.zeros((3, 3), "uint32")], "results must have the axes of the batch"),
        ([np.zeros((3, 2), "uint32"), np.zeros(3, "int64")], "results must begin with a number"),
    ],
)
def test_results_that_options_do_not_ask_for_are_refused(results, text):
    call = Call([np.eye(3), np.arange(3)], results, loss="cross_entropy", want=VALUE, axes=2,
                operands="prediction target", return_logsumexp=False,
                return_predicted=True)  # fmt: skip
    with pytest.raises(Refusal, match=text):
        call.run()


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"loss": "hubert"}, "loss must be the name of a loss, got 'hubert'"),
        ({"loss": 3}, "loss must be the name"),
        ({"want": "all"}, "attribute must be of the kind .* got 'want'"),
        ({"want": 2**32 + BOTH}, "attribute must be of the kind .* got 'want'"),
        ({"axes": -(2**63)}, "attribute must be of the kind .* got 'axes'"),
        ({"want": 1.5}, "attribute must be of the kind .* got 'want'"),
        ({"want": 11}, "want must be NUMLOSS_VALUE"),
        ({"reduction": 7}, "reduction must be one of the numbers"),
        ({"operands": ""}, "option must be one .* got ''"),
        ({"operands": "target prediction delta"}, "option must be one .* got 'target'"),
        ({"operands": "prediction target"}, "option must be one .* got ''"),
        ({"operands": "prediction target gamma"}, "option must be one .* got 'gamma'"),
        ({"operands": "prediction target delta weight"}, "operands must be as many as their names"),
        ({"operands": "prediction target delta:number"}, "delta must have the axes of the batch"),
        ({"operands": "prediction:number target delta"}, "prediction must have the axes of the"),
        ({"axes": 2}, "axes must be those of the prediction, got 2"),
        ({"axes": -1}, "axes must be those of the prediction, got -1"),
        ({"axes": 0}, "axes must be those of the prediction, got 0"),
        ({"gamma": 1}, "option must be one .* got 'gamma'"),
        ({"delta": 1}, "delta must be an option of kind NUMLOSS_NUMBER, got NUMLOSS_INTEGER"),
        ({"dtype": 99}, "dtype must be one of the numbers"),
        ({"want": VALUE}, "results must be as many as the call gives, 1, got 2"),
    ],
)
def test_wrong_attributes_are_refused(changed, text):
    call, value, gradient = huber(**changed)
    with pytest.raises(Refusal, match=text) as caught:
        call.run()
    assert caught.value.code == INVALID_ARGUMENT
    assert not value.any()
    assert not gradient.any()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda c: setattr(c.frame, "size", 40), "must be XLA's to execute, of a version of its"),
        (lambda c: setattr(c.frame.arguments, "size", 8), "XLA's to execute"),
        (lambda c: setattr(c.frame.results, "size", 8), "XLA's to execute"),
        (lambda c: setattr(c.frame.attributes, "size", 8), "XLA's to execute"),
        (lambda c: setattr(c.frame, "stage", 0), "XLA's to execute"),
        (lambda c: setattr(c.frame.arguments, "count", 0), "operands must be from 1 to"),
        (lambda c: setattr(c.frame.arguments, "count", 99), "operands must be from 1 to"),
        (lambda c: setattr(c.frame.results, "count", -1), "results must be from 1 to"),
        (lambda c: c.frame.arguments.kinds.__setitem__(0, 7), "operands must be buffers"),
        (lambda c: c.frame.arguments.buffers.__setitem__(1, None), "operands must be buffers"),
        (lambda c: setattr(c.first, "size", 8), "operands must be buffers"),
        (lambda c: setattr(c.first, "dims", None), "operands must be buffers"),
        (lambda c: setattr(c.frame.arguments, "kinds", None), "operands must be from 1 to"),
        (lambda c: setattr(c.frame.results, "buffers", None), "results must be from 1 to"),
        (lambda c: setattr(c.frame.attributes, "names", None), "must be XLA's to execute"),
        (lambda c: setattr(c.frame.attributes, "values", None), "must be XLA's to execute"),
        (lambda c: c.frame.attributes.names.__setitem__(1, NO_TEXT), "must be XLA's to execute"),
        (lambda c: c.frame.attributes.values.__setitem__(1, None), "must be XLA's to execute"),
        (lambda c: setattr(c.first, "rank", 65), "operands must be buffers of at most 64 axes"),
        (lambda c: setattr(c.first, "rank", -1), "operands must be buffers"),
        (lambda c: setattr(c.first, "type", 15), "prediction must hold real numbers"),
        (lambda c: setattr(c.first, "data", None), "prediction must have memory"),
        (lambda c: c.first.dims.__setitem__(0, -3), "prediction must have lengths of at least 0"),
        (lambda c: c.first.dims.__setitem__(0, 4), "and target must have the same shape"),
    ],
)
def test_hostile_frames_are_refused(change, text):
    call, value, gradient = huber()
    call.first = Buffer.from_address(call.frame.arguments.buffers[0])
    change(call)
    with pytest.raises(Refusal, match=text) as caught:
        call.run()
    assert caught.value.code == INVALID_ARGUMENT
    assert not value.any()
    assert not gradient.any()


@pytest.mark.parametrize(
    "change",
    [
        lambda c: setattr(c.frame, "size", 0),
        lambda c: setattr(c.frame, "api", None),
        lambda c: setattr(c.api, "size", 16),
        lambda c: setattr(c.api.version, "major", 1),
    ],
)
def test_nothing_is_done_where_no_error_can_be_made(change):
    call, value, gradient = huber()
    change(call)
    call.run()
    assert not value.any()
    assert not gradient.any()


def test_no_memory_is_resource_exhausted():
    """The weights of so many classes fit no memory, and are asked for before anything is read."""
    call = Call([P.reshape(1, 3), np.zeros(1, "int32"), P], [np.zeros(())], loss="cross_entropy",
                want=VALUE, axes=2, operands="prediction target class_weight")  # fmt: skip
    for i, axis in ((0, 1), (2, 0)):
        Buffer.from_address(call.frame.arguments.buffers[i]).dims[axis] = 2**58
    with pytest.raises(Refusal, match="memory: there is none for the work of this call") as caught:
        call.run()
    assert caught.value.code == RESOURCE_EXHAUSTED


def test_no_frame_is_no_crash():
    handler = capi.library().numloss_xla_call
    handler.restype, handler.argtypes = c_void_p, [c_void_p]
    assert handler(None) is None


@pytest.mark.parametrize(("minor", "told"), [(1, 1), (2, 2), (3, 3), (9, 3), (None, 1)])
def test_the_version_that_xla_has_is_told(minor, told):
    call, value, _ = huber()
    if minor is None:
        call.frame.api = None
    else:
        call.api.version.minor = minor
    metadata = Metadata(size=ctypes.sizeof(Metadata), traits=99)
    extension = MetadataExtension(Extension(type=METADATA), ctypes.pointer(metadata))
    call.frame.extensions = ctypes.addressof(extension)
    call.run()
    assert (metadata.version.major, metadata.version.minor, metadata.traits) == (0, told, 0)
    assert not value.any()


def test_metadata_without_room_stay_as_they_were():
    call, _, _ = huber()
    metadata = Metadata(size=8, traits=99)
    extension = MetadataExtension(Extension(type=METADATA), ctypes.pointer(metadata))
    call.frame.extensions = ctypes.addressof(extension)
    call.run()
    assert metadata.traits == 99
