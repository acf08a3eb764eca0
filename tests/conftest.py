"""What is collected."""

import importlib.util

import pytest

# The peers, and what draws pictures of them, are extras of their own.
PEERS = ("torch", "jax", "pandas", "polars", "matplotlib")
collect_ignore = []
if not all(importlib.util.find_spec(peer) for peer in PEERS):
    collect_ignore = ["test_peers.py", "test_arraylike_peers.py", "test_figures.py"]


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes many seconds; runs with -m slow")
    config.addinivalue_line("markers", "plain_build: looks at what a sanitizer changes")
    if not config.option.markexpr:
        config.option.markexpr = "not slow"


def pytest_addoption(parser):
    parser.addoption(
        "--share",
        metavar="K/N",
        help="only every N-th test, from the K-th on (0 to N - 1): N runs make all of them",
    )


def pytest_collection_modifyitems(config, items):
    if config.option.share is None:
        return
    first, step = share(config.option.share)
    chosen = items[first::step]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


def share(text):
    """Read ``1/2``."""
    first, _, step = text.partition("/")
    if not (first.isdecimal() and step.isdecimal() and int(first) < int(step)):
        raise pytest.UsageError(f"--share needs K/N with 0 <= K < N, got {text!r}")
    return int(first), int(step)
