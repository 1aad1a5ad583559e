"""TOML files whose mistakes are told with file, line and key; the lowest part of the room of experiments."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evoml.core.errors import SettingError


class ConfigError(SettingError):
    """A mistake in the file of an experiment; the message begins with the file, the line and the key."""


class TomlFile:
    """The content of a TOML file, and where each of its keys stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._text = path.read_text(encoding="utf-8")
            self.content: dict[str, Any] = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path}: this is no TOML: {error}") from None
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: the file is not text in UTF-8 ({error.reason}); save it as UTF-8") from None

    def error(self, keys: Sequence[str], what: str) -> ConfigError:
        """Return the error that says what is wrong with a key, given by the keys that lead to it."""
        found = (line_of(self._text, keys[:end]) for end in range(len(keys), 0, -1))  # a level may be a value in a list
        line = next((line for line in found if line), None)
        where = f"{self.path}:{line}" if line else str(self.path)
        return ConfigError(f"{where}: {'.'.join(keys)}: {what}" if keys else f"{where}: {what}")


def line_of(text: str, keys: Sequence[str]) -> int | None:
    """Return the number of the line, from 1, in which a key of a TOML text stands; None if it is not there.

    TOML's own parser is asked: the key stands in the first line from which on a beginning of the text holds it. Lines that
    end within a value of several lines make no whole text, so the search goes back to the end of the last one that was.
    """
    lines = text.splitlines()
    whole = 0
    for end in range(1, len(lines) + 1):
        try:
            content = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        if _holds(content, keys):
            return next(at for at in range(whole + 1, end + 1) if lines[at - 1].split("#")[0].strip())
        whole = end
    return None


def _holds(content: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(content, Mapping) or key not in content:
            return False
        content = content[key]
    return True
