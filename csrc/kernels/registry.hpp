// The list of losses, one row each.
#pragma once

#include "losses/entry.hpp"

// NUMLOSS_LOSS(name) in the file of its family makes a loss. Their order shows nowhere.
// clang-format off
#define NUMLOSS_LOSSES(row) \
  row(Mse) \
  row(Mae) \
  row(Huber) \
  row(Quantile) \
  row(GaussianNll) \
  row(HalfMse) \
  row(SmoothL1) \
  row(EpsilonInsensitive) \
  row(SquaredEpsilonInsensitive) \
  row(Expectile) \
  row(PseudoHuber) \
  row(LogCosh) \
  row(Fair) \
  row(Cauchy) \
  row(TukeyBiweight) \
  row(Robust) \
  row(Msle) \
  row(Mape) \
  row(Smape) \
  row(GaussianNllLogVariance) \
  row(Poisson) \
  row(PoissonRate) \
  row(Gamma) \
  row(GammaMean) \
  row(Tweedie) \
  row(TweedieMean) \
  row(LaplaceNll) \
  row(StudentTNll) \
  row(CrpsGaussian) \
  row(IntervalScore) \
  row(BinaryCrossEntropy) \
  row(BinaryCrossEntropyColumns) \
  row(BinaryCrossEntropyProbability) \
  row(BinaryCrossEntropyProbabilityColumns) \
  row(Focal) \
  row(FocalColumns) \
  row(FocalProbability) \
  row(FocalProbabilityColumns) \
  row(PolyBinaryCrossEntropy) \
  row(Brier) \
  row(BrierProbability) \
  row(Hinge) \
  row(SquaredHinge) \
  row(SmoothedHinge) \
  row(HingeEmbedding) \
  row(LogisticOfSigns) \
  row(Exponential) \
  row(Asymmetric) \
  row(MultilabelMargin) \
  row(OverlapOfRegions) \
  row(OverlapOfProbabilities) \
  row(LovaszHinge) \
  row(LovaszSoftmax) \
  row(LovaszSoftmaxProbability) \
  row(ElasticNet) \
  row(CrossEntropy) \
  row(CrossEntropyDistribution) \
  row(Ldam) \
  row(KlDivergence) \
  row(KlDivergenceProbability) \
  row(SoftmaxFocal) \
  row(SoftmaxFocalProbability) \
  row(GeneralizedCrossEntropy) \
  row(CrossEntropyAndMiss) \
  row(MulticlassBrier) \
  row(MulticlassBrierDistribution) \
  row(JsDivergence) \
  row(JsDivergenceDistribution) \
  row(TotalVariationDistribution) \
  row(ExpectedCost) \
  row(ForwardCrossEntropy) \
  row(Sparsemax) \
  row(SparsemaxDistribution) \
  row(Entmax15) \
  row(Entmax15Distribution) \
  row(BiTempered) \
  row(BiTemperedDistribution) \
  row(Nll) \
  row(NllDistribution) \
  row(WestonWatkins) \
  row(CrammerSinger) \
  row(RankedProbability) \
  row(PairwiseLogistic) \
  row(LambdaRank) \
  row(SoftmaxRanking) \
  row(ListMle) \
  row(Ctc) \
  row(AftNormal) \
  row(AftLogistic) \
  row(AftExtreme) \
  row(CoxBreslow) \
  row(CoxEfron) \
  row(Coral) \
  row(Corn) \
  row(AllThresholdHinge) \
  row(ImmediateThresholdHinge) \
  row(CumulativeLogit) \
  row(CumulativeProbit) \
  row(CumulativeCloglog) \
  row(CrpsEnsemble) \
  row(CrpsQuantile) \
  row(MarginRanking) \
  row(CosineSimilarity) \
  row(CosineEmbedding) \
  row(Contrastive) \
  row(TripletMargin)
// clang-format on

namespace numloss::NUMLOSS_ISA {

NUMLOSS_LOSSES(NUMLOSS_DECLARE)

}  // namespace numloss::NUMLOSS_ISA
