"""The evidence judge and the evidence it collects."""

from __future__ import annotations

from editloop.judges.evidence.config import EvidenceConfig
from editloop.judges.evidence.judge import EvidenceJudge


def embedded_judge() -> EvidenceJudge:
    """The evidence judge on the embedded models; their weights are opened at the first verdict."""
    from editloop.models import load_model

    return EvidenceJudge(
        detector=load_model("detector", "embedded:nanodet"),
        tagger=load_model("tagger", "embedded:conse"),
        quality=load_model("quality", "embedded:brisque"),
    )


__all__ = ["EvidenceConfig", "EvidenceJudge", "embedded_judge"]
