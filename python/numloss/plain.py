"""Docstrings as plain text: formulas without LaTeX, words without reST, lines that fit."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

#: What stands for a macro; one that is not here is written as its name: ``\log``, ``\max``.
_MACROS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "lambda": "λ",
    "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "theta": "θ", "sum": "Σ", "le": "≤",
    "ge": "≥", "ne": "≠", "in": "∈", "to": "→", "propto": "∝", "infty": "∞", "cdot": "·",
    "left": "", "right": "", "mathrm": "", ",": " ", "{": "{", "}": "}",
}  # fmt: skip
_SUPERSCRIPTS = {"2": "²", "3": "³"}

_TOKENS = re.compile(r"\\[a-zA-Z]+|\\.|\s+|[^\\\s]")
_CASES = re.compile(r"(.*?)\\begin\{cases\}(.*?)\\end\{cases\}", re.DOTALL)
_DISPLAY = re.compile(r"^\.\. math:: (.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
_INLINE = re.compile(r":math:`([^`]*)`")
_ROLE = re.compile(r":\w+:(?=`)")
_UNDERLINE = re.compile(r"-+")
# Stands for the spaces of a formula while lines are filled: it is not torn apart.
_TIED = "\N{NO-BREAK SPACE}"


def documentation(docstring: str, columns: int) -> str:
    """Return a docstring as text of so many columns; examples stay as they are."""
    text = _DISPLAY.sub(
        lambda match: "\n".join(f"\t{line}" for line in display(match[1])), docstring
    )
    # The shared parts of docstrings end with a blank line of their own.
    lines = _filled(re.sub(r"\n{3,}", "\n\n", sentence(text)).splitlines(), columns)
    return "\n".join(line.replace(_TIED, " ").replace("\t", "    ") for line in lines)


def summary(docstring: str) -> str:
    """Return the first line of a docstring."""
    return sentence(docstring.partition("\n")[0]).replace(_TIED, " ").replace("`", "")


def sentence(text: str) -> str:
    """Return text without roles, the spaces of formulas and literals tied."""
    text = _INLINE.sub(lambda match: formula(match[1]).replace(" ", _TIED), text)
    text = re.sub(r"``([^`]+)``", lambda match: f"`{match[1]}`".replace(" ", _TIED), text)
    return _ROLE.sub("", text)


# ----------------------------------------------------------------------------------------- formulas


def display(latex: str) -> list[str]:
    """Return the lines of a formula that stands by itself."""
    cases = _CASES.fullmatch(latex.strip())
    if cases:
        return _cases(formula(cases[1]), cases[2])
    equations = (part for part in re.split(r"\\qquad", latex) if part.strip())
    return [line for equation in equations for line in _equation(equation)]


def _equation(latex: str) -> list[str]:
    """Put every further ``=`` that begins a line of the source below the first one."""
    first, *others = (formula(part) for part in re.split(r"\n\s*(?==)", latex))
    return [first, *(" " * first.find("=") + other for other in others)]


def _cases(head: str, body: str) -> list[str]:
    rows = [[formula(cell) for cell in row.split("&")] for row in body.split(r"\\")]
    width = max(len(value) for value, _ in rows)
    lines = [f"{{ {value:<{width}}  if {condition}" for value, condition in rows]
    return [(head if i == 0 else " " * len(head)) + " " + line for i, line in enumerate(lines)]


def formula(latex: str) -> str:
    """Return a formula in one line of plain text."""
    text = _group(iter(_TOKENS.findall(latex)))
    text = re.sub(r"(?<=[(\[]) | (?=[)\]])", "", re.sub(r"\s+", " ", text))
    return text.strip()


def _group(tokens: Iterator[str]) -> str:
    """Read up to the brace that ends a group."""
    text = ""
    for token in tokens:
        if token == "}":
            break
        if token == "^":
            text = _raised(text, _argument(tokens))
        elif token == "_":
            text += f"_{_script(_argument(tokens))}"
        else:
            text += _one(token, tokens)
    return text


def _one(token: str, tokens: Iterator[str]) -> str:
    """Return what a token stands for, which may need those after it."""
    if token == "{":
        return _group(tokens)
    if token == r"\frac":
        return f"{_factor(_argument(tokens))}/{_factor(_argument(tokens))}"
    if token.startswith("\\"):
        return _MACROS.get(token[1:], token[1:])
    return token


def _argument(tokens: Iterator[str]) -> str:
    """Read a group in braces, or one token."""
    return _one(next(token for token in tokens if not token.isspace()), tokens)


def _raised(base: str, power: str) -> str:
    """Return a power; a sum from one number to another; or the exponential function."""
    if re.search(r"(?<!\w)e$", base):
        return f"{base[:-1]}exp({power})"
    limit = re.search(r"Σ_\((.*=[^()]*)\)$", base)
    if limit:
        return f"{base[:-1]}..{power.replace(' ', '')})"
    return base + (_SUPERSCRIPTS.get(power) or f"^{_script(power)}")


def _script(text: str) -> str:
    """Put brackets around what is more than a word."""
    return text if text.isalnum() else f"({text.replace(' ', '')})"


def _factor(text: str) -> str:
    """Put brackets around a numerator or denominator of several terms."""
    bare = text.strip()
    outside = re.sub(r"\([^()]*\)", "", bare)
    return f"({bare})" if " " in outside else bare


# -------------------------------------------------------------------------------------------- lines


def _filled(lines: Iterable[str], columns: int) -> Iterator[str]:
    """Fill paragraphs, which are lines of one indentation; titles and examples stay."""
    paragraph: list[str] = []
    example = False
    for line in lines:
        example = bool(line) and (example or line.lstrip().startswith(">>>"))
        kept = not line or example or line.startswith("\t")
        title = _UNDERLINE.fullmatch(line) is not None
        if paragraph and (kept or title or _indent(line) != _indent(paragraph[0])):
            yield from paragraph if title else _fill(paragraph, columns)
            paragraph = []
        if kept or title:
            yield line
        else:
            paragraph.append(line)
    yield from _fill(paragraph, columns)


def _fill(paragraph: list[str], columns: int) -> list[str]:
    indent = " " * _indent(paragraph[0]) if paragraph else ""
    return textwrap.wrap(
        " ".join(line.strip(" ") for line in paragraph),
        columns,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
