"""Classical scores beside a judge: what structure, error and similarity measures are worth on the same edits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from editloop.core.stats import Interval
from editloop.judges.base import JudgeRequest
from editloop.judges.evidence.config import EvidenceConfig
from editloop.judges.evidence.pixels import make_pair, ssim_map
from editloop.judges.people.bulk import Judged
from editloop.judges.people.figures import agreement_figures
from editloop.models.roles import ModelIdentity, Tagger
from editloop.records.formats.rated_edits import RatedFile
from editloop.records.verdict import Verdict

SPEC: Final = "embedded:classical"
NAMES: Final[Mapping[str, str]] = {
    "ssim": "SSIM of source and edited image",
    "psnr": "PSNR of source and edited image",
    "mae": "1 - mean absolute pixel error",
    "changed": "share of the picture that changed",
    "conse": "ConSE similarity of edited image and instruction (no CLIP)",
    "conse_gain": "gain in that similarity",
}
_PSNR_TOP: Final = 60.0


class ClassicalJudge:
    """Spec ``embedded:classical``: each classical score as an axis in [0, 1]. No judge to filter or train with."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger

    @property
    def identity(self) -> ModelIdentity:
        """Name and version."""
        return ModelIdentity("classical", f"1+{self._tagger.identity.version}", "Apache-2.0")

    @property
    def reject_reasons(self) -> tuple[str, ...]:
        """It rejects nothing."""
        return ()

    def judge(self, request: JudgeRequest) -> Verdict:
        """All scores of one triplet, images compared at the working size of the evidence judge."""
        pair = make_pair(request.source, request.edited, None, EvidenceConfig())
        gap = pair.source.astype(np.float64) - pair.edited
        error = float(np.square(gap).mean())
        psnr = _PSNR_TOP if error == 0 else min(_PSNR_TOP, 10 * np.log10(255**2 / error))
        before, after = self._tagger.similarity([pair.source, pair.edited], [request.instruction])[
            :, 0
        ]
        axes = {
            "ssim": ssim_map(pair.source_lab[..., 0], pair.edited_lab[..., 0]).mean(),
            "psnr": psnr / _PSNR_TOP,
            "mae": 1 - np.abs(gap).mean() / 255,
            "changed": pair.changed.mean(),
            "conse": (1 + after) / 2,
            "conse_gain": (2 + after - before) / 4,
        }
        identity = self.identity
        return Verdict(
            judge=identity.name,
            judge_version=identity.version,
            scale=(0.0, 1.0),
            axes={name: float(np.clip(value, 0, 1)) for name, value in axes.items()},
        )


def classical_judge() -> ClassicalJudge:
    """On the embedded tagger; its weights are opened at the first verdict."""
    from editloop.models import load_model

    return ClassicalJudge(load_model("tagger", "embedded:conse"))


def baseline_figures(
    rated: RatedFile, judged: Judged, *, resamples: int = 500, seed: int = 0
) -> dict[str, dict[str, Interval]]:
    """Spearman with people of every classical score: score -> people's axis -> figure."""
    found: dict[str, dict[str, Interval]] = {name: {} for name in NAMES}
    for axis in rated.axes:
        edits = [e for e in rated.edits if axis in e.scores and e.uid in judged.verdicts]
        if len(edits) < 3:
            continue
        people = np.array([edit.mean(axis) for edit in edits], np.float64)
        for name in NAMES:
            scores = np.array([judged.verdicts[edit.uid].axes[name] for edit in edits])
            figures = agreement_figures(
                scores, people, [e.image for e in edits], resamples=resamples, seed=seed
            )
            found[name][axis] = figures["spearman"]
    return found
