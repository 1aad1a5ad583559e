"""Errors a user can mend, and the guess at what was meant."""

import pytest

from evoml.core import BudgetError, DataError, EvomlError, JournalError, ModelFileError, SearchSpaceError, SettingError
from evoml.core.errors import nearest


@pytest.mark.parametrize("error", [BudgetError, DataError, SearchSpaceError, SettingError])
def test_wrong_values_are_value_errors(error):
    assert issubclass(error, EvomlError)
    assert issubclass(error, ValueError)


@pytest.mark.parametrize("error", [JournalError, ModelFileError])
def test_trouble_with_files_is_an_os_error(error):
    assert issubclass(error, EvomlError)
    assert issubclass(error, OSError)


def test_nearest_guesses_only_what_is_near():
    assert nearest("acuracy", ["accuracy", "f1"]) == "; did you mean 'accuracy'?"
    assert nearest("zzz", ["accuracy", "f1"]) == ""
    assert nearest(3, {}) == ""
