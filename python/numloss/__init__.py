"""Loss functions for NumPy at the speed of memory.

Every loss is an object that is called like a function and has methods for its derivatives:

>>> import numpy as np
>>> import numloss
>>> prediction, target = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 1.0])
>>> float(numloss.huber(prediction, target))
0.875
>>> numloss.huber.grad(prediction, target, reduction="sum")
array([-0.5,  0. ,  1. ])
"""

# ruff: noqa: F403 (a loss is listed once, in __all__ of its family)
from typing import TYPE_CHECKING as _TYPE_CHECKING

from numloss import balance
from numloss._clibrary import get_cmake_dir, get_include, get_library
from numloss._config import num_threads, set_num_threads, show_config, threads
from numloss._core import Loss
from numloss._core import version as __version__
from numloss._losses import (
    binary,
    deviance,
    forecast,
    multiclass,
    multilabel,
    ordinal,
    penalties,
    ranking,
    regression,
    relative,
    robust_regression,
    segmentation,
    sequence,
    signs,
    similarity,
    survival,
)
from numloss._losses.binary import *
from numloss._losses.deviance import *
from numloss._losses.forecast import *
from numloss._losses.multiclass import *
from numloss._losses.multilabel import *
from numloss._losses.ordinal import *
from numloss._losses.penalties import *
from numloss._losses.ranking import *
from numloss._losses.regression import *
from numloss._losses.relative import *
from numloss._losses.robust_regression import *
from numloss._losses.segmentation import *
from numloss._losses.sequence import *
from numloss._losses.signs import *
from numloss._losses.similarity import *
from numloss._losses.survival import *
from numloss._nulls import nulls_to_weight
from numloss._raise import Error, InputTypeError
from numloss.balance import *

if _TYPE_CHECKING:
    from numloss._catalog import losses
    from numloss._constant import best_constant
    from numloss._curvature import curvature
    from numloss._groups import group_sizes
    from numloss._hessian import hessian_vector, softmax_hessian
    from numloss._objective import Objective
    from numloss._proximal import group_lasso, prox
    from numloss.embeddings import circle, info_nce, nt_xent, supervised_contrastive
    from numloss.evaluation.compare import compare
    from numloss.evaluation.errors import EvaluationError
    from numloss.evaluation.evaluation import Evaluation, StateError
    from numloss.evaluation.result import EvaluationResult
    from numloss.evaluation.run import evaluate
    from numloss.linear import linear_cross_entropy

#: Every loss by its name.
LOSSES: dict[str, Loss[...]] = {
    name: getattr(module, name)
    for module in (
        regression,
        robust_regression,
        relative,
        deviance,
        forecast,
        binary,
        signs,
        multilabel,
        segmentation,
        multiclass,
        ordinal,
        ranking,
        sequence,
        similarity,
        survival,
    )
    for name in module.__all__
}

# Imported when they are asked for: who calls a loss needs none of them.
_LATER = {
    "Evaluation": "numloss.evaluation.evaluation",
    "EvaluationError": "numloss.evaluation.errors",
    "EvaluationResult": "numloss.evaluation.result",
    "Objective": "numloss._objective",
    "StateError": "numloss.evaluation.evaluation",
    "best_constant": "numloss._constant",
    "circle": "numloss.embeddings",
    "compare": "numloss.evaluation.compare",
    "curvature": "numloss._curvature",
    "evaluate": "numloss.evaluation.run",
    "group_lasso": "numloss._proximal",
    "group_sizes": "numloss._groups",
    "hessian_vector": "numloss._hessian",
    "info_nce": "numloss.embeddings",
    "linear_cross_entropy": "numloss.linear",
    "losses": "numloss._catalog",
    "nt_xent": "numloss.embeddings",
    "prox": "numloss._proximal",
    "softmax_hessian": "numloss._hessian",
    "supervised_contrastive": "numloss.embeddings",
}


# Modules of `numloss.integrations`, and the extras that bring their libraries.
_INTEGRATIONS = {
    "catboost": "boosting",
    "jax": "jax",
    "keras": "keras",
    "lightgbm": "boosting",
    "sklearn": "sklearn",
    "torch": "torch",
    "xgboost": "boosting",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    value: object
    if name in _LATER:
        value = getattr(import_module(_LATER[name]), name)
    elif name in _INTEGRATIONS:
        try:
            value = import_module(f"numloss.integrations.{name}")
        except ModuleNotFoundError as error:
            extra = f"pip install 'numloss[{_INTEGRATIONS[name]}]'"
            raise ModuleNotFoundError(
                f"numloss.{name} needs {error.name}, which is missing: {extra}", name=error.name
            ) from None
    else:
        raise AttributeError(f"module 'numloss' has no attribute {name!r}")
    globals()[name] = value
    return value


__all__ = [
    "LOSSES",
    "Error",
    "Evaluation",
    "EvaluationError",
    "EvaluationResult",
    "InputTypeError",
    "Loss",
    "Objective",
    "StateError",
    "__version__",
    "best_constant",
    "circle",
    "compare",
    "curvature",
    "evaluate",
    "get_cmake_dir",
    "get_include",
    "get_library",
    "group_lasso",
    "group_sizes",
    "hessian_vector",
    "info_nce",
    "linear_cross_entropy",
    "losses",
    "nt_xent",
    "nulls_to_weight",
    "num_threads",
    "prox",
    "set_num_threads",
    "show_config",
    "softmax_hessian",
    "supervised_contrastive",
    "threads",
]
__all__ += regression.__all__
__all__ += robust_regression.__all__
__all__ += relative.__all__
__all__ += deviance.__all__
__all__ += forecast.__all__
__all__ += binary.__all__
__all__ += signs.__all__
__all__ += multilabel.__all__
__all__ += segmentation.__all__
__all__ += multiclass.__all__
__all__ += ordinal.__all__
__all__ += ranking.__all__
__all__ += sequence.__all__
__all__ += similarity.__all__
__all__ += survival.__all__
__all__ += penalties.__all__
__all__ += balance.__all__
