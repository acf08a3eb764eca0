"""Programs in processes of their own, bounded in time, and what a process knows of its threads."""

import hashlib
import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from cases import PLAIN, results

import numloss

TESTS = Path(__file__).parent


def run(code, timeout=60, **environment):
    """Run a program that can import the tests' modules, and return what it printed.

    It fails where the program does, or takes too long; its children end with it.
    """
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        # An empty value takes a variable away: some OpenMP runtimes abort at one.
        env={k: v for k, v in ({**os.environ, "PYTHONPATH": path} | environment).items() if v},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        finally:
            with suppress(ProcessLookupError):  # all gone already
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, errors
    return output


def tasks():
    """Return the directories of this process's threads that the library made."""
    ours = []
    for thread in Path("/proc/self/task").iterdir():
        # One that was joined may end for the kernel a moment later.
        with suppress(FileNotFoundError, ProcessLookupError):
            if thread.joinpath("comm").read_text() == "numloss\n":
                ours.append(thread)
    return ours


def threads_are_own():
    """Whether the library makes the threads, and not OpenMP."""
    return numloss.show_config(mode="dict")["threading"] == "own"


def assert_helpers(n):
    """Fail unless the library has made n threads; none, where it leaves that to OpenMP."""
    assert len(tasks()) == (n if threads_are_own() else 0)


@cache
def small_inputs():
    """Draw inputs for every loss, ordinary and subnormal ones."""
    drawn = [(v, *v.inputs((60, 7) if v.rowwise else 300)) for v in PLAIN]
    return drawn + [(v, prediction * 1e-310, target) for v, prediction, target in drawn]


@cache
def _large():
    """Draw inputs for every loss that are worth several threads."""
    shapes = {True: (20_011, 41), False: (1_000_011,)}
    return [(v, *v.inputs(shapes[v.rowwise], "float32")) for v in PLAIN]


def digest():
    """Return a hash of what every loss gives."""
    sha = hashlib.sha256()
    for variant, prediction, target in small_inputs():
        options = variant.options(prediction.shape[-1])
        for result in results(variant.loss, prediction, target, **options):
            sha.update(np.asarray(result).tobytes())
    for variant, prediction, target in _large():
        for result in variant.loss.value_and_grad(prediction, target):
            sha.update(np.asarray(result).tobytes())
    return sha.hexdigest()
