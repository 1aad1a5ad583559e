"""Numba functions over arrays only: no classes, no checks, no Python objects. The checked faces are in evoml.learners.

Nothing here is imported before it is used: importing Numba alone costs most of a second.
"""
