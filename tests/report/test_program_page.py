"""The page of a search for programs, and its pictures."""

import pytest

from evoml.core.budget import Budget
from evoml.evaluation.program_problems import linear_tasks
from evoml.genomes.program import Program
from evoml.genomes.program.canonical import canonical
from evoml.genomes.program.library import LIBRARY, program_of
from evoml.genomes.program.text import read
from evoml.journal import Journal
from evoml.report.html import render_report
from evoml.report.programs import draw_program
from evoml.run.programs import ProgramSearch, search_programs


@pytest.fixture(scope="module")
def result():
    search, select, report = (linear_tasks(seed, 4, 20, 10) for seed in range(3))
    small = {"population_size": 30, "initial": ["linear"], "budget": Budget(generations=5), "seed": 0}
    return search_programs(ProgramSearch(search=search, select=select, report=report, **small))


def test_the_page_shows_the_program_and_its_figures(result):
    with Journal.from_bytes(result.record) as journal:
        page = render_report(journal)
    for line in result.champion.text.splitlines():
        assert line in page
    assert f"{result.report.mean():.4f}"[:5] in page
    assert page.count("<svg") == 2
    assert page.count("<tr") > len(result.champions)


def test_the_page_of_a_run_that_goes_on(result):
    with Journal.from_bytes(result.record) as journal:
        journal._connection.execute("DELETE FROM meta WHERE name = 'summary'")
        page = render_report(journal)
    assert "has not finished" in page
    assert "best program so far" in page


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize("name", LIBRARY)
def test_a_program_is_drawn_with_each_instruction(name):
    found = texts(draw_program(program_of(name)))
    for component in canonical(program_of(name)).components:
        for one in component:
            assert str(one) in found
    assert "s1: the prediction" in found
    assert any("as of the row before" in text for text in found)


def test_what_is_dead_is_drawn_in_grey_where_wanted():
    program = read(LIBRARY["linear"].replace("    s2 = 0.01", "    s2 = 0.01\n    s6 = 7.0\n    s7 = s6 + s6"))
    plain, whole = draw_program(program), draw_program(program, dead=True)
    assert "s6 = 7.0" not in texts(plain)
    assert not any("grey" in text for text in texts(plain))
    colours = {text.get_text(): text.get_color() for axes in whole.axes for text in axes.texts}
    assert colours["s6 = 7.0"] == colours["s7 = s6 + s6"] != colours["s2 = 0.01"]
    assert "grey: reaches no prediction" in colours
    assert "s3 = s3 * s2" in colours  # as it is written


def test_the_page_says_when_nothing_was_set_apart(result):
    with Journal.from_bytes(result.record) as journal:
        assert "none were set apart" not in render_report(journal)
    small = {"population_size": 30, "initial": ["linear"], "budget": Budget(generations=2), "seed": 0}
    tasks = linear_tasks(0, 4, 20, 10)
    with Journal.from_bytes(search_programs(ProgramSearch(search=tasks, select=tasks, **small)).record) as journal:
        assert "none were set apart for the report" in render_report(journal)


def test_an_empty_program_is_a_note():
    assert texts(draw_program(Program())) == ["Nothing reaches the prediction: the program predicts 0."]
