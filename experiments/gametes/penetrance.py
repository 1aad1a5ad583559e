"""Pure two-locus epistasis: penetrance tables without marginal effects, and tables of cases and controls drawn from them.

A penetrance table gives the probability of disease for each pair of genotypes (0, 1 or 2 minor alleles at each of two loci).
It is purely epistatic if, averaged over the genotypes of one locus, each genotype of the other carries the same risk
(Urbanowicz et al. 2012, section 2): no column alone tells anything.

With f and g the frequencies of the genotypes (Hardy and Weinberg), K the prevalence and D = table - K, these constraints are
linear, f D = 0 and D g = 0, and leave four dimensions. Heritability, h = sum of f g D^2 / (K (1 - K)), gives D's length. For a
direction U of unit variance whose least and greatest values are -m and M, all probabilities lie between 0 and 1 if and only if
h m^2 / (1 + h m^2) <= K <= 1 / (1 + h M^2), which is possible where h m M <= 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 1024  # directions looked at in one go
ATTEMPTS = 400
NOISE_FREQUENCIES = (0.05, 0.5)  # minor alleles of columns that tell nothing


@dataclass(frozen=True, eq=False)
class Penetrance:
    """What two loci do.

    Attributes
    ----------
    table : (3, 3) array
        Probability of disease by minor alleles at the first and at the second locus.
    frequencies : (2,) sequence of float
        Frequency of the minor allele at each.
    """

    table: np.ndarray
    frequencies: tuple[float, float]

    @property
    def genotypes(self) -> np.ndarray:
        """Frequency of each pair of genotypes: (3, 3)."""
        return np.outer(*map(genotype_frequencies, self.frequencies))

    @property
    def prevalence(self) -> float:
        return float((self.genotypes * self.table).sum())

    @property
    def heritability(self) -> float:
        """Variance of the penetrance as a share of that of the disease."""
        prevalence = self.prevalence
        variance = (self.genotypes * (self.table - prevalence) ** 2).sum()
        return float(variance / (prevalence * (1 - prevalence)))

    @property
    def marginals(self) -> np.ndarray:
        """Risk of each genotype of one locus, averaged over the other: (2, 3)."""
        first, second = map(genotype_frequencies, self.frequencies)
        return np.array([self.table @ second, first @ self.table])

    def among(self, cases: bool) -> np.ndarray:
        """Frequency of each pair of genotypes among cases, or among controls: (3, 3)."""
        weighted = self.genotypes * (self.table if cases else 1 - self.table)
        return weighted / weighted.sum()

    def best_rule(self) -> tuple[float, float]:
        """Return the accuracy and the AUC that no model can surpass on as many cases as controls."""
        cases, controls = self.among(True).ravel(), self.among(False).ravel()
        accuracy = np.maximum(cases, controls).sum() / 2
        order = np.argsort(cases / np.maximum(controls, 1e-300))
        below = np.cumsum(controls[order]) - controls[order] / 2
        return float(accuracy), float((cases[order] * below).sum())


def genotype_frequencies(minor: float) -> np.ndarray:
    """Frequencies of 0, 1 and 2 minor alleles: (3,)."""
    return np.array([(1 - minor) ** 2, 2 * minor * (1 - minor), minor**2])


def draw_penetrance(heritability: float, frequencies: Sequence[float], rng: np.random.Generator) -> Penetrance:
    """Return a random table of that heritability without marginal effects.

    Raises ValueError where no table is found: a rare allele allows no high heritability.
    """
    first, second = (_unit_contrasts(genotype_frequencies(minor)) for minor in frequencies)
    for _ in range(ATTEMPTS):
        weights = rng.normal(size=(DRAWS, 2, 2))
        weights /= np.linalg.norm(weights, axis=(1, 2), keepdims=True)
        directions = first @ weights @ second.T
        least, greatest = -directions.min(axis=(1, 2)), directions.max(axis=(1, 2))
        possible = np.flatnonzero(heritability * least * greatest <= 1)
        if len(possible):
            at = possible[0]
            low = heritability * least[at] ** 2 / (1 + heritability * least[at] ** 2)
            prevalence = rng.uniform(low, 1 / (1 + heritability * greatest[at] ** 2))
            length = np.sqrt(heritability * prevalence * (1 - prevalence))
            table = np.clip(prevalence + length * directions[at], 0.0, 1.0)
            return Penetrance(table, (float(frequencies[0]), float(frequencies[1])))
    raise ValueError(
        f"no purely epistatic table of heritability {heritability} was found for minor alleles of {tuple(frequencies)}:"
        " ask for less heritability, or for alleles less rare"
    )


def _unit_contrasts(frequencies: np.ndarray) -> np.ndarray:
    """Return two contrasts of mean 0, variance 1 and covariance 0 at these frequencies, as columns: (3, 2)."""
    root = np.sqrt(frequencies)
    complement = np.linalg.svd(root[None, :])[2][1:]  # orthonormal, and orthogonal to the root
    return np.asarray((complement / root).T)


def draw_table(
    penetrance: Penetrance, rows: int, columns: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return as many cases as controls: X (rows, columns), minor alleles, and y (rows,), 1 for a case.

    The last two columns are the loci; all others are drawn by frequencies of their own and tell nothing.
    """
    y = rng.permutation(np.arange(rows) % 2)
    minor = rng.uniform(*NOISE_FREQUENCIES, size=columns - 2)
    noise = rng.binomial(2, minor, size=(rows, columns - 2))
    pairs = np.empty(rows, dtype=int)
    for label in (0, 1):
        chosen = y == label
        pairs[chosen] = rng.choice(9, size=chosen.sum(), p=penetrance.among(bool(label)).ravel())
    return np.column_stack([noise, pairs // 3, pairs % 3]).astype(np.int8), y


def estimated(first: np.ndarray, second: np.ndarray, y: np.ndarray, frequencies: tuple[float, float]) -> Penetrance:
    """Return the penetrance table that cases and controls seem to be drawn from.

    The prevalence is the one at which cases and controls together have the genotypes of the population, with the loci
    independent of each other. Sampling error makes the heritability look greater than it is.

    first, second: (rows,) minor alleles at the two loci; y: (rows,) 1 for a case.
    """
    pairs = 3 * np.asarray(first) + np.asarray(second)
    cases, controls = (np.bincount(pairs[y == label], minlength=9) / np.sum(y == label) for label in (1, 0))
    expected = np.outer(*map(genotype_frequencies, frequencies)).ravel()
    difference = (cases - controls) / np.sqrt(expected)
    prevalence = float(difference @ ((expected - controls) / np.sqrt(expected)) / (difference @ difference))
    together = prevalence * cases + (1 - prevalence) * controls
    table = np.divide(prevalence * cases, together, out=np.full(9, prevalence), where=together > 0)
    return Penetrance(table.reshape(3, 3), frequencies)
