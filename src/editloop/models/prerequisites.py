"""Imports packages of the optional extras, with one line of advice where they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from editloop.core.errors import PrerequisiteError


def require(module: str, extra: str) -> ModuleType:
    """The imported `module`.

    Raises:
        PrerequisiteError: with the command that installs the extra it belongs to.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PrerequisiteError(
            f"{module.partition('.')[0]} is needed and cannot be imported ({error}); "
            f"run: pip install 'editloop[{extra}]'"
        ) from error
