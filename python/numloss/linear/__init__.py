"""Cross-entropy of a linear layer's logits, which are computed chunk by chunk and never stored."""

from numloss.linear.loss import LinearCrossEntropy, linear_cross_entropy
from numloss.linear.shards import RowState, Shard

__all__ = ["LinearCrossEntropy", "RowState", "Shard", "linear_cross_entropy"]
