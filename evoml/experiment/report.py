"""The report of an experiment: Markdown and pictures to keep beside its config, and the same as one HTML page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoml.core.errors import SettingError
from evoml.experiment import statistics
from evoml.experiment.analysis import BETTER, WORSE, Analysis, Judged
from evoml.experiment.cells import cells_of
from evoml.experiment.conclusions import conclusions, counted, rankings, too_few
from evoml.experiment.config import Experiment, read_config
from evoml.experiment.curves import EVALUATIONS
from evoml.experiment.problems import SOURCES
from evoml.experiment.results import Results, write_whole
from evoml.experiment.running import known_results, places
from evoml.experiment.sources import of_libraries
from evoml.experiment.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKDOWN, PAGE = "report.md", "report.html"
MOST_ROWS = 150  # of a table of comparisons
MOST_PANELS = 12


@dataclass(frozen=True)
class Block:
    """A piece of a report: a heading, a text, a warning, a list, a table or a figure."""

    kind: str
    text: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Any] = ()
    file: str = ""
    svg: str = ""
    width: int = 0


@dataclass(frozen=True)
class Written:
    """A report that was written, and what it concludes."""

    path: Path
    conclusions: Sequence[str] = field(default_factory=list)


def write_experiment_report(experiment: Experiment | str | Path, *, out: str | Path | None = None) -> Written:
    """Write the report of an experiment, finished or not, into the folder of its results; equal results give equal bytes.

    Raises SettingError if nothing is finished, or nothing has the measure that the config names.
    """
    experiment = experiment if isinstance(experiment, Experiment) else read_config(experiment)
    where = places(experiment, out)
    cells = cells_of(experiment, where.work)
    analysis = Analysis(experiment, known_results(where, cells), cells)
    if not analysis.rows:
        raise SettingError(_nothing(analysis))
    blocks = list(_Report(analysis).blocks())
    where.results.mkdir(parents=True, exist_ok=True)
    for block in blocks:
        if block.file:
            write_whole(where.results / block.file, block.svg)
    for name, template in ((MARKDOWN, "report.md"), (PAGE, "report.html")):
        write_whole(where.results / name, _rendered(template, experiment.title, blocks))
    others = [f"{analysis.of_other_files}."] if analysis.of_other_files else []
    return Written(where.results / MARKDOWN, [*conclusions(analysis), *others])


def _nothing(analysis: Analysis) -> str:
    """Say why there is nothing to report."""
    name = analysis.experiment.name
    if analysis.failed:
        first = analysis.failed[0]
        return f"{counted(len(analysis.failed), 'cell')} of {name} failed, and none is finished: {first.cell}: {first.error}"
    return f"no cell of {name} is finished yet; run it: `evoml experiment run {name}`"


def _rendered(template: str, title: str, blocks: Sequence[Block]) -> str:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup, escape

    page = template.endswith(".html")
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("evoml.experiment"), PackageLoader("evoml.report")]),
        autoescape=page,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters["cell"] = lambda value: str(value).replace("|", "\\|")
    environment.filters["prose"] = lambda text: Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))
    shown = [{**vars(block), "svg": Markup(block.svg)} for block in blocks]
    text = environment.get_template(template).render(title=title, blocks=shown)
    return text if page else "\n".join(line.rstrip() for line in text.rstrip().splitlines()) + "\n"


class _Report:
    """The pieces of a report, made from an analysis."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis, self.experiment = analysis, analysis.experiment

    def blocks(self) -> Iterator[Block]:
        """Yield all pieces in order."""
        yield from self._opening()
        yield Block("heading", "What it shows")
        lines = conclusions(self.analysis)
        yield Block("list", rows=lines[1:] if self.analysis.too_few else lines)  # the first stands above already
        yield from self._scores()
        yield from self._comparisons()
        yield from self._ranks()
        yield from self._anytime()
        yield from self._successes()
        yield from self._cost()
        yield from self._repeating()

    # -- words --------------------------------------------------------------------------------------------------------

    def _opening(self) -> Iterator[Block]:
        analysis, experiment = self.analysis, self.experiment
        for paragraph in experiment.description.strip().split("\n\n"):
            if paragraph:
                yield Block("text", " ".join(paragraph.split()))
        if (missing := len(analysis.cells) - len(analysis.rows)) > 0:
            words = [f"{missing} of {len(analysis.cells)} cells are not finished"]
            words += [f"{len(analysis.failed)} of them failed"] if analysis.failed else []
            words += [f"{len(analysis.stale)} are of an earlier config"] if analysis.stale else []
            yield Block("warning", ", ".join(words) + ": what follows is about the others.")
        if analysis.of_other_files:
            yield Block("warning", f"{analysis.of_other_files}.")
        if analysis.without_number:
            none, measure = analysis.without_number, experiment.measure
            told = f"{counted(len(none), 'cell')} gave no number as {measure}, left out here: {', '.join(none[:5])}"
            yield Block("warning", told)
        if analysis.too_few:
            yield Block("warning", too_few(self.analysis))
        if analysis.failed:
            yield Block(
                "table", head=["failed cell", "why"], rows=[[row.cell, row.error[:300]] for row in analysis.failed[:20]]
            )

    # -- scores and tests ---------------------------------------------------------------------------------------------

    def _scores(self) -> Iterator[Block]:
        analysis, measure = self.analysis, self.experiment.measure
        yield Block("heading", "Scores")
        best = "greater" if analysis.maximise else "less"
        confidence = f"{100 * (1 - self.experiment.alpha):g} %"
        yield Block(
            "text",
            f"The measure is `{measure}`, and {best} is better: median over seeds, and its {confidence} bootstrap interval.",
        )
        rows = [
            [problem, *(_interval(of.get(name)) for name in analysis.variants)]
            for problem, of in analysis.medians.items()
        ]
        yield Block("table", head=["problem", *analysis.variants], rows=rows)
        shown = analysis.problems[:MOST_PANELS]
        if len(shown) == 1 or self._many_values():
            from evoml.experiment.plots import scores_plot

            figure = scores_plot(
                {problem: analysis.scores(problem) for problem in shown},
                {problem: analysis.medians[problem] for problem in shown},
                measure,
            )
            told = f"{measure} of each run by problem and variant; line: interval of the median{self._first_only()}"
            yield _picture(figure, "scores", told)

    def _first_only(self) -> str:
        """Return what a picture says of the problems that it has no room for."""
        count = len(self.analysis.problems)
        return f" (the first {MOST_PANELS} of {count} problems)" if count > MOST_PANELS else ""

    def _many_values(self) -> bool:
        return len(self.analysis.table) > 1

    def _comparisons(self) -> Iterator[Block]:
        judged = self.analysis.judged
        if not judged:
            return
        yield Block("heading", "Comparisons")
        paired = self.experiment.paired
        tables = any(source in problem for problem in self.experiment.problems.values() for source in SOURCES)
        shared = ": they share the table and its split" if tables else ""
        pairs = f" Runs of one problem and seed are pairs{shared}." if paired else ""
        yield Block(
            "text",
            f"{judged[0].found.test} test, two-sided; p is corrected by Holm's method for all {len(judged)} comparisons.{pairs}"
            " A is the effect size of Vargha and Delaney: how often a run of the first variant is better than one of the"
            " second; 0.5 is no difference." + self._dependence(),
        )
        shown = judged
        if len(judged) > MOST_ROWS:
            shown = [one for one in judged if one.verdict in (BETTER, WORSE)][:MOST_ROWS]
            left = len(judged) - len(shown)
            yield Block(
                "text",
                f"{left} comparisons are left out here: all that show nothing, and those after {MOST_ROWS} rows.",
            )
        head = ["problem", "first", "second", "runs that differ" if paired else "runs", "median gain of the first"]
        head += ["A", "effect", "p", "p (Holm)", "the first is"]
        yield Block("table", head=head, rows=[_compared(one) for one in shown])

    def _dependence(self) -> str:
        """Say what the tests are about where seeds share rows."""
        if not any("data" in problem for problem in self.experiment.problems.values()):
            return ""
        return " Seeds split the same table anew, so they share rows: the tests are about these tables, not others like them."

    # -- ranks --------------------------------------------------------------------------------------------------------

    def _ranks(self) -> Iterator[Block]:
        ranked = rankings(self.analysis)
        if not ranked:
            return
        from evoml.experiment.plots import ranks_plot

        yield Block("heading", "Ranks")
        yield Block(
            "text",
            "Variants are ranked in each block, and average ranks compared by Friedman's and Nemenyi's tests (Demšar 2006)."
            " Runs as blocks tell about these problems; problems as blocks, ranked by medians, about problems like these.",
        )
        for (words, ranking), name in zip(ranked, ("runs", "problems"), strict=False):
            yield Block("text", words)
            if ranking is not None:
                title = "Critical difference: blocks are " + ("runs" if name == "runs" else "problems")
                yield _picture(ranks_plot(ranking, title, self.analysis.variants), f"critical_difference_{name}", title)

    # -- work ---------------------------------------------------------------------------------------------------------

    def _anytime(self) -> Iterator[Block]:
        bands = self.analysis.bands()
        if not bands:
            return
        from evoml.experiment.plots import anytime_plot

        yield Block("heading", "On the way")
        score = "best score so far"
        yield Block(
            "text",
            f"The {score} by which runs choose (not the one on rows held out), over {self.analysis.axis}: median and quartiles"
            " of the runs. Below, the area under each run's curve, divided by its width: median and 95 % bootstrap interval.",
        )
        some = dict(list(bands.items())[:MOST_PANELS])
        yield _picture(
            anytime_plot(some, self.analysis.axis, score),
            "anytime",
            f"{score} over {self.analysis.axis}{self._first_only()}",
        )
        names = [name for name in self.analysis.variants if any(name in of for of in bands.values())]
        rows = [
            [problem, *(_interval(of.get(name)) for name in names)] for problem, of in self.analysis.areas().items()
        ]
        yield Block("table", head=["area under the curve", *names], rows=rows)

    def _successes(self) -> Iterator[Block]:
        found = self.analysis.successes()
        if not found:
            return
        yield Block("heading", "Successes")
        unit = "evaluations" if self.analysis.axis == EVALUATIONS else "seconds"
        yield Block(
            "text",
            "A run succeeds when the best score on its way reaches the bar, or a greater one. Rate with its 95 % interval"
            f" (Wilson); the expected running time is what a success costs, in {unit}, if runs are repeated until one"
            " succeeds.",
        )
        rows = []
        for problem, of in found.items():
            for name, one in of.items():
                rate = statistics.success_rate(one.successes, one.runs)
                told = f"{one.successes} of {one.runs}: {rate.value:.2f} [{rate.low:.2f}, {rate.high:.2f}]"
                expected = f"{one.expected:.4g}" if one.successes else "no success"
                rows.append([problem, f"{self.experiment.success[problem]:g}", name, told, expected])
        yield Block("table", head=["problem", "bar", "variant", "success rate", "expected running time"], rows=rows)

    def _cost(self) -> Iterator[Block]:
        yield Block("heading", "What it took")
        frame = Results(self.analysis.rows).frame(self.analysis.cells)
        middle = frame.groupby("variant", sort=False)[["evaluations", "seconds", "cpu_seconds"]].median()
        rows = [
            [name, int((frame["variant"] == name).sum()), *(_number(value) for value in middle.loc[name])]
            for name in self.analysis.variants
            if name in middle.index
        ]
        yield Block("table", head=["variant", "cells", "evaluations", "seconds", "CPU seconds"], rows=rows)
        yield Block("text", f"Medians of a cell; all cells together took {_number(frame['seconds'].sum())} seconds.")

    def _repeating(self) -> Iterator[Block]:
        yield Block("heading", "Doing it again")
        name = self.experiment.name
        ordered = all(variant.ordered for variant in self.experiment.variants)
        how = (
            "runs all cells again and compares every bit"
            if ordered
            else "cannot compare cells that time bounds: they depend on the machine"
        )
        yield Block("text", f"`evoml experiment verify {name}` {how}.")
        sets = {tuple(sorted(of_libraries(row.versions).items())) for row in self.analysis.rows}
        for versions in sorted(sets):
            yield Block("text", "Run with " + ", ".join(f"{key} {value}" for key, value in versions) + ".")


# -- pieces -----------------------------------------------------------------------------------------------------------


def _picture(figure: Figure, name: str, words: str) -> Block:
    from evoml.report.style import to_svg

    return Block(
        "figure", words, file=f"{name}.svg", svg=to_svg(figure, name) + "\n", width=int(figure.get_figwidth() * 110)
    )


def _compared(one: Judged) -> list[Any]:
    found = one.found
    words = statistics.effect_in_words(found.effect)
    shown = [
        _interval(found.difference),
        f"{found.effect:.2f}",
        words,
        f"{found.p:.2g}",
        f"{one.p_holm:.2g}",
        one.verdict,
    ]
    return [one.problem, one.first, one.second, found.n, *shown]


def _interval(found: Interval | None) -> str:
    if found is None:
        return "-"
    return f"{_number(found.value)} [{_number(found.low)}, {_number(found.high)}]"


def _number(value: float) -> str:
    return f"{value:.4g}" if value == value else "-"
