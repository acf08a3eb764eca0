"""What holds the package together: names, versions, docstrings, symbols, the cost of an import."""

from __future__ import annotations

import copy
import doctest
import inspect
import os
import pickle
import pydoc
import re
import subprocess
import sys
from inspect import Parameter
from pathlib import Path
from types import SimpleNamespace

import conftest
import numpy as np
import pytest
from cases import APART, CASES, COMPARING, TWO_HEADED
from tools.evaluate_data import commands
from tools.marks import between
from tools.readme import README, tables

import numloss
from numloss import _config, _core

ROOT = Path(__file__).parents[1]
FAMILIES = (
    *(numloss.regression, numloss.robust_regression, numloss.relative, numloss.deviance),
    *(numloss.forecast, numloss.binary, numloss.signs, numloss.multilabel),
    *(numloss.segmentation, numloss.multiclass, numloss.ordinal, numloss.ranking),
    numloss.sequence,
    numloss.similarity,
    numloss.survival,
)
PENALTIES = {name: getattr(numloss, name) for name in numloss.penalties.__all__}
LOSSES = numloss.LOSSES | PENALTIES
PUBLIC = {name: getattr(numloss, name) for name in numloss.__all__}

# ------------------------------------------------------------------------------------------- names


def test_every_loss_has_a_case_and_every_case_a_loss():
    assert list(numloss.LOSSES) == [name for family in FAMILIES for name in family.__all__]
    assert set(numloss.LOSSES) == set(CASES) | set(TWO_HEADED) | set(APART)


def test_declarations_are_what_the_checks_take():
    """A signature in Python has the inputs, parameters and defaults of csrc/checks/losses.cpp."""
    taken = _core.losses()
    assert sorted(taken) == sorted(LOSSES)
    for name, loss in LOSSES.items():
        inputs, parameters = taken[name]
        declared = inspect.signature(loss.__wrapped__).parameters
        kinds = {parameter.kind for parameter in declared.values()}
        positional = [p for p in declared if declared[p].kind is Parameter.POSITIONAL_OR_KEYWORD]
        named = {
            p: declared[p].default
            for p in declared
            if declared[p].kind is Parameter.KEYWORD_ONLY and p != "out"
        }
        assert positional == inputs
        assert list(named) == list(parameters), name  # in the same order
        if "pos_weight" in named:  # None, as frameworks have it, stands for this number
            assert named["pos_weight"] is None
            named["pos_weight"] = 1.0
        assert named == parameters, name
        assert Parameter.VAR_KEYWORD in kinds or name in PENALTIES


def test_rowwise_losses_have_an_axis():
    for name in LOSSES.keys() - APART:  # whose axes are told by their order
        parameters = inspect.signature(LOSSES[name]).parameters
        assert LOSSES[name].rowwise == ("axis" in parameters)


def test_names_are_public_once():
    assert len(set(numloss.__all__)) == len(numloss.__all__)
    assert set(PUBLIC) >= set(LOSSES) | {"class_weights", "oversample", "threads", "show_config"}
    for name, loss in LOSSES.items():
        assert loss.__name__ == name
        assert loss.__module__.startswith("numloss.")


@pytest.mark.parametrize(("name", "extra"), numloss._INTEGRATIONS.items())
def test_an_integration_says_what_it_needs(name, extra):
    code = f"import sys, numloss; sys.modules[{name!r}] = None; numloss.{name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    needed = rf"numloss\.{name} needs \w+, which is missing: pip install 'numloss\[{extra}\]'\n$"
    assert re.search(needed, done.stderr)


def test_versions_agree():
    text = (ROOT / "pyproject.toml").read_text()
    assert re.search(r'^version = "(.*)"', text, re.MULTILINE)[1] == numloss.__version__
    assert _core.config()["version"] == numloss.__version__
    assert f"## [{numloss.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


# -------------------------------------------------------------------------------------- signatures

CALL = (
    ", weight=None, reduction='mean', denominator='weight', allow_negative_weight=False, "
    "reduce_axis=None, keepdims=False, dtype=None, out=None)"
)


def plain(signature):
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    return str(inspect.Signature(bare))


@pytest.mark.parametrize("name", numloss.LOSSES)
def test_signature(name):
    signature = inspect.signature(LOSSES[name])
    inputs = list(signature.parameters)[:2]
    assert name in COMPARING or inputs == [LOSSES[name].heads[0], "target"]
    assert plain(signature).endswith(CALL)


def test_the_readme_has_every_name_with_its_options():
    for page, table in tables().items():
        assert between(page, "losses") == table, "run `make readme`"


def test_every_loss_is_evaluated_by_make_run():
    used = " ".join(word for arguments in commands() for word in arguments)
    missing = [name for name in numloss.LOSSES if not re.search(rf"--loss={name}\b", used)]
    assert set(missing) == {*TWO_HEADED, *APART}


def test_signature_of_penalties():
    signatures = {name: plain(inspect.signature(x)) for name, x in PENALTIES.items()}
    assert signatures == {
        "l1_penalty": "(w, *, strength=1.0, out=None)",
        "l2_penalty": "(w, *, strength=1.0, out=None)",
        "elastic_net": "(w, *, strength=1.0, l1_ratio=0.5, out=None)",
    }


@pytest.mark.parametrize("name", LOSSES)
def test_pickles_and_copies_are_the_loss_itself(name):
    loss = LOSSES[name]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps([loss], protocol))[0] is loss
    assert copy.copy(loss) is loss
    assert copy.deepcopy({"loss": loss})["loss"] is loss
    assert repr(loss).startswith(f"<loss {name}(")
    with pytest.raises(AttributeError, match="no attribute 'gradient'"):
        loss.gradient  # noqa: B018


# ------------------------------------------------------------------------------------- docstrings

DOCUMENTED = {name: x for name, x in PUBLIC.items() if callable(x)}


def sections(text):
    """Return the sections of a docstring by their titles."""
    parts = re.split(r"^(\w+)\n-+$", inspect.cleandoc(text), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_everything_public_is_documented():
    assert set(PUBLIC) - set(DOCUMENTED) == {"LOSSES", "__version__"}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_docstring_is_complete(name):
    x = DOCUMENTED[name]
    found = sections(x.__doc__)
    assert x.__doc__.split("\n")[0].endswith((".", ".`"))
    assert not re.search(r"^\{[\w ]+\}$", x.__doc__, re.MULTILINE)  # a shared part left out
    expected = {"Examples"}
    if name in LOSSES:
        expected |= {"References"}
    if name in numloss.LOSSES:
        expected |= {"Warns"}
    if not inspect.isclass(x):
        signature = inspect.signature(x)
        if signature.parameters:
            expected |= {"Parameters", "Raises"}
            documented = re.findall(r"^\*{0,2}(\w+) :", found["Parameters"], re.MULTILINE)
            assert sorted(documented) == sorted(signature.parameters)
        if signature.return_annotation not in (None, "None"):
            expected |= {"Returns"}
    assert expected <= set(found)


@pytest.mark.parametrize("name", ["numloss", *DOCUMENTED])
def test_examples_of_the_docstrings(name):
    text = numloss.__doc__ if name == "numloss" else DOCUMENTED[name].__doc__
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert example.examples
    printed = []
    doctest.DocTestRunner().run(example, out=printed.append)
    assert printed == []


PAGES = [
    README,
    *(
        ROOT / "docs" / f"{name}.md"
        for name in ("arguments", "choosing", "conventions", "facts", "training")
    ),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda x: x.name)
def test_examples_of_the_pages(page):
    example = doctest.DocTestParser().get_doctest(page.read_text(), {}, page.name, None, None)
    assert len(example.examples) > 5
    printed = []
    doctest.DocTestRunner().run(example, out=printed.append)
    assert printed == []


@pytest.mark.parametrize("name", LOSSES)
def test_help_shows_the_docstring(name):
    text = pydoc.plain(pydoc.render_doc(LOSSES[name]))
    assert LOSSES[name].__doc__.split("\n")[0] in text
    assert "Examples\n" in text


# ----------------------------------------------------------------------------------------- imports


def run(code, **environment):
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return result.stdout


def test_an_import_loads_nothing_but_numpy():
    code = """
import sys, time, numpy
before, start = set(sys.modules), time.perf_counter()
import numloss
print(time.perf_counter() - start, *set(sys.modules) - before)
"""
    seconds, *modules = run(code).split()
    print(f"import numloss takes {1000 * float(seconds):.1f} ms after numpy")
    heavy = {"typer", "rich", "pyarrow", "scipy", "torch", "jax", "ml_dtypes", "pandas", "polars"}
    heavy |= {"importlib.metadata", "numpy.testing", "unittest", "doctest", "numloss.evaluation"}
    assert "numloss" in modules
    assert heavy.isdisjoint(modules)


def test_subnormal_numbers_are_alive_after_an_import_and_a_call():
    code = """
import numpy as np, numloss
tiny, tiny32 = float("5e-324"), np.float32(1e-45)
x = np.full(10**6, 1e-310)
for _ in range(2):
    print(tiny * 1 != 0, tiny32 * np.float32(1) != 0, (x / 2 != 0).all())
    numloss.mse(np.zeros(10**7, np.float32), 1)
"""
    assert run(code, NUMLOSS_NUM_THREADS="2").split() == ["True"] * 6


def test_show_config(capsys):
    numloss.show_config()
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert list(lines) == ["numloss", "ISA", "threads", "threading", "compiler", "numpy"]
    assert lines["numloss"] == numloss.__version__
    assert lines["numpy"] == np.__version__
    assert lines["threads"] == str(numloss.num_threads())
    assert lines["ISA"].startswith(_core.config()["isa"])
    assert lines["threading"] == _core.config()["threading"]


def test_show_config_as_a_dict(capsys):
    config = numloss.show_config(mode="dict")
    assert capsys.readouterr().out == ""
    assert config == {**_core.config(), "numpy": np.__version__}
    assert set(config) == set(_config.Config.__annotations__)
    assert (config["version"], config["threads"]) == (numloss.__version__, numloss.num_threads())
    assert config["isa"] in config["isas"]
    assert config["threading"] in config["threadings"]
    with numloss.threads(config["threads"] + 1):
        assert numloss.show_config(mode="dict")["threads"] == config["threads"] + 1
    assert numloss.show_config(mode="stdout") is None


def test_shares_of_the_tests_make_up_the_whole():
    tests = [SimpleNamespace(nodeid=f"test_x.py::test[{k}]") for k in range(100)]
    dropped, seen = [], []

    def names(items):
        return sorted(item.nodeid for item in items)

    hook = SimpleNamespace(pytest_deselected=lambda items: dropped.append(items))
    for share in ("0/3", "1/3", "2/3"):
        items = tests.copy()
        config = SimpleNamespace(option=SimpleNamespace(share=share), hook=hook)
        conftest.pytest_collection_modifyitems(config, items)
        assert 20 < len(items) < 50
        assert names(items + dropped[-1]) == names(tests)
        seen += items
    assert names(seen) == names(tests)
    for wrong in ("3/3", "1", "-1/2", "1/x", ""):
        with pytest.raises(pytest.UsageError, match=f"0 <= K < N, got '{wrong}'"):
            conftest.share(wrong)
