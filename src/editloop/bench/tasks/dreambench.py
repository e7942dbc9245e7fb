"""DreamBench++-style judging (used by HP-Edit): concept preservation and prompt following, 0 to 4 each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from editloop.bench.cases import BenchCase, CaseSet
from editloop.bench.parts import Parts, read_parted_replies
from editloop.bench.replies import Replies, texts_of
from editloop.bench.results import ItemScore
from editloop.bench.tasks.custom import rows_as_cases
from editloop.bench.tasks.parted import PartedTask
from editloop.bench.tasks.unscored import plain_mean, unscored
from editloop.judges.parsing import Axis, read_axes

PARTS: Final[Parts] = {
    "CP": ("cp", "concept_preservation", "concept preservation", "preservation"),
    "PF": ("pf", "prompt_following", "prompt following", "following"),
}
_SCALE: Final = (0.0, 4.0)
_KINDS: Final[tuple[Literal["CP"], Literal["PF"]]] = ("CP", "PF")
_AXIS: Final = Axis(
    "score", ("score", "rating", "final score", "concept preservation", "prompt following")
)


class DreamBenchPlus(PartedTask):
    """CP, PF and their product, all on 0 to 1 as the paper prints them: shares of the 4 points that a judge can give.

    The protocol is that of the paper, the rubric's words are not shipped: the robust reading alone.
    """

    name = "dreambench"
    parts = PARTS
    title = "DreamBench++-style"
    version = "1"
    metrics = ("CP·PF", "CP", "PF")
    headline = "CP·PF"
    scales: ClassVar[Mapping[str, tuple[float, float]]] = dict.fromkeys(metrics, (0.0, 1.0))
    protocols = ("robust",)
    needs_cases = False

    def read_cases(self, path: Path) -> CaseSet:
        """Rows with a key, a category, a prompt and an image."""
        dropped = Counter[str]()
        return CaseSet(tuple(rows_as_cases(path, dropped)), dropped)

    def read_replies(self, path: Path, run: int = 0) -> Replies:
        """Two replies a case, in any layout of `read_parted_replies`."""
        return read_parted_replies(path, PARTS, run)

    def robust_parts(self, case: BenchCase, replies: Mapping[str, Any], value: Any) -> ItemScore:
        """As `PartedTask`."""
        means: dict[str, float] = {}
        for kind in _KINDS:
            texts = texts_of(replies[kind])
            readings = [read_axes(text, (_AXIS,), _SCALE) for text in texts.texts]
            scored = [reading.value or 0.0 for reading in readings if reading.scored]
            if not scored:
                outcome = str(readings[0].outcome) if readings else "failed"
                reason = readings[0].reason if readings else texts.problem or "no_reply"
                return unscored(case, outcome, f"{kind}: {reason}", value)
            means[kind] = plain_mean(scored) / _SCALE[1]
        return ItemScore(
            case.key,
            case.group,
            case.cluster,
            metrics={"CP·PF": means["CP"] * means["PF"], **means},
            reply=value,
            instruction=" / ".join(case.instructions),
        )
