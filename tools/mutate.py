"""Break the library in one place after another; the tests must fail each time.

Run from the repository's root with the environment of ``make test``: ``python -m tools.mutate``.
Every fault replaces a text that stands once in its file, in a copy of the tree, which is built for
two instruction sets and tested by the tests named with the fault. The table that is printed tells
which test noticed; ``--write CONTRIBUTING.md`` puts it between the marks there. ``--part 2/3``
takes the second of three parts; ``--check`` only makes sure that every text has its place. A fault
that no test notices, a text that is gone, and a test that fails without a fault end it with an error.
"""

# ruff: noqa: E501 (a row of a table is a line)

from __future__ import annotations

import argparse
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tools.marks import put_between

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
CRASH = " (the process dies)"
NAME = "mutations"


@dataclass(frozen=True)
class Fault:
    """A wrong line, and the arguments of pytest that run the tests that should notice."""

    name: str
    file: str
    text: str
    wrong: str
    tests: str

    @property
    def is_compiled(self) -> bool:
        """Whether the extension has to be built anew."""
        return self.file.startswith(("csrc", "CMake"))


REGRESSION = "csrc/kernels/losses/regression.cpp"
FORECAST = "csrc/kernels/losses/forecast.cpp"
BINARY = "csrc/kernels/losses/binary.cpp"
SIGNS = "csrc/kernels/losses/signs.cpp"
THRESHOLDS = "csrc/kernels/losses/thresholds.cpp"
MULTILABEL = "csrc/kernels/losses/multilabel.cpp"
SEGMENTATION = "csrc/kernels/losses/segmentation.cpp"
MULTICLASS = "csrc/kernels/losses/multiclass.cpp"
MARGIN = "csrc/kernels/losses/margin.cpp"
REQUEST = "csrc/checks/request.cpp"
OPENMP = "csrc/runtime/openmp_limit.cpp"
LIKELIHOOD = "csrc/kernels/drivers/likelihood.cpp"
SOFTMAX = "csrc/kernels/drivers/softmax.cpp"
EXTRAS = "tests/test_extras.py"
LOSSES = "tests/test_losses.py -k "
LIMITS = "tests/test_limits.py"
SAME_BITS = "tests/test_invariance.py"
REFUSALS = "tests/test_errors.py"
C_LIBRARY = "tests/test_capi.py"
GROUPS = "csrc/evaluation/groups.cpp"
PYTHON_EVALUATION = "python/numloss/evaluation/"
EVALUATION = "tests/test_evaluation.py -k "

FAULTS = [
    # Each loss: its formula, its gradient, its kink.
    Fault("mse: gradient without its 2", REGRESSION, "T(2) * r, keep", "r, keep", LOSSES + "mse"),
    Fault("mae: slope 1 at the kink", REGRESSION, "abs(r) > T(0) ? unit", "abs(r) >= T(0) ? unit", LOSSES + "mae"),
    Fault("huber: quadratic beyond delta", REGRESSION, "clipped * (r - T(0.5) * clipped)", "T(0.5) * r * r", LOSSES + "huber"),
    Fault("huber: NaN swallowed by a comparison", REGRESSION, "const T low = r < -delta ? -delta : r;", "const T low = r >= -delta ? r : -delta;", f"{LIMITS} -k huber"),
    Fault("binary_cross_entropy: smoothing without its shift", BINARY, "return t * keep + shift;", "return t * keep;", LOSSES + "binary_cross_entropy"),
    Fault("binary_cross_entropy of probabilities: sign of the gradient", BINARY, "chance.is_free ? slope : T(0)", "chance.is_free ? -slope : T(0)", LOSSES + "binary_cross_entropy"),
    Fault("focal: alpha and 1 - alpha swapped", BINARY, "of_positive * t + of_negative * negative", "of_negative * t + of_positive * negative", LOSSES + "focal"),
    Fault("gaussian_nll: sign of the gradient by the variance", FORECAST, "fma(T(-0.5) * u, r, T(0.5))", "fma(T(0.5) * u, r, T(-0.5))", "tests/test_heads.py"),
    Fault("gaussian_nll: gradients in each other's place", "csrc/python/call.cpp", "all[size_t(h)] = first[h];", "all[size_t(h)] = first[heads() - 1 - h];", "tests/test_heads.py"),
    Fault("quantile: q and 1 - q swapped", REGRESSION, "share = r > T(0) ? T(1) - q : q;\n    const T slope", "share = r > T(0) ? q : T(1) - q;\n    const T slope", LOSSES + "quantile"),
    Fault("focal of logits: a term of the Hessian", BINARY, "tilt * ratio_ce + T(2) * ratio * slope", "tilt * ratio_ce + ratio * slope", LOSSES + "focal"),
    Fault("hinge: sign of the gradient", SIGNS, "T(0) : -t)", "T(0) : t)", LOSSES + "hinge"),
    Fault("squared_hinge: active outside the margin", SIGNS, "return {active * active,", "return {z * z,", LOSSES + "squared_hinge"),
    Fault("smoothed_hinge: curvature without its width", SIGNS, "curved ? scale / width : T(0)", "curved ? scale : T(0)", LOSSES + "smoothed_hinge"),
    Fault("hinge_embedding: sign of the gradient of pairs apart", SIGNS, "slope = z <= T(0) ? T(0) : T(-1);", "slope = z <= T(0) ? T(0) : T(1);", LOSSES + "hinge_embedding"),
    Fault("logistic: sign of the linear part", SIGNS, "return m < T(0) ? -m : T(0);", "return m < T(0) ? m : T(0);", LOSSES + "logistic"),
    Fault("exponential: sign of the gradient", SIGNS, "{value, -t * value, value}", "{value, t * value, value}", LOSSES + "exponential"),
    Fault("poly_binary_cross_entropy: gradient of the polynomial left out", BINARY, "t * s.complement + bend * s.variance", "t * s.complement", LOSSES + "poly_binary"),
    Fault("brier: gradient without its 2", BINARY, "{d * d, twice * d,", "{d * d, s.variance * d,", LOSSES + "brier"),
    Fault("probabilities that are clipped keep their slope", BINARY, "!(low | high)};", "true};", LOSSES + "clip"),
    Fault("asymmetric: nothing clipped", MULTILABEL, "const T u = p - clip,", "const T u = p,", LOSSES + "asymmetric"),
    Fault("multilabel_margin: margin subtracted", MULTILABEL, "slack + (s - score)", "(s - score) - slack", LOSSES + "multilabel_margin"),
    Fault("tversky: misses and false alarms weighed alike", SEGMENTATION, "alpha * outside + beta * missed", "alpha * outside + alpha * missed", LOSSES + "tversky"),
    Fault("dice of squares: bend left out", SEGMENTATION, "n(3) * (p * v)) + n(0)", "n(3) * (q * v)) + n(0)", LOSSES + "dice"),
    Fault("lovasz_hinge: a miss raises the loss as a false alarm does", SEGMENTATION, "is_inside ? 1 / double(joined) : outside", "is_inside ? outside : outside", LOSSES + "lovasz_hinge"),
    Fault("a weight of labels that is the first one's for all", "csrc/checks/request.cpp", "operand.strides[task.ndim - 1] = sizeof(double);", "operand.strides[task.ndim - 1] = 0;", "tests/test_binary.py"),
    Fault("cross_entropy: sign of the label's gradient", LIKELIHOOD, "panel.logits[at] = -(first[i] * q);", "panel.logits[at] = first[i] * q;", LOSSES + "cross_entropy"),
    Fault("cross_entropy of long rows: tile maxima mixed up", LIKELIHOOD, "finish_part(row, part, maxima[t], slopes);", "finish_part(row, part, maxima[0], slopes);", LOSSES + "long_rows"),
    Fault("cross_entropy of probabilities: smoothing over C - 1 classes", "csrc/kernels/drivers/targets.hpp", "task.label_smoothing / double(task.classes)", "task.label_smoothing / double(task.classes - 1)", LOSSES + "cross_entropy"),
    Fault("kl_divergence: entropy left out", "csrc/kernels/losses/distribution.cpp", "value + panel.entropy[i]", "value", LOSSES + "kl_divergence"),
    Fault("multiclass_hinge: margin subtracted", MARGIN, "margin + (score - label_score)", "(score - label_score) - margin", LOSSES + "multiclass_hinge"),
    Fault("multiclass_hinge, maximum of long rows: the last of equals", MARGIN, "if (double(total) > all.total) {", "if (double(total) >= all.total) {", LOSSES + "first_of_equals"),
    Fault("softmax_focal: derivative of the power left out", MULTICLASS, "factor * (gamma * odds + T(1))", "factor", LOSSES + "softmax_focal"),
    Fault("predicted class: the last of equals", SOFTMAX, "(x > score) | (is_nan(x) & !is_nan(score))", "(x >= score) | (is_nan(x) & !is_nan(score))", EXTRAS),
    Fault("predicted class of a long row: a NaN passed over", SOFTMAX, "(score > best.vector[v]) | (score != score)", "score > best.vector[v]", EXTRAS),
    Fault("log-sum-exp: NaN where no class is possible", "csrc/kernels/drivers/extras.hpp", "highest - highest == T(0) ? highest + softmax.log_sum() : highest", "highest + softmax.log_sum()", EXTRAS),
    Fault("log-sum-exp left out of ignored long rows", "csrc/kernels/drivers/long_rows.hpp", "take_extras(row, highest, counts, k", "take_extras(row, highest, true, k", EXTRAS),
    Fault("log-sum-exp not returned", "csrc/runtime/table.hpp", "roles(kLogSumExp) | roles(kPredicted)", "roles(kPredicted)", EXTRAS),
    Fault("plain labels: one beyond the classes taken", "csrc/kernels/drivers/targets.hpp", "uint32_t(uint32_t(word) >= classes)", "uint32_t(uint32_t(word) > classes)", "tests/test_errors.py tests/test_limits.py tests/test_hostile.py"),
    Fault("strips: the last classes of a row twice", "csrc/kernels/memory/strips.hpp", "if (c < classes) few(classes - kFew);", "if (c < classes) few(c - kFew);", LOSSES + "cross_entropy"),
    Fault("strips: the largest score of every second class", "csrc/kernels/memory/strips.hpp", "return best[1] > best[0] ? best[1] : best[0];", "return best[0];", LOSSES + "cross_entropy"),
    Fault("ranked_probability: label one too far", "csrc/kernels/losses/ordinal.cpp", "k >= panel.label[lane + i]", "k > panel.label[lane + i]", LOSSES + "ranked_probability"),
    Fault("ordinal_cross_entropy: distance not squared", REQUEST, "(squared ? double(c) : 1.0)", "1.0", LOSSES + "ordinal_cross_entropy"),
    Fault("coral: the weight of a threshold left out of the gradient", THRESHOLDS, "coefficient[i] * weight.times(cost.first)", "coefficient[i] * cost.first", LOSSES + "coral"),
    Fault("corn: thresholds that a label has not got to", THRESHOLDS, "only_if(label >= k, x", "only_if(true, x", LOSSES + "corn"),
    Fault("threshold hinge: the label's own side", THRESHOLDS, "z <= T(0) ? T(0) : above ? T(-1) : T(1)", "z <= T(0) ? T(0) : above ? T(1) : T(-1)", LOSSES + "threshold_hinge"),
    Fault("cumulative_link: a class without a chance", THRESHOLDS, "chance ? cost.value : Real<T>::kInfinity", "cost.value", "tests/test_thresholds.py"),
    Fault("labels of thresholds: as many as columns", "csrc/checks/losses.hpp", "form == Form::kThresholds ? 1 : 0", "0", "tests/test_errors.py tests/test_losses.py -k coral"),
    Fault("crps_ensemble: a member is a pair with itself", "csrc/kernels/losses/ensemble.cpp", "return k * (k - own) / pairs;", "return k * k / pairs;", LOSSES + "crps_ensemble"),
    Fault("crps_quantile: levels taken for their middles", "csrc/kernels/losses/ensemble.cpp", "const T under = T(q), over = T(1 - q);", "const T under = T(q), over = T(q);", LOSSES + "crps_quantile"),
    Fault("ranking: pairs of equal targets", "csrc/kernels/losses/ranking.cpp", "!(list.target[list.order[j]] < target)) ++j;", "false) ++j;", LOSSES + "pairwise_logistic"),
    Fault("lambdarank: ranks by the targets", "csrc/kernels/losses/ranking.cpp", "discount[list.spare[list.rank[r]]] = by_rank[r];", "discount[r] = by_rank[r];", LOSSES + "lambdarank"),
    Fault("list_mle: the highest of all draws for that of the rest", "csrc/kernels/losses/ranking.cpp", "leads ? drawn_before - squares_before + led : others", "others", "tests/test_losses.py -k list_mle"),
    Fault("lists: the size of the longest for each", "csrc/kernels/drivers/lists.cpp", "begin[index + 1] - begin[index]", "task.classes", "tests/test_ranking.py"),
    Fault("sparsemax: no last step", "csrc/kernels/losses/sparse.cpp", "step_up<Rule, true>(x, classes, maximum, lanes);", "", "tests/test_losses.py -k 'digits and (sparsemax or entmax)'"),
    Fault("bi_tempered: the maximum counted twice", "csrc/kernels/losses/tempered.cpp", "(ties[i] - 1) * top.p", "ties[i] * top.p", LOSSES + "bi_tempered"),
    Fault("divergences: a sum over all classes for that of the others", "csrc/kernels/losses/divergence.cpp", "q * q * bend[i] + p * lanes.others[i]", "q * q * bend[i] + p * lanes.all[i]", LOSSES + "js_divergence"),
    Fault("few rows: left-over rows from the beginning", "csrc/kernels/drivers/rows.cpp", "staging_[k] = from[whole_ * classes_ + k];", "staging_[k] = from[k];", "tests/test_capi.py -k labelled_rows"),
    Fault("few rows: labels anywhere", "csrc/checks/request.cpp", "uintptr_t(a) + uintptr_t(bytes) <= uintptr_t(b)", "true", "tests/test_capi.py -k lie_apart"),
    Fault("slices: weights of all", "csrc/runtime/run.cpp", "call.outputs_are_ours = call.empty_is_known = true;", "call.outputs_are_ours = call.empty_is_known = true, offset = 0;", "tests/test_requests.py"),
    Fault("info_nce: keys look for no query", "python/numloss/embeddings/paired.py", "((0, 1, strips), (1, 0, strips)) if both_ways", "((0, 1, strips), (0, 1, strips)) if both_ways", "tests/test_embeddings.py"),
    Fault("nt_xent: an anchor compared with itself", "python/numloss/embeddings/strips.py", "if self._among_itself:", "if False:", "tests/test_embeddings.py"),
    Fault("penalties: square not halved", "csrc/kernels/losses/penalty.cpp", "T(0.5) * w * w", "w * w", "tests/test_losses.py -k penalty"),
    Fault("class_weights: absent classes counted", "python/numloss/balance.py", "n.sum() / (n.size * n)", "n.sum() / (counts.size * n)", "tests/test_balance.py"),
    Fault("softmax_focal: the value without its probability", "csrc/kernels/drivers/likelihood.hpp", "requires { Formula<T>::is_linear; }", "true", LOSSES + "softmax_focal"),
    Fault("cross_entropy: the gradient not multiplied by its factor", LIKELIHOOD, "first[i] = panel.coefficient[i] * at_label.first[i];", "first[i] = at_label.first[i];", LOSSES + "cross_entropy"),
    Fault("distributions of long rows: the rise of the maximum left out", SOFTMAX, "if (all.total != 0)", "if (false)", LOSSES + "long_rows"),
    Fault("ranked_probability: scanned with the squares of the wrong side", "csrc/kernels/losses/ordinal.cpp", "squares[i] += beyond[i] * beyond[i];", "squares[i] += d * d;", LOSSES + "ranked_probability"),
    Fault("long rows without a possible class: told", SOFTMAX, "maximum == -Real<T>::kInfinity ? Real<T>::kNan : T(rest)", "T(rest)", f"{LIMITS} -k possible"),
    Fault("tiles without a possible class: scaled from 0", SOFTMAX, "exp_nonpositive(tile_maximum - maximum)", "exp_nonpositive(origin_of(tile_maximum) - maximum)", f"{LIMITS} -k possible"),
    Fault("multiclass_hinge of no possible class: infinite", MARGIN, "return none ? Real<T>::kNan : poison;", "return none ? Real<T>::kInfinity : poison;", f"{LIMITS} -k possible"),
    # Elementary functions and sums.
    Fault("exp: a coefficient wrong in its fourth digit", "csrc/kernels/arithmetic/math.hpp", "0x1.555518p-5f", "0x1.556518p-5f", "tests/test_math.py tests/test_accuracy.py"),
    Fault("sum: the rounding error not carried", "csrc/kernels/arithmetic/sum.hpp", "< Real<double>::kInfinity ? error : 0.0", "< 0.0 ? error : 0.0", f"{LIMITS} {SAME_BITS} tests/test_losses.py"),
    Fault("sum: the last element of a tail", "csrc/kernels/arithmetic/sum.hpp", "for (int j = 0; i < n; ++i, ++j)", "for (int j = 0; i + 1 < n; ++i, ++j)", LOSSES + "mse"),
    Fault("grouped logarithms: padding is an element", "csrc/kernels/drivers/formulas.hpp", "j < count ? g.decay : T(0)", "g.decay", LOSSES + "binary_cross_entropy"),
    Fault("softmax: the maximum's own exponential counted twice", SOFTMAX, "others += e - tie;", "others += e;", LOSSES + "cross_entropy"),
    Fault("long rows: padding is a class", "csrc/kernels/drivers/long_rows.hpp", "++i) padded[i] = -Real<T>::kInfinity", "++i) padded[i] = T(0)", LOSSES + "long_rows"),
    Fault("float16: ties away from even", "csrc/kernels/memory/dtype.hpp", "0xfff + ((m >> 13) & 1)", "0x1000", "tests/test_losses.py tests/test_limits.py tests/test_invariance.py -k 'half or float16 or rounded or types'"),
    # Weights, means, ignored examples.
    Fault("weight left out of a sum", "csrc/kernels/arithmetic/sum.hpp", "double(x[i]) * double(weight[i])", "double(x[i])", "tests/test_losses.py"),
    Fault("weight left out of a cheap sum", "csrc/kernels/drivers/formulas.hpp", "double(d.value) * w", "double(d.value)", "tests/test_losses.py"),
    Fault("weight 0 lets a NaN through", "csrc/kernels/arithmetic/sum.hpp", "weight[i] == W(0) ? 0.0 : product", "product", f"{LIMITS} tests/test_losses.py"),
    Fault("class weight left out of the mean", "csrc/kernels/drivers/targets.hpp", "info.full_weight[i] *= task.class_weight[info.label[i]];", "(void)0;", LOSSES + "cross_entropy"),
    Fault("ignored examples counted", "csrc/kernels/drivers/targets.hpp", "info.full_weight, n, n - ignored, partial", "info.full_weight, n, n, partial", f"tests/test_losses.py {LIMITS}"),
    Fault("mean over the wrong number", "csrc/runtime/run.cpp", "case Denominator::kCount: return double(totals.count);", "case Denominator::kCount: return totals.weight;", "tests/test_losses.py"),
    # The same bits.
    Fault("blocks of a length that depends on the threads", "csrc/runtime/run.cpp", "task.size : block_length(task);", "task.size : block_length(task) / Team(1e9, 64).size();", f"{SAME_BITS} -k test_threads"),
    Fault("threads leave what others have not begun", "csrc/runtime/parallel.cpp", "i < parts_; ++i) {\n      Part& part", "i < 1; ++i) {\n      Part& part", "tests/test_threads.py tests/test_fork.py"),
    Fault("multiply and add contracted", "CMakeLists.txt", "-fopenmp-simd -ffp-contract=off", "-fopenmp-simd -ffp-contract=fast -O2", f"{SAME_BITS} -k instruction_sets"),
    Fault("the caller's rounding and flush-to-zero left on", "csrc/runtime/float_environment.hpp", "if ((saved_ & ~kStatus) != kIeee) _mm_setcsr(kIeee);", "", "tests/test_environment.py"),
    Fault("byte order forgotten when writing", "csrc/kernels/memory/dtype.hpp", "__builtin_bswap32", "uint32_t", f"{SAME_BITS} -k byte_swapped"),
    Fault("scattered layouts: results not taken out", "csrc/kernels/drivers/elements.cpp", "if (!only_check) staging.store(at, n);", "", f"{SAME_BITS} -k layouts"),
    Fault("scattered rows: results not taken out", "csrc/kernels/drivers/long_rows.hpp", "    staging_.store(at_, rows_);\n", "", f"{SAME_BITS} -k layouts"),
    Fault("columns converted into another block", "csrc/kernels/memory/planes.cpp", "columns, rows, to + r * step + c, step);", "columns, rows, to + c * step + r, step);", f"{SAME_BITS} -k columns_of_any"),
    Fault("exponentials kept in the place of other tiles", "csrc/kernels/drivers/row.hpp", "kept_ + part.first\n", "kept_ + part.first % tile\n", f"{SAME_BITS} -k long_rows"),
    Fault("a factor of derivatives that does not fit their type", "csrc/kernels/drivers/row_functions.hpp", "return is_normal(T(factor)) ? T(factor) : T(1);", "return T(factor);", f"{LIMITS} -k factors_beyond"),
    Fault("sums in the order in which arrays lie", "csrc/runtime/run.cpp", "  if (!sums) {\n", "  if (sums || !sums) {\n", f"{SAME_BITS} -k lie_alike"),
    Fault("weights added in tiles that begin where lines do", "csrc/kernels/drivers/elements.cpp", "(task.has(kWeight) && !task.checked)", "false", f"{SAME_BITS} -k anywhere_in_a_line"),
    Fault("Hessian written over what its gradient reads", "csrc/kernels/drivers/formulas.hpp", "const bool last = tile.derivative[kMaxHeads] == tile.input[kHeads];", "const bool last = false;", "tests/test_invariance.py -k hessian_in_place"),
    Fault("a half's NaN without its payload", "csrc/kernels/memory/dtype.hpp", "0x7e00u | ((m >> 13) & 0x1ff)", "0x7e00u", "tests/test_math.py -k nan_alike"),
    Fault("a NaN among the classes of a long row", MARGIN, "if (is_nan(total)) all.poison = keep_last_nan(totals, all.poison);", "", f"{LIMITS} -k nan"),
    # Checks.
    Fault("label C taken", "csrc/kernels/drivers/targets.hpp", "uint64_t(label) >= uint64_t(classes)", "uint64_t(label) > uint64_t(classes)", REFUSALS),
    Fault("negative labels taken", "csrc/kernels/drivers/targets.hpp", "(uint64_t(label) >= uint64_t(classes))", "(label >= classes)", REFUSALS),
    Fault("targets beyond 1 taken", "csrc/kernels/drivers/formulas.hpp", "(x < T(0)) | (x > T(1))", "x < T(0)", REFUSALS),
    Fault("probabilities beyond 1 by rounding refused", "csrc/kernels/drivers/elements.cpp", "if (functions.probabilities.bits == 0) return false;", "return false;", "tests/test_arguments.py -k rounding"),
    Fault("probabilities whose rounding the check alone notices", "csrc/runtime/run.cpp", "task.rounds = checked.rounds;", "", "tests/test_arguments.py -k rounding"),
    Fault("probabilities that sum to anything taken", "csrc/kernels/drivers/targets.hpp", "excess > task.distribution_tolerance ||", "", REFUSALS),
    Fault("negative weights taken", "csrc/kernels/arithmetic/sum.hpp", "-Real<W>::kLargest : W(0);", "-Real<W>::kLargest : -Real<W>::kLargest;", REFUSALS),
    Fault("means by sums of weights below 0 taken", "csrc/runtime/run.cpp", "totals.count > 0 && totals.weight <= 0", "totals.count > 0 && totals.weight == 0", "tests/test_requests.py -k positive_sum"),
    Fault("targets of any sum taken unasked", REQUEST, "if (!plan.any_sum) return kSumTolerance;", "", REFUSALS),
    Fault("values of slices in the place of the first", "csrc/runtime/run.cpp", "slices.values.data + offset", "slices.values.data + 0 * offset", "tests/test_requests.py -k slice"),
    Fault("gradient written before the targets are checked", "csrc/runtime/run.cpp", "(!call.outputs_are_ours && may_be_bad) || ", "", REFUSALS),
    Fault("read-only arrays written to", REQUEST, "if (!array.writeable) {", "if (false) {", REFUSALS),
    Fault("overlap of output and input not seen", REQUEST, "if (in_place || overlap(array, *other) == Overlap::kApart) continue;", "continue;", REFUSALS),
    Fault("output that shares its own memory taken", "csrc/checks/array.cpp", "if (axis->stride < span) return true;", "", REFUSALS),
    Fault("shares beyond 1 taken", "csrc/checks/plan.cpp", "if (!(x >= 0 && x <= 1))", "if (!(x >= 0))", REFUSALS),
    Fault("shapes broadcast", REQUEST, "if (target.ndim > 0 && !one_for_each_row && !same_shape(target, prediction())) {", "if (target.ndim > prediction().ndim) {", REFUSALS),
    Fault("weights of one axis taken for columns", REQUEST, "bool fits = weight.ndim == 0 || weight.ndim == task.ndim;", "bool fits = true;", REFUSALS),
    Fault("large integers rounded to float32", REQUEST, "if (largest > kExactInFloat32) task.in_float64 = true;", "", "tests/test_arguments.py -k integers"),
    Fault("integers that no float holds taken", REQUEST, "if (is_exact(double(x.magnitude), x.magnitude)) return true;", "return true;", REFUSALS),
    Fault("ignore_index beside probabilities taken", REQUEST, "if (plan.sets_ignore_index) {", "if (false) {", REFUSALS),
    Fault("classes in place of scores taken", REQUEST, "if (!are_classes(p) || !has_fraction(t)) return true;", "return true;", REFUSALS),
    Fault("interleaved arrays taken to meet", "csrc/checks/array.cpp", "const int64_t least = beyond <= 0 ? 0 : (beyond + step - 1) / step;", "const int64_t least = 0; return true;", REFUSALS),
    # Memory.
    Fault("a reference kept", "csrc/python/call.cpp", "    kept = borrowed(given);\n", "    kept = borrowed(given);\n    kept.inc_ref();\n", "tests/test_memory.py -k reference"),
    Fault("failed allocation not noticed", "csrc/runtime/run.cpp", "operator new(bytes, kOnPage)", "operator new(bytes, kOnPage, std::nothrow)", "tests/test_memory.py -k allocation"),
    # Memory of other libraries.
    Fault("DLPack: a read-only tensor written to", "csrc/python/dlpack.cpp", "(managed->flags & kReadOnly) == 0;", "true;", "tests/test_zero_copy.py -k no_place"),
    Fault("DLPack: a deleter not called", "csrc/python/dlpack.cpp", "if (managed->deleter != nullptr) managed->deleter(managed);", "if (false) managed->deleter(managed);", "tests/test_zero_copy.py -k where_it_lies"),
    Fault("Arrow: an offset left out", "csrc/python/arrow.cpp", "  range.first += level.offset;\n", "", "tests/test_zero_copy.py -k where_it_lies"),
    Fault("Arrow: nulls that nobody has counted are read", "csrc/python/arrow.cpp", "level.null_count == 0 || all_set", "level.null_count <= 0 || all_set", "tests/test_zero_copy.py -k null"),
    Fault("Arrow: the first piece taken for all", "python/numloss/_foreign.py", "np.concatenate(numbers)", "numbers[0]", "tests/test_zero_copy.py -k pieces"),
    # Threads and the environment.
    Fault("a number of threads that outlives its block", "python/numloss/_config.py", "_core.thread_variable.reset(token)", "pass", "tests/test_threads.py -k override"),
    Fault("calls without the number of their context", "csrc/python/call.cpp", "const ThreadOverride override(threads_of_context());", "", "tests/test_threads.py -k context"),
    Fault("OpenMP libraries of later not looked for", OPENMP, "if (search.loads == searched && !search.anew) return 1;", "if (searched.adds > 0) return 1;", "tests/test_openmp.py -k after_numloss"),
    Fault("a limit of OpenMP's taken for its default", OPENMP, "return question.answer;", "return here;", "tests/test_openmp.py -k before_the_import"),
    Fault("the highest limit of several", OPENMP, "std::min(limit, threads)", "std::max(limit, threads)", "tests/test_openmp.py -k lowest"),
    Fault("an OpenMP of LLVM's used that nobody else uses", OPENMP, "!llvm_is_in_use()) {\n", "false) {\n", "tests/test_openmp.py -k left_alone"),
    Fault("a child looks for libraries whatever its parent did", OPENMP, "blind = !lock_is_free();", "blind = false;", "tests/test_fork.py -k looks_at_the_libraries"),
    Fault("the best instruction set below another", "csrc/runtime/dispatch.cpp", "rank(choice.name) <= rank(name)", "rank(choice.name) < rank(name)", "tests/test_variables.py -k up_to"),
    Fault("blanks around a variable refused", "csrc/runtime/variables.cpp", "return value != nullptr ? trimmed(value) : \"\";", "return value != nullptr ? value : \"\";", "tests/test_variables.py -k blanks"),
    # The C library.
    Fault("C: what a newer caller sets is not seen", "csrc/capi/report.hpp", "if (bytes[i] == 0) continue;", "if (bytes[i] >= 0) continue;", f"{C_LIBRARY} -k newer"),
    Fault("C: arrays without strides by columns", "csrc/capi/call.cpp", "for (int d = array.ndim - 1; d >= 0; --d) {", "for (int d = 0; d < array.ndim; ++d) {", f"{C_LIBRARY} -k c_order"),
    Fault("C: threads of a call come to nothing", "csrc/capi/call.cpp", "const ThreadOverride threads(call_.threads);", "", f"{C_LIBRARY} -k threads"),
    Fault("C: outputs of few plain numbers may meet", REQUEST, "if (!in_place && !lie_apart(", "if (!in_place && false && !lie_apart(", f"{C_LIBRARY} -k lie_apart"),
    Fault("C: few plain numbers outside the domain taken", "csrc/kernels/drivers/elements.cpp", "if (functions.check != nullptr && functions.check(tile.input,", "if (false && functions.check(tile.input,", f"{C_LIBRARY} -k few_plain"),
    Fault("C: an option may be given twice", "csrc/capi/call.cpp", "if (setting.given) return", "if (false) return", f"{C_LIBRARY} -k once"),
    Fault("a symbol of the C++ library leaves the module", "csrc/python/exports.map", "local: *;", "_ZNSt*; local: *;", "tests/test_build.py"),
    # Evaluation: exact sums, histograms, groups, states, files.
    Fault("exact sums: errors of products left out", GROUPS, "if (count_of_errors == 0) return;", "if (count_of_errors >= 0) return;", EVALUATION + "sums_are_exact"),
    Fault("exact sums: a level too few", GROUPS, "(top - bottom + kLevelBits - 1) / kLevelBits", "(top - bottom) / kLevelBits", EVALUATION + "sums_are_exact"),
    Fault("exact sums: a carry lost", "csrc/evaluation/fixed.hpp", "carry = first || second ? 1 : 0;", "carry = second ? 1 : 0;", EVALUATION + "no_byte"),
    Fault("exact sums: what did not fit is dropped", GROUPS, "  each_word(part, [&](Int128 word, int unit) { numloss::add(sum, word, unit); });\n", "", EVALUATION + "no_byte"),
    Fault("exact sums: the rest of a level kept", "csrc/kernels/statistics/statistics.cpp", "left -= moved - anchor[k];", "left -= moved;", EVALUATION + "sums_are_exact"),
    Fault("quotients: ties away from zero", "csrc/evaluation/integer.cpp", "below != 0 || sticky || (kept & 1) != 0", "true", EVALUATION + "halves"),
    Fault("standard error: n for n - 1", GROUPS, "const Integer count(n), less(n - 1),", "const Integer count(n), less(n),", EVALUATION + "rounded_once"),
    Fault("histogram: -0 in a bin of its own", "csrc/evaluation/values.hpp", "bin_of(__builtin_fabs(value), coarser_);\n    if", "bin_of(value, coarser_);\n    if", EVALUATION + "no_byte"),
    Fault("histogram: a bin's lower end for its middle", "csrc/evaluation/values.hpp", "(ends ? 0 : uint64_t(1) << (drop - 1))", "0", EVALUATION + "histograms"),
    Fault("quantiles exact by the size of a part", GROUPS, "if (before + uint64_t(n) <= resolution_.most_exact) {", "if (uint64_t(n) <= resolution_.most_exact) {", EVALUATION + "'quantiles or no_byte'"),
    Fault("highest row: the last of equals", GROUPS, "(high == r.high && row < r.high_row)", "(high == r.high && row > r.high_row)", EVALUATION + "'rounded_once or no_byte'"),
    Fault("merge: the other's NaN forgotten", GROUPS, "mine.nan += theirs.nan;", "", EVALUATION + "'no_byte or any_cutting'"),
    Fault("states: groups in the order in which they came", "csrc/evaluation/state.cpp", "const std::vector<int32_t> sorted = order();\n  if (by() > 0) {", "std::vector<int32_t> sorted = order();\n  std::iota(sorted.begin(), sorted.end(), 0);\n  if (by() > 0) {", EVALUATION + "'no_byte or any_cutting'"),
    Fault("states: a checksum not looked at", PYTHON_EVALUATION + "evaluation.py", "if zlib.crc32(data[: -_CHECK.size]) != check:", "if False:", EVALUATION + "damaged_byte"),
    Fault("states: a histogram that does not add up", GROUPS, "if (seen != n) throw", "if (false) throw", EVALUATION + "'right_checksum or add_up'"),
    Fault("files: an open quote overlooked", PYTHON_EVALUATION + "files/text.py", "if self._guard.quotes % 2:", "if self._guard.quotes % 2 and False:", "tests/test_files.py -k quote"),
    Fault("files: each chunk says what a column holds", PYTHON_EVALUATION + "files/columns.py", "kinds.setdefault(origin.name, _kind_of_text(text))", "_kind_of_text(text)", "tests/test_files.py -k decided"),
    Fault("files: probabilities taken for logits", PYTHON_EVALUATION + "files/losses.py", "if self._inputs.probabilities and prediction.ndim > 1:", "if False:", "tests/test_files.py -k probabilities"),
    Fault("files: an output over an input", PYTHON_EVALUATION + "output.py", "if path.exists() and path.samefile(other):", "if False:", "tests/test_files.py -k never_an_input"),
    Fault("files: rows of JSON lines counted from their block", PYTHON_EVALUATION + "files/jsonlines.py", "first_row += len(piece)", "first_row += 0", "tests/test_files.py -k json_lines"),
    Fault("jackknife: without its factor", PYTHON_EVALUATION + "uncertainty.py", " * (n - 1) / n", "", "tests/test_uncertainty.py -k left_out"),
    Fault("intervals: a degree of freedom too many", PYTHON_EVALUATION + "result.py", "self.parts - 1)", "self.parts)", "tests/test_uncertainty.py -k left_out"),
    Fault("buckets: by the number of the source, not its name", PYTHON_EVALUATION + "evaluation.py", "place = first_row & ((1 << _ROW_BITS) - 1)", "place = first_row", "tests/test_uncertainty.py -k other_sources"),
    Fault("states: clusters left out of a merge", PYTHON_EVALUATION + "evaluation.py", "zip(self._states(), [state, *other._states()[1:]], strict=True)", "[(self._state, state)]", "tests/test_uncertainty.py -k bytes_depend"),
    Fault("calibration: probabilities rounded to bins", "csrc/evaluation/examples.cpp", "int32_t(place > 0 ? place : 0)", "int32_t(place > 0 ? place + 0.5 : 0)", "tests/test_calibration.py -k two_classes"),
    Fault("ROC-AUC: a tie is won", "csrc/evaluation/ranking.cpp", "won_high += above + (cell->ties ? inside : 2 * inside);", "won_high += above + 2 * inside;", "tests/test_calibration.py -k exactly"),
    Fault("average precision: the good order for the bad one", "csrc/evaluation/ranking.cpp", "lowest_precisions(p, positives, negatives + n)", "lowest_precisions(p, positives, negatives)", "tests/test_calibration.py -k bounds"),
    Fault("histogram: numbers below 0 among those above", "csrc/evaluation/values.cpp", "++counts[sign][std::max(bin, before[sign]) - before[sign]];", "++counts[0][std::max(bin, before[0]) - before[0]];", "tests/test_evaluation.py tests/test_calibration.py -k 'both_signs or bounds'"),
    Fault("two models: a tie is lost", "csrc/evaluation/examples.cpp", "0.5f + 0.5f * ahead", "0.5f * ahead", "tests/test_comparison.py -k definition"),
    Fault("files: the last fault instead of the first", PYTHON_EVALUATION + "run.py", "raise min(parts.failures", "raise max(parts.failures", "tests/test_files.py -k 'first_fault or belong'"),
]  # fmt: skip


@dataclass
class Tree:
    """A copy of the tracked tree with a build of its own."""

    folder: Path

    @property
    def build(self) -> Path:
        """Where it is built."""
        return self.folder / "build"

    def fill(self) -> None:
        """Copy the tracked files and build them."""
        names = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split()
        for name in names:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.folder / name)
        pybind = [sys.executable, "-m", "pybind11", "--cmakedir"]
        configuration = {
            "CMAKE_BUILD_TYPE": "Debug",
            # No bit depends on it, and it takes a quarter of the time to compile.
            "CMAKE_CXX_FLAGS_DEBUG": "-O1",
            "NUMLOSS_ISAS": "baseline;v3" if os.uname().machine == "x86_64" else "baseline",
            "SKBUILD_PROJECT_VERSION": re.search(
                r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
            )[1],
            "pybind11_DIR": subprocess.check_output(pybind, text=True).strip(),
            "Python_EXECUTABLE": sys.executable,
        }
        options = [f"-D{name}={value}" for name, value in configuration.items()]
        self._run("cmake", "-S", ".", "-B", self.build, "-G", "Ninja", *options)
        self.compile()

    def _run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "python")}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=1800
        )

    def compile(self) -> None:
        """Build the extension and put it into the package."""
        prefix = self.folder / "python"
        for step in (["--build", self.build], ["--install", self.build, "--prefix", prefix]):
            done = self._run("cmake", *step)
            if done.returncode:
                raise SystemExit(f"cmake failed: {(done.stdout + done.stderr)[-3000:]}")

    def failure(self, *tests: str) -> str:
        """Return the first test that fails, or an empty string."""
        cache = self.folder / ".pytest_cache"
        shutil.rmtree(cache, ignore_errors=True)
        done = self._run(sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", *tests)
        if done.returncode == 0:
            return ""
        if done.returncode < 0:
            return f"{tests[0]}{CRASH}"
        try:
            (test,) = json.loads((cache / "v/cache/lastfailed").read_text())
        except (OSError, ValueError):
            raise SystemExit(f"pytest {tests}: {(done.stdout + done.stderr)[-3000:]}") from None
        return test

    def notice(self, fault: Fault) -> str:
        """Return the test that notices a fault, or an empty string; mend it."""
        path = self.folder / fault.file
        right = path.read_text()
        self._write(path, right.replace(fault.text, fault.wrong))
        try:
            if fault.is_compiled:
                self.compile()
            return self.failure(*arguments(fault))
        finally:
            self._write(path, right)

    @staticmethod
    def _write(path: Path, text: str) -> None:
        """Write a file so that it is newer than what was made of it, if the clock was set back."""
        path.write_text(text)
        soon = time.time() + 5
        os.utime(path, (soon, soon))


def arguments(fault: Fault) -> list[str]:
    """Split what a fault hands to pytest; an expression stays together."""
    files, _, expression = fault.tests.partition(" -k ")
    return [*files.split(), *(["-k", expression.strip("'")] if expression else [])]


def check_texts() -> None:
    """Make sure that every fault still has its place."""
    lost = [
        f"{fault.name}: {fault.file} has {count} of {fault.text!r}, not one"
        for fault in FAULTS
        if (count := (ROOT / fault.file).read_text().count(fault.text)) != 1
    ]
    if lost:
        raise SystemExit("\n".join(lost))


def seed(faults: list[Fault], folder: Path) -> dict[Fault, str]:
    """Return the test that notices each fault."""
    # What is not compiled first: it needs the extension as it is.
    waiting: queue.SimpleQueue[Fault] = queue.SimpleQueue()
    for fault in sorted(faults, key=lambda fault: fault.is_compiled):
        waiting.put(fault)
    noticed: dict[Fault, str] = {}
    trees: list[Tree] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            tree = Tree(folder / f"tree{number}")
            trees.append(tree)
            tree.fill()
            while not errors:
                fault = waiting.get_nowait()
                noticed[fault] = tree.notice(fault)
                print(f"{fault.name}: {noticed[fault] or 'NOT NOTICED'}", file=sys.stderr)
        except queue.Empty:
            pass
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    # Those tests fail for the fault alone.
    trees[0].compile()
    if failed := trees[0].failure(
        *{test.removesuffix(CRASH): None for test in noticed.values() if test}
    ):
        raise SystemExit(f"{failed} fails without a fault")
    return noticed


def table(noticed: dict[Fault, str]) -> str:
    """Return the result in Markdown."""
    rows = ["| fault | in | noticed by |", "|---|---|---|"]
    for fault in FAULTS:
        if fault in noticed:
            test, bracket, _ = noticed[fault].removeprefix("tests/").partition("[")
            test += "[...]" if bracket else ""
            rows.append(f"| {fault.name} | `{fault.file}` | `{test}` |")
    return "\n".join(rows)


def main() -> None:
    """Seed the faults, print the table, fail where one goes unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", default="1/1", metavar="I/N", help="the I-th of N parts alone")
    parser.add_argument("--only", default="", metavar="TEXT", help="faults whose name has this")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into this file")
    parser.add_argument("--check", action="store_true", help="only look for the texts")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    check_texts()
    if options.check:
        return
    faults = [fault for fault in FAULTS[part - 1 :: parts] if options.only in fault.name]
    with tempfile.TemporaryDirectory() as folder:
        noticed = seed(faults, Path(folder))
        print(table(noticed))
        unnoticed = [fault.name for fault in faults if not noticed[fault]]
        if unnoticed:
            raise SystemExit(f"no test notices: {unnoticed}")
    if options.write:
        put_between(options.write, NAME, table(noticed))


if __name__ == "__main__":
    main()
