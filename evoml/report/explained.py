"""What the page says of a model that was explained: pictures, measures and words; and the same as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evoml.report.influence_plots import dependence_plot, importance_plot, slices_plot
from evoml.report.performance_plots import calibration_plot, confusion_plot, ranking_curves, residual_plot
from evoml.report.record import Readable, Record
from evoml.report.tables import score_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PICTURES: dict[str, tuple[tuple[str, ...], Callable[[Readable], Figure]]] = {  # name -> (part it shows, drawing)
    "curves": (("performance", "roc"), ranking_curves),
    "confusion": (("performance", "confusion"), confusion_plot),
    "calibration": (("performance", "calibration"), calibration_plot),
    "residuals": (("residuals",), residual_plot),
    "importance": (("importance",), importance_plot),
    "dependence": (("dependence",), dependence_plot),
    "slices": (("slices", "worst"), slices_plot),
}


def pictures(record: Record) -> dict[str, Figure]:
    """Return the pictures that the explanation has something to show for, by name."""
    return {name: draw(record) for name, (part, draw) in PICTURES.items() if _part(record.explanation, part)}


def explained(record: Record) -> dict[str, Any] | None:
    """Return what the page says beside the pictures; None for a model that was not explained."""
    found = record.explanation
    if not found:
        return None
    classes = [str(name) for name in record.settings.get("classes") or ()]
    return {
        "folds": found["folds"],
        "of_folds": record.settings.get("folds", found["folds"]),
        "rows": f"{found['rows']:,}",
        "notes": found["notes"],
        "measures": [(one["name"], score_text(one["mean"]), score_text(one["std"])) for one in _measures(found)],
        "classes": classes,
        "calibration_error": score_text(_part(found, ("performance", "calibration", "error"))),
        "confused_classes": len(_part(found, ("performance", "confusion", "classes")) or ()),
        "within": [(f"{share:.0%}", f"{error:.3g}") for share, error in _part(found, ("residuals", "within")) or ()],
        "importance": found.get("importance"),
        "n_dependences": len(found.get("dependence") or ()),
        "slices": found.get("slices"),
    }


def explanation_tables(journal: Readable) -> dict[str, pd.DataFrame]:
    """Return what was found out about a run's model as tables; empty ones where it was not explained.

    ``"measures"``: name, mean, std (over folds). ``"importance"``: column, mean, std (over folds and repeats), one column a
    fold. ``"slices"``: where, rows, share (of all rows), error, low, high (95 % interval), chance (p-value, corrected for the
    number of slices).
    """
    import pandas as pd

    found = Record.of(journal).explanation
    importance = found.get("importance") or {"columns": (), "means": (), "spread": (), "folds": ()}
    shown = {"column": importance["columns"], "mean": importance["means"], "std": importance["spread"]}
    folds = pd.DataFrame(importance["folds"]).rename(columns=lambda number: f"fold_{number}")
    slices = pd.DataFrame(
        (found.get("slices") or {}).get("worst") or (),
        columns=["where", "rows", "share", "error", "low", "high", "chance"],
    )
    return {
        "measures": pd.DataFrame(_measures(found), columns=["name", "mean", "std"]),
        "importance": pd.concat([pd.DataFrame(shown), folds], axis=1),
        "slices": slices,
    }


def _measures(found: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (found.get("performance") or found.get("residuals") or {}).get("measures") or ()


def _part(found: Any, names: Sequence[str]) -> Any:
    for name in names:
        found = (found or {}).get(name)
    return found
