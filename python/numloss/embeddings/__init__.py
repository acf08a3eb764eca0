"""Losses over batches of embeddings, whose similarities are computed some rows at a time."""

from numloss.embeddings.labelled import circle, supervised_contrastive
from numloss.embeddings.paired import info_nce, nt_xent

__all__ = ["circle", "info_nce", "nt_xent", "supervised_contrastive"]
