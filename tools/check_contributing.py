"""Add the losses of CONTRIBUTING.md to a copy of the tree, step by step, and test them there.

Run from the repository's root with the environment of ``make test``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

STEP = re.compile(
    r'<!-- (?P<verb>insert|replace): (?P<file>\S+) (?:before )?"(?P<anchor>.+?)" -->\n'
    r"```\w+\n(?P<text>.*?)```\n",
    re.DOTALL,
)

PLACES = {
    "csrc/checks/losses.cpp",
    "csrc/kernels/losses/multiclass.cpp",
    "csrc/kernels/losses/regression.cpp",
    "csrc/kernels/registry.hpp",
    "python/numloss/_losses/multiclass.py",
    "python/numloss/_losses/regression.py",
    "tests/cases/multiclass.py",
    "tests/cases/regression.py",
}


def follow(steps: str, root: Path) -> set[str]:
    """Apply the steps of the text to the tree; return the files they touch."""
    touched = set()
    for step in STEP.finditer(steps):
        path = root / step["file"]
        anchor, text, source = step["anchor"].replace('\\"', '"'), step["text"], path.read_text()
        if anchor not in source:
            raise SystemExit(f"CONTRIBUTING.md: {step['file']} has no {anchor!r}")
        new = text + anchor if step["verb"] == "insert" else text.rstrip("\n")
        path.write_text(source.replace(anchor, new, 1))
        touched.add(step["file"])
    return touched


def main() -> None:
    """Copy the tracked tree, follow the steps, build and test the new loss."""
    root = Path(__file__).parents[1]
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.split()
    with tempfile.TemporaryDirectory() as folder:
        copy, site = Path(folder) / "tree", Path(folder) / "site"
        for name in tracked:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, copy / name)
        touched = follow((root / "CONTRIBUTING.md").read_text(), copy)
        if touched != PLACES:
            raise SystemExit(f"CONTRIBUTING.md: its steps touch {touched}, not {PLACES}")
        run = [sys.executable, "-m"]
        install = [*run, "pip", "install", "-q", "--no-build-isolation", "--no-deps", "-t", site]
        # Some tests compare instruction sets: two are enough.
        two = ["-C", "cmake.define.NUMLOSS_ISAS=baseline;v3"]
        subprocess.run([*install, *two, copy], check=True)
        # From the copy, so that its tests are those collected; the copy of the package comes first.
        environment = {"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin"}
        for command in (
            [sys.executable, "tests/golden.py", "write"],
            [*run, "tools.readme", "--write"],
            [*run, "pytest", "-q", "-k", "talwar or taylor or package", "tests"],
        ):
            subprocess.run(command, cwd=copy, env=environment, check=True)


if __name__ == "__main__":
    main()
