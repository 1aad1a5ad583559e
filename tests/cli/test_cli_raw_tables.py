"""A messy CSV file from fit to prediction: shown, corrected, split by time, saved and used again."""

import json
import tomllib

import numpy as np
import pandas as pd
import pytest

ROWS = 90
SPACE = """only = ["LogisticRegression", "GaussianNB", "StandardScaler", "SimpleImputer", "OneHotEncoder", "HashingEncoder",
"TextEncoder"]"""


@pytest.fixture
def messy(here):
    """A file of amounts, dates, codes, remarks and gaps."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=ROWS)
    words = ["late", "item", "delivery", "again", "please", "order"]
    pd.DataFrame(
        {
            "order_id": [f"o{number:04d}" for number in range(ROWS)],
            "price": [f"{1000 + 300 * value:,.2f} €" if value < 2 else "?" for value in signal],
            "zip": rng.integers(10000, 10005, ROWS),
            "day": pd.date_range("2024-01-01", periods=ROWS).strftime("%d/%m/%Y"),
            "remark": [" ".join([*rng.choice(words, 5), "bad" if value > 0 else "good"]) for value in signal],
            "kept": np.where(signal + rng.normal(size=ROWS) / 2 > 0, "no", "yes"),
        }
    ).to_csv("orders.csv", index=False)
    (here / "space.toml").write_text(SPACE)
    return here / "orders.csv"


BASIC = ["orders.csv", "--target", "kept", "--evaluations", 4, "--jobs", 1, "--seed", 1, "--search-space", "space.toml"]
QUICK = [*BASIC, "--explain", 0, "--out", "r"]


def test_a_messy_table_from_fit_to_prediction(run, messy):
    result = run("fit", *QUICK, "--column", "zip=category", "--time-split", "day", "--holdout", 0.2)
    assert result.exit_code == 0, result.output
    assert "columns: 1 number, 1 category, 1 datetime, 1 text (--column NAME=KIND corrects)\n" in result.stderr
    assert "column order_id: left out (identifier: a text of its own for each row)\n" in result.stderr
    assert "column day: datetime (dates or times written as %d/%m/%Y, e.g. '01/01/2024')\n" in result.stderr
    assert "hold-out score (18 rows the search never saw): " in result.stdout
    assert "What the 5 columns of the table hold" in (messy.parent / "r" / "report.html").read_text()
    new = pd.read_csv("orders.csv", dtype=str).drop(columns="kept")
    new.assign(price="unknown", day="some day", zip="00001").to_csv("new.csv", index=False)
    assert len(run("predict", "r", "new.csv").stdout.splitlines()) == ROWS + 1
    assert len(run("predict", "r", "orders.csv").stdout.splitlines()) == ROWS + 1


def test_corrections_may_stand_in_a_file_and_be_added_to(run, messy):
    (messy.parent / "fit.toml").write_text('[columns]\nzip = "category"\nremark = "drop"\n')
    assert tomllib.loads((messy.parent / "fit.toml").read_text())
    result = run("fit", *QUICK, "--config", "fit.toml", "--column", "remark=text", "--column", "order_id=category")
    assert result.exit_code == 0, result.output
    assert "columns: 2 category, 1 number, 1 datetime, 1 text" in result.stderr
    options = json.loads((messy.parent / "r" / "run.json").read_text())["options"]
    assert options["columns"] == {"zip": "category", "remark": "text", "order_id": "category"}
    assert "rows are in order of column 'day'" in result.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--column", "zip"], "--column takes NAME=KIND, such as zip=category; got 'zip'"),
        (["--column", "zpi=text"], "column_kinds names 'zpi', which is no column of the table; did you mean 'zip'?"),
        (["--column", "zip=txt"], "'zip' is to be 'txt'; did you mean 'text'?"),
        (["--time-split", "dya", "--holdout", "0.2"], "no column 'dya' to split by; did you mean 'day'?"),
        (
            ["--time-split", "remark", "--column", "order_id=drop"],
            "the table has no column of times or numbers 'remark'; columns of times are: day",
        ),
        (["--time-split", "day", "--group", "zip"], "--time-split and --group exclude each other"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(refused, messy, options, expected):
    assert expected in refused("fit", *QUICK, *options)
    assert not (messy.parent / "r").exists()
