"""Policies: editors as the trainers see them (`editloop.train.policy`), by spec string.

`world:tiny-editor` is the storybook editor that comes with the package, `diffusers:PATH_OR_ID?option=value&...` any
flow-matching editor on disk or on the hub, `diffusers:models/qwen-image-edit-2509?pixels=262144` for one.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

from editloop.core.errors import PrerequisiteError, UnknownNameError, UsageError
from editloop.core.registry import Registry
from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.diffusers.folders import INDEX_FILE, pipeline_class
from editloop.models.prerequisites import require
from editloop.train.policy import EditPolicy

TINY_EDITOR = "world:tiny-editor"

PolicyOpener: TypeAlias = Callable[[DiffusersEditor], EditPolicy]

POLICIES: Registry[PolicyOpener] = Registry("trainable pipeline class")
"""Class name of `model_index.json` -> who makes a policy of such a pipeline."""

for _class_name, _where in (
    ("FluxKontextPipeline", "editloop.train.policies.kontext:open_policy"),
    ("QwenImageEditPlusPipeline", "editloop.train.policies.qwen_edit_plus:open_policy"),
    ("StorybookPipeline", "editloop.train.policies:open_storybook"),
    ("RewardedStorybookPipeline", "editloop.train.policies:open_rewarded_storybook"),
):
    POLICIES.add(_class_name, _where)


def load_policy(spec: str) -> EditPolicy:
    """The policy that `spec` names, with its network on the device that the spec's options say.

    Args:
        spec: As above; options are those of editors. Guidance by a second network call is off unless the spec asks for
            it: it doubles the cost of every step, and trained editors need less of it.

    Raises:
        UsageError: when the spec has another form.
        UnknownNameError: when the pipeline is no flow-matching editor that can be trained here.
        PrerequisiteError: when diffusers is missing, or this installation came without the tiny editor's weights.
    """
    if spec == TINY_EDITOR:
        return _shipped_tiny_editor()
    provider, colon, source = spec.partition(":")
    if provider != "diffusers" or not colon:
        raise UsageError(
            f"no policy is called {spec!r}; expected {TINY_EDITOR} or diffusers:FOLDER_OR_ID"
        )
    editor = DiffusersEditor(source)
    class_name = pipeline_class(editor.folder)
    if class_name not in POLICIES:
        raise UnknownNameError(
            f"{class_name} cannot be trained here; flow-matching editors that can: {', '.join(POLICIES)}"
        )
    return POLICIES.get(class_name)(editor)


def open_storybook(editor: DiffusersEditor) -> EditPolicy:
    """The policy of a storybook pipeline."""
    from editloop.train.policies.storybook import StorybookPolicy

    return StorybookPolicy(editor.pipeline, editor.identity.name)


def open_rewarded_storybook(editor: DiffusersEditor) -> EditPolicy:
    """The policy of a storybook pipeline after reward-conditioned training."""
    from editloop.train.conditioned.run import open_rewarded

    return open_rewarded(editor.pipeline, editor.identity.name)


def _shipped_tiny_editor() -> EditPolicy:
    require("diffusers", "train")
    from editloop.train.policies.storybook import StorybookPolicy

    folder = Path(str(files("editloop.models.storybook").joinpath("weights")))
    if not (folder / INDEX_FILE).is_file():
        raise PrerequisiteError(
            f"{TINY_EDITOR} has no weights in {folder}; train them with: python -m editloop.train.storybook"
        )
    return StorybookPolicy.from_folder(folder, TINY_EDITOR)
