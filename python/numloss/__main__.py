"""The entry of the command line: ``numloss``, or ``python -m numloss``."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and end the process, or say how to install what it needs."""
    from numloss import cli

    try:
        code = cli.main(sys.argv[1:])
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing != "pyarrow":
            raise
        print(
            "numloss evaluate needs pyarrow, which is missing: pip install numloss[cli]",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking pyarrow and NumPy down piece by piece would take 20 ms.
    os._exit(code)


if __name__ == "__main__":
    main()
