"""Folders of experiments as tests see them: their modules, and their configs with less to do."""

import importlib
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from evoml.experiment import read_config
from evoml.experiment.cells import cells_of
from evoml.experiment.contenders import run_cell

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@contextmanager
def modules(folder, *names):
    """Import modules of an experiment, and forget them afterwards, since those of another one may have the same names."""
    place = str(EXPERIMENTS / folder)
    before = set(sys.modules)
    sys.path.insert(0, place)
    try:
        yield [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(place)
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(place):
                del sys.modules[name]


def small_cell(folder, out, cell, task=None, **settings):
    """Return what a cell finds with other settings, on a problem of other arguments; its name is PROBLEM-VARIANT-SEED."""
    (found,) = [one for one in cells_of(read_config(EXPERIMENTS / folder), out) if one.id == cell]
    variant = replace(found.variant, settings={**found.variant.settings, **settings})
    return run_cell(replace(found, variant=variant, problem_arguments={**found.problem_arguments, **(task or {})}))
