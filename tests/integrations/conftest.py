"""Tests of the integrations, each against the real library: `make test-integrations`."""

import importlib.util

#: The libraries that a file of tests needs.
NEEDS = {
    "test_torch.py": ("torch", "skorch", "lightning"),
    "test_torch_linear.py": ("torch",),
    "test_torch_embeddings.py": ("torch",),
    "test_similarity.py": ("torch", "jax"),
    "test_jax.py": ("jax",),
    "test_coming_from.py": ("torch", "jax", "optax", "keras", "xgboost", "lightgbm", "sklearn"),
    "test_keras.py": ("keras", "torch", "jax"),
    "test_boosting.py": ("xgboost", "lightgbm", "catboost", "sklearn"),
    "test_sklearn.py": ("sklearn",),
    "test_same_bits.py": ("torch", "jax", "xgboost", "uvicorn_worker", "msgspec", "sqlalchemy"),
}
collect_ignore = [
    name
    for name, needed in NEEDS.items()
    if not all(importlib.util.find_spec(library) for library in needed)
]
