#!/usr/bin/env python
"""Lets Atheris look for a call that breaks a promise; tools/fuzz.sh starts it."""

import sys

import atheris

with atheris.instrument_imports(include=["numloss"]):
    from fuzz import harness


def check(data: bytes) -> None:
    harness.check_bytes(data)


atheris.Setup(sys.argv, check)
atheris.Fuzz()
