"""What `evoml replay` does: a run's options and table read again, the run repeated, and a verdict."""

from __future__ import annotations

from dataclasses import replace

import typer

from evoml.cli.errors import say, short_warnings
from evoml.cli.fitting import options_of, recorded_search
from evoml.cli.folder import RunFolder
from evoml.cli.progress import Watch, shown
from evoml.cli.results import reading
from evoml.core.budget import Budget
from evoml.run import Replayed
from evoml.run import replay as repeat

WIDTH = 500  # characters of a difference that are shown


def replay(path: str, jobs: int | None, cluster: str | None, limit: int | None, out: str | None) -> bool:
    """Repeat a folder's run, wherever it was made, and print whether every bit is the same. Returns whether it is."""
    folder = RunFolder.existing(path)
    options = options_of(folder)
    options = replace(options, jobs=options.jobs if jobs is None else jobs, cluster=cluster).complete()
    watch = Watch(Budget(evaluations=max(1, _evaluations(folder, limit))))
    search = recorded_search(options, watch)
    say(f"replaying {folder.journal} (seed {options.seed})")
    with short_warnings(), shown(watch):
        replayed = repeat(search, folder.journal, out=out, limit=limit)
    for line in verdict(replayed):
        typer.echo(line)
    return replayed.equal


def _evaluations(folder: RunFolder, limit: int | None) -> int:
    """Return how many evaluations the record holds, duplicates not counted."""
    with reading(folder) as journal:
        table = journal.individuals()
    table = table if limit is None else table[table.index < limit]
    return int((table["sequence"].notna() & table["duplicate_of"].isna()).sum())


def verdict(replayed: Replayed) -> list[str]:
    """Return, in words, how a replay came out, and what to look at where it did not."""
    if replayed.equal:
        taken = f" ({replayed.taken} of {replayed.outcomes} outcomes taken from the record)" if replayed.taken else ""
        return [f"replayed {replayed.candidates} candidates: every bit the same{taken}"]
    changed = ", ".join(f"{name} {then} then, {now} now" for name, (then, now) in replayed.changed_versions.items())
    text = str(replayed.difference)
    return [
        text if len(text) <= WIDTH else text[: WIDTH - 3] + "...",
        f"library versions that may explain it: {changed}"
        if changed
        else "library versions are the same: look at the processor and its numerical libraries, or at a part that"
        " does not always give the same",
    ]
