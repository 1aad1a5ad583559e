"""Systems to compare with, each in a Python environment of its own, asked and answering in JSON."""

from __future__ import annotations

import json
import subprocess
import venv
from pathlib import Path
from typing import Any


def environment(home: Path, *packages: str) -> Path:
    """Return the Python of an environment that has these packages, made if it is not there yet."""
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
    return python


def ask(name: str, python: Path, runner: Path, wanted: dict[str, Any], timeout: float) -> dict[str, Any]:
    """Return the last line that a peer's runner says when it is asked for something."""
    done = subprocess.run([python, runner, json.dumps(wanted)], capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])
