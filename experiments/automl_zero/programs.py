"""The programs that recorded cells have found, as a page beside their results: `python programs.py linear WORK`.

WORK is the folder that the experiment worked in, where each cell has left `found.json`. Cells are told by their fingerprints.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

from evoml.genomes.program.canonical import canonical
from evoml.genomes.program.text import read, write

RESULTS = Path(__file__).parent / "results"
_HEAD = """# Programs of `{study}.toml`

What each recorded cell has found, in canonical form, with what it measured. Written by `programs.py` from the cells' folders.
"""


def page(study: str, work: Path) -> str:
    """Return the page about the cells in a study's table of results. Raises ValueError for one that is not in ``work``."""
    with (RESULTS / study / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["problem"], int(row["seed"])))
    return "\n".join([_HEAD.format(study=study), *(_part(row, _found(row, work)) for row in rows)])


def _found(row: dict[str, str], work: Path) -> dict[str, Any]:
    path = work / "cells" / f"{row['cell']}-{row['fingerprint']}" / "found.json"
    if not path.is_file():
        raise ValueError(f"{row['cell']} is recorded, but {path} is not there; name the folder that it worked in")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for column, text in row.items():
        name = column.removeprefix("measure.")
        if name != column and not name.endswith("seconds") and float(text) != float(found[name]):
            raise ValueError(f"{path} has {name} {found[name]}, {text} is recorded; it is of another run")
    return found


def _part(row: dict[str, str], found: dict[str, Any]) -> str:
    measured = {name: value for name, value in found.items() if isinstance(value, bool | int | float)}
    told = [f"{name} {_number(value)}" for name, value in measured.items() if not name.endswith("seconds")]
    parts = [f"## {row['problem']}, seed {row['seed']}", "", ", ".join(told) + ".", ""]
    if "lines" in found:
        parts += [f"Lines that were left out of the network: {', '.join(map(str, found['lines']))}.", ""]
    parts += ["```python", write(canonical(read(found["program"]))).rstrip(), "```", ""]
    if "accuracies" in found:
        rows = [
            (f"{pair}", *(f"{value:.2f}" for value in values))
            for pair, *values in zip(found["pairs"], *found["accuracies"], strict=True)
        ]
        parts += _table(("pair", "linear", "network", "evolved"), rows)
    if "ablation" in found:
        rows = [(f"`{line}`", f"{points:+.2f}") for line, points in found["ablation"]]
        parts += _table(("without the line", "points"), rows)
    return "\n".join(parts)


def _number(value: float) -> str:
    return str(value).lower() if isinstance(value, bool | int) else f"{value:.6g}"


def _table(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [names, tuple("---" for _ in names), *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


if __name__ == "__main__":
    name, folder = sys.argv[1:]
    (RESULTS / name / "programs.md").write_text(page(name, Path(folder)), encoding="utf-8")
