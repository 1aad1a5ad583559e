"""The fronts of a search for formulas, read from its journal: of one that has ended, or of what it has found so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evoml.genomes.expression.latex import latex
from evoml.genomes.expression.population import Formula
from evoml.genomes.expression.text import read, show
from evoml.report.record import Readable, Record

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 6
FRONT_OF = "front of "  # what the operator of a formula begins with where there are several targets


@dataclass(frozen=True)
class FormulaFront:
    """Formulas in ascending order of complexity, each better than all simpler ones.

    Attributes
    ----------
    label : str
        The class that they are for; empty for a single front.
    formulas : tuple of Formula
    complexities : tuple of float
    errors : tuple of float
        Loss in units of the best constant's: 1 - R2 for squared errors.
    losses : tuple of float
        On the rows of the table; empty while the run goes on: constants and scales are tuned on all rows in the end.
    chosen : int or None
        Number of the chosen formula; None while the run goes on.
    """

    label: str
    formulas: tuple[Formula, ...]
    complexities: tuple[float, ...]
    errors: tuple[float, ...]
    losses: tuple[float, ...] = ()
    chosen: int | None = None

    @property
    def shown(self) -> int:
        """Number of the formula to show: the chosen one, else the best so far."""
        return len(self.formulas) - 1 if self.chosen is None else self.chosen


def column_names(record: Record) -> list[str]:
    """Return the names of the columns that formulas are over."""
    return [str(name) for name in record.settings.get("names") or ()]


def formula_fronts(journal: Readable) -> list[FormulaFront]:
    """Return the front of each target that has a formula, those of the end or those so far."""
    record = Record.of(journal)
    labels = [str(label) for label in record.settings.get("labels") or [""]]
    if not record.summary.get("fronts"):
        found = [_so_far(record, label) for label in labels]
        return [front for front in found if front.formulas]
    fronts = []
    for label, rows, chosen in zip(labels, record.summary["fronts"], record.summary["chosen"], strict=True):
        texts, sizes, errors, losses = zip(
            *((r["text"], r["complexity"], r["error"], r["loss"]) for r in rows), strict=True
        )
        formulas = tuple(map(read, texts))  # in texts of the end, columns have numbers for names
        fronts.append(FormulaFront(label, formulas, sizes, errors, losses, int(chosen)))
    return fronts


def _so_far(record: Record, label: str) -> FormulaFront:
    """Return the best formulas that have come so far."""
    table = record.individuals[record.selection.notna()]
    table = table[table["operator"] == (FRONT_OF + label if label else "front")]
    rows = sorted(
        (-scores[1], 1.0 - scores[0], text) for scores, text in zip(table["scores"], table["text"], strict=True)
    )
    kept: list[tuple[float, float, str]] = []
    for size, error, text in rows:
        if not kept or error < kept[-1][1]:
            kept.append((size, error, text))
    names = column_names(record)
    sizes, errors, texts = zip(*kept, strict=True) if kept else ((), (), ())
    return FormulaFront(label, tuple(read(text, names) for text in texts), sizes, errors)


def formula_table(journal: Readable) -> pd.DataFrame:
    """Return one row a formula of the front.

    Columns: class (only where there are several fronts), complexity, loss (nan while the run goes on), score (1 - error /
    error of the best constant), text, latex, chosen.
    """
    import pandas as pd

    record = Record.of(journal)
    fronts, names = formula_fronts(record), column_names(record)
    rows = [row for front in fronts for row in _rows(front, names)]
    table = pd.DataFrame(rows, columns=["class", "complexity", "loss", "score", "text", "latex", "chosen"])
    return table if len(record.settings.get("labels") or ()) > 1 else table.drop(columns="class")


def _rows(front: FormulaFront, names: Sequence[str]) -> list[dict[str, Any]]:
    losses = front.losses or (float("nan"),) * len(front.formulas)
    return [
        {
            "class": front.label,
            "complexity": size,
            "loss": loss,
            "score": 1.0 - error,
            "text": show(formula, names, DIGITS),
            "latex": latex(formula, names, DIGITS),
            "chosen": at == front.chosen,
        }
        for at, (formula, size, error, loss) in enumerate(
            zip(front.formulas, front.complexities, front.errors, losses, strict=True)
        )
    ]
