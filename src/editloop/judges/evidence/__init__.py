"""The evidence judge and the evidence it collects."""

from editloop.judges.evidence.config import EvidenceConfig
from editloop.judges.evidence.judge import EvidenceJudge

__all__ = ["EvidenceConfig", "EvidenceJudge"]
