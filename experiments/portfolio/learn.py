"""Order candidates so that each adds most to those before it, and judge that order on tables it was not learned from.

    python experiments/portfolio/learn.py RESULTS [--to evoml/components/data/pipelines.toml]

The value of a growing portfolio on a table is the mean of the regrets of its ensemble and of its best single member, chosen on
half of the folds and judged on the other half. A regret is 0 for the ensemble of all candidates, or for the best single one in
hindsight where that is better, and 1 for the median candidate.
Next comes whatever makes most of the area that is left under the anytime curve: the regret it takes away, times the logarithm
of the time that is left after it (greedy, as in Streeter and Golovin 2008, section 3, but with a horizon).
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from candidates import BY_HAND
from judging import Judge, read_judges
from tables import LIST, entries

from evoml.components import load_catalogue
from evoml.core.dataset import Task
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace

SIZE = 20  # pipelines of a portfolio
HORIZON = 12.0  # CPU seconds: a minute on two cores for a table ten times as large as these
FAVOURITES = 2  # tables that gain most from a candidate and have no say, so that nothing is chosen for one table's sake
OVERHEAD = 0.05  # CPU seconds that a run spends on any candidate beside its evaluation
WORST = 2.0  # regrets count no more than this
LEAST_SPAN = 0.01  # of a constant guess's loss: smaller differences between candidates count as that
SHARES = (0.1, 0.25, 0.5)  # that a new member of an ensemble may get, beside none and all
STEPS, MOMENTS, RANDOM_ORDERS = (1, 2, 3, 5, 8, 12, 20), (0.3, 1.0, 3.0, 10.0, 30.0), 3


@dataclass(frozen=True)
class Scale:
    """What losses on a table are measured by.

    On small noisy tables a single candidate, chosen in hindsight, is better than the ensemble of all.
    """

    judge: Judge

    @cached_property
    def best(self) -> float:
        hindsight = float(self.judge.single.mean(axis=1).min())
        return min(self.judge.ensemble(range(len(self.judge.texts))), hindsight)

    @cached_property
    def span(self) -> float:
        losses = self.judge.single.mean(axis=1)
        return max(float(np.median(losses[np.isfinite(losses)])) - self.best, LEAST_SPAN * self.judge.of_a_constant)

    def regret(self, loss: float | np.ndarray) -> np.ndarray:
        return np.minimum((np.asarray(loss) - self.best) / self.span, WORST)


class Growth:
    """The value of a growing portfolio on one table, and of each candidate added to it.

    An ensemble grows member by member: each gets the share that is best on half of the folds, the rest shrinks, and what comes
    of it is judged on the other half; then the other way round.
    """

    def __init__(self, scale: Scale) -> None:
        self.scale, self.judge = scale, scale.judge
        self.usable = self.judge.usable
        self.columns = np.nan_to_num(self.judge.columns)
        self._tried: dict[tuple[int, ...], tuple[np.ndarray, list[np.ndarray]]] = {}

    def gains(self, chosen: tuple[int, ...]) -> np.ndarray:
        """(candidates,) regret that each takes away when it is added to those chosen."""
        chosen = tuple(place for place in chosen if self.usable[place])
        before = float(self._with_each(chosen[:-1])[0][chosen[-1]]) if chosen else WORST
        return np.where(self.usable, before - self._with_each(chosen)[0], 0.0)

    def _with_each(self, chosen: tuple[int, ...]) -> tuple[np.ndarray, list[np.ndarray]]:
        """(candidates,) values with each added, and for both sides the (candidates,) shares it would get."""
        if chosen not in self._tried:
            self._tried[chosen] = self._try(chosen)
        return self._tried[chosen]

    def _try(self, chosen: tuple[int, ...]) -> tuple[np.ndarray, list[np.ndarray]]:
        candidates = np.arange(len(self.columns))
        value, given = np.zeros(len(candidates)), []
        for side, (choosing, judging) in enumerate(self.judge.sides):
            shares, losses = (
                self._mixtures(self._ensemble(chosen, side)) if chosen else (np.ones(1), self.judge.single[None])
            )
            best = losses[:, :, choosing].mean(axis=2).argmin(axis=0)
            together = losses[best, candidates][:, judging].mean(axis=1)
            value += 0.25 * (self.scale.regret(together) + self.scale.regret(self._single(chosen, choosing, judging)))
            given.append(shares[best].astype(np.float32))
        return value, given

    def _mixtures(self, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(shares,) and (shares, candidates, folds) losses with each candidate added with a share."""
        without = np.broadcast_to(self.judge.losses(rest[None]), self.judge.single.shape)
        mixed = [self.judge.losses((1.0 - share) * rest + share * self.columns) for share in SHARES]
        return np.array([0.0, *SHARES, 1.0]), np.stack([without, *mixed, self.judge.single])

    def _ensemble(self, chosen: tuple[int, ...], side: int) -> np.ndarray:
        """(n_rows,) predictions of the ensemble of those chosen."""
        rest = np.zeros(self.columns.shape[1], np.float32)
        for number, place in enumerate(chosen):
            share = self._with_each(chosen[:number])[1][side][place]
            rest = (1.0 - share) * rest + share * self.columns[place]
        return rest

    def _single(self, chosen: tuple[int, ...], choosing: np.ndarray, judging: np.ndarray) -> np.ndarray:
        """(candidates,) losses of the best single member with each added."""
        known, judged = self.judge.single[:, choosing].mean(axis=1), self.judge.single[:, judging].mean(axis=1)
        if not chosen:
            return judged
        best = min(chosen, key=lambda place: known[place])
        return np.where(known < known[best], judged, judged[best])


def learn(growths: Sequence[Growth], first: int, size: int = SIZE) -> list[int]:
    """Return the best ``size`` candidates in order; ``first`` is set."""
    judge = growths[0].judge
    cost = np.mean([growth.judge.cpu for growth in growths], axis=0) + OVERHEAD
    meanings = _meanings(judge.task == "regression", tuple(judge.texts))
    chosen = [first]
    while len(chosen) < min(size, len(set(meanings))):
        gains = np.sort([growth.gains(tuple(chosen)) for growth in growths], axis=0)
        having_a_say = gains[: max(1, len(growths) - FAVOURITES)]
        ends = cost[chosen].sum() + cost
        areas = having_a_say.mean(axis=0) * np.log(np.maximum(HORIZON / ends, 1.0 + 1e-9))
        areas[np.isin(meanings, [meanings[place] for place in chosen])] = -np.inf
        chosen.append(int(areas.argmax()))
    return chosen


@cache
def _meanings(regression: bool, texts: tuple[str, ...]) -> list[str]:
    """Return the keys of candidates on a table of numbers, where some differ by an encoder alone and so not at all."""
    task: Task = "regression" if regression else "classification"
    facts = DataFacts(
        task, "dense", 3000, 20, 0 if regression else 2, 0 if regression else 1000, True, target="positive"
    )
    of = PipelineSpace(load_catalogue(), facts)
    return [of.key(of.adapted(text)) for text in texts]


# -- what is printed --------------------------------------------------------------------------------------------------


def by_number(scale: Scale, order: Sequence[int]) -> np.ndarray:
    """(STEPS, 2) regrets of the ensemble and of the best single member after so many candidates."""
    judge = scale.judge
    return np.array(
        [[scale.regret(judge.ensemble(order[:k])), scale.regret(judge.best_single(order[:k]))] for k in STEPS]
    )


def by_time(scale: Scale, order: Sequence[int]) -> np.ndarray:
    """(MOMENTS,) regrets of the ensemble after so many CPU seconds."""
    ends = np.cumsum(scale.judge.cpu[list(order)] + OVERHEAD)
    done = [int(np.searchsorted(ends, moment, side="right")) for moment in MOMENTS]
    return np.array([scale.regret(scale.judge.ensemble(order[:k])) for k in done])


def report(scales: Sequence[Scale], orders: dict[str, Callable[[int], Sequence[Sequence[int]]]]) -> None:
    """Print mean regrets over tables of orders; each is given the table's place, and may give several to be averaged."""
    number = {
        name: np.mean(
            [np.mean([by_number(scale, o) for o in order(t)], axis=0) for t, scale in enumerate(scales)], axis=0
        )
        for name, order in orders.items()
    }
    time = {
        name: np.mean(
            [np.mean([by_time(scale, o) for o in order(t)], axis=0) for t, scale in enumerate(scales)], axis=0
        )
        for name, order in orders.items()
    }
    print(
        "regret of the ensemble / of the best single one, after so many pipelines; of the ensemble after so many CPU seconds"
    )
    print(f"{'':16s}" + "".join(f"{k:>14d}" for k in STEPS) + " |" + "".join(f"{m:>8g} s" for m in MOMENTS))
    for name in orders:
        cells = "".join(f"{both:8.3f}/{one:5.3f}" for both, one in number[name])
        print(f"{name:16s}{cells} |" + "".join(f"{value:10.3f}" for value in time[name]))
    single = np.mean([scale.regret(scale.judge.single.mean(axis=1).min()) for scale in scales])
    together = np.mean([scale.regret(scale.judge.ensemble(range(len(scale.judge.texts)))) for scale in scales])
    print(f"best single candidate in hindsight: {single:.3f}; ensemble of all candidates: {together:.3f}\n")


def places(judge: Judge, texts: Sequence[str]) -> list[int]:
    return [judge.texts.index(text) for text in texts if text in judge.texts]


def random_orders(n_candidates: int) -> list[list[int]]:
    rng = np.random.default_rng(0)
    return [[int(place) for place in rng.permutation(n_candidates)[:SIZE]] for _ in range(RANDOM_ORDERS)]


def leave_one_out(scales: Sequence[Scale], growths: Sequence[Growth], first: int) -> list[list[int]]:
    """Return for each table the order learned from all others."""
    return [learn([growth for u, growth in enumerate(growths) if u != t], first) for t in range(len(growths))]


def study(task: str, judges: Sequence[Judge], left_out: bool) -> list[str]:
    """Print how good the portfolio of a task is; return its texts."""
    scales = [Scale(judge) for judge in judges]
    growths = [Growth(scale) for scale in scales]
    judge = judges[0]
    by_hand = places(judge, BY_HAND[task])
    first = by_hand[0]
    order = learn(growths, first)
    print(f"{task}: {len(judges)} tables, {len(judge.texts)} candidates")
    drawn = random_orders(len(judge.texts))
    orders = {"random": lambda t: drawn, "by hand": lambda t: [by_hand]}
    if left_out:
        learned = leave_one_out(scales, growths, first)
        orders["leave-one-out"] = lambda t: [learned[t]]
    orders["all tables"] = lambda t: [order]
    report(scales, orders)
    _print_order(scales, order)
    return [judge.texts[place] for place in order]


def _print_order(scales: Sequence[Scale], order: Sequence[int]) -> None:
    judges = [scale.judge for scale in scales]
    cost = np.stack([np.cumsum(judge.cpu[list(order)]) for judge in judges])
    regrets = np.mean([scale.regret(scale.judge.single.mean(axis=1)) for scale in scales], axis=0)
    print("CPU seconds until then (median, most), regret alone")
    for k, place in enumerate(order):
        print(f"{np.median(cost[:, k]):7.2f} {cost[:, k].max():7.2f} {regrets[place]:7.3f}  {judges[0].texts[place]}")
    print()


def settings(task: str, judges: Sequence[Judge]) -> None:
    """Print what each candidate is worth alone: its mean regret, and its CPU seconds."""
    scales = [Scale(judge) for judge in judges]
    regrets = np.mean([scale.regret(scale.judge.single.mean(axis=1)) for scale in scales], axis=0)
    cost = np.mean([judge.cpu for judge in judges], axis=0)
    print(f"{task}: regret alone, CPU seconds")
    for place in np.argsort(regrets):
        print(f"{regrets[place]:7.3f} {cost[place]:7.2f}  {judges[0].texts[place]}")
    print()


def as_toml(texts: dict[str, list[str]], n_tables: int) -> str:
    """Return the data file's content."""
    head = (
        "Good pipelines to start from, ordered so that each adds most to those before it: learned from what many more of"
        f" each task did on {n_tables} tables (experiments/portfolio). Missing hyperparameters take the catalogue's defaults."
        " The first is not learned: it is cheap and deterministic, and a sample weight of two is to it a row given twice."
    )
    lines = [f"# {line}" for line in textwrap.wrap(head, 118)]
    for task, of_task in texts.items():
        lines += ["", f"{task} = [", *(f'    "{text}",' for text in of_task), "]"]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--to", type=Path, help="the file to write the portfolio to; only printed unless given")
    parser.add_argument("--tables", type=Path, default=LIST, help="a list like tables.toml")
    parser.add_argument("--no-leave-one-out", action="store_true", help="it takes most of the time")
    parser.add_argument("--settings", action="store_true", help="only print what each candidate is worth alone")
    asked = parser.parse_args()
    judges = read_judges(asked.results, entries(asked.tables))
    texts = {}
    for task in ("classification", "regression"):
        of_task = [judge for judge in judges if (judge.task == "regression") == (task == "regression")]
        if asked.settings:
            settings(task, of_task)
        else:
            texts[task] = study(task, of_task, len(of_task) > 1 and not asked.no_leave_one_out)
    if asked.to and texts:
        asked.to.write_text(as_toml(texts, len(judges)), encoding="utf-8")


if __name__ == "__main__":
    main()
