"""Where the C library lies: libnumloss, which this package runs on and programs in C link with."""

from __future__ import annotations

import sys

_FOLDER = __file__.rpartition("/")[0]
_LIBRARY = "libnumloss.1.dylib" if sys.platform == "darwin" else "libnumloss.so.1"


def get_include() -> str:
    """Return the folder of ``numloss.h`` and ``numloss.hpp``.

    Returns
    -------
    str
        What a compiler takes as ``-I``.

    Examples
    --------
    >>> import os, numloss
    >>> sorted(os.listdir(numloss.get_include()))
    ['numloss.h', 'numloss.hpp']
    """
    return f"{_FOLDER}/include"


def get_library() -> str:
    """Return the path of ``libnumloss``, the shared library of the C interface.

    This process has it loaded already: a library that is linked with it shares its threads.

    Returns
    -------
    str
        The path of a file. The number at its end is the major version of its ABI.

    Examples
    --------
    >>> import ctypes, numloss
    >>> library = ctypes.CDLL(numloss.get_library())
    >>> library.numloss_abi() // 1000
    1
    """
    return f"{_FOLDER}/lib/{_LIBRARY}"


def get_cmake_dir() -> str:
    """Return the folder of ``numlossConfig.cmake``, with which ``find_package(numloss)`` works.

    Returns
    -------
    str
        What CMake takes as ``-Dnumloss_ROOT=``. Builds with scikit-build-core need none.

    Examples
    --------
    >>> import os, numloss
    >>> "numlossConfig.cmake" in os.listdir(numloss.get_cmake_dir())
    True
    """
    return f"{_FOLDER}/lib/cmake/numloss"
