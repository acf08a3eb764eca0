"""What is collected."""

import importlib.util
import shutil
import zlib

import browser
import pytest

# The peers, and what draws pictures of them, are extras of their own.
PEERS = ("torch", "jax", "optax", "sklearn", "pandas", "polars", "matplotlib", "moto")
collect_ignore = []
if not all(importlib.util.find_spec(peer) for peer in PEERS):
    collect_ignore = [
        "test_peers.py",
        "test_binary_peers.py",
        "test_arraylike_peers.py",
        "test_figures.py",
        "test_stores.py",
        "test_zero_copy_peers.py",
    ]
# Those that need a cluster of Dask's, or Spark and Java.
if not all(importlib.util.find_spec(name) for name in ("dask", "distributed", "pandas")):
    collect_ignore.append("test_dask.py")
if not (importlib.util.find_spec("pyspark") and shutil.which("java")):
    collect_ignore.append("test_spark.py")
# A page is looked at where a browser is installed, and what talks to it: `make test-browser`.
if browser.found() is None or not importlib.util.find_spec("websocket"):
    collect_ignore.append("test_browser.py")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes many seconds; runs with -m slow")
    config.addinivalue_line("markers", "plain_build: looks at what a sanitizer changes")
    if not config.option.markexpr:
        config.option.markexpr = "not slow"


def pytest_addoption(parser):
    parser.addoption(
        "--share",
        metavar="K/N",
        help="only an N-th of the tests, the K-th (0 to N - 1): N runs make all of them",
    )


def pytest_collection_modifyitems(config, items):
    if config.option.share is None:
        return
    chosen, shares = share(config.option.share)
    others = [item for item in items if share_of(item, shares) != chosen]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if share_of(item, shares) == chosen]


def share_of(item, shares):
    """By the name alone: that of a test is the same whatever else is collected."""
    return zlib.crc32(item.nodeid.encode()) % shares


def share(text):
    """Read ``1/2``."""
    chosen, _, shares = text.partition("/")
    if not (chosen.isdecimal() and shares.isdecimal() and int(chosen) < int(shares)):
        raise pytest.UsageError(f"--share needs K/N with 0 <= K < N, got {text!r}")
    return int(chosen), int(shares)
