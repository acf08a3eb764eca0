"""What calls take, for type checkers: arrays of every library that lends its memory."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, TypeVar

from numpy.typing import ArrayLike


class SupportsDLPack(Protocol):
    """An array or tensor of the Python array API's kind: torch's, JAX's, CuPy's."""

    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any:
        """Return a capsule that holds the array."""


class SupportsArrowArray(Protocol):
    """A column of Arrow's kind."""

    def __arrow_c_array__(self, *args: Any, **kwargs: Any) -> tuple[object, object]:
        """Return capsules that hold its type and its memory."""
        ...


class SupportsArrowStream(Protocol):
    """A column or table of Arrow's kind, in pieces."""

    def __arrow_c_stream__(self, *args: Any, **kwargs: Any) -> object:
        """Return a capsule that holds the pieces."""


class SupportsArrayInterface(Protocol):
    """An object with memory as NumPy's interface describes it."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """Where the memory is, and what it holds."""
        ...


#: What is read.
Input: TypeAlias = ArrayLike | SupportsDLPack | SupportsArrowArray | SupportsArrowStream
#: What results may be written to, if it can be written.
Writeable: TypeAlias = SupportsDLPack | SupportsArrayInterface
#: Several of those, None where a new array is wanted.
Places: TypeAlias = Writeable | tuple[Writeable | tuple[Writeable | None, ...] | None, ...] | None

#: Two of them, which calls return as they are.
Place = TypeVar("Place", bound=Writeable)
OtherPlace = TypeVar("OtherPlace", bound=Writeable)
