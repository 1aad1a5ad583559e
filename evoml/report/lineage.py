"""Questions about descent: who the ancestors of a candidate are, which variations made the gains, whose line took over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.errors import JournalError
from evoml.journal.lineage import lineage
from evoml.report.ranges import score_range
from evoml.report.record import Readable, Record

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

MOST_FOUNDERS = 7  # that are told apart; the others count together
OTHERS = "others"
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Pedigree:
    """Parents, scores and gains of all candidates of a run.

    Attributes
    ----------
    parents : dict of int to tuple of int
        In the order asked, so that parents come before their children; empty for founders.
    scores : dict of int to float
        Selection scores; nan for candidates without one.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        known = set(record.individuals.index)
        self.parents: dict[int, tuple[int, ...]] = {
            one: tuple(parent for parent in parents if parent in known)
            for one, parents in record.individuals["parents"].items()
        }  # type: ignore[misc]
        self.scores: dict[int, float] = record.selection.to_dict()  # type: ignore[assignment]

    @cached_property
    def floor(self) -> float:
        """The score below which no gain counts: that of a constant prediction, or where disasters begin."""
        scores, baseline = self.record.scored["selection"].to_numpy(float), self.record.baseline
        if not len(scores):
            return 0.0
        return baseline if baseline is not None and baseline < scores.max() else score_range(scores)[0]

    @cached_property
    def gains(self) -> dict[int, float]:
        """How far each scored candidate rose above its best parent, as far as that is above the floor; 0 if it did not."""
        return {one: self._gain(one) for one, score in self.scores.items() if not np.isnan(score)}

    def _gain(self, one: int) -> float:
        if not self.parents[one]:
            return 0.0
        bars = [self.scores[parent] for parent in self.parents[one]]
        return max(self.scores[one] - max([self.floor, *(bar for bar in bars if not np.isnan(bar))]), 0.0)

    def line(self, candidate: int) -> list[int]:
        """Return the line through the better parents that leads to a candidate, from its founder on."""
        found = [candidate]
        while parents := self.parents[found[-1]]:
            found.append(max(parents, key=lambda parent: (number(self.scores[parent]), -parent)))
        return found[::-1]

    def steps_up(self, line: Sequence[int]) -> dict[int, float]:
        """Return by how much each candidate of a line, the founder left out, raised the best score of the line so far."""
        best, gained = max(number(self.scores[line[0]]), self.floor), {}
        for one in line[1:]:
            score = number(self.scores[one])
            gained[one] = max(score - best, 0.0)
            best = max(best, score)
        return gained

    def contributions(self, members: Sequence[int]) -> dict[int, float]:
        """Return the share that each ancestor has in the descent of ``members``, each parent half (or its part) of a child.

        Shares of the founders add up to 1: it is what their genes are expected to be, if both parents give as much.
        """
        found = dict.fromkeys(members, 0.0)
        for one in members:
            found[one] += 1.0 / len(members)
        for one in reversed(self.parents):
            if one in found:
                for parent in self.parents[one]:
                    found[parent] = found.get(parent, 0.0) + found[one] / len(self.parents[one])
        return found


def number(score: float | None) -> float:
    """Return a score, minus infinity where there is none."""
    return float("-inf") if score is None or np.isnan(score) else float(score)


def _wanted(record: Record, candidate: int | None) -> int:
    """Return the candidate asked for, the best one for None. Raises JournalError if there is none."""
    found = record.best if candidate is None else candidate
    if found is None:
        raise JournalError("no candidate of this run has been scored yet, so there is no line of descent")
    if found not in record.individuals.index:
        raise JournalError(f"the journal has no candidate {found}; ids go from 0 to {len(record.individuals) - 1}")
    return int(found)


def ancestors(journal: Readable, candidate: int | None = None) -> pd.DataFrame:
    """Return a candidate (the best one for None) and all it descends from, the founders first.

    Columns: id, generation, operator, score, gain (over its best parent), on_line (of the line through the better
    parents), share (of the candidate's descent: each parent counts half), text. Raises JournalError for an id that is
    not there.
    """
    import pandas as pd

    record = Record.of(journal)
    chosen, pedigree = _wanted(record, candidate), Pedigree(record)
    share, line = pedigree.contributions([chosen]), set(pedigree.line(chosen))
    ids = sorted(share)
    table = record.individuals.loc[ids]
    return pd.DataFrame(
        {
            "id": ids,
            "generation": table["generation"].to_numpy(),
            "operator": table["operator"].to_numpy(),
            "score": [pedigree.scores[one] for one in ids],
            "gain": [pedigree.gains.get(one, 0.0) for one in ids],
            "on_line": [one in line for one in ids],
            "share": [share[one] for one in ids],
            "text": table["text"].to_numpy(),
        }
    )


def operator_gains(journal: Readable, candidate: int | None = None) -> pd.DataFrame:
    """Return how much of the gains in score each variation made, those on the best one's line first.

    Columns: operator, made (scored candidates), better (than their best parent), gain (all improvements on the best
    parent), records (times the run's best score rose), record_gain, line_steps, line_gain (of what was gained along the
    line that leads to ``candidate``, the best one for None). Founders are left out; gains count from the score of a
    constant prediction on, where that is known.
    """
    import pandas as pd

    record = Record.of(journal)
    pedigree = Pedigree(record)
    operators = record.individuals["operator"].to_dict()
    names = ["made", "better", "gain", "records", "record_gain", "line_steps", "line_gain"]
    tally: dict[str, dict[str, float]] = {}

    def count(one: int, **amounts: float) -> None:
        row = tally.setdefault(str(operators[one]), dict.fromkeys(names, 0))
        for name, amount in amounts.items():
            row[name] += amount

    best = pedigree.floor
    for one, score in record.scored["selection"].items():  # in the order told
        gain = pedigree.gains[int(one)]  # type: ignore[call-overload]
        if pedigree.parents[one]:  # type: ignore[index]
            count(one, made=1, better=gain > 0, gain=gain, records=score > best, record_gain=max(score - best, 0.0))  # type: ignore[arg-type]
        best = max(best, score)
    if record.best is not None or candidate is not None:
        for one, gain in pedigree.steps_up(pedigree.line(_wanted(record, candidate))).items():
            if gain > 0:
                count(one, line_steps=1, line_gain=gain)
    table = pd.DataFrame([{"operator": name, **row} for name, row in tally.items()], columns=["operator", *names])
    whole = {name: int for name in names if not name.endswith("gain")}
    table = table.astype(whole).sort_values(
        ["line_gain", "record_gain", "gain", "operator"], ascending=[False] * 3 + [True]
    )
    return table.reset_index(drop=True)


def takeover(journal: Readable) -> pd.DataFrame:
    """Return whose descendants the population consists of after each generation: one row a generation, shares by founder.

    Columns: generation, the ids of the founders with the greatest shares in the last population, and ``"others"``. A
    founder has no parents; a candidate's share of a founder is the mean of its parents'. No rows where populations are
    not known.
    """
    import pandas as pd

    record = Record.of(journal)
    if not record.populations:
        return pd.DataFrame(columns=["generation", OTHERS])
    pedigree = Pedigree(record)
    last = pedigree.contributions(record.populations[max(record.populations)])
    founders = sorted((one for one in last if not pedigree.parents[one]), key=lambda one: (-last[one], one))
    columns = {one: at for at, one in enumerate(founders[:MOST_FOUNDERS])}
    shares = _descent_from(columns, pedigree.parents)
    rows = [
        [generation, *np.mean([shares[one] for one in members], axis=0)]
        for generation, members in sorted(record.populations.items())
    ]
    return pd.DataFrame(rows, columns=["generation", *columns, OTHERS])


def _descent_from(columns: Mapping[int, int], parents: Mapping[int, tuple[int, ...]]) -> dict[int, np.ndarray]:
    """Return, for each candidate, the share of its descent from each of some founders, and from all others together."""
    unit = np.eye(len(columns) + 1)
    shares: dict[int, np.ndarray] = {}
    for one, own in parents.items():
        shares[one] = sum(shares[parent] for parent in own) / len(own) if own else unit[columns.get(one, len(columns))]  # type: ignore[assignment]
    return shares


# -- exports ----------------------------------------------------------------------------------------------------------


def lineage_table(journal: Readable) -> pd.DataFrame:
    """Return one row a candidate, for other tools: everything is a number or a text.

    Columns: id, parents (ids with spaces between), operator, generation, status, score, size, gain (over the best
    parent), ancestor and on_line (whether the best candidate descends from it, and by its better parents), asked and
    told (seconds), key, semantics, text.
    """
    record = Record.of(journal)
    pedigree = Pedigree(record)
    table = record.individuals[["operator", "generation", "status", "asked", "told", "key", "semantics", "text"]]
    kin = set() if record.best is None else set(pedigree.contributions([record.best]))
    line = set() if record.best is None else set(pedigree.line(record.best))
    table = table.assign(
        parents=[" ".join(map(str, parents)) for parents in record.individuals["parents"]],
        score=record.selection,
        size=record.sizes,
        gain=[pedigree.gains.get(one, np.nan) for one in table.index],
        ancestor=[one in kin for one in table.index],
        on_line=[one in line for one in table.index],
        semantics=table["semantics"].fillna(""),
    )
    names = ["parents", "operator", "generation", "status", "score", "size", "gain", "ancestor", "on_line"]
    return table[[*names, "asked", "told", "key", "semantics", "text"]].reset_index()


def lineage_graph(journal: Readable) -> nx.DiGraph:
    """Return the NetworkX graph of descent with the facts of :func:`lineage_table` on its nodes, the operator on edges."""
    record = Record.of(journal)
    graph = lineage(record.individuals)
    facts = lineage_table(record).drop(columns="parents").set_index("id")
    for one, row in zip(facts.index, facts.to_dict("records"), strict=True):
        graph.add_node(int(one), **row)
    return graph


def write_graphml(journal: Readable, path: str | Path) -> Path:
    """Write the graph of descent as GraphML, which Gephi, yEd, Cytoscape and igraph read; what is not known is left out."""
    import networkx as nx

    found = lineage_graph(journal)
    graph = nx.DiGraph()
    graph.add_nodes_from((one, _plain(facts)) for one, facts in found.nodes.items())
    graph.add_edges_from((parent, child, _plain(facts)) for (parent, child), facts in found.edges.items())
    target = Path(path)
    nx.write_graphml(graph, target, named_key_ids=True)
    return target


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what GraphML can hold: numbers, truth values, and texts without characters that XML has not."""
    kept: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, (float, np.floating)):
            value = float(value)
        elif hasattr(value, "item"):
            value = value.item()
        if isinstance(value, str):
            kept[name] = _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", value)
        elif isinstance(value, (bool, int)) or (isinstance(value, float) and np.isfinite(value)):
            kept[name] = value
    return kept
