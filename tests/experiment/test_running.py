"""Cells run in worker processes: killed at any moment, none is lost and none is done twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from walks import CONFIG, RUNNER, begun

from evoml.core.errors import SettingError
from evoml.experiment import ConfigError, read_config, run_experiment
from evoml.experiment.cells import cells_of
from evoml.experiment.remaining import remaining
from evoml.experiment.results import Results, write_whole
from evoml.experiment.running import at_once, known_results, locked, places
from evoml.experiment.sources import changed, contents, told_of_others

COMMAND = "import sys; from evoml.experiment import run_experiment; run_experiment(sys.argv[1], jobs=2)"


@pytest.fixture
def walks(experiment_folder):
    return experiment_folder()


def test_results_are_the_same_for_any_number_of_workers_and_nothing_is_done_twice(walks, tmp_path):
    one = run_experiment(walks, jobs=1, only=["flat-1.0-*"])
    assert sorted(begun(walks)) == [f"flat-1.0-{seed}" for seed in range(6)]
    again = run_experiment(walks, jobs=1, only=["flat-1.0-*"])
    assert len(begun(walks)) == 6
    other = run_experiment(walks, jobs=2, out=tmp_path / "other", only=["flat-1.0-*"])
    for results in (again, other):
        for name, row in one.rows.items():
            assert results.rows[name].trace == row.trace
            assert results.rows[name].measures["best"] == row.measures["best"]
            assert results.rows[name].curve == row.curve


def test_an_experiment_killed_in_the_middle_goes_on_without_what_is_finished(experiment_folder):
    folder = experiment_folder(CONFIG.replace("[factors]", "[settings]\nnap = 0.3\n[factors]"))
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(folder)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    experiment = read_config(folder)
    cells = cells_of(experiment, places(experiment).work)
    until = time.monotonic() + 60
    while (
        not (done := [cell.id for cell in cells if (cell.folder / "result.json").exists()]) and time.monotonic() < until
    ):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {cell.id for cell in cells if (cell.folder / "result.json").exists()}
    assert done
    assert len(finished) < len(cells)
    before = begun(folder)
    time.sleep(0.5)
    assert begun(folder) == before  # the workers have gone with their parent
    results = run_experiment(folder, jobs=2)
    assert len(results.finished(cells)) == len(cells)
    assert {name for name in begun(folder) if begun(folder).count(name) > 1} == set(before) - finished


def test_a_cell_that_fails_dies_or_wants_too_much_memory_costs_only_itself(experiment_folder):
    text = CONFIG.replace("gain = [1.0, 1.5]", 'fate = ["raise", "die", "eat", "none"]').replace(
        "seeds = 6", "seeds = 1"
    )
    results = run_experiment(experiment_folder(text), jobs=1)
    errors = {row.variant: row.error for row in results.rows.values()}
    assert errors["raise"].startswith("RuntimeError: no luck (runner.py, line ")
    assert errors["die"] == "its process ended with code 3"
    assert errors["eat"].startswith("MemoryError") or sys.platform != "linux"
    assert errors["none"] == ""
    assert [row.status for row in results.rows.values()] == ["failed", "failed", "failed", "finished"]


def test_failed_cells_and_those_of_another_config_are_run_again(experiment_folder):
    folder = experiment_folder(CONFIG.replace("seeds = 6", "seeds = 1"))
    run_experiment(folder, jobs=1)
    (folder / "config.toml").write_text(
        CONFIG.replace("seeds = 6", "seeds = 1").replace("1.5]", "1.5]\nfate = ['raise']")
    )
    run_experiment(folder, jobs=1)
    run_experiment(folder, jobs=1)
    assert [begun(folder).count(name) for name in ("flat-1.0-0", "flat-1.0_raise-0")] == [1, 2]


def test_a_mapping_is_finding_enough_and_results_are_read_as_they_were_written(experiment_folder):
    folder = experiment_folder(CONFIG.replace(":walk", ":plain").replace("seeds = 6", "seeds = [2, 4]"))
    results = run_experiment(folder, jobs=1)
    read = Results.read(folder / "results")
    for name, row in results.rows.items():
        again = read.rows[name]
        assert again.seconds == pytest.approx(row.seconds, abs=1e-3)
        whole = {"evaluations": 0, "seconds": 0, "cpu_seconds": 0, "curve": []}
        assert replace(again, **whole) == replace(row, **whole)
    assert [row.measures for row in read.rows.values()] == [{"best": 2.0}, {"best": 2.0}, {"best": 4.0}, {"best": 4.0}]


def test_a_cells_own_files_and_evomls_sources_are_among_its_versions(experiment_folder):
    folder = experiment_folder(CONFIG.replace("steep = 0", 'steep = 0\nfile = "$STEPS/steps.csv"'))
    (folder / "runner.py").write_text("import helper\n" + RUNNER)
    (folder / "helper.py").write_text("import numpy, deeper\n")
    (folder / "deeper.py").touch()
    (folder / "steps.csv").write_text("1\n")
    cell = cells_of(read_config(folder), folder)[0]
    names = ["file deeper.py", "file helper.py", "file runner.py", "evoml sources"]
    assert list(contents(cell)) == names  # the table is not there as long as $STEPS is not set
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STEPS", str(folder))
        assert list(contents(cell)) == [*names[:3], "table steps.csv", names[3]]
        before = contents(cell)
        (folder / "deeper.py").write_text("W = 1\n")
        assert changed(before, contents(cell)) == ["file deeper.py"]
    assert changed({"numpy": "1"}, contents(cell)) == []


def test_results_of_an_earlier_runner_are_told_and_not_taken_from_the_work_folder(experiment_folder):
    folder = experiment_folder(CONFIG.replace("seeds = 6", "seeds = 1").replace(":walk", ":plain"))
    first = run_experiment(folder, jobs=1)
    assert first.rows["flat-1.0-0"].versions.keys() > {"file runner.py", "evoml sources", "numpy"}
    cells = cells_of(read_config(folder), places(read_config(folder)).work)
    assert told_of_others(first.finished(cells), cells) == ""
    (folder / "runner.py").write_text(RUNNER.replace("cell.seed}", "cell.seed + 1}"))
    again = run_experiment(folder, jobs=1)  # they stay finished, as with another version of a library
    assert [row.measures["best"] for row in again.rows.values()] == [0, 0]
    assert told_of_others(again.finished(cells), cells).startswith(
        "2 finished cells were run with another runner.py: to"
    )
    (folder / "results" / "results.csv").unlink()
    assert [row.measures["best"] for row in run_experiment(folder, jobs=1).rows.values()] == [1, 1]


def test_two_folders_of_one_name_do_not_share_their_work(experiment_folder):
    one, other = (read_config(experiment_folder(name=name)) for name in ("one/walks", "other/walks"))
    assert places(one).work != places(other).work
    assert places(one).work == places(read_config(one.path)).work


def test_a_kill_while_results_are_written_loses_nothing(experiment_folder, monkeypatch):
    folder = experiment_folder(CONFIG.replace("seeds = 6", "seeds = 1"))
    whole = run_experiment(folder, jobs=1)
    experiment = read_config(folder)
    cells = cells_of(experiment, places(experiment).work)
    for kept in range(1, 4):  # files that are written before the kill
        shutil.rmtree(folder / "results")
        written = iter([write_whole] * kept)
        monkeypatch.setattr("evoml.experiment.results.write_whole", lambda *told, left=written: next(left)(*told))
        with pytest.raises(StopIteration):
            whole.write(folder / "results", cells)
        monkeypatch.undo()
        monkeypatch.setenv("EVOML_EXPERIMENTS", str(folder.parent / "cache"))
        assert known_results(places(experiment), cells).rows == whole.rows
    whole.write(folder / "results", cells)
    (folder / "results" / "traces.txt").unlink()
    (folder / "results" / "curves.csv").unlink()
    assert known_results(places(experiment), cells).rows == whole.rows


def test_a_measure_that_there_is_not_stops_a_run_after_the_first_cell(experiment_folder):
    folder = experiment_folder(CONFIG.replace('"best"', '"bst"'))
    with pytest.raises(
        ConfigError, match=r"config.toml:5: measure: flat-1.0-0 has no measure 'bst'; did you mean 'best'"
    ):
        run_experiment(folder, jobs=1)
    assert len(begun(folder)) < 12
    (folder / "config.toml").write_text(CONFIG)
    run_experiment(folder, jobs=1)
    assert begun(folder).count("flat-1.0-0") == 1  # it counts, once the name is right


def test_two_sittings_at_once_are_refused(walks):
    with locked(places(read_config(walks)).work), pytest.raises(SettingError, match="another sitting"):
        run_experiment(walks, jobs=1)


def test_as_many_cells_run_as_processors_and_memory_allow(experiment_folder):
    experiment = read_config(experiment_folder(CONFIG.replace('"2GB"', '"1GB"\ncell_jobs = 2')))
    assert at_once(experiment, 8, 100 * 2**30) == 4
    assert at_once(experiment, 8, 3 * 2**30) == 3
    assert at_once(experiment, 1, 3 * 2**30) == 1
    assert at_once(experiment, 8, 100 * 2**30, cell_jobs=1) == 8
    with pytest.raises(SettingError, match="a cell may take 1 GiB, and there are"):
        at_once(experiment, 8, 2**29)
    pipelines = 'genome = "pipeline"\nbudget = { evaluations = 5 }'
    text = CONFIG.replace('runner = "runner.py:walk"', pipelines).replace("steep = 0", 'data = "sklearn:wine"')
    for settings, cells in (("", 2), ('[settings]\nexecutor = "serial"\n', 4)):  # with worker processes, and without
        experiment = read_config(experiment_folder(text.replace("[factors]", f"{settings}[factors]")))
        assert at_once(experiment, 8, 8 * 2**30) == cells


def test_the_time_left_is_a_range_that_holds_what_comes():
    kinds = [(problem, variant) for problem in "ab" for variant in "xy"]
    seconds = {("a", "x"): 1.0, ("a", "y"): 2.0, ("b", "x"): 10.0, ("b", "y"): 20.0}
    took = [(kind, seconds[kind] * factor) for kind in kinds for factor in (0.8, 1.2)]
    left = remaining(took, kinds * 10, [(("b", "y"), 15.0)], 2)
    assert left.low < (330 + 5) / 2 + 5
    assert left.high > 330 / 2
    assert left.high < 2 * 330 / 2
    early = remaining(took[:1], kinds * 10, [], 2)
    assert early.high / early.low > 2 > left.high / left.low  # one cell tells little
    assert remaining([], kinds, [], 2) is None
    assert 15.0 < remaining(took, [], [(("b", "y"), 30.0)], 1).high < 30.0  # longer than all before


def test_the_workers_of_a_cluster_give_the_same_results(walks, tmp_path):
    distributed = pytest.importorskip("distributed")
    only = ["flat-1.0-0", "flat-1.5-1"]
    here = run_experiment(walks, jobs=1, only=only)
    seen = []
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        there = run_experiment(
            walks, cluster=cluster.scheduler_address, out=tmp_path / "there", only=only, watch=seen.append
        )
    assert seen[-2].remaining is not None  # its workers are known
    assert {name: row.trace for name, row in there.rows.items()} == {name: row.trace for name, row in here.rows.items()}
    assert sorted(begun(walks)) == sorted(2 * only)


def test_a_cluster_that_is_not_there_is_an_error(walks):
    pytest.importorskip("distributed")
    with pytest.raises(SettingError, match="there is no Dask scheduler at nowhere"):
        run_experiment(walks, cluster="nowhere")
