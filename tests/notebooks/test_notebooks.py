"""The notebooks: kept without what they put out, and executed from a clean start."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PATIENCE = 300  # seconds a cell may take on a busy machine whose kernels are not compiled yet


def read(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pictures(notebook):
    return [out for cell in code(notebook) for out in cell.outputs if "image/png" in out.get("data", {})]


def test_there_are_notebooks_and_the_guide_names_them_all():
    guide = (FOLDER / "index.md").read_text(encoding="utf-8").splitlines()
    assert len(NOTEBOOKS) >= 6
    assert [path.stem for path in NOTEBOOKS if path.stem not in guide] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_puts_out_is_not_kept(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert [cell.id for cell in code(notebook) if cell.outputs or cell.execution_count is not None] == []
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_pictures(path, tmp_path):
    notebook = read(path)
    NotebookClient(notebook, timeout=PATIENCE, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert len(pictures(notebook)) >= 1
