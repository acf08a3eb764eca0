"""How far results are from the exact ones: measured, bounded, written to ``docs/accuracy.md``."""
