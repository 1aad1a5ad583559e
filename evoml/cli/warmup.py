"""What `evoml warmup` does: kernels compiled now rather than beside the first search, each group in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import typer

from evoml.cli.errors import say
from evoml.kernels.folder import key_folder
from evoml.kernels.warmup import GROUPS, Compilation, CompileError, clear, is_ready, seconds_taken, warm_up_of


def warmup(groups: Sequence[str], force: bool, empty: bool) -> None:
    """Compile the groups that are not ready, all of them if none is named, and print what each took and where it is.

    Raises CompileError if one could not be compiled, after the others were.
    """
    wanted = list(dict.fromkeys(groups)) or list(GROUPS)
    for group in wanted:
        warm_up_of(group)
    if force or empty:
        say(f"cleared: {clear(others=empty)}")
    if empty:
        return
    failed = [f"{group} ({error})" for group in wanted if (error := _compiled(group))]
    typer.echo(f"kernels in {key_folder()}")
    if failed:
        raise CompileError(f"not compiled: {'; '.join(failed)}")


def _compiled(group: str) -> str:
    """Compile a group unless it is ready, and print a line about it; return why it failed, if it did."""
    if is_ready(group):
        typer.echo(f"{group}: ready, was compiled in {seconds_taken(group):.1f} s")
        return ""
    compilation = Compilation([group])
    try:
        with _shown(group):
            compilation.wait()
    except CompileError:
        return compilation.error()
    finally:
        compilation.stop()
    typer.echo(f"{group}: compiled in {seconds_taken(group):.1f} s")
    return ""


@contextmanager
def _shown(group: str) -> Iterator[None]:
    """Show, if stderr is a terminal, that a group is being compiled, and for how long already."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns: Iterable[object] = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:  # type: ignore[arg-type]
        progress.add_task(f"compiling {group}", total=None)
        yield
