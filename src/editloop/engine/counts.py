"""What is counted while a pipeline runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import JsonValue


@dataclass(slots=True)
class StageCounts:
    """Records that went into one stage, and what became of them.

    `kept + dropped + failed` is `taken`; `out` differs from `kept` where a stage makes several records of one.
    `replayed` of `taken` were settled in an earlier run; `seconds` is the time the stage itself took in this one,
    added over workers.
    """

    name: str
    taken: int = 0
    kept: int = 0
    out: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    replayed: int = 0
    seconds: float = 0.0

    @property
    def computed(self) -> int:
        """Records that the stage ran on in this run."""
        return self.taken - self.replayed

    def as_json(self) -> dict[str, JsonValue]:
        """For the manifest and summaries; `in` is `taken`."""
        return {
            "name": self.name,
            "in": self.taken,
            "kept": self.kept,
            "out": self.out,
            "dropped": dict(sorted(self.dropped.items())),
            "failed": self.failed,
            "replayed": self.replayed,
            "seconds": round(self.seconds, 3),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> StageCounts:
        """From what `as_json` wrote."""
        numbers = {name: value[name] for name in ("kept", "out", "failed", "replayed", "seconds")}
        return cls(value["name"], value["in"], dropped=Counter(value["dropped"]), **numbers)

    def __add__(self, other: StageCounts) -> StageCounts:
        return StageCounts(
            self.name,
            self.taken + other.taken,
            self.kept + other.kept,
            self.out + other.out,
            self.dropped + other.dropped,
            self.failed + other.failed,
            self.replayed + other.replayed,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A look at a running pipeline; `total` is the number of inputs where it is known."""

    stages: tuple[StageCounts, ...]
    inputs: int
    total: int | None
    elapsed_s: float


ProgressCallback: TypeAlias = Callable[[RunProgress], None]
