"""Columns of numbers as one byte a value, in which all tree learners search: bin edges, and codes by them.

Bin 0 holds missing values. A numerical column's values lie in bins 1, 2, ... with ``code <= t`` just when
``x <= edges[t - 1]``; a categorical column's most frequent categories have a bin each and all others share bin 0.
"""

import numpy as np

from evoml.kernels.compiling import kernel

MAX_VALUE_BINS = 255
MAX_CATEGORIES = 254
_MAX_ROWS_FOR_EDGES = 100_000
_ROWS_IN_BLOCK = 64
_MOST_CELLS = 1024  # of equal width, by which the search among a column's edges begins near its end


def bin_edges(
    X: np.ndarray, categorical: np.ndarray, max_bins: int = MAX_VALUE_BINS, min_rows_per_bin: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Edges between bins (or the categories that have a bin), and where each column's begin.

    X: (n, c) float64, NaN missing; categorical: (c,) bool, whose columns hold category codes 0, 1, ...; max_bins: bins
    of values (missing ones come on top), at most 255; min_rows_per_bin: neighbouring values share a bin until it holds so
    many rows. Returns edges float64, all columns' one after the other, and offsets int64 (c + 1,).
    """
    n_rows, n_columns = X.shape
    stride = max(1, n_rows // _MAX_ROWS_FOR_EDGES)
    columns = np.array(X[::stride].T, dtype=np.float64, order="C")
    columns.sort(axis=1)
    edges = np.empty((n_columns, MAX_VALUE_BINS), dtype=np.float64)
    n_edges = np.zeros(n_columns, dtype=np.int64)
    quantile_edges(columns, categorical, min(max_bins, MAX_VALUE_BINS), max(1, min_rows_per_bin), edges, n_edges)
    for column in np.flatnonzero(categorical):
        kept = _frequent_categories(X[:, column], min(max_bins, MAX_CATEGORIES))
        n_edges[column] = len(kept)
        edges[column, : len(kept)] = kept
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(n_edges)])
    return edges[np.arange(MAX_VALUE_BINS) < n_edges[:, None]], offsets


def bin_matrix(X: np.ndarray, edges: np.ndarray, offsets: np.ndarray, categorical: np.ndarray) -> np.ndarray:
    """The (n, c) uint8 codes, row by row, of the (n, c) float64 table X."""
    codes = np.empty(X.shape, dtype=np.uint8)
    numbers = np.require(X, np.float64, ["C", "W"])  # one that is not writable would be compiled for once more
    fill_codes(numbers, edges, offsets, categorical, codes)
    return codes


def bin_counts(offsets: np.ndarray, categorical: np.ndarray) -> np.ndarray:
    """(c,) int64: one more than the highest code of each column."""
    return np.diff(offsets) + np.where(categorical, 1, 2)


def _frequent_categories(values: np.ndarray, limit: int) -> np.ndarray:
    categories, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if len(categories) <= limit:
        return categories
    return np.sort(categories[np.argsort(-counts, kind="stable")[:limit]])


@kernel
def quantile_edges(columns, categorical, max_bins, min_rows, edges, n_edges):  # type: ignore[no-untyped-def]
    """Fill (c, 255) edges and (c,) n_edges for the numerical ones of the sorted (c, n) columns, NaN last."""
    n_columns, n_rows = columns.shape
    for column in range(n_columns):
        if categorical[column]:
            continue
        values = columns[column]
        n_valid = n_rows
        while n_valid > 0 and np.isnan(values[n_valid - 1]):
            n_valid -= 1
        n_distinct = min(n_valid, 1)
        for i in range(1, n_valid):
            n_distinct += values[i] != values[i - 1]
        n_edges[column] = _column_edges(values, n_valid, n_distinct, max_bins, min_rows, edges[column])


@kernel
def _column_edges(values, n_valid, n_distinct, max_bins, min_rows, edges):  # type: ignore[no-untyped-def]
    """Greedy quantiles over distinct values; a value that fills a bin alone gets one. Returns the number of edges."""
    found, in_bin, start = 0, 0, 0
    target = float(min_rows) if n_distinct <= max_bins else max(float(min_rows), n_valid / max_bins)
    while start < n_valid and found < max_bins - 1:
        end = start + 1
        while end < n_valid and values[end] == values[start]:
            end += 1
        in_bin += end - start
        left = n_valid - end
        if left < min_rows:
            break
        following = end
        while following < n_valid and values[following] == values[end] and following - end < target:
            following += 1
        if in_bin >= target or (following - end >= target and in_bin >= max(float(min_rows), 0.5 * target)):
            edges[found] = _between(values[start], values[end])
            found += 1
            in_bin = 0
            if n_distinct > max_bins:
                target = max(float(min_rows), left / (max_bins - found))
        start = end
    return found


@kernel
def _between(low, high):  # type: ignore[no-untyped-def]
    """The midpoint, or ``low`` where there is none (infinite values, neighbouring numbers)."""
    middle = 0.5 * low + 0.5 * high
    return middle if low <= middle < high else low


@kernel
def fill_codes(X, edges, offsets, categorical, codes):  # type: ignore[no-untyped-def]
    """Fill (n, c) codes. Blocks of rows, so that one column's edges stay in the first-level cache for a while."""
    n_rows, n_columns = X.shape
    n_cells = min(_MOST_CELLS, max(n_rows, 1))
    padded = np.empty((n_columns, 2 * MAX_VALUE_BINS))
    below = np.empty((n_columns, n_cells + 1), dtype=np.uint8)
    lows, scales, strides = np.empty(n_columns), np.empty(n_columns), np.empty(n_columns, dtype=np.uintp)
    for column in range(n_columns):
        own = edges[offsets[column] : offsets[column + 1]]
        if not categorical[column]:
            lows[column], scales[column] = _cells_of(own, n_cells)
            strides[column] = _divide(own, lows[column], scales[column], padded[column], below[column])
    for block in range(0, n_rows, _ROWS_IN_BLOCK):
        end = min(block + _ROWS_IN_BLOCK, n_rows)
        for column in range(n_columns):
            if categorical[column]:
                own = edges[offsets[column] : offsets[column + 1]]
                for row in range(block, end):
                    codes[row, column] = _category_code(X[row, column], own)
                continue
            low, scale, stride = lows[column], scales[column], strides[column]
            for row in range(block, end):
                x = X[row, column]
                start = below[column, _cell(x, low, scale, n_cells)]
                found = _search(x, padded[column], np.uintp(start), stride)
                codes[row, column] = np.uintp(0) if np.isnan(x) else found + np.uintp(1)


@kernel
def _cells_of(edges, n_cells):  # type: ignore[no-untyped-def]
    """Start and inverse width of cells between the first edge and the last: see `_cell`."""
    if len(edges) == 0:
        return 0.0, 0.0
    return edges[0], n_cells / (edges[len(edges) - 1] - edges[0])


@kernel
def _cell(x, low, scale, n_cells):  # type: ignore[no-untyped-def]
    """The cell that x lies in, from 0 to n_cells. However it is rounded, a greater number never lies in a lower cell."""
    place = (x - low) * scale
    return np.uintp(min(place, float(n_cells))) if place > 0.0 else np.uintp(0)  # NaN is not above 0 either


@kernel
def _divide(edges, low, scale, padded, below):  # type: ignore[no-untyped-def]
    """Fill ``padded`` with the edges, infinity behind them, and ``below`` with the edges in lower cells, for each cell.

    Returns the first stride of a search among the edges of the fullest cell.
    """
    n_edges, n_cells = len(edges), len(below) - 1
    padded[:n_edges] = edges
    padded[n_edges:] = np.inf
    passed = fullest = 0
    for cell in range(n_cells + 1):
        first = passed
        below[cell] = first
        while passed < n_edges and _cell(edges[passed], low, scale, n_cells) <= np.uintp(cell):
            passed += 1
        fullest = max(fullest, passed - first)
    stride = 1
    while stride <= fullest:
        stride *= 2
    return np.uintp(stride // 2)


@kernel
def _search(x, padded, start, stride):  # type: ignore[no-untyped-def]
    """How many edges lie below x, of which ``start`` are known to, and less than twice ``stride`` more; without branches."""
    while stride > np.uintp(0):
        start += stride * np.uintp(padded[start + stride - np.uintp(1)] < x)
        stride >>= np.uintp(1)
    return start


@kernel
def _count_below(x, edges):  # type: ignore[no-untyped-def]
    """How many of the sorted edges lie below x: a binary search without branches."""
    length = np.uintp(len(edges))
    if length == 0:
        return np.uintp(0)
    low = np.uintp(0)
    while length > np.uintp(1):
        half = length >> np.uintp(1)
        low += half * np.uintp(edges[low + half - np.uintp(1)] < x)
        length -= half
    return low + np.uintp(edges[low] < x)


@kernel
def _category_code(x, categories):  # type: ignore[no-untyped-def]
    position = _count_below(x, categories)
    known = position < np.uintp(len(categories)) and categories[position] == x
    return position + np.uintp(1) if known else np.uintp(0)
