"""The tiny editor that comes with the package, as an editor and as a text-to-image generator."""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final

from editloop.core.errors import PrerequisiteError
from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.diffusers.folders import INDEX_FILE
from editloop.models.roles import ModelIdentity
from editloop.models.storybook.generator import StorybookGenerator

TINY_EDITOR: Final = "world:tiny-editor"
TINY_GENERATOR: Final = "world:tiny-generator"
LICENCE: Final = "Apache-2.0"


def shipped_folder() -> Path:
    """The pipeline that is part of the package.

    Raises:
        PrerequisiteError: when this installation came without its weights; says how to train them.
    """
    folder = Path(str(files("editloop.models.storybook").joinpath("weights")))
    if not (folder / INDEX_FILE).is_file():
        raise PrerequisiteError(
            "the tiny editor of the storybook world has no weights here; train them with: python -m editloop.train.storybook"
        )
    return folder


class TinyEditor(DiffusersEditor):
    """`world:tiny-editor`."""

    def __init__(self) -> None:
        super().__init__(str(shipped_folder()))

    @cached_property
    def identity(self) -> ModelIdentity:
        """The spec; the version covers weights, settings and the version of diffusers."""
        return ModelIdentity(TINY_EDITOR, super().identity.version, LICENCE)


class TinyGenerator(StorybookGenerator):
    """`world:tiny-generator`: the tiny editor, drawing on a blank picture."""

    def __init__(self) -> None:
        super().__init__(str(shipped_folder()))

    @cached_property
    def identity(self) -> ModelIdentity:
        """The spec; the version covers weights, settings and the version of diffusers."""
        return ModelIdentity(TINY_GENERATOR, super().identity.version, LICENCE)
