"""The entry of the command line: ``numloss``, or ``python -m numloss``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say how to install what it needs."""
    from numloss import cli

    try:
        cli.main(sys.argv[1:])
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing != "pyarrow":
            raise
        print(
            "numloss evaluate needs pyarrow, which is missing: pip install numloss[cli]",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
