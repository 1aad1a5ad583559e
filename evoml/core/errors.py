"""Errors a user can mend: each message says what was required, what came, and how to mend it."""


class EvomlError(Exception):
    """Root of all errors evoml raises on purpose."""


class DataError(EvomlError, ValueError):
    """The table, the target, the weights or the groups cannot be used."""


class CellError(DataError, TypeError):
    """A column holds something that is no value of a table, such as lists."""


class BudgetError(EvomlError, ValueError):
    """A budget or limit is negative, zero, or of the wrong kind."""


class SettingError(EvomlError, ValueError):
    """A setting (metric, algorithm, executor, splitter ...) is not known or does not fit the data."""


class SearchSpaceError(EvomlError, ValueError):
    """The catalogue of parts, or a pipeline written in its language, has a mistake."""


class JournalError(EvomlError, OSError):
    """The journal cannot be written, read, or belongs to something else."""


class FitError(EvomlError, RuntimeError):
    """A pipeline could not be fitted: it raised an error, took its process down, or took too long."""


class ModelFileError(EvomlError, OSError):
    """A saved model cannot be read, or holds types that are not trusted."""


def nearest(name: object, known: object) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name nearest to ``name``, or an empty text."""
    from difflib import get_close_matches

    found = get_close_matches(str(name), [str(word) for word in known], n=1, cutoff=0.5)  # type: ignore[attr-defined]
    return f"; did you mean {found[0]!r}?" if found else ""
