"""What an experiment concludes, in words: who is better where, what cannot be told, and what ranks say."""

from __future__ import annotations

from collections.abc import Sequence

from evoml.core.errors import SettingError
from evoml.experiment import statistics
from evoml.experiment.analysis import BETTER, WORSE, Analysis, Judged
from evoml.experiment.statistics import Ranking


def conclusions(analysis: Analysis) -> list[str]:
    """Return in words what can be concluded, and what cannot."""
    lines = [too_few(analysis)] if analysis.too_few else []
    if not analysis.too_few:
        pairs: dict[tuple[str, str], list[Judged]] = {}
        for one in analysis.judged:
            pairs.setdefault((one.first, one.second), []).append(one)
        lines += [_in_words(*names, judged) for names, judged in pairs.items()]
        if analysis.comparisons:
            lines.append(_power(analysis))
    lines += [text for text, _ in rankings(analysis)]
    return lines or ["There is only one variant, so nothing is compared."]


def too_few(analysis: Analysis) -> str:
    """Say that there are too few seeds, and how many it takes."""
    return (
        f"Too few seeds to conclude anything: with {counted(analysis.seeds, 'seed')} and"
        f" {counted(analysis.comparisons, 'comparison')}, the clearest outcome there can be has p = {analysis.least_p:.2g}"
        f" after Holm's correction, which is not below {analysis.experiment.alpha:g}. At least {analysis.seeds_needed} seeds"
        " are needed."
    )


def _power(analysis: Analysis) -> str:
    found = statistics.detectable_effect(analysis.seeds, analysis.comparisons, analysis.experiment.alpha)
    if found >= 1:
        return (
            f"{counted(analysis.seeds, 'seed')} find only differences without overlap, and not all of those:"
            " where no difference is shown there may well be one."
        )
    return (
        f"{counted(analysis.seeds, 'seed')} find, in 8 of 10 cases, differences from about A = {found:.2f} on;"
        " where no difference is shown there may be a smaller one."
    )


def _in_words(first: str, second: str, judged: Sequence[Judged]) -> str:
    """Say where one variant is better than another."""
    better, worse = ([one.problem for one in judged if one.verdict == what] for what in (BETTER, WORSE))
    of = f"of {counted(len(judged), 'problem')}"
    if not better and not worse:
        return f"{first} and {second}: no significant difference on any {of}."
    parts = [f"better on {len(better)} {of} ({', '.join(better)})"] if better else []
    parts += [f"worse on {len(worse)} {of} ({', '.join(worse)})"] if worse else []
    return f"{first} is significantly {' and '.join(parts)} than {second}."


def rankings(analysis: Analysis) -> list[tuple[str, Ranking | None]]:
    """Return, in words and as numbers, what ranks say about these problems and about problems like these."""
    if len(analysis.variants) < 2:
        return []
    several = len(analysis.problems) > 1
    kinds = [("on these problems" if several else "on this problem", analysis.ranking_of_runs)]
    kinds += [("for problems like these", analysis.ranking_of_problems)] if several else []
    found: list[tuple[str, Ranking | None]] = []
    for what, ranked in kinds:
        try:
            ranking = ranked()
        except SettingError as error:
            return [*found, (f"Ranks {what}: {error}.", None)]
        found.append((_ranks_in_words(ranking, what), ranking))
    return found


def _ranks_in_words(ranking: Ranking, what: str) -> str:
    ranks = ", ".join(f"{name} {rank:.2f}" for name, rank in ranking.ranks.items())
    told = f"Average ranks in {ranking.blocks} blocks, {what}: {ranks} (critical difference {ranking.critical_difference:.2f})"
    if not ranking.attainable:
        return f"{told}. So few blocks cannot show any difference."
    if ranking.p is not None and ranking.p > ranking.alpha:
        return f"{told}. Friedman's test shows no difference (p = {ranking.p:.2g})."
    names = list(ranking.ranks)
    first = names[0]
    behind = [name for name in names[1:] if ranking.pairs.loc[first, name] <= ranking.alpha]
    friedman = "" if ranking.p is None else f" Friedman's test: p = {ranking.p:.2g}."
    if not behind:
        return f"{told}.{friedman} None is significantly behind {first}."
    return f"{told}.{friedman} Significantly behind {first}: {', '.join(behind)}."


def counted(count: int, noun: str) -> str:
    """Return ``1 seed``, ``2 seeds`` ..."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
