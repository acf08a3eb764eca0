"""Choosing columns by their names: lists, patterns, the obvious names, and near misses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from numloss.evaluation.errors import UsageError
from numloss.evaluation.groups import natural
from numloss.evaluation.wording import argument, given

#: Names, in any case, that are taken without being asked for. ``logit`` also stands for a series
#: such as ``logit_0``, ``logit_1``.
OBVIOUS = {
    "prediction": (
        "prediction", "predictions", "pred", "preds", "y_pred", "logit", "logits", "score",
        "scores", "prob", "probs", "probability", "probabilities",
    ),
    "target": ("target", "targets", "label", "labels", "y", "y_true", "truth"),
}  # fmt: skip

_PROBABILITIES = {"prob", "probs", "proba", "probas", "probability", "probabilities"}
_NUMBERED = re.compile(r"(.*?)(\d{1,9})")
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
        for series in _series(base, names):
            candidates.append(tuple(sorted(series, key=natural)))
    option = given(role)
    if not candidates:
        raise UsageError(f"{where}: name the {role} with {option}; {listed(names)}")
    if len(candidates) > 1:
        several = ", ".join(
            name[0] if len(name) == 1 else f"{name[0]} ... {name[-1]}" for name in candidates
        )
        raise UsageError(f"{where}: {several} could each be the {role}: choose with {option}")
    return candidates[0]


def _series(base: str, names: Sequence[str]) -> list[list[str]]:
    """Return the names that are one base and a number, apart by how they are spelt."""
    found: dict[str, list[str]] = {}
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if match and match[1].lower() in (base, f"{base}_"):
            found.setdefault(match[1], []).append(name)
    return list(found.values())


def refuse_gaps(role: str, names: Sequence[str], where: str) -> None:
    """Refuse numbered columns that are not the classes 0, 1, 2, ...: labels count from 0."""
    matches = [_NUMBERED.fullmatch(name) for name in names]
    stems = {match[1] for match in matches if match}
    if len(names) < 2 or not all(matches) or len(stems) > 1:
        return
    numbers = [int(match[2]) for match in matches if match]
    if numbers == list(range(len(numbers))):
        return
    classes = ",".join(map(str, numbers))
    if sorted(numbers) == numbers:
        missing = next(i for i in range(len(numbers) + 1) if i not in numbers)
        problem = f"begin at {numbers[0]}" if numbers[0] else f"leave out {missing}"
    else:
        problem = "are not in the order of their numbers"
    raise UsageError(
        f"{where}: the columns of the {role}, {shortened(names)}, {problem}, and labels count from "
        f"0: {argument('classes', classes)} says which label each column is for"
    )


def class_names(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return what the names of columns say beyond what they share: ``prob_cat`` is for ``cat``."""
    if len(names) < 2:
        return None
    stem, _, _ = names[0].rpartition("_")
    if not stem or not all(name.startswith(f"{stem}_") for name in names):
        return None
    return tuple(name[len(stem) + 1 :] for name in names)


def are_probabilities(names: Sequence[str]) -> bool:
    """Whether columns are named as probabilities: ``prob``, ``probability_3``, ``prob_cat``."""
    return bool(names) and all(
        re.split(r"[_\d]", name.lower(), maxsplit=1)[0] in _PROBABILITIES for name in names
    )


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


def of_files(names: Sequence[str]) -> str:
    """Show the names of one file or of many in a few words."""
    return names[0] if len(names) == 1 else f"{len(names)} files, {names[0]} ... {names[-1]}"


def shortened(names: Sequence[str]) -> str:
    """Show the columns of a role in a few words."""
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]} ... {names[-1]} ({len(names)} columns)"
