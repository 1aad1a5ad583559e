"""Experiments that take no time: a runner of a few lines, which writes down each time it is begun."""

from __future__ import annotations

from pathlib import Path

import pytest

RUNNER = """
import os, time
from pathlib import Path
from evoml.experiment import Finding

LOG = Path(__file__).with_name("begun.log")

def walk(cell):
    with LOG.open("a") as log:
        log.write(cell.id + "\\n")
    fate = cell.settings.get("fate")
    if fate == "raise":
        raise RuntimeError("no luck")
    if fate == "die":
        os._exit(3)
    if fate == "eat":
        bytearray(2**33)
    time.sleep(cell.settings.get("nap", 0))
    gain = cell.settings.get("gain", 1.0)
    scores = [gain * (1 - 1 / (step + 1)) + 0.01 * ((7 * cell.seed + 3 * step) % 5) for step in range(20)]
    best, curve = -1.0, []
    for step, score in enumerate(scores, 1):
        if score > best:
            best = score
            curve.append((step, 0.1 * step, best))
    trace = [(f"candidate {at}", {"score": score}) for at, score in enumerate(scores)]
    return Finding({"best": best, "wall_seconds": time.time()}, curve=curve, trace=trace, evaluations=20)

def plain(cell):
    return {"best": cell.seed}
"""

CONFIG = """
title = "Walks"
runner = "runner.py:walk"
seeds = 6
measure = "best"
cell_memory = "2GB"

[factors]
gain = [1.0, 1.5]

[problems.flat]
steep = 0
"""


@pytest.fixture
def experiment_folder(tmp_path, monkeypatch):
    """Make a folder with a config and the runner: ``make(text)`` returns its path. Journals stay below it, too."""
    monkeypatch.setenv("EVOML_EXPERIMENTS", str(tmp_path / "cache"))

    def make(config: str = CONFIG, name: str = "walks") -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text(config)
        (folder / "runner.py").write_text(RUNNER)
        return folder

    return make


def begun(folder: Path) -> list[str]:
    """Return the cells that were begun, in order, each time it happened."""
    log = folder / "begun.log"
    return log.read_text().split() if log.exists() else []
