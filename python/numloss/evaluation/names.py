"""Choosing columns by their names: lists, patterns, the obvious names, and near misses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from numloss.evaluation.errors import UsageError
from numloss.evaluation.groups import natural

#: Names, in any case, that are taken without being asked for. ``logit`` also stands for a series
#: such as ``logit_0``, ``logit_1``.
OBVIOUS = {
    "prediction": (
        "prediction", "predictions", "pred", "preds", "y_pred", "logit", "logits", "score",
        "scores", "prob", "probs", "probability", "probabilities",
    ),
    "target": ("target", "targets", "label", "labels", "y", "y_true", "truth"),
}  # fmt: skip

_SHOWN = 20


def chosen(wanted: str, names: Sequence[str], where: str) -> tuple[str, ...]:
    """Resolve a name, a list with commas, or patterns with ``*``, ``?`` and ``[]``."""
    if wanted in names:
        return (wanted,)
    found: list[str] = []
    for part in (piece.strip() for piece in wanted.split(",")):
        matches = [part] if part in names else sorted(
            (name for name in names if fnmatchcase(name, part)), key=natural
        )  # fmt: skip
        if not matches:
            raise UsageError(f"{where} has no {part!r}{closest(part, names)}; {listed(names)}")
        found += matches
    for name, count in Counter(found).items():
        if count > 1:
            raise UsageError(f"{where}: {name!r} is chosen twice by {wanted!r}")
    return tuple(found)


def obvious(role: str, names: Sequence[str], where: str) -> tuple[str, ...]:
    """Find the one column, or series of columns, whose name tells its role."""
    names = list(dict.fromkeys(names))
    candidates: list[tuple[str, ...]] = []
    for base in OBVIOUS[role]:
        candidates += [(name,) for name in names if name.lower() == base]
        series = re.compile(rf"{base}_?\d+")
        numbered = sorted((name for name in names if series.fullmatch(name.lower())), key=natural)
        if numbered:
            candidates.append(tuple(numbered))
    option = f"--{role}"
    if not candidates:
        raise UsageError(f"{where}: name the {role} with {option}; {listed(names)}")
    if len(candidates) > 1:
        several = ", ".join(candidate[0] for candidate in candidates)
        raise UsageError(f"{where}: {several} could each be the {role}: choose with {option}")
    return candidates[0]


def closest(name: str, names: Iterable[str]) -> str:
    """Return ``(did you mean 'x'?)`` after a space where something is near, else nothing."""
    import difflib

    near = difflib.get_close_matches(name, list(names), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def listed(names: Sequence[str]) -> str:
    """Say what there is to choose from."""
    shown = ", ".join(names[:_SHOWN])
    more = f", ... ({len(names)} in all)" if len(names) > _SHOWN else ""
    return f"it has {shown}{more}" if names else "it has none"


def shortened(names: Sequence[str]) -> str:
    """Show the columns of a role in a few words."""
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]} ... {names[-1]} ({len(names)} columns)"
