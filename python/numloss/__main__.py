"""The entry of the command line: ``numloss``, or ``python -m numloss``."""

from __future__ import annotations

import sys

_NEEDED = ("typer", "rich", "pyarrow")


def main() -> None:
    """Run the command line, or say how to install what it needs."""
    try:
        from numloss import cli
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _NEEDED:
            raise
        print(
            f"numloss evaluate needs {', '.join(_NEEDED)} ({missing} is missing): "
            f"pip install {' '.join(_NEEDED)}",
            file=sys.stderr,
        )
        sys.exit(2)
    cli.main()


if __name__ == "__main__":
    main()
