"""Evaluate the predictions in data/ with every loss, and compare two models: ``make run``.

A loss is evaluated on the file of the domain that its row in tests/cases begins with, with the
parameters there, unless `CHOSEN` names other ones.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numloss

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from cases import (  # noqa: E402
    APART,
    BINARY,
    DISTRIBUTIONS,
    LABELS,
    LOG_CHANCES,
    MAGNITUDES,
    MEMBERS,
    MODEST_SIGNS,
    RELEVANCES,
    RESIDUALS,
    RISING,
    SETS,
    SIGNS,
    THRESHOLDS,
    TIMES,
    TWO_HEADED,
    Domain,
)
from typical import variant_of  # noqa: E402


class Predictions(NamedTuple):
    """A file of data/, and the options that name its columns."""

    file: str
    columns: str


DIABETES = Predictions("diabetes.npz", "--weight weight --by age")
SCORES = Predictions("breast_cancer.csv", "--prediction score --target label --by size")
MARGINS = Predictions("breast_cancer.csv", "--prediction margin --target label_signed --by size")
DIGITS = Predictions("digits.parquet", "--prediction logits --target label --by ink")
TEACHER = Predictions("digits.parquet", "--prediction logits --target teacher --by ink")
CHANCES = Predictions(
    "digits.parquet", "--from-probabilities --prediction teacher --target label --by ink"
)
VOTERS = Predictions("anes96.csv", "--prediction logit_* --by party")
SETS_OF_DIGITS = Predictions("digits.parquet", "--prediction logits --target plausible --by ink")
ABOVE = Predictions("thresholds.npz", "--prediction above --by party")
BELOW = Predictions("thresholds.npz", "--prediction below --by party")
MEMBERS_OF_DIABETES = Predictions("diabetes.npz", "--prediction members --by age")
FILES = (
    *(DIGITS, TEACHER, CHANCES, SETS_OF_DIGITS, SCORES, MARGINS),
    *(DIABETES, MEMBERS_OF_DIABETES, VOTERS, ABOVE, BELOW),
)

#: The predictions that losses of a domain are evaluated on.
DOMAINS: dict[Domain, Predictions] = {
    RESIDUALS: DIABETES,
    MAGNITUDES: DIABETES,
    BINARY: SCORES,
    SIGNS: MARGINS,
    MODEST_SIGNS: MARGINS,
    SETS: SETS_OF_DIGITS,
    RELEVANCES: SETS_OF_DIGITS,
    LABELS: DIGITS,
    LOG_CHANCES: CHANCES,
    DISTRIBUTIONS: TEACHER,
    THRESHOLDS: ABOVE,
    RISING: BELOW,
    MEMBERS: MEMBERS_OF_DIABETES,
    TIMES: DIABETES,
}
#: Losses that suit other predictions better, or whose options are worth a look.
CHOSEN: dict[str, tuple[tuple[Predictions, str], ...]] = {
    "huber": ((DIABETES, ":delta=50"),),
    # Progress after a year is positive, and so are its predictions.
    **dict.fromkeys(numloss.deviance.__all__, ((DIABETES, ":log_input=false"),)),
    "cross_entropy": (
        *((DIGITS, ""), (DIGITS, ":label_smoothing=0.1")),
        *((TEACHER, ""), (VOTERS, "")),
    ),
    "multiclass_hinge": ((DIGITS, ""), (DIGITS, ":variant=crammer_singer")),
    "logit_adjusted": ((DIGITS, ":priors=[1,2,3,4,5,6,7,8,9,10]"),),
    "ldam": ((DIGITS, ":scale=1"),),
    "forward_cross_entropy": ((DIGITS, ""),),
    **dict.fromkeys(("ordinal_cross_entropy", "ranked_probability"), ((VOTERS, ""),)),
}


def evaluated(loss: str) -> tuple[tuple[Predictions, str], ...]:
    """Return what a loss is evaluated on, and its options as the command takes them."""
    if loss in CHOSEN:
        return CHOSEN[loss]
    variant = variant_of(loss)
    if variant.domain not in DOMAINS:
        raise LookupError(f"{loss}: {__file__} has no predictions for {variant.domain.name}")
    options = ",".join(f"{name}={value}" for name, value in variant.parameters.items())
    return ((DOMAINS[variant.domain], f":{options}" if options else ""),)


def commands() -> Iterator[list[str]]:
    """Yield the arguments of ``numloss evaluate``: all losses of a file's columns at once."""
    for predictions in FILES:
        losses = [
            f"--loss={loss}{options}"
            for loss in numloss.LOSSES
            # The command has no column for a second prediction, compares no rows, and has no
            # sequences.
            if loss not in (*TWO_HEADED, *APART)
            for chosen, options in evaluated(loss)
            if chosen == predictions
        ]
        yield [str(Path("data", predictions.file)), *predictions.columns.split(), *losses]


#: Logistic regression beside a support vector machine, whose margins are taken for logits.
COMPARISON = (
    "data/breast_cancer.csv --prediction score --compare margin --target label --by size "
    "--loss binary_cross_entropy --loss binary_accuracy --confidence 0.95 --calibration --auc "
    "--worst 5 --worst-columns size,label"
)
REPORT = Path("build", "report.html")


def main() -> None:
    """Run the commands, each shown before what it prints; say where the report is."""
    (ROOT / REPORT).parent.mkdir(exist_ok=True)
    report = [*COMPARISON.split(), "--html", str(REPORT)]
    for arguments in (*commands(), report):
        print("numloss evaluate", *arguments, flush=True)
        command = [sys.executable, "-m", "numloss", "evaluate", *arguments]
        subprocess.run(command, cwd=ROOT, check=True)
    print(f"The report of the two models is a page: {(ROOT / REPORT).as_uri()}")


if __name__ == "__main__":
    main()
