"""Judges that ask a vision-language model: one edit at a time, or two against each other."""

from editloop.judges.vlm.judge import RubricJudge
from editloop.judges.vlm.pairs import PairJudge, PairRequest, PairVerdict
from editloop.judges.vlm.settings import RubricSettings

__all__ = ["PairJudge", "PairRequest", "PairVerdict", "RubricJudge", "RubricSettings"]
