"""The environment that floating-point arithmetic is done in."""

from numloss import _core

#: ``with ieee:`` computes in Python and NumPy as the kernels do: rounding to nearest, subnormal
#: numbers kept, whatever another library has switched on for this thread.
ieee = _core.IeeeArithmetic()
