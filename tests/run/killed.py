"""Runs that are killed between two writes of their journal, as a signal would kill them."""

from contextlib import contextmanager

import pytest

from evoml.journal import Journal


class Killed(BaseException):
    """Ends a run that nothing may catch."""


@contextmanager
def killed_at_write(moment, written=True):
    """Kill the run inside at a write of its journal, counted from 0: after it, or before it with ``written=False``."""
    write, count = Journal._write, iter(range(100_000))

    def failing(self, transaction):
        stop = next(count) == moment
        if not stop or written:
            write(self, transaction)
        if stop:
            raise Killed

    with pytest.raises(Killed), pytest.MonkeyPatch.context() as patched:  # noqa: PT012 - the statement is the caller's
        patched.setattr(Journal, "_write", failing)
        yield
