"""Evaluation of losses over files of any size: readers, statistics, reports.

Needs the ``cli`` extra; ``import numloss`` does not import it.
"""
