"""Losses inside other libraries: one module each, which imports that library.

``numloss.torch`` is ``numloss.integrations.torch``, and so on: the module is imported when it is
asked for.
"""
