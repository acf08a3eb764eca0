"""What is collected."""

import importlib.util

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
