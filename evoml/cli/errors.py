"""How the command line ends when something is wrong: one line on stderr and an exit code, no traceback."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from evoml.core.errors import EvomlError

DIFFERENT = 1  # a replay came out in another way
BAD_INPUT = 2
INTERRUPTED = 130  # what a shell reports for a process ended by Ctrl-C


class Commands(TyperGroup):
    """The command group: turns errors a user can mend into one line, unless ``--debug`` asks for the traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say("aborted: what was recorded so far is kept")
            raise typer.Exit(INTERRUPTED) from None
        except (EvomlError, OSError) as error:
            if isinstance(error, BrokenPipeError) or ctx.params.get("debug"):
                raise
            say(f"error: {one_line(error)}")
            raise typer.Exit(BAD_INPUT) from None


def one_line(error: BaseException) -> str:
    """Return the message of an error as one line; an OSError is told as file and reason."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, EvomlError):
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def say(text: str) -> None:
    """Write a line to stderr, so that stdout holds nothing but results."""
    typer.echo(text, err=True)


@contextmanager
def short_warnings() -> Iterator[None]:
    """Show each different warning once, as one line on stderr, without file and source line."""
    seen: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        text = " ".join(str(message).split())
        if text not in seen and not issubclass(category, (DeprecationWarning, PendingDeprecationWarning)):
            seen.add(text)
            # Not `say`: a live display replaces sys.stderr so that lines appear above it.
            sys.stderr.write(f"warning: {text}\n")

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield
