"""A vision-language judge that was fine-tuned on people's ratings: a folder with LoRA weights, loaded by its path."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from editloop.core.errors import UsageError
from editloop.judges.base import JudgeRequest
from editloop.judges.features.fitted import hashes_of
from editloop.judges.registry import JUDGE_FILE
from editloop.judges.rubrics.rubric import Rubric, parse_rubric
from editloop.judges.vlm.judge import RubricJudge
from editloop.judges.vlm.settings import RubricSettings
from editloop.models.roles import ModelIdentity
from editloop.records.formats.rated_edits import RatedEdit
from editloop.records.verdict import Verdict
from editloop.store.runs import write_atomically

LORA_FOLDER: Final = "lora"
RUBRIC_FILE: Final = "rubric.toml"
LOCAL: Final = "transformers:"
"""How specs of models on this machine begin; no others can be fine-tuned."""


class FineTunedModel(BaseModel):
    """What stands in ``judge.json``, beside ``rubric.toml`` (the words) and ``lora`` (the weights, safetensors)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["fine_tuned"] = "fine_tuned"
    format: Literal[1] = 1
    base: str
    """Spec of the model below the LoRA weights, ``transformers:FOLDER?...``."""
    base_fingerprint: str
    """Of the base model's files, as `models.diffusers.folders.fingerprint` takes it."""
    lora_fingerprint: str
    rubric: str
    """Name of the rubric."""
    rubric_version: str
    settings: RubricSettings
    """How the rubric is put and its replies are read; the readout among them."""
    scale: tuple[float, float]
    """The rubric's, which is the judge's."""
    people_scale: tuple[float, float]
    """That of the ratings; scores were carried linearly onto `scale`."""
    seen: tuple[str, ...] = ()
    """Hashes of the images it was trained on: figures on these say nothing about new ones."""
    training: dict[str, Any] = {}
    """Settings, counts, what each axis was learnt from."""
    report: dict[str, Any] = {}
    """What ``editloop fit`` printed: agreement on photographs held out, before and after."""


class FineTunedJudge:
    """The rubric judge of a folder; base model, weights and words are checked against `FineTunedModel` before they are used."""

    def __init__(self, model: FineTunedModel, folder: Path) -> None:
        self.model, self.folder = model, folder

    @property
    def identity(self) -> ModelIdentity:
        """The version covers base, LoRA weights, words and options."""
        base = Path(self.model.base.removeprefix(LOCAL).partition("?")[0]).name
        return ModelIdentity(f"fine-tuned:{self.model.rubric}@{base}", self._inner.identity.version)

    @property
    def reject_reasons(self) -> tuple[str, ...]:
        """None: scores alone decide nothing."""
        return ()

    @property
    def at_once(self) -> int:
        """Triplets that are worth handing over together."""
        return self._inner.at_once

    def judge(self, request: JudgeRequest) -> Verdict:
        """The verdict on one triplet."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
        """One verdict a request, in order, under this judge's name."""
        identity = self.identity
        named = {"judge": identity.name, "judge_version": identity.version}
        return [one.model_copy(update=named) for one in self._inner.score_many(requests)]

    def was_fitted_to(self, edit: RatedEdit) -> bool:
        """Whether an image of `edit` was among those that the judge was trained on."""
        return not set(self.model.seen).isdisjoint(hashes_of(edit))

    @cached_property
    def _inner(self) -> RubricJudge:
        """The judge, checked.

        Raises:
            UsageError: base model, LoRA weights or rubric are not those that were trained.
        """
        from editloop.models.diffusers.folders import fingerprint
        from editloop.models.vlms.checkpoint import LORA_FILE
        from editloop.models.vlms.transformers import TransformersVlm

        model, lora = self.model, self.folder / LORA_FOLDER
        if not (lora / LORA_FILE).is_file():
            raise UsageError(f"{lora} holds no {LORA_FILE}: the judge is not whole; fit it again")
        if fingerprint(lora) != model.lora_fingerprint:
            raise UsageError(
                f"the weights in {lora} are not those that {self.folder / JUDGE_FILE} describes: a fit was stopped on the way or files "
                "were mixed; run `editloop fit` again to finish it"
            )
        rubric = self._rubric()
        vlm = TransformersVlm(model.base.removeprefix(LOCAL), lora=lora)
        if fingerprint(vlm.folder) != model.base_fingerprint:
            raise UsageError(
                f"{vlm.folder} is not the model that this judge was fine-tuned from (its files differ), and LoRA weights mean nothing on "
                f"another: bring that model back, or name where it is as `base` in {self.folder / JUDGE_FILE}"
            )
        return RubricJudge(rubric, vlm, model.settings, f"fine-tuned:{model.rubric}")

    def _rubric(self) -> Rubric:
        path = self.folder / RUBRIC_FILE
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the rubric {path}: {error}; fit it again") from error
        rubric = parse_rubric(text, str(path))
        if rubric.version != self.model.rubric_version:
            raise UsageError(
                f"this judge was trained on version {self.model.rubric_version} of the rubric {rubric.name!r}, {path} and this installation "
                f"make version {rubric.version}: fit it again"
            )
        return rubric


def save_fine_tuned(model: FineTunedModel, folder: Path) -> Path:
    """Write ``judge.json``; returns it.

    Raises:
        StoreError: it cannot be written.
    """
    path = folder / JUDGE_FILE
    write_atomically(path, model.model_dump_json(indent=1).encode())
    return path
