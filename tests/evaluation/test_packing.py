"""A value written to a file is the value read back, whole or not at all; its arrays are views of the file."""

import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from evoml.evaluation.packing import ALIGNMENT, SharedFolder, pack, unpack

DTYPES = [bool, np.int8, np.int64, np.float32, np.float64, np.complex128, "U3", "datetime64[s]", object]


@st.composite
def an_array(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
    elements = st.integers(-3, 3) if dtype.hasobject else None
    made = draw(arrays.arrays(dtype, shape, elements=elements))
    order = draw(st.sampled_from(["C", "F", "strided"]))
    return made[::2] if order == "strided" and made.ndim else np.asarray(made, order="C" if made.ndim < 2 else order[0])


PLAIN = st.none() | st.booleans() | st.integers() | st.text() | st.binary(max_size=200)
VALUES = st.recursive(
    PLAIN | an_array(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for mine, its in zip(found, expected, strict=True):
            assert_same(mine, its)
    else:
        assert found == expected


@settings(deadline=None, max_examples=60)
@given(VALUES, st.booleans())
def test_what_is_read_is_what_was_written(value, writable):
    with tempfile.TemporaryDirectory() as folder:
        pack(value, f"{folder}/file")
        assert os.listdir(folder) == ["file"]
        assert_same(unpack(f"{folder}/file", writable=writable), value)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_order_of_elements_is_kept(tmp_path, order):
    pack(np.ones((3, 4), order=order), tmp_path / "file")
    found = unpack(tmp_path / "file")
    assert (found.flags.c_contiguous, found.flags.f_contiguous) == (order == "C", order == "F")


def test_data_frames_and_sparse_matrices(tmp_path):
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None], "c": [1, 2]})
    matrix = sparse.random(20, 10, 0.2, "csr", rng=np.random.default_rng(0))
    pack((frame, matrix), tmp_path / "file")
    for writable in (False, True):
        found_frame, found_matrix = unpack(tmp_path / "file", writable=writable)
        pd.testing.assert_frame_equal(found_frame, frame)
        assert (found_matrix != matrix).nnz == 0
        np.testing.assert_array_equal(found_matrix.indices, matrix.indices)


def test_arrays_are_aligned_views_that_cannot_be_written(tmp_path):
    pack([np.arange(n, dtype=np.int8) for n in (1, 63, 64, 65, 1000)], tmp_path / "file")
    found = unpack(tmp_path / "file")
    for array in found:
        assert not array.flags.writeable
        assert not array.flags.owndata
        assert array.ctypes.data % ALIGNMENT == 0
    with pytest.raises(ValueError, match="read-only"):
        found[0][0] = 1


def test_writable_arrays_are_copies(tmp_path):
    pack(np.zeros(5), tmp_path / "file")
    unpack(tmp_path / "file", writable=True)[:] = 1.0
    np.testing.assert_array_equal(unpack(tmp_path / "file"), np.zeros(5))


def test_what_is_mapped_outlives_the_file(tmp_path):
    pack(np.arange(10_000), tmp_path / "file")
    found = unpack(tmp_path / "file")
    (tmp_path / "file").unlink()
    np.testing.assert_array_equal(found, np.arange(10_000))


def test_the_size_is_that_of_the_file(tmp_path):
    assert pack([np.ones(100), "text"], tmp_path / "file") == (tmp_path / "file").stat().st_size


# -- what cannot be written --------------------------------------------------------------------------------------------

FULL = """
    import os, resource, signal, sys
    import numpy as np
    from evoml.evaluation.packing import pack
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    for value in ({value}, "small"):
        try:
            print(pack(value, "file") > 0, os.listdir())
        except OSError as error:
            print(type(error).__name__, os.listdir())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files")
@pytest.mark.parametrize("value", ["'x' * 5000", "np.zeros(5000)", "[np.zeros(100), np.zeros(100)]"])
def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path, value):
    script = textwrap.dedent(FULL.format(value=value))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.stdout == "OSError []\nTrue ['file']\n", ran.stderr


def test_what_cannot_be_pickled_leaves_nothing_behind(tmp_path):
    with pytest.raises((AttributeError, TypeError, ValueError), match=r"lambda|pickle"):
        pack([np.ones(3), lambda: None], tmp_path / "file")
    assert not os.listdir(tmp_path)


def test_an_interrupt_while_writing_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("evoml.evaluation.packing._write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pack(np.ones(3), tmp_path / "file")
    assert not os.listdir(tmp_path)


# -- folders -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Let the temporary folder be one of the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


LEFT_BEHIND = """
import os, signal
from evoml.evaluation.packing import SharedFolder
folder = SharedFolder(0)
print(folder.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def age(folder):
    os.utime(folder, (0, 0))


def test_folders_of_killed_processes_are_removed_and_all_others_kept(places):
    left = subprocess.run([sys.executable, "-c", LEFT_BEHIND], capture_output=True, text=True).stdout.strip()
    young = subprocess.run([sys.executable, "-c", LEFT_BEHIND], capture_output=True, text=True).stdout.strip()
    ours, strange = SharedFolder(10**18), places / "evoml-shared-notes"
    strange.mkdir()
    for folder in (left, ours.path, strange):
        age(folder)
    made = SharedFolder(10**18)
    try:
        assert not Path(left).exists()
        assert all(Path(folder).is_dir() for folder in (young, ours.path, strange, made.path))
    finally:
        for folder in (ours, made):
            folder.remove()
        age(young)
        SharedFolder(0).remove()
    assert not any(Path(folder).exists() for folder in (young, ours.path, made.path))


def test_what_finds_no_room_in_memory_goes_to_disk(places):
    made = SharedFolder(10**18)
    assert made.path.parent == places
    made.remove()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no memory file system")
def test_what_finds_room_in_memory_goes_there(places):
    made = SharedFolder(10)
    made.remove()
    assert made.path.parent == Path("/dev/shm")
