"""Benchmarks of numloss against its peers. Run ``python -m bench`` from the repository root."""
