"""Experiments as data: a grid of runs described in a file, done in parallel, recorded, compared and done again."""

from importlib import import_module
from typing import Any

_HOMES = {
    "Cell": "evoml.experiment.cells",
    "ConfigError": "evoml.experiment.toml_lines",
    "Data": "evoml.experiment.problems",
    "Experiment": "evoml.experiment.config",
    "Finding": "evoml.experiment.cells",
    "read_config": "evoml.experiment.config",
    "run_experiment": "evoml.experiment.running",
    "verify": "evoml.experiment.verifying",
    "write_experiment_report": "evoml.experiment.report",
}

__all__ = [
    "Cell",
    "ConfigError",
    "Data",
    "Experiment",
    "Finding",
    "read_config",
    "run_experiment",
    "verify",
    "write_experiment_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'evoml.experiment' has no attribute {name!r}")
