"""Scripts that complete the command line, made by shtab from the parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

import numloss
from numloss.evaluation.extras import imported
from numloss.evaluation.paths import path_of
from numloss.evaluation.specs import known, options_of

#: Arguments that are losses, by command.
_LOSSES = {"evaluate": "loss", "losses": "name", "plot": "losses"}
#: Arguments that are files, or may be one, though not only.
_FILES = ("predictions", "targets", "weight", "by")


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script for a shell.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        A parser of the command line, which is changed: it is of no other use afterwards.
    shell : str
        ``"bash"``, ``"zsh"`` or ``"fish"``.

    Returns
    -------
    str
        Text to be sourced by the shell.
    """
    shtab = imported("shtab", "a completion script", "cli")
    commands = _commands(parser)
    _declare_options_of_losses(commands["plot"])
    for command, subparser in commands.items():
        for action in subparser._actions:
            # shtab looks for this attribute, of which argparse knows nothing.
            said: Any = action
            if action.type is path_of or action.dest in _FILES:
                said.complete = shtab.FILE
            elif action.dest == _LOSSES.get(command):
                # A metric has no curve.
                names = numloss.LOSSES if command == "plot" else known()
                said.complete = _one_of(f"_numloss_{command}", names)
    text: str = shtab.complete(parser, shell=shell)
    return text


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (action,) = (x for x in parser._actions if isinstance(x, argparse._SubParsersAction))
    return dict(action.choices)


def _declare_options_of_losses(plot: argparse.ArgumentParser) -> None:
    """Let ``numloss plot`` offer what it hands on to the loss: ``--delta``."""
    takers: dict[str, list[str]] = {}
    for name, loss in numloss.LOSSES.items():
        for option in options_of(loss):
            takers.setdefault(f"--{option.replace('_', '-')}", []).append(name)
    for option, names in takers.items():
        if option not in (*plot._option_string_actions, "--axis"):
            plot.add_argument(option, metavar="VALUE", help=f"option of {', '.join(names)}")


def _one_of(function: str, names: Iterable[str]) -> dict[str, Any]:
    """Return what shtab offers: in bash by a function of that name."""
    words = " ".join(names)
    return {
        "bash": function,
        "zsh": f"({words})",
        "fish": words,
        "preamble": {"bash": f'{function}() {{\n  compgen -W "{words}" -- "$1"\n}}'},
    }
