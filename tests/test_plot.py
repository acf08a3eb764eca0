"""``numloss plot``, the text of ``numloss losses`` and the scripts of ``numloss completion``."""

# ruff: noqa: E402 (imports follow the skip where the extra is not installed)
import inspect
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from cases import APART

for extra in ("matplotlib", "plotext", "shtab"):
    pytest.importorskip(extra)

from test_cli import invoke

import numloss
from numloss import cli, plot
from numloss.evaluation.specs import SECONDS, inputs_of, known, options_of, parse_loss
from numloss.plain import display, documentation, formula, summary

slow = pytest.mark.slow
# Losses with options, among them those that change what the prediction is.
PREDICTING = [name for name in numloss.LOSSES if name not in APART]
SPECS = [
    *PREDICTING,
    "huber:delta=0.5",
    "quantile:q=0.9",
    "gaussian_nll:full=true",
    "smooth_l1:beta=0",
    "expectile:q=0.9",
    "robust:alpha=-inf,c=2",
    "gaussian_nll:log_variance=true",
    "poisson:log_input=false",
    "tweedie:power=3,log_input=false",
    "focal:from_logits=false",
    "binary_cross_entropy:from_logits=false,pos_weight=3",
    "cross_entropy:class_weight=[1,2,3,4],label_smoothing=0.1",
    "softmax_focal:alpha=[0.25,0.75]",
    "ordinal_cross_entropy:distance=[[0,1,4,9],[1,0,1,4],[4,1,0,1],[9,4,1,0]]",
    "multiclass_hinge:variant=crammer_singer",
]


def run(*arguments):
    code, out, err = invoke(*arguments)
    assert (code, err) == (0, "")
    return out


def message(*arguments):
    """Run a command that must fail with one line, and return it."""
    code, out, err = invoke(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    return err.removeprefix(f"numloss {arguments[0]}: error: ").rstrip()


def curve(text, **setting):
    (found,) = plot.curves_of([parse_loss(text, "")], plot.Setting(**setting))
    return found


# ------------------------------------------------------------------------------------------ curves


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax_of_label(x, classes):
    return np.exp(x) / (np.exp(x) + classes - 1)


FORMULAS = {
    ("mse", ()): lambda x: ((x - 0) ** 2, 2 * x, 2 + 0 * x),
    ("mse", (("target", 2.0),)): lambda x: ((x - 2) ** 2, 2 * (x - 2), 2 + 0 * x),
    ("huber:delta=0.5", ()): lambda x: (
        np.where(abs(x) <= 0.5, x**2 / 2, 0.5 * (abs(x) - 0.25)),
        np.clip(x, -0.5, 0.5),
        1.0 * (abs(x) <= 0.5),
    ),
    ("msle", (("target", 0.0),)): lambda x: (
        np.log1p(x) ** 2, 2 * np.log1p(x) / (1 + x), 2 * (1 - np.log1p(x)) / (1 + x) ** 2,
    ),
    ("gaussian_nll", (("second", 4.0),)): lambda x: (
        (np.log(4) + x**2 / 4) / 2, x / 4, 0.25 + 0 * x,
    ),
    ("binary_cross_entropy", ()): lambda x: (
        np.log1p(np.exp(-x)), sigmoid(x) - 1, sigmoid(x) * sigmoid(-x),
    ),
    ("binary_cross_entropy:from_logits=false", ()): lambda p: (-np.log(p), -1 / p, 1 / p**2),
    ("squared_hinge", (("target", -1.0),)): lambda x: (
        np.maximum(0, 1 + x) ** 2, 2 * np.maximum(0, 1 + x), 2.0 * (x > -1),
    ),
    ("cross_entropy", (("classes", 5), ("target", 3.0))): lambda x: (
        -np.log(softmax_of_label(x, 5)),
        softmax_of_label(x, 5) - 1,
        softmax_of_label(x, 5) * (1 - softmax_of_label(x, 5)),
    ),
    ("kl_divergence", ()): lambda x: (
        -np.log(softmax_of_label(x, 3)),
        softmax_of_label(x, 3) - 1,
        softmax_of_label(x, 3) * (1 - softmax_of_label(x, 3)),
    ),
    # The sums p_0 and p_0 + p_1 should be 1; the latter lacks p_2 = (1 - p_0) / 2.
    ("ranked_probability", ()): lambda x: (
        (1 - softmax_of_label(x, 3)) ** 2 * (1 + 1 / 4), None, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "setting"), FORMULAS)
def test_curves_are_those_of_the_formulas(text, setting):
    found = curve(text, start=0.11, stop=0.93, **dict(setting))
    for numbers, expected in zip(
        found.panels, FORMULAS[text, setting](found.prediction), strict=True
    ):
        if expected is not None:
            np.testing.assert_allclose(numbers, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("text", SPECS)
def test_curves_are_derivatives_of_each_other(text):
    """Away from kinks, where the value bends at once, and so does its difference."""
    found = curve(text)
    step = found.prediction[1] - found.prediction[0]
    assert all(numbers.shape == found.prediction.shape for numbers in found.panels)
    assert all(np.isfinite(numbers).all() for numbers in found.panels)
    for lower, upper in ((found.value, found.gradient), (found.gradient, found.hessian)):
        slope = (lower[2:] - lower[:-2]) / (2 * step)
        bend = abs(upper[2:] - upper[:-2])
        # Losses that let go of outliers are flat over more than half of the range.
        flat = numloss.LOSSES[text.partition(":")[0]].influence == "redescending"
        smooth = bend < 50 * np.quantile(bend, 0.75 if flat else 0.5) + 1e-9
        assert smooth.mean() > 0.6
        scale = abs(upper).max() + 1e-9
        near = abs(slope - upper[1:-1]) <= bend + 0.01 * scale
        assert near[smooth].mean() > 0.99


@pytest.mark.parametrize("name", PREDICTING)
def test_curves_are_the_numbers_of_the_loss(name):
    """One number at a time, as a user of the library would ask for it."""
    loss = numloss.LOSSES[name]
    found = curve(name)
    for i in (0, 100, 300, 444, 600):
        x = found.prediction[i]
        if loss.domain == "ordered labels" or (loss.rowwise and loss.domain == "real"):
            inputs = [[[x]], [0]]
        elif loss.rowwise:
            kind = bool if loss.domain == "booleans" else float
            labels = [0] if "ignore_index" in options_of(loss) else np.eye(1, 3, dtype=kind)
            inputs = [[[x, 0.0, 0.0]], labels]
        else:
            one = loss.domain in ("unit interval", "signs") or loss.family == "relative"
            one = one or loss.link == "log"
            inputs = [[x], [1.0 if one else 0.0], *[[1.0] for _ in inputs_of(loss)]]
        gradient, hessian = loss.grad_and_hess(*inputs, reduction="sum")
        if inputs_of(loss):
            gradient, hessian = gradient[0], hessian[0]
        numbers = (loss(*inputs, reduction="sum"), gradient.flat[0], hessian.flat[0])
        assert tuple(panel[i] for panel in found.panels) == numbers


def test_range_shows_what_there_is():
    assert curve("mse", target=10.0).prediction[[0, -1]].tolist() == [7, 13]
    assert curve("huber:delta=5").prediction[[0, -1]].tolist() == [-10, 10]
    assert curve("focal").prediction[[0, -1]].tolist() == [-6, 6]
    assert curve("focal:from_logits=false").prediction[[0, -1]].tolist() == [0.05, 0.95]
    assert curve("gaussian_nll", second=100.0).prediction[[0, -1]].tolist() == [-30, 30]
    both = plot.curves_of([parse_loss("mse", ""), parse_loss("hinge:margin=9", "")], plot.Setting())
    assert [c.prediction[[0, -1]].tolist() for c in both] == [[-18, 18]] * 2
    assert curve("mse", start=-1.0, stop=4.0).prediction[[0, -1]].tolist() == [-1, 4]


def test_number_of_classes_is_that_of_the_options():
    assert curve("cross_entropy").axis == (
        "logit of the label, 0; those of the other 2 classes are 0"
    )
    assert "the other 3 classes" in curve("cross_entropy:class_weight=[1,2,3,4]").axis
    assert curve("cross_entropy", classes=2).axis.endswith("; the other is 0")


# ------------------------------------------------------------------------------------- the command


@pytest.mark.parametrize("text", SPECS)
def test_every_loss_is_drawn_in_the_terminal(text, monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    drawn = run("plot", text)
    lines = drawn.splitlines()
    assert lines[0] == text
    titles = ("value", "gradient", "Hessian")
    assert [line.strip() for line in lines if line.strip() in titles] == list(titles)
    assert max(map(len, lines)) <= max(72, len(text))
    assert re.search("[\N{BRAILLE PATTERN DOTS-1}-\N{BRAILLE PATTERN DOTS-12345678}]", drawn)
    assert "\x1b" not in drawn


def test_colours_are_for_terminals():
    curves = plot.curves_of(plot.parse_losses(["mse", "huber"], []), plot.Setting())
    assert "\x1b[38;5;" in plot.text(curves, 60, colours=True)
    assert "\x1b" not in plot.text(curves, 60, colours=False)


# Every loss is computed and drawn with characters above; a file for each takes half a minute.
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, marks=[] if text in ("mse", "gaussian_nll", "cross_entropy") else slow)
        for text in SPECS
    ],
)
def test_every_loss_is_drawn_into_a_file(text, tmp_path):
    path = tmp_path / "picture.svg"
    assert run("plot", text, "-o", path) == ""
    drawn = path.read_text()
    assert all(word in drawn for word in (text.partition(":")[0], "gradient", "Hessian"))
    assert "<dc:date>" not in drawn
    run("plot", text, "-o", path)
    assert path.read_text() == drawn
    assert [p.name for p in tmp_path.iterdir()] == ["picture.svg"]


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.PDF", b"%PDF"), ("a.svg", b"<?xml")]
)
def test_kinds_of_pictures(name, start, tmp_path):
    run("plot", "mse", "huber:delta=0.5", "focal", "--output", tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_options_of_a_lone_loss_may_stand_beside_it(tmp_path):
    ways = [
        ("huber:delta=0.5",),
        ("huber", "--delta", "0.5"),
        ("--delta=0.5", "huber"),
        ("huber", "--option", "delta=0.5"),
    ]
    drawn = [run("plot", *way) for way in ways]
    assert drawn == [drawn[0]] * 4
    assert drawn[0] != run("plot", "huber")
    more = run("plot", "focal:gamma=3", "--alpha", "none", "--from-logits", "true", "--from", "-2")
    assert more == run("plot", "focal:gamma=3,alpha=none,from_logits=true", "--from=-2")
    assert run("plot", "cross_entropy", "--label-smoothing", ".1").startswith(
        "cross_entropy:label_smoothing=.1\n"
    )


def test_options_of_the_command_are_not_handed_on():
    parsers = next(a for a in cli.parser()._actions if isinstance(a.choices, dict)).choices
    own = {name for name in parsers["plot"]._option_string_actions if name.startswith("--")}
    assert own == set(plot.OPTIONS)
    names = {
        name.replace("_", "-") for loss in numloss.LOSSES.values() for name in options_of(loss)
    }
    assert not {f"--{name}" for name in names - set(SECONDS)} & own


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["hubber"], r"no loss is named 'hubber' \(did you mean 'huber'\?\); there are "),
        (["huber", "--detla", "1"], r"huber has no option 'detla' \(did you mean 'delta'\?\)"),
        (["huber:detla=1"], r"no option 'detla' \(did you mean 'delta'\?\); it has delta"),
        (["huber", "--delta"], "--delta: an option of a loss needs a value"),
        (["huber", "--delta", "--to", "3"], "--delta: an option of a loss needs a value"),
        (["mse", "huber", "--delta", "1"], "--delta: which of the 2 losses is it for"),
        (["huber", "--delta", "-1"], "delta must be a positive finite number, got -1"),
        (["mse", "mse"], "mse: given twice"),
        (["hinge", "--target", "0"], r"hinge: target must be -1 or \+1 .*got 0.0 \(--target\)"),
        (["focal:from_logits=false", "--to", "2"], r"must be in \[0, 1\], got .* \(--from, --to\)"),
        (["focal:from_logits=false", "mse"], "takes probabilities and mse does not: draw"),
        (["quantile:q=[0.1,0.9]"], "a curve has one q: write quantile:q=A quantile:q=B"),
        (["cross_entropy", "--target", "3"], "--target must be a label from 0 to 2, got 3"),
        (["cross_entropy", "--target", "0.5"], "--target must be a label from 0 to 2, got 0.5"),
        (["cross_entropy", "--classes", "1"], "--classes: must be a whole number of at least 2"),
        (["cross_entropy", "--classes", "99999"], "--classes must be at most 10000, got 99999"),
        (["cross_entropy", "--axis", "0"], "a curve has no axis of classes to choose"),
        (["gaussian_nll", "--variance", "0"], "gaussian_nll: variance must be above 0, got 0"),
        (["laplace_nll", "--scale", "0"], "laplace_nll: scale must be above 0, got 0"),
        (["poisson", "--target", "-1"], r"poisson: target must be at least 0, .* \(--target\)"),
        (["mse", "--from", "3", "--to", "1"], "--from must be below --to, got 3 and 1"),
        (["mse", "--from", "nan"], "--from: must be a number from -1e100 to 1e100, got 'nan'"),
        (["mse", "--to", "1e300"], "--to: must be a number from -1e100 to 1e100, got '1e300'"),
        (["mse", "-o", "a.jpg"], r"--output a.jpg: a picture is written as .svg, .png or .pdf"),
    ],
)  # fmt: skip
def test_mistakes(arguments, match, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert re.search(match, message("plot", *arguments))
    assert list(tmp_path.iterdir()) == []


def test_picture_that_cannot_be_written(tmp_path):
    code, _, err = invoke("plot", "mse", "-o", tmp_path / "nowhere" / "a.svg")
    assert code == 1
    assert err.endswith("a.svg: cannot be written: No such file or directory\n")


@pytest.mark.parametrize(
    ("arguments", "missing", "extra"),
    [
        (["plot", "mse"], "plotext", "plot"),
        (["plot", "mse", "-o", "a.svg"], "matplotlib", "plot"),
        (["completion", "bash"], "shtab", "cli"),
    ],
)
def test_missing_extras_are_told(arguments, missing, extra, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, missing, None)
    told = message(*arguments)
    assert told.endswith(f"needs {missing}, which is missing: pip install 'numloss[{extra}]'")
    assert list(tmp_path.iterdir()) == []


def test_other_commands_import_nothing_that_draws():
    code = (
        "import sys; from numloss import cli; cli.run(['losses', 'mse']);"
        "print(sorted({'matplotlib', 'plotext', 'shtab', 'numloss.plot'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.endswith("[]\n")


# -------------------------------------------------------------------------------------- plain text

PENALTIES = {name: getattr(numloss, name) for name in numloss.penalties.__all__}


@pytest.mark.parametrize("name", [*numloss.LOSSES, *PENALTIES])
def test_no_markup_is_left(name):
    source = inspect.getdoc((numloss.LOSSES | PENALTIES)[name])
    for columns in (60, 100):
        text = documentation(source, columns)
        assert not re.search(r"\\|:\w+:`|\.\. math|``|[{}]\w|\N{NO-BREAK SPACE}|\t", text.replace(
            '{"', ""))  # fmt: skip
        examples = re.findall(r"^(?:>>>|\.\.\. ).*", source, re.MULTILINE)
        assert re.findall(r"^(?:>>>|\.\.\. ).*", text, re.MULTILINE) == examples
        # Words are lost neither by filling nor by taking markup away.
        prose = re.sub(r":math:`[^`]*`|(?s:\.\. math::.*?\n\n)", "", source)
        words = re.findall(r"[A-Za-z]{3,}", prose.replace(":math:", ""))
        assert not set(words) - set(re.findall(r"[A-Za-z]{3,}", text))
    wide = [line for line in text.splitlines() if len(line) > 100 and ">>>" not in line]
    assert wide == []
    assert not re.search(r"[\\`]", summary(source))


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"\frac{1}{2} \left( \log v + \frac{(p - t)^2}{v} \right)", "1/2 (log v + (p - t)²/v)"),
        (r"\frac{a + b}{2 c}", "(a + b)/(2 c)"),
        (r"1 / (1 + e^{-x})", "1 / (1 + exp(-x))"),
        (r"\log \sum_c e^{x_c} - x_y", "log Σ_c exp(x_c) - x_y"),
        (r"\sum_{k=0}^{C-2} (F_k - [y \le k])^2", "Σ_(k=0..C-2) (F_k - [y ≤ k])²"),
        (r"\max_{j \ne y} \max(0, m + s_j - s_y)", "max_(j≠y) max(0, m + s_j - s_y)"),
        (r"t \in \{-1, +1\}", "t ∈ {-1, +1}"),
        (r"\alpha_t (1 - p_t)^\gamma \, \mathrm{CE}(x, t)", "α_t (1 - p_t)^γ CE(x, t)"),
        (r"q_c \propto e^{-d(c, y) / \tau}", "q_c ∝ exp(-d(c, y) / τ)"),
        (r"x^{a + 1}", "x^(a+1)"),
        (r"\mathrm{softmax}(x)_c", "softmax(x)_c"),
    ],
)
def test_formulas(latex, plain):
    assert formula(latex) == plain


def test_formulas_that_stand_by_themselves():
    huber = inspect.getdoc(numloss.huber)
    assert (
        "    l = { r² / 2           if |r| ≤ δ\n        { δ (|r| - δ / 2)  if |r| > δ\n"
    ) in documentation(huber, 80)
    assert display("a = b\n   = c") == ["a = b", "  = c"]
    assert display(r"a = b, \qquad c = d") == ["a = b,", "c = d"]


def test_losses_are_explained_in_plain_text(monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    lines = run("losses", "focal").splitlines()
    assert "    l = α_t (1 - p_t)^γ CE(x, t)" in lines
    assert max(len(line) for line in lines if line[:3] not in (">>>", "...")) <= 70
    assert "Squared error, (p - t)²." in run("losses")


# -------------------------------------------------------------------------------------- completion

COMPLETIONS = {
    ("",): {"evaluate", "merge", "show", "losses", "plot", "completion", "info"},
    ("pl",): {"plot"},
    ("plot", "hu"): {"huber"},
    ("plot", "mse", "hu"): {"huber"},
    ("plot", "mse", "--del"): {"--delta"},
    ("plot", "mse", "-o", "pic"): {"picture.svg"},
    ("evaluate", "pic"): {"picture.svg"},
    ("evaluate", "x.csv", "--loss", "foc"): {"focal"},
    ("evaluate", "x.csv", "-l", "multic"): {"multiclass_brier", "multiclass_hinge"},
    ("plot", "acc"): set(),
    ("evaluate", "x.csv", "--state", "pic"): {"picture.svg"},
    ("evaluate", "x.csv", "--on-error", ""): {"fail", "skip"},
    ("losses", ""): set(known()),
    ("completion", ""): {"bash", "zsh", "fish"},
    ("merge", "pic"): {"picture.svg"},
}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The scripts, and beside them a file to be completed."""
    folder = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh", "fish"):
        (folder / f"script.{shell}").write_text(run("completion", shell))
    (folder / "picture.svg").write_text("")
    return folder


def shell(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("words", COMPLETIONS)
def test_bash_completes(words, scripts):
    code = (
        'source script.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
        "$(complete -p numloss | sed 's/.*-F \\([^ ]*\\).*/\\1/');"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    found = shell(scripts, "bash", "--norc", "-c", code, "bash", "numloss", *words).split()
    assert set(found) == COMPLETIONS[words]


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
@pytest.mark.parametrize("words", COMPLETIONS)
def test_fish_completes(words, scripts):
    line = " ".join(["numloss", *words])
    found = shell(scripts, "fish", "-c", f"source script.fish; complete -C '{line}'").splitlines()
    assert {text.partition("\t")[0] for text in found} == COMPLETIONS[words]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_zsh_takes_the_script(scripts):
    code = 'autoload -U compinit; compinit -D -u; eval "$(<script.zsh)"; print $_comps[numloss]'
    assert shell(scripts, "zsh", "-f", "-c", code) == "_shtab_numloss\n"
    text = (scripts / "script.zsh").read_text()
    assert f"({' '.join(numloss.LOSSES)})" in text
    assert "]:FILE:_files" in text
