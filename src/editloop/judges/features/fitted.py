"""A judge that people's ratings were fitted to: a folder with one JSON file, loaded by its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from editloop.core.errors import BadInputError, UsageError
from editloop.core.ids import sha256_hex
from editloop.judges.base import Judge, JudgeRequest
from editloop.judges.features.table import FeatureTable, Standardiser, block_of
from editloop.judges.registry import JUDGE_FILE
from editloop.models.roles import ModelIdentity
from editloop.records.formats.rated_edits import RatedEdit, image_bytes
from editloop.records.verdict import Outcome, Verdict
from editloop.store.runs import write_atomically

NAME: Final = "fitted"
_WORDS: Final = {
    "evidence": "what the evidence judge measured", "scores": "the base judge's scores", "words": "the kind of instruction",
    "near": "what the instruction is about", "text": "the wording of the instruction", "change": "size and place of the change",
    "fit": "how the changed part fits its surroundings", "scene": "how busy the scene is", "quality": "technical quality",
    "tags": "what the changed part looks like", "detections": "things that were found, lost or gained",
}  # fmt: skip


class AxisModel(BaseModel):
    """The line of one axis: ``intercept + standardised features @ coefficients``.

    `radius` is the half-width that covered people's score of nine in ten edits out of fold; None where too few were rated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    standard: Standardiser
    intercept: float
    coefficients: tuple[float, ...]
    radius: float | None = None


class FittedModel(BaseModel):
    """Everything in a judge's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    base: str
    """Spec of the judge whose features are read."""
    features_version: str
    scale: tuple[float, float]
    """People's scale, which is the judge's."""
    axes: dict[str, AxisModel]
    known_failures: tuple[str, ...] = ()
    """Codes for which the base judge rejected edits that people rated. A rejection for anything else is a failure that the ratings
    could not speak of (nothing changed, another photograph), and caps every axis."""
    seen: tuple[str, ...] = ()
    """Hashes of the images it was fitted to: figures on these say nothing about new ones."""
    report: dict[str, Any] = {}
    """What ``editloop fit`` printed: figures out of fold, importances, counts, seed."""

    @property
    def version(self) -> str:
        """Changes whenever a score may change."""
        return sha256_hex(self.model_dump_json(exclude={"report", "seen"}).encode())[:12]


class FittedJudge:
    """Scores as the raters would, from features that the base judge's models measure.

    Reasons, flags and the decision to reject stay the base judge's own.
    """

    def __init__(self, model: FittedModel) -> None:
        self.model = model
        self.inner_spec = f"features:{model.base}"
        self._inner: Judge | None = None

    @property
    def identity(self) -> ModelIdentity:
        """Name and version."""
        return ModelIdentity(f"{NAME}:{self.model.base}", self.model.version, "Apache-2.0")

    @property
    def reject_reasons(self) -> tuple[str, ...]:
        """Those of the base judge."""
        return self._measurer().reject_reasons

    def judge(self, request: JudgeRequest) -> Verdict:
        """The verdict on one triplet."""
        return self.read(self._measurer().judge(request))

    def read(self, measured: Verdict) -> Verdict:
        """The verdict for features that were measured already (`measuring.MeasuringJudge`).

        Raises:
            UsageError: the features are of another version than the judge was fitted to.
        """
        identity = self.identity
        named = {"judge": identity.name, "judge_version": identity.version}
        if measured.judge_version != self.model.features_version:
            raise UsageError(
                f"this judge was fitted to version {self.model.features_version} of the features of {self.model.base}, this "
                f"installation measures version {measured.judge_version}: fit it again"
            )
        if measured.outcome is not Outcome.SCORED:
            return measured.model_copy(update={**named, "evidence": {}})
        table = FeatureTable.of([measured.evidence])
        cap = self._cap(measured)
        axes, evidence = {}, {}
        for axis, line in self.model.axes.items():
            parts = line.standard(table)[0] * np.array(line.coefficients)
            axes[axis] = min(cap, float(np.clip(line.intercept + parts.sum(), *self.model.scale)))
            if line.radius is not None:
                evidence[f"{axis}_radius"] = line.radius
            for name, value in _by_block(line.standard.names, parts).items():
                evidence[f"{axis}.{name}"] = round(value, 4)
        return measured.model_copy(
            update={
                **named,
                "scale": self.model.scale,
                "axes": axes,
                "evidence": evidence,
                "reasons": (*_reasons(evidence), *measured.reasons),
            }
        )

    def _cap(self, measured: Verdict) -> float:
        """The lowest score of the base judge on people's scale where it rejects for an unknown failure; else the scale's end."""
        low, high = self.model.scale
        reason = measured.reject_reason
        if reason is None or reason in self.model.known_failures or not measured.axes:
            return high
        base_low, base_high = measured.scale
        worst = (min(measured.axes.values()) - base_low) / (base_high - base_low)
        return low + worst * (high - low)

    def was_fitted_to(self, edit: RatedEdit) -> bool:
        """Whether an image of `edit` was among those that the judge was fitted to."""
        return not set(self.model.seen).isdisjoint(hashes_of(edit))

    def _measurer(self) -> Judge:
        if self._inner is None:
            from editloop.judges.features.measuring import measuring_judge

            self._inner = measuring_judge(self.model.base)
        return self._inner


def hashes_of(edit: RatedEdit) -> tuple[str, ...]:
    """Short hashes of the two images; none where one cannot be read."""
    try:
        return tuple(sha256_hex(image_bytes(path))[:16] for path in (edit.source, edit.edited))
    except BadInputError:
        return ()


def save_fitted(model: FittedModel, folder: Path) -> Path:
    """Write the judge's folder; returns its file.

    Raises:
        StoreError: it cannot be written.
    """
    path = folder / JUDGE_FILE
    write_atomically(path, model.model_dump_json(indent=1).encode())
    return path


def load_fitted(folder: Path) -> FittedJudge:
    """The judge in a folder.

    Raises:
        UsageError: its file is not what `save_fitted` writes.
    """
    path = folder / JUDGE_FILE
    try:
        return FittedJudge(FittedModel.model_validate_json(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise UsageError(
            f"{path} is no judge that editloop fit wrote: {str(error)[:300]}; fit it again"
        ) from error


def _by_block(names: tuple[str, ...], parts: np.ndarray[Any, Any]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name, value in zip(names, parts.tolist(), strict=True):
        sums[block_of(name)] = sums.get(block_of(name), 0.0) + value
    return sums


def _reasons(evidence: dict[str, float]) -> tuple[str, ...]:
    """What moved the overall score most, in points."""
    parts = {
        name.partition(".")[2]: value
        for name, value in evidence.items()
        if name.startswith("overall.")
    }
    largest = sorted(parts.items(), key=lambda item: -abs(item[1]))[:3]
    return tuple(
        f"{value:+.1f} for {_WORDS.get(name, name)}."
        for name, value in largest
        if abs(value) >= 0.05
    )
