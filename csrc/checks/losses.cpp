#include "losses.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <stdexcept>
#include <string>

#include "../runtime/dispatch.hpp"
#include "plan.hpp"

namespace numloss {

namespace {

constexpr Parameter number(const char* name, Range range, double standard) {
  return {name, Use::kNumber, range, standard};
}

// A number that may be None, which stands for the number `none`.
constexpr Parameter optional_number(const char* name, Range range, double standard, double none) {
  return {name, Use::kNumber, range, standard, true, none};
}

constexpr const char* kHinges[] = {"weston_watkins", "crammer_singer", nullptr};
constexpr const char* kLinks[] = {"logit", "probit", "cloglog", nullptr};
constexpr const char* kDistances[] = {"absolute", "squared", nullptr};
constexpr const char* kTimes[] = {"normal", "logistic", "extreme", nullptr};
constexpr const char* kTies[] = {"breslow", "efron", nullptr};

constexpr Parameter kFromLogits = {"from_logits", Use::kVariant, Range::kUnit, 1};
// How near to 0 and 1 probabilities come: of the variant without logits.
constexpr Parameter kClip = {
    .name = "clip", .use = Use::kNumber, .range = Range::kHalf, .variant = 0};
constexpr Parameter kPosWeight = {.name = "pos_weight",
                                  .use = Use::kPerColumn,
                                  .range = Range::kNonnegative,
                                  .standard = 1,
                                  .optional = true,
                                  .none = 1};
constexpr Parameter kMargin = number("margin", Range::kNonnegative, 1);
constexpr Parameter kSmooth = number("smooth", Range::kNonnegative, 1);
constexpr Parameter kFull = {.name = "full", .use = Use::kSwitch};
constexpr Parameter kLogInput = {"log_input", Use::kVariant, Range::kUnit, 1};
constexpr Parameter kLogVariance = {.name = "log_variance", .use = Use::kVariant};
constexpr Parameter kSmoothing = {"label_smoothing", Use::kSmoothing, Range::kUnit, 0};
constexpr Parameter kClassWeight = {
    .name = "class_weight", .use = Use::kClassWeight, .optional = true};
constexpr Parameter kIgnoreIndex = {
    .name = "ignore_index", .use = Use::kIgnoreIndex, .standard = -100};
constexpr Parameter kAxis = {.name = "axis", .use = Use::kAxis, .standard = -1};
constexpr Parameter kGroups = {.name = "groups", .use = Use::kGroups, .optional = true};
constexpr Parameter kTemperature = {"temperature", Use::kTemperature, Range::kPositive, 1};
constexpr Parameter kSoftcap = {.name = "softcap",
                                .use = Use::kSoftcap,
                                .range = Range::kPositive,
                                .optional = true,
                                .standard_is_none = true};
constexpr Parameter kZLoss = {.name = "z_loss", .use = Use::kZLoss};
// Of losses of distributions that mean something against any shares of at least 0.
constexpr Parameter kAnySum = {.name = "any_sum", .use = Use::kAnySum};
constexpr Parameter kWhere = {.name = "where", .use = Use::kMask, .optional = true};
constexpr Parameter kReturnLogSumExp = {
    .name = "return_logsumexp", .use = Use::kExtra, .extra = kLogSumExp};
constexpr Parameter kReturnPredicted = {
    .name = "return_predicted", .use = Use::kExtra, .extra = kPredicted};

// A parameter of the variant with logits.
constexpr Parameter of_logits(Parameter parameter) {
  parameter.variant = 1;
  return parameter;
}

// Zhang's modified Huber loss is four times the smoothed hinge of margin 1 that is 2 wide.
void derive_modified_huber(Plan& plan) {
  plan.numbers[kSignNumbers] = 1;
  plan.numbers[kSignNumbers + 1] = 2;
  plan.numbers[kSignNumbers + 2] = 4;
}

void derive_smoothed_hinge(Plan& plan) { plan.numbers[kSignNumbers + 2] = 1; }

// epsilon to the factors of the surprisal and of 1 - p.
void derive_poly(Plan& plan) {
  plan.numbers[1] = plan.numbers[0];
  plan.numbers[0] = 1;
}

// (alpha, beta) to the same: the reverse cross-entropy is 4 (1 - p), its log 0 being -4.
void derive_symmetric(Plan& plan) { plan.numbers[1] *= 4; }

// From the numbers of a loss of regions to those of the kernel: (alpha, beta, gamma, smooth,
// squared).
void set_overlap(Plan& plan, double misses, double smooth, double squared) {
  const double numbers[] = {misses, misses, 1, smooth, squared};
  std::copy_n(numbers, std::size(numbers), plan.numbers);
}

// Half of what is off beside what is common: 2 I / (P + T).
void derive_dice(Plan& plan) {
  const double smooth = plan.numbers[0], squared = plan.numbers[1];
  set_overlap(plan, 0.5, squared != 0 ? smooth : smooth / 2, squared);
}

void derive_jaccard(Plan& plan) { set_overlap(plan, 1, plan.numbers[0], 0); }

// 1 - p alone.
void derive_total_variation(Plan& plan) {
  plan.numbers[0] = 0;
  plan.numbers[1] = 1;
}

// (strength, l1_ratio) to the factors of |w| and w²/2.
void derive_elastic_net(Plan& plan) {
  const double strength = plan.numbers[0], ratio = plan.numbers[1];
  plan.numbers[0] = strength * ratio;
  plan.numbers[1] = strength * (1 - ratio);
}

void derive_l1(Plan& plan) { plan.numbers[1] = 0; }

void derive_l2(Plan& plan) {
  plan.numbers[1] = plan.numbers[0];
  plan.numbers[0] = 0;
}

double computed(const char* function, double x) {
  find_function(function).float64(&x, &x, 1);
  return x;
}

// log(gamma(a + 1/2) / gamma(a)). From 10 on by Stirling's series, whose next term is below 2e-15;
// below it the two logarithms are short enough to be subtracted.
double log_gamma_step(double a) {
  if (a < 10) {
    return computed("log_factorial", a + 0.5) - computed("log", a + 0.5) -
           computed("log_factorial", a) + computed("log", a);
  }
  constexpr double kSeries[] = {-1.0 / 8,     1.0 / 192,     -1.0 / 640,
                                17.0 / 14336, -31.0 / 18432, 691.0 / 180224};
  const double square = 1 / (a * a);
  double sum = 0;
  for (int i = int(std::size(kSeries)) - 1; i >= 0; --i) sum = sum * square + kSeries[i];
  return 0.5 * computed("log", a) + sum / a;
}

// (df, full) to df, the logarithm of what the density is divided by, less that of its scale, and
// the root of df.
void derive_student_t(Plan& plan) {
  constexpr double kLogPi = 0x1.250d048e7a1bdp+0;
  const double df = plan.numbers[0];
  const bool full = plan.numbers[1] != 0;
  plan.numbers[1] = full ? 0.5 * (computed("log", df) + kLogPi) - log_gamma_step(df / 2) : 0;
  plan.numbers[2] = std::sqrt(df);
}

// scale to it and its logarithm.
void derive_aft(Plan& plan) { plan.numbers[1] = computed("log", plan.numbers[0]); }

// Targets are positive from power 2 on (a gamma distribution's), counts from 1 on (Poisson's), any
// numbers up to 0, the power of a normal distribution, whose mean is any number, too.
void derive_tweedie(Plan& plan) {
  const double power = plan.numbers[0];
  plan.target = power >= 2 ? Domain::kPositive : power >= 1 ? Domain::kNonnegative : Domain::kAny;
  if (power == 0) plan.prediction = Domain::kAny;
}

// The deviance of power 1, halved.
void derive_generalized_kl(Plan& plan) { plan.numbers[0] = 1; }

}  // namespace

constexpr Loss kLosses[] = {
    {.name = "mse", .form = Form::kElements, .variants = {{"mse"}}},
    {.name = "mae", .form = Form::kElements, .variants = {{"mae"}}},
    {.name = "huber",
     .form = Form::kElements,
     .variants = {{"huber"}},
     .parameters = {number("delta", Range::kPositive, 1)}},
    {.name = "quantile",
     .form = Form::kElements,
     .variants = {{"quantile"}},
     .aside = "q",
     .aside_standard = 0.5,
     .aside_domain = Domain::kUnit},
    {.name = "gaussian_nll",
     .form = Form::kElements,
     .variants = {{.labels = "gaussian_nll", .second_head = Domain::kPositive},
                  {"gaussian_nll_log_variance"}},
     .heads = {"prediction", "variance"},
     .parameters = {kFull, kLogVariance}},
    {.name = "poisson",
     .form = Form::kElements,
     .variants = {{"poisson_rate", nullptr, Domain::kNonnegative}, {"poisson"}},
     .target = Domain::kNonnegative,
     .parameters = {kLogInput, kFull}},
    {.name = "gamma",
     .form = Form::kElements,
     .variants = {{"gamma_mean", nullptr, Domain::kPositive}, {"gamma"}},
     .target = Domain::kPositive,
     .parameters = {kLogInput}},
    {.name = "tweedie",
     .form = Form::kElements,
     .variants = {{"tweedie_mean", nullptr, Domain::kPositive}, {"tweedie"}},
     .target = Domain::kNonnegative,
     .derive = derive_tweedie,
     .parameters = {number("power", Range::kOutsideUnit, 1.5), kLogInput}},
    {.name = "generalized_kl",
     .form = Form::kElements,
     .variants = {{"tweedie_mean", nullptr, Domain::kPositive}, {"tweedie"}},
     .target = Domain::kNonnegative,
     .derive = derive_generalized_kl,
     .parameters = {kLogInput}},
    {.name = "laplace_nll",
     .form = Form::kElements,
     .variants = {{.labels = "laplace_nll", .second_head = Domain::kPositive}},
     .heads = {"prediction", "scale"},
     .parameters = {kFull}},
    {.name = "half_mse", .form = Form::kElements, .variants = {{"half_mse"}}},
    {.name = "smooth_l1",
     .form = Form::kElements,
     .variants = {{"smooth_l1"}},
     .parameters = {number("beta", Range::kNonnegative, 1)}},
    {.name = "epsilon_insensitive",
     .form = Form::kElements,
     .variants = {{"epsilon_insensitive"}},
     .parameters = {number("epsilon", Range::kNonnegative, 0.1)}},
    {.name = "squared_epsilon_insensitive",
     .form = Form::kElements,
     .variants = {{"squared_epsilon_insensitive"}},
     .parameters = {number("epsilon", Range::kNonnegative, 0.1)}},
    {.name = "expectile",
     .form = Form::kElements,
     .variants = {{"expectile"}},
     .aside = "q",
     .aside_standard = 0.5,
     .aside_domain = Domain::kUnit},
    {.name = "pseudo_huber",
     .form = Form::kElements,
     .variants = {{"pseudo_huber"}},
     .parameters = {number("delta", Range::kPositive, 1)}},
    {.name = "log_cosh", .form = Form::kElements, .variants = {{"log_cosh"}}},
    {.name = "fair",
     .form = Form::kElements,
     .variants = {{"fair"}},
     .parameters = {number("c", Range::kPositive, 1)}},
    {.name = "cauchy",
     .form = Form::kElements,
     .variants = {{"cauchy"}},
     .parameters = {number("c", Range::kPositive, 1)}},
    {.name = "tukey_biweight",
     .form = Form::kElements,
     .variants = {{"tukey_biweight"}},
     .parameters = {number("c", Range::kPositive, 4.685)}},
    {.name = "robust",
     .form = Form::kElements,
     .variants = {{"robust"}},
     .parameters = {number("alpha", Range::kAny, 1), number("c", Range::kPositive, 1)}},
    {.name = "msle",
     .form = Form::kElements,
     .variants = {{"msle", nullptr, Domain::kAboveMinusOne}},
     .target = Domain::kAboveMinusOne},
    {.name = "mape",
     .form = Form::kElements,
     .variants = {{"mape"}},
     .parameters = {number("floor", Range::kPositive, 0x1p-52)}},
    {.name = "smape", .form = Form::kElements, .variants = {{"smape"}}},
    {.name = "student_t_nll",
     .form = Form::kElements,
     .variants = {{.labels = "student_t_nll", .second_head = Domain::kPositive}},
     .heads = {"prediction", "scale"},
     .derive = derive_student_t,
     .parameters = {number("df", Range::kPositive, 4), kFull}},
    {.name = "crps_gaussian",
     .form = Form::kElements,
     .variants = {{.labels = "crps_gaussian", .second_head = Domain::kPositive}},
     .heads = {"prediction", "sigma"}},
    {.name = "interval_score",
     .form = Form::kElements,
     .variants = {{"interval_score"}},
     .heads = {"lower", "upper"},
     .parameters = {number("alpha", Range::kInsideUnit, 0.1)}},
    {.name = "binary_cross_entropy",
     .form = Form::kElements,
     .variants = {{"binary_cross_entropy_probability", nullptr, Domain::kUnit,
                   "binary_cross_entropy_probability_columns"},
                  {.labels = "binary_cross_entropy", .columns = "binary_cross_entropy_columns"}},
     .target = Domain::kUnit,
     .parameters = {kPosWeight, number("label_smoothing", Range::kUnit, 0), kClip, kFromLogits}},
    {.name = "focal",
     .form = Form::kElements,
     .variants = {{"focal_probability", nullptr, Domain::kUnit, "focal_probability_columns"},
                  {.labels = "focal", .columns = "focal_columns"}},
     .target = Domain::kUnit,
     .parameters = {number("gamma", Range::kNonnegative, 2),
                    optional_number("alpha", Range::kUnit, 0.25, -1), kPosWeight,
                    number("label_smoothing", Range::kUnit, 0), kClip, kFromLogits}},
    {.name = "poly_binary_cross_entropy",
     .form = Form::kElements,
     .variants = {{"poly_binary_cross_entropy"}},
     .target = Domain::kUnit,
     .parameters = {number("epsilon", Range::kFromMinusOne, 1)}},
    {.name = "brier",
     .form = Form::kElements,
     .variants = {{"brier_probability", nullptr, Domain::kUnit}, {"brier"}},
     .target = Domain::kUnit,
     .parameters = {kFromLogits}},
    {.name = "logistic",
     .form = Form::kElements,
     .variants = {{"logistic"}},
     .target = Domain::kSigned},
    {.name = "exponential",
     .form = Form::kElements,
     .variants = {{"exponential"}},
     .target = Domain::kSigned},
    {.name = "hinge",
     .form = Form::kElements,
     .variants = {{"hinge"}},
     .target = Domain::kSigned,
     .parameters = {kMargin}},
    {.name = "squared_hinge",
     .form = Form::kElements,
     .variants = {{"squared_hinge"}},
     .target = Domain::kSigned,
     .parameters = {kMargin}},
    {.name = "smoothed_hinge",
     .form = Form::kElements,
     .variants = {{"smoothed_hinge"}},
     .target = Domain::kSigned,
     .derive = derive_smoothed_hinge,
     .parameters = {kMargin, number("smoothing", Range::kPositive, 1)}},
    {.name = "modified_huber",
     .form = Form::kElements,
     .variants = {{"smoothed_hinge"}},
     .target = Domain::kSigned,
     .derive = derive_modified_huber},
    {.name = "hinge_embedding",
     .form = Form::kElements,
     .variants = {{"hinge_embedding"}},
     .target = Domain::kSigned,
     .parameters = {kMargin}},
    {.name = "asymmetric",
     .form = Form::kElements,
     .variants = {{"asymmetric"}},
     .target = Domain::kUnit,
     .parameters = {number("gamma_pos", Range::kNonnegative, 1),
                    number("gamma_neg", Range::kNonnegative, 4),
                    number("clip", Range::kUnit, 0.05)}},
    {.name = "multilabel_margin",
     .form = Form::kSets,
     .variants = {{nullptr, "multilabel_margin"}},
     .target = Domain::kBooleans,
     .parameters = {kMargin, kAxis, kReturnPredicted}},
    {.name = "dice",
     .form = Form::kSets,
     .variants = {{nullptr, "overlap_probability", Domain::kUnit}, {nullptr, "overlap"}},
     .target = Domain::kUnit,
     .derive = derive_dice,
     .parameters = {kSmooth, {.name = "squared", .use = Use::kSwitch}, kFromLogits, kAxis}},
    {.name = "jaccard",
     .form = Form::kSets,
     .variants = {{nullptr, "overlap_probability", Domain::kUnit}, {nullptr, "overlap"}},
     .target = Domain::kUnit,
     .derive = derive_jaccard,
     .parameters = {kSmooth, kFromLogits, kAxis}},
    {.name = "tversky",
     .form = Form::kSets,
     .variants = {{nullptr, "overlap_probability", Domain::kUnit}, {nullptr, "overlap"}},
     .target = Domain::kUnit,
     .parameters = {number("alpha", Range::kNonnegative, 0.3),
                    number("beta", Range::kNonnegative, 0.7), number("gamma", Range::kPositive, 1),
                    kSmooth, kFromLogits, kAxis}},
    {.name = "lovasz_hinge",
     .form = Form::kSets,
     .variants = {{nullptr, "lovasz_hinge"}},
     .target = Domain::kBooleans,
     .parameters = {kAxis}},
    {.name = "lovasz_softmax",
     .form = Form::kSets,
     .variants = {{nullptr, "lovasz_softmax_probability", Domain::kUnit},
                  {nullptr, "lovasz_softmax"}},
     .target = Domain::kBooleans,
     .parameters = {kFromLogits, kAxis}},
    {.name = "cross_entropy",
     .form = Form::kEither,
     .variants = {{"nll", "nll_distribution", Domain::kUnit},
                  {"cross_entropy", "cross_entropy_distribution"}},
     .parameters = {kClassWeight, kSmoothing, of_logits(kTemperature), of_logits(kSoftcap),
                    of_logits(kZLoss), of_logits(kWhere), kFromLogits, kAnySum, kIgnoreIndex, kAxis,
                    of_logits(kReturnLogSumExp), kReturnPredicted}},
    {.name = "logit_adjusted",
     .form = Form::kEither,
     .variants = {{"cross_entropy", "cross_entropy_distribution"}},
     .parameters = {{.name = "priors", .use = Use::kPriors, .optional = true},
                    {"tau", Use::kPriorScale, Range::kNonnegative, 1},
                    kClassWeight,
                    kSmoothing,
                    kAnySum,
                    kIgnoreIndex,
                    kAxis}},
    {.name = "ldam",
     .form = Form::kLabels,
     .variants = {{"ldam"}},
     .parameters = {{.name = "counts", .use = Use::kOfColumns, .optional = true},
                    number("max_margin", Range::kNonnegative, 0.5),
                    number("scale", Range::kPositive, 30),
                    kClassWeight,
                    kIgnoreIndex,
                    kAxis,
                    kReturnPredicted}},
    {.name = "forward_cross_entropy",
     .form = Form::kLabels,
     .variants = {{"cross_entropy", "forward_cross_entropy"}},
     .parameters = {{.name = "transition", .use = Use::kTransition, .optional = true},
                    kClassWeight,
                    kIgnoreIndex,
                    kAxis,
                    kReturnLogSumExp,
                    kReturnPredicted}},
    {.name = "kl_divergence",
     .form = Form::kDistributions,
     .variants = {{nullptr, "kl_divergence_probability", Domain::kUnit},
                  {nullptr, "kl_divergence"}},
     .parameters = {of_logits(kTemperature),
                    {.name = "log_target", .use = Use::kLogTarget},
                    kFromLogits,
                    kAnySum,
                    kAxis,
                    of_logits(kReturnLogSumExp),
                    kReturnPredicted}},
    {.name = "js_divergence",
     .form = Form::kEither,
     .variants = {{"js_divergence", "js_divergence_distribution"}},
     .parameters = {number("beta", Range::kInsideUnit, 0.5), kAnySum, kIgnoreIndex, kAxis,
                    kReturnLogSumExp, kReturnPredicted}},
    {.name = "total_variation",
     .form = Form::kEither,
     .variants = {{"cross_entropy_and_miss", "total_variation_distribution"}},
     .derive = derive_total_variation,
     .parameters = {kAnySum, kIgnoreIndex, kAxis, kReturnLogSumExp, kReturnPredicted}},
    {.name = "sparsemax",
     .form = Form::kEither,
     .variants = {{"sparsemax", "sparsemax_distribution"}},
     .parameters = {kIgnoreIndex, kAxis, kReturnPredicted}},
    {.name = "entmax15",
     .form = Form::kEither,
     .variants = {{"entmax15", "entmax15_distribution"}},
     .parameters = {kIgnoreIndex, kAxis, kReturnPredicted}},
    {.name = "bi_tempered",
     .form = Form::kEither,
     .variants = {{"bi_tempered", "bi_tempered_distribution"}},
     .parameters = {number("t1", Range::kUnit, 0.8), number("t2", Range::kNonnegative, 1.2),
                    kAnySum, kIgnoreIndex, kAxis, kReturnPredicted}},
    {.name = "multiclass_hinge",
     .form = Form::kLabels,
     .variants = {{"multiclass_hinge_weston_watkins"}, {"multiclass_hinge_crammer_singer"}},
     .parameters = {number("margin", Range::kNonnegative, 1),
                    number("power", Range::kOneOrTwo, 1),
                    {.name = "normalize", .use = Use::kSwitch},
                    {.name = "variant", .use = Use::kVariant, .choices = kHinges},
                    kClassWeight,
                    kIgnoreIndex,
                    kAxis,
                    kReturnPredicted}},
    {.name = "softmax_focal",
     .form = Form::kLabels,
     .variants = {{"softmax_focal_probability", nullptr, Domain::kUnit}, {"softmax_focal"}},
     .parameters = {number("gamma", Range::kNonnegative, 2),
                    {.name = "alpha", .use = Use::kClassFactor, .optional = true},
                    kFromLogits,
                    kIgnoreIndex,
                    kAxis,
                    of_logits(kReturnLogSumExp),
                    kReturnPredicted}},
    {.name = "generalized_cross_entropy",
     .form = Form::kLabels,
     .variants = {{"generalized_cross_entropy"}},
     .parameters = {number("q", Range::kUnit, 0.7), kClassWeight, kIgnoreIndex, kAxis,
                    kReturnLogSumExp, kReturnPredicted}},
    {.name = "poly_cross_entropy",
     .form = Form::kLabels,
     .variants = {{"cross_entropy_and_miss"}},
     .derive = derive_poly,
     .parameters = {number("epsilon", Range::kFromMinusOne, 2), kClassWeight, kIgnoreIndex, kAxis,
                    kReturnLogSumExp, kReturnPredicted}},
    {.name = "symmetric_cross_entropy",
     .form = Form::kLabels,
     .variants = {{"cross_entropy_and_miss"}},
     .derive = derive_symmetric,
     .parameters = {number("alpha", Range::kNonnegative, 0.1),
                    number("beta", Range::kNonnegative, 1), kClassWeight, kIgnoreIndex, kAxis,
                    kReturnLogSumExp, kReturnPredicted}},
    {.name = "multiclass_brier",
     .form = Form::kEither,
     .variants = {{"multiclass_brier", "multiclass_brier_distribution"}},
     .parameters = {kAnySum, kIgnoreIndex, kAxis, kReturnLogSumExp, kReturnPredicted}},
    {.name = "nll",
     .form = Form::kEither,
     .variants = {{"nll", "nll_distribution"}},
     .parameters = {kClassWeight, kSmoothing, kAnySum, kIgnoreIndex, kAxis, kReturnPredicted}},
    {.name = "ranked_probability",
     .form = Form::kLabels,
     .variants = {{"ranked_probability"}},
     .parameters = {kClassWeight, kIgnoreIndex, kAxis, kReturnLogSumExp, kReturnPredicted}},
    {.name = "ordinal_cross_entropy",
     .form = Form::kLabels,
     .variants = {{nullptr, "cross_entropy_distribution"}},
     .parameters = {{.name = "distance", .use = Use::kDistance, .choices = kDistances},
                    {"temperature", Use::kSoftness, Range::kPositive, 1},
                    kClassWeight,
                    kIgnoreIndex,
                    kAxis,
                    kReturnLogSumExp,
                    kReturnPredicted}},
    {.name = "pairwise_logistic",
     .form = Form::kLists,
     .variants = {{"pairwise_logistic"}},
     .parameters = {number("scale", Range::kPositive, 1), kGroups, kAxis}},
    {.name = "lambdarank",
     .form = Form::kLists,
     .variants = {{"lambdarank"}},
     .target = Domain::kNonnegative,
     .parameters = {{.name = "k",
                     .use = Use::kNumber,
                     .range = Range::kCount,
                     .standard = 0,
                     .optional = true,
                     .standard_is_none = true},
                    number("scale", Range::kPositive, 1),
                    {"exponential_gain", Use::kSwitch, Range::kUnit, 1},
                    kGroups,
                    kAxis}},
    {.name = "softmax_ranking",
     .form = Form::kLists,
     .variants = {{"softmax_ranking"}},
     .parameters = {kGroups, kAxis}},
    {.name = "list_mle",
     .form = Form::kLists,
     .variants = {{"list_mle"}},
     .parameters = {kGroups, kAxis}},
    {.name = "ctc",
     .form = Form::kSequences,
     .variants = {{"ctc"}},
     .has_hessian = false,
     .parameters = {{.name = "input_lengths", .use = Use::kInputLengths, .optional = true},
                    {.name = "target_lengths", .use = Use::kTargetLengths, .optional = true},
                    {.name = "blank", .use = Use::kBlank},
                    {.name = "zero_infinity", .use = Use::kSwitch},
                    kIgnoreIndex}},
    {.name = "aft",
     .form = Form::kElements,
     .variants = {{"aft_normal"}, {"aft_logistic"}, {"aft_extreme"}},
     .target = Domain::kPositive,
     .aside = "upper",
     .aside_by_element = true,
     .aside_standard = kTheTarget,
     .aside_domain = Domain::kPositive,
     .aside_from_target = true,
     .derive = derive_aft,
     .parameters = {{.name = "distribution", .use = Use::kVariant, .choices = kTimes},
                    number("scale", Range::kPositive, 1)}},
    {.name = "cox",
     .form = Form::kLists,
     .variants = {{"cox_breslow"}, {"cox_efron"}},
     .target = Domain::kNonnegative,
     .aside = "event",
     .aside_by_element = true,
     .aside_standard = 1,
     .aside_domain = Domain::kBooleans,
     .parameters = {{.name = "ties", .use = Use::kVariant, .choices = kTies}, kGroups, kAxis}},
    {.name = "coral",
     .form = Form::kThresholds,
     .variants = {{"coral"}},
     .parameters = {{.name = "importance_weights", .use = Use::kOfColumns, .optional = true},
                    kClassWeight,
                    kIgnoreIndex,
                    kAxis}},
    {.name = "corn",
     .form = Form::kThresholds,
     .variants = {{"corn"}},
     .parameters = {kClassWeight, kIgnoreIndex, kAxis}},
    {.name = "all_threshold_hinge",
     .form = Form::kThresholds,
     .variants = {{"all_threshold_hinge"}},
     .parameters = {kMargin, kClassWeight, kIgnoreIndex, kAxis}},
    {.name = "immediate_threshold_hinge",
     .form = Form::kThresholds,
     .variants = {{"immediate_threshold_hinge"}},
     .parameters = {kMargin, kClassWeight, kIgnoreIndex, kAxis}},
    {.name = "cumulative_link",
     .form = Form::kThresholds,
     .variants = {{"cumulative_logit"}, {"cumulative_probit"}, {"cumulative_cloglog"}},
     .parameters = {{.name = "link", .use = Use::kVariant, .choices = kLinks},
                    kClassWeight,
                    kIgnoreIndex,
                    kAxis}},
    {.name = "crps_ensemble",
     .form = Form::kRows,
     .variants = {{"crps_ensemble"}},
     .parameters = {{.name = "fair", .use = Use::kSwitch}, kAxis}},
    {.name = "crps_quantile",
     .form = Form::kRows,
     .variants = {{"crps_quantile"}},
     .parameters =
         {{.name = "levels", .use = Use::kOfColumns, .range = Range::kUnit, .optional = true},
          kAxis}},
    {.name = "margin_ranking",
     .form = Form::kElements,
     .variants = {{"margin_ranking"}},
     .target = Domain::kSigned,
     .heads = {"first", "second"},
     .heads_first = true,
     .parameters = {number("margin", Range::kNonnegative, 0)}},
    {.name = "cosine_similarity",
     .form = Form::kVectors,
     .variants = {{"cosine_similarity"}},
     .parameters = {number("eps", Range::kPositive, 1e-8), kAxis}},
    {.name = "cosine_embedding",
     .form = Form::kPairs,
     .variants = {{"cosine_embedding"}},
     .target = Domain::kSigned,
     .heads = {"first", "second"},
     .heads_first = true,
     .parameters = {number("margin", Range::kFromMinusOne, 0), kAxis}},
    {.name = "contrastive",
     .form = Form::kPairs,
     .variants = {{"contrastive"}},
     .target = Domain::kUnit,
     .heads = {"first", "second"},
     .heads_first = true,
     .parameters = {kMargin, kAxis}},
    {.name = "triplet_margin",
     .form = Form::kTriplets,
     .variants = {{"triplet_margin"}},
     .heads = {"anchor", "positive", "negative"},
     .heads_first = true,
     .parameters = {kMargin,
                    number("p", Range::kOneOrTwo, 2),
                    {.name = "swap", .use = Use::kSwitch},
                    number("eps", Range::kNonnegative, 1e-6),
                    kAxis}},
    {.name = "expected_cost",
     .form = Form::kLabels,
     .variants = {{nullptr, "expected_cost"}},
     .parameters = {{.name = "costs", .use = Use::kDistance, .choices = kDistances},
                    kClassWeight,
                    kIgnoreIndex,
                    kAxis,
                    kReturnLogSumExp,
                    kReturnPredicted}},
    {.name = "l1_penalty",
     .form = Form::kPenalty,
     .variants = {{"elastic_net"}},
     .heads = {"w"},
     .derive = derive_l1,
     .parameters = {number("strength", Range::kNonnegative, 1)}},
    {.name = "l2_penalty",
     .form = Form::kPenalty,
     .variants = {{"elastic_net"}},
     .heads = {"w"},
     .derive = derive_l2,
     .parameters = {number("strength", Range::kNonnegative, 1)}},
    {.name = "elastic_net",
     .form = Form::kPenalty,
     .variants = {{"elastic_net"}},
     .heads = {"w"},
     .derive = derive_elastic_net,
     .parameters = {number("strength", Range::kNonnegative, 1),
                    number("l1_ratio", Range::kUnit, 0.5)}},
};

constexpr int kLossCount = int(std::size(kLosses));

namespace {

constexpr int numbers_of(const Loss& loss) {
  int count = loss.hidden_numbers();
  for (const Parameter& parameter : loss.parameters) {
    count += parameter.name != nullptr && parameter.goes_to_kernel();
  }
  return count;
}

constexpr bool all_numbers_fit() {
  for (const Loss& loss : kLosses) {
    if (numbers_of(loss) > kMaxParameters) return false;
  }
  return true;
}
static_assert(all_numbers_fit(), "a kernel takes kMaxParameters numbers at most");

}  // namespace

namespace {

// FNV-1a.
constexpr uint32_t hash_of(const char* name) {
  uint32_t hash = 2166136261u;
  for (; *name != '\0'; ++name) hash = (hash ^ uint8_t(*name)) * 16777619u;
  return hash;
}

// Losses by the hashes of their names, each at the first free place from there on; -1: none. At
// most half of the places are taken, so that a search soon meets a free one.
struct LossesByName {
  static constexpr uint32_t kPlaces = std::bit_ceil(2u * kLossCount);
  int16_t loss[kPlaces];

  constexpr LossesByName() {
    for (int16_t& place : loss) place = -1;
    for (int i = 0; i < kLossCount; ++i) {
      uint32_t place = hash_of(kLosses[i].name) % kPlaces;
      while (loss[place] >= 0) place = (place + 1) % kPlaces;
      loss[place] = int16_t(i);
    }
  }
};
constexpr LossesByName kLossesByName;

}  // namespace

const Loss* find_loss(const char* name) {
  constexpr uint32_t kPlaces = LossesByName::kPlaces;
  for (uint32_t place = hash_of(name) % kPlaces;; place = (place + 1) % kPlaces) {
    const int loss = kLossesByName.loss[place];
    if (loss < 0) return nullptr;
    if (std::strcmp(kLosses[loss].name, name) == 0) return &kLosses[loss];
  }
}

int find_parameter(const Loss& loss, const char* name) {
  for (int i = 0; i < loss.parameter_count(); ++i) {
    if (std::strcmp(loss.parameters[i].name, name) == 0) return i;
  }
  return -1;
}

int find_kernel(const char* name) {
  if (name == nullptr) return -1;
  const KernelTable& table = kernels();
  for (int i = 0; i < table.losses; ++i) {
    if (std::strcmp(table.loss[i]->name, name) == 0) return i;
  }
  throw std::logic_error("the registry has no kernel named " + std::string(name));
}

const MathInfo& find_function(const char* name) {
  const MathInfo* function = kernels().function;
  while (std::strcmp(function->name, name) != 0) ++function;
  return *function;
}

int input_order(const Loss& loss, int* roles) {
  int count = 0;
  const int before = loss.heads_first ? loss.head_count() : 1;
  for (int h = 0; h < before; ++h) roles[count++] = kHeads + h;
  if (loss.has_target()) roles[count++] = kTarget;
  for (int h = before; h < loss.head_count(); ++h) roles[count++] = kHeads + h;
  if (loss.aside != nullptr) roles[count++] = kAside;
  return count;
}

const char* input_name(const Loss& loss, int role) {
  switch (role) {
    case kTarget: return "target";
    case kAside: return loss.aside;
    case kWeight: return "weight";
    default: return loss.heads[role - kHeads];
  }
}

}  // namespace numloss
