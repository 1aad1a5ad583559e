"""What a candidate is like: named functions of an outcome that span the archive of MAP-Elites."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evoml.core.errors import SettingError, nearest

if TYPE_CHECKING:
    from evoml.core.candidate import Outcome

Descriptor = Callable[["Outcome", Any], float | str]


def size(outcome: Outcome, space: Any) -> float:
    """Return the genome's complexity."""
    return float(space.complexity(outcome.candidate.genome))


def cost(outcome: Outcome, space: Any) -> float:
    """Return the seconds that fitting and predicting took, which differ from run to run."""
    return outcome.evaluation.cost.fit + outcome.evaluation.cost.predict


def family(outcome: Outcome, space: Any) -> str:
    """Return what the space says it belongs to, e.g. the model of a pipeline; nothing where it has no families."""
    return str(space.family(outcome.candidate.genome)) if hasattr(space, "family") else ""


#: Descriptors by name.
DESCRIPTORS: Mapping[str, Descriptor] = {"size": size, "cost": cost, "family": family}


def described(outcome: Outcome, space: Any, descriptors: Sequence[str | Descriptor]) -> tuple[float | str, ...]:
    """Return the cell of an outcome: a number of a bin or a text for each descriptor."""
    return tuple(cell(descriptor_of(one)(outcome, space)) for one in descriptors)


def descriptor_of(descriptor: str | Descriptor) -> Descriptor:
    """Return a descriptor by its name. Raises SettingError for one that is not known."""
    if callable(descriptor):
        return descriptor
    if descriptor not in DESCRIPTORS:
        raise SettingError(
            f"unknown descriptor {descriptor!r}{nearest(descriptor, DESCRIPTORS)}; there are: {', '.join(DESCRIPTORS)}"
        )
    return DESCRIPTORS[descriptor]


def name_of(descriptor: str | Descriptor) -> str:
    """Return what an axis of the archive is called: the descriptor's name, of a partial function that of the whole one."""
    whole = getattr(descriptor, "func", descriptor)
    return whole if isinstance(whole, str) else str(getattr(whole, "__name__", type(whole).__name__))


def cell(value: float | str) -> float | str:
    """Return the lower edge of a number's bin, of which there are two to each doubling; a text as it is."""
    if isinstance(value, str) or not math.isfinite(value) or value <= 0:
        return value if isinstance(value, str) else 0.0
    return 2.0 ** (math.floor(2.0 * math.log2(value)) / 2.0)
