"""Small cases for the tree kernels: derivatives packed as in a round, layouts and limits."""

import numpy as np

from evoml.kernels.boosting import make_packing, pack
from evoml.kernels.grower import padded_outputs
from evoml.kernels.histogram import add_rows, add_rows_outputs
from evoml.kernels.splitting import Limits, make_layout


def packed_derivatives(gradients, hessians):
    """(n, k) derivatives as (n * padded,) numbers, and how they are packed."""
    n, k = gradients.shape
    width = padded_outputs(k)
    first, second = np.zeros((n, width)), np.zeros((n, width))
    first[:, :k], second[:, :k] = gradients, hessians
    constant = bool(k == 1 and np.all(hessians == 1.0))
    packing = make_packing(n, np.abs(first).sum(axis=0).max(), second.sum(axis=0).max(), second.sum(), constant)
    packed = np.zeros(n * width, np.int64)
    pack(first.ravel(), second.ravel(), packing, packed)
    return packed, packing, width


def layout_of(codes, categorical=None, monotone=None):
    c = codes.shape[1]
    flags = np.zeros(c, bool) if categorical is None else np.asarray(categorical)
    directions = np.zeros(c) if monotone is None else monotone
    return make_layout(codes.max(axis=0).astype(np.int64) + 1, (codes == 0).any(axis=0), flags, directions)


def limits_of(l2=0.0, l1=0.0, min_rows=1.0, min_hessian=0.0, categorical_l2=0.0, smoothing=0.0):
    return Limits(l2, l1, min_rows, min_hessian, categorical_l2, smoothing)


def histogram_of(codes, rows, packed, columns, layout, width):
    histogram = np.zeros(int(layout.histogram_offsets[-1]) * width, np.int64)
    if width == 1:
        add_rows(codes, rows, packed, columns, layout.histogram_offsets, histogram)
    else:
        add_rows_outputs(codes, rows, packed, columns, layout.histogram_offsets, width, histogram)
    return histogram
