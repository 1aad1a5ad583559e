"""Reading tables: CSV (also compressed), Parquet, and the data sets that scikit-learn ships."""

from __future__ import annotations

import lzma
import re
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoml.core.errors import DataError, nearest
from evoml.core.own_files import is_in_file

if TYPE_CHECKING:
    import pandas as pd

SHIPPED = ("breast_cancer", "diabetes", "digits", "iris", "wine")  # sets that need no download and have one target
PREFIX = "sklearn:"
PARQUET = (".parquet", ".pq")
DELIMITERS = (",", ";", "\t", "|")


def read_table(source: str, text_columns: Collection[str] = ()) -> pd.DataFrame:
    """Read a table from a file, or ``sklearn:NAME``.

    Parameters
    ----------
    source : str
        Path of a CSV or Parquet file, or the name of a set that scikit-learn ships.
    text_columns : collection of str
        Columns of a CSV file to read as text, whatever they look like.

    Raises
    ------
    DataError
        If the table cannot be read, has no rows, or two columns of one name.
    """
    if source.startswith(PREFIX):
        return _shipped(source.removeprefix(PREFIX))
    path = _existing(source)
    table = _parquet(path) if path.suffix.lower() in PARQUET else _csv(path, text_columns)
    if table.empty:
        what = "columns" if len(table) else "rows"
        raise DataError(f"{path}: the table has no {what}; give a table with a header line and at least one row")
    return table


def name_of(source: str) -> str:
    """Return a short name for a table, fit for a folder's name."""
    return source.removeprefix(PREFIX) if source.startswith(PREFIX) else Path(source).name.split(".")[0] or "table"


def absolute(source: str) -> str:
    """Return the source in a form that still holds in another working directory."""
    return source if source.startswith(PREFIX) else str(Path(source).resolve())


def lasting_place(text: Any) -> Any:
    """Return ``file.py:Name`` with the whole path of the file, and any other text as it is."""
    if not is_in_file(text):
        return text
    file, _, name = text.rpartition(":")
    return f"{Path(file).expanduser().resolve()}:{name}"


def _shipped(name: str) -> pd.DataFrame:
    if name not in SHIPPED:
        raise DataError(f"there is no table {PREFIX}{name}{nearest(name, SHIPPED)} (known are {', '.join(SHIPPED)})")
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    return bunch.frame.rename(columns=str)  # type: ignore[no-any-return]


def _existing(source: str) -> Path:
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{path} is a folder; give a CSV or Parquet file")
    if not path.is_file():
        siblings = [one.name for one in path.parent.iterdir() if one.is_file()] if path.parent.is_dir() else []
        hint = nearest(path.name, siblings) or "; check the path"
        raise DataError(f"there is no table at {path}{hint}")
    return path


def _parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except ImportError:
        raise DataError(
            f"{path}: reading Parquet needs the package pyarrow, which is not installed;"
            " run `pip install 'evoml[parquet]'`, or give a CSV file"
        ) from None
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        raise DataError(f"{path} cannot be read as Parquet: {error}; is the file complete?") from error
    table.columns = table.columns.map(str)
    _check_unique(table.columns, path)
    return table.reset_index(drop=True)


def _csv(path: Path, text_columns: Collection[str]) -> pd.DataFrame:
    import pandas as pd

    options: dict[str, Any] = {"encoding": "utf-8-sig", "skipinitialspace": True, "skip_blank_lines": True}
    try:
        with warnings.catch_warnings():
            # Lines longer than the header would otherwise lose their end with a warning only.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            options["sep"] = _delimiter(path)
            header = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, **options)
            names = [str(name).strip() for name in header.iloc[0]]
            _check_unique([name for name in names if name], path)
            table = pd.read_csv(
                path, index_col=False, low_memory=False, dtype=dict.fromkeys(text_columns, str), **options
            )
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty; give a table with a header line and at least one row") from None
    except pd.errors.ParserWarning:
        raise DataError(f"{path} cannot be read as CSV: a line has more fields than the header line has") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not text in UTF-8 ({error.reason}); save it as CSV in UTF-8, or as Parquet"
        ) from None
    except (
        pd.errors.ParserError,
        ValueError,
        EOFError,
        OSError,
        zlib.error,
        zipfile.BadZipFile,
        lzma.LZMAError,
    ) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # not the file's content: permissions, a full disk
        reason = str(error).removeprefix("Error tokenizing data. C error: ")
        raise DataError(f"{path} cannot be read as CSV: {reason}; check that line") from error
    table.columns = table.columns.map(lambda name: str(name).strip())
    return _without_row_numbers(table, names)


def _delimiter(path: Path) -> str:
    """Return the delimiter that occurs most often in the header line; a comma where none does."""
    import pandas as pd

    first = pd.read_csv(
        path, sep="\x01", header=None, nrows=1, dtype=str, encoding="utf-8-sig", quoting=3, keep_default_na=False
    )
    return max(DELIMITERS, key=re.sub(r'"[^"]*"', "", str(first.iloc[0, 0])).count)


def _check_unique(names: Iterable[str], path: Path) -> None:
    names = list(names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path} has several columns of one name: {', '.join(twice)}; rename or remove the others")


def _without_row_numbers(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Drop a nameless first column that only counts the rows, as some programs write it."""
    if names and not names[0] and len(table):
        first = table.iloc[:, 0]
        if first.dtype.kind == "i" and (first.diff().iloc[1:] == 1).all():
            return table.iloc[:, 1:]
    return table
