"""What `evoml explain` does, and `evoml fit` at its end: the run's model explained on its folds, and the page written."""

from __future__ import annotations

from collections.abc import Callable

import typer

from evoml.cli.errors import one_line, say, short_warnings
from evoml.cli.folder import RunFolder
from evoml.cli.results import write_page
from evoml.core.budget import check_positive
from evoml.core.errors import EvomlError
from evoml.journal import Journal


def explain(path: str, seconds: float | None) -> None:
    """Explain the model in a folder, from its options and its table read again, and print where the page is."""
    from evoml.cli.fitting import options_of, recorded_search
    from evoml.run.explanation import explain as work_out

    check_positive(seconds, "number of --seconds")
    folder = RunFolder.existing(path)
    search = recorded_search(options_of(folder))
    with short_warnings(), Journal.resume(folder.journal) as journal:
        found = work_out(search, journal, seconds)
    for note in found["notes"]:
        say(f"note: {note}")
    write_page(folder)
    typer.echo(folder.report)


def explain_politely(work_out: Callable[[], object]) -> None:
    """Explain at the end of a run: whatever stops it, also the user, costs no more than the explanation."""
    say("explaining the model on its folds; Ctrl-C skips it")
    try:
        with short_warnings():
            work_out()
    except KeyboardInterrupt:
        say("the explanation was skipped; `evoml explain` makes it later")
    except EvomlError as error:
        say(f"the model was not explained: {one_line(error)}")
