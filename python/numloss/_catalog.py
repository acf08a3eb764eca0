"""All losses with what is known of each: a table that prints, iterates and becomes a data frame."""

from __future__ import annotations

import html
import inspect
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numloss
from numloss import _convert
from numloss._links import INVERSES
from numloss._loss import CALL_DEFAULTS, EXTRAS
from numloss._raise import Error, shown
from numloss.evaluation.tables import table
from numloss.plain import summary

if TYPE_CHECKING:
    from numloss._loss import Influence

#: How many derivatives are continuous, in words.
SMOOTHNESS = ("kinks", "once", "twice")
#: The columns of facts in tables that people read.
TITLES = ("family", "target", "link", "convex", "derivatives", "outliers", "estimates")


@dataclass(frozen=True)
class Facts:
    """What is known of a loss, by default parameters.

    Attributes
    ----------
    name, family, summary : str
        Its name, the module of its family, and the first line of its documentation.
    target : str
        What a target may be, as ``loss.domain`` has it: ``"real"``, ``"labels"`` and so on.
    classes : bool
        Whether the prediction has an axis of classes.
    link, inverse_link : str or tuple of str
        How scores and predictions go together, and the function that ``loss.inverse_link`` applies:
        ``"identity"``, ``"exp"``, ``"sigmoid"`` or ``"softmax"``; of two heads one for each.
    convex : bool
        Whether it is convex in the prediction.
    smoothness : int
        How many derivatives are continuous: 0 has kinks, 2 stands for 2 or more.
    influence : str
        How an outlier pulls: ``"unbounded"``, ``"bounded"``, or ``"redescending"`` to nothing.
    estimates : str, tuple of str, or None
        The statistic of the target that has the least expected loss.
    likelihood : bool
        Whether it is the negative log-likelihood of labels, in nats.
    options : dict
        Its own options with their defaults.
    """

    name: str
    family: str
    summary: str
    target: str
    classes: bool
    link: str | tuple[str, ...]
    inverse_link: str | tuple[str, ...]
    convex: bool
    smoothness: int
    influence: str
    estimates: str | tuple[str, ...] | None
    likelihood: bool
    options: dict[str, Any]

    def cells(self) -> list[str]:
        """Return the facts as a table has them, in the order of ``TITLES``."""
        return [
            self.family,
            self.target,
            _joined(self.link),
            "yes" if self.convex else "no",
            SMOOTHNESS[self.smoothness],
            self.influence,
            _joined(self.estimates),
        ]


class Catalog(list[Facts]):
    """A list of `Facts` that prints as a table, in a notebook, too."""

    def __str__(self) -> str:
        rows = [[facts.name, *facts.cells()] for facts in self]
        return "\n".join(table(["loss", *TITLES], rows, left=1 + len(TITLES)))

    def _repr_html_(self) -> str:
        rows = [["loss", *TITLES], *([facts.name, *facts.cells()] for facts in self)]
        lines = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
        return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return a dict for each loss: ``pandas.DataFrame(losses().to_dicts())``."""
        return [asdict(facts) for facts in self]


def losses(
    *,
    family: str | None = None,
    target: str | None = None,
    link: str | None = None,
    classes: bool | None = None,
    convex: bool | None = None,
    smoothness: int | None = None,
    influence: Influence | None = None,
    estimates: str | None = None,
) -> Catalog:
    """List the losses with what is known of each, all of them or those that are asked for.

    Parameters
    ----------
    family : str, optional
        That of the losses, such as ``"regression"`` or ``"binary"``.
    target : str, optional
        What a target may be: ``"real"``, ``"unit interval"``, ``"signs"``, ``"labels"``,
        ``"probabilities"`` and so on.
    link : str, optional
        ``"identity"``, ``"log"``, ``"sigmoid"`` or ``"softmax"``.
    classes : bool, optional
        Whether the prediction has an axis of classes.
    convex : bool, optional
        Whether they are convex in the prediction.
    smoothness : {0, 1, 2}, optional
        How many derivatives are continuous at least.
    influence : str, optional
        ``"unbounded"``, ``"bounded"`` or ``"redescending"``.
    estimates : str, optional
        The statistic with the least expected loss, such as ``"mean"`` or ``"median"``.

    Returns
    -------
    list of Facts
        In the order of ``numloss.LOSSES``. ``print`` shows a table and a notebook one of HTML; each
        element has the facts as attributes, and ``to_dicts()`` returns a list of dicts.

    Raises
    ------
    numloss.Error
        (a ValueError) If no loss has such a family, target, link, influence or statistic.
    numloss.InputTypeError
        (a TypeError) If a fact is of another type.

    Examples
    --------
    >>> import numloss
    >>> [facts.name for facts in numloss.losses(family="binary", estimates="mean")]
    ['binary_cross_entropy', 'brier']
    >>> (facts,) = [x for x in numloss.losses() if x.name == "huber"]
    >>> facts.convex, facts.smoothness, facts.influence, facts.options
    (True, 1, 'bounded', {'delta': 1.0})
    >>> rows = {row["name"]: row for row in numloss.losses(target="labels").to_dicts()}
    >>> rows["softmax_focal"]["inverse_link"]
    'softmax'
    """
    known = [_facts_of(name) for name in numloss.LOSSES]
    wanted = {"family": family, "target": target, "link": link, "influence": influence}
    wanted["estimates"] = estimates
    for name, value in wanted.items():
        if value is not None:
            present = {part for x in known for part in _parts(getattr(x, name)) if part}
            _convert.choice(name, value, tuple(sorted(present)))
            known = [x for x in known if value in _parts(getattr(x, name))]
    for name, flag in (("classes", classes), ("convex", convex)):
        if flag is not None:
            asked = _convert.switch(name, flag)
            known = [x for x in known if getattr(x, name) == asked]
    if smoothness is not None:
        least = _convert.integer("smoothness", smoothness)
        if not 0 <= least <= 2:
            raise Error(f"smoothness must be 0, 1 or 2, got {shown(smoothness)}", "smoothness")
        known = [x for x in known if x.smoothness >= least]
    return Catalog(known)


def _facts_of(name: str) -> Facts:
    loss = numloss.LOSSES[name]
    inverses = tuple(INVERSES[link] for link in _parts(loss.link))
    signature = inspect.signature(loss).parameters.values()
    options = {
        p.name: p.default
        for p in signature
        if p.default is not p.empty and p.name not in CALL_DEFAULTS and p.name not in EXTRAS
    }
    return Facts(
        name=name,
        family=loss.family,
        summary=summary(inspect.getdoc(loss) or ""),
        target=loss.domain,
        classes=loss.rowwise,
        link=loss.link,
        inverse_link=inverses[0] if isinstance(loss.link, str) else inverses,
        convex=loss.convex,
        smoothness=loss.smoothness,
        influence=loss.influence,
        estimates=loss.estimates,
        likelihood=loss.likelihood,
        options=options,
    )


def described(facts: Facts) -> list[str]:
    """Return the facts of a loss in lines of text."""
    return [
        f"  {title:<12} {cell or '-'}" for title, cell in zip(TITLES, facts.cells(), strict=True)
    ]


def _parts(fact: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the facts of each head."""
    return (fact,) if isinstance(fact, str) else fact or ()


def _joined(fact: str | tuple[str, ...] | None) -> str:
    return ", ".join(_parts(fact))
