"""The environment that floating-point arithmetic is done in."""

from numloss import _core


class _Ieee:
    __enter__ = staticmethod(_core.enter_ieee)
    __exit__ = staticmethod(_core.exit_ieee)


#: ``with ieee:`` computes in Python and NumPy as the kernels do: rounding to nearest, subnormal
#: numbers kept, whatever another library has switched on for this thread.
ieee = _Ieee()
