"""The studies as cells of experiments: what each measured, and the program it found, written into its folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import images as of_images
import studies

if TYPE_CHECKING:
    from evoml.experiment import Cell, Finding


def linear(cell: Cell) -> Finding:
    """Rediscover linear regression."""
    return _finding(cell, studies.linear)


def difficulty(cell: Cell) -> Finding:
    """Count good programs among those that are tried."""
    return _finding(cell, studies.difficulty)


def damaged(cell: Cell) -> Finding:
    """Repair a network."""
    return _finding(cell, studies.damaged)


def teacher(cell: Cell) -> Finding:
    """Evolve a nonlinear learner from nothing."""
    return _finding(cell, studies.teacher)


def images(cell: Cell) -> Finding:
    """Evolve what beats a network on images."""
    return _finding(cell, of_images.images)


def _finding(cell: Cell, study: Callable[[dict[str, Any], int], dict[str, Any]]) -> Finding:
    from evoml.experiment import Finding

    settings = {**cell.settings, **cell.problem_arguments}
    if "file" in settings:
        settings["file"] = cell.here / os.path.expandvars(settings["file"])
    found = study(settings, cell.seed)
    (cell.folder / "found.json").write_text(json.dumps(found, indent=1) + "\n")
    if "program" in found:
        (cell.folder / "program.py").write_text(found["program"])
    measures = {name: float(value) for name, value in found.items() if isinstance(value, bool | int | float)}
    trace = [(name, value) for name, value in found.items() if not name.endswith("seconds")]
    return Finding(measures=measures, trace=trace, evaluations=measures["programs"])
