"""What is collected."""

import importlib.util

# The peers are an extra of their own.
collect_ignore = [] if importlib.util.find_spec("torch") else ["test_peers.py"]


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes many seconds; runs with -m slow")
    if not config.option.markexpr:
        config.option.markexpr = "not slow"
