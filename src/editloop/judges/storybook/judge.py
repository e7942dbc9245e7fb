"""A storybook judge: a small trained network that sees two pictures and words, never the scene behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from editloop.judges.base import JudgeRequest
from editloop.judges.calibrate.described import Described
from editloop.judges.storybook.sentences import NOTHING_WRONG, failure_sentence
from editloop.models.roles import ModelIdentity, RgbImage
from editloop.models.storybook.judge_shape import ANSWERS, WEIGHTS_FOLDER, JudgeFiles, judge_files
from editloop.records.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from editloop.models.storybook.judge_reader import JudgeReader, Readings

SCALE: Final = (1.0, 5.0)
AXES: Final = ANSWERS[:-1]
"""Axes of the verdicts; the overall impression is evidence."""
UNREADABLE: Final = "unreadable_picture"


@dataclass(frozen=True, slots=True)
class StorybookJudge:
    """Scores instruction, preservation and quality from 1 to 5, as expectations over the network's distributions.

    The failure that the network finds most likely is the verdict's text and, unless that is "nothing", its reject reason.

    Args:
        weights: Name of the weights, for example ``tiny-judge``.
        folder: Where they are; the package by default.
    """

    weights: str
    folder: Traversable = WEIGHTS_FOLDER

    @property
    def identity(self) -> ModelIdentity:
        """Named after the weights; the version is their checksum."""
        return ModelIdentity(f"world:{self.weights}", self._files.version, "Apache-2.0")

    @property
    def reject_reasons(self) -> tuple[str, ...]:
        """Codes of the failures that the network can name, and of pictures it cannot read."""
        return (*self._files.shape.failures, UNREADABLE)

    def judge(self, request: JudgeRequest) -> Verdict:
        """The verdict on one triplet."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
        """One verdict a request, in order; a pair that cannot be read is a failed verdict."""
        readable = [row for row, request in enumerate(requests) if _readable(request)]
        readings = self._read([requests[row] for row in readable])
        read = {row: self._verdict(readings, place) for place, row in enumerate(readable)}
        return [read.get(row) or self._refusal(request) for row, request in enumerate(requests)]

    def expected_scores(
        self,
        sources: Sequence[RgbImage] | RgbImage,
        edits: Sequence[RgbImage] | RgbImage,
        instructions: Sequence[str],
        references: Sequence[RgbImage | None] | None = None,
        contexts: Sequence[Sequence[str]] | None = None,
    ) -> NDArray[np.float32]:
        """Expected scores of n pairs without verdicts around them: (n, 3) in the order of `AXES`.

        The fast way for rewards; pictures must be readable (uint8 RGB), lists or one array (n, h, w, 3).
        """
        readings = self._reader.read(sources, edits, instructions, references, contexts)
        return readings.expected[:, : len(AXES)]

    def describe(self, requests: Sequence[JudgeRequest]) -> Described:
        """Scores, their spread and the probabilities of every failure and task: what a calibration may learn from.

        Raises:
            BadInputError: when a picture cannot be read.
        """
        readings = self._read(requests)
        failures = self._files.shape.failures
        names = (
            *ANSWERS,
            *(f"spread_{answer}" for answer in ANSWERS),
            "p_nothing",
            *(f"p_{code}" for code in failures),
        )
        values = np.concatenate([readings.expected, readings.spread, readings.failures], axis=1)
        return Described(names, values.astype(np.float64), self._tasks(readings))

    @property
    def _files(self) -> JudgeFiles:
        return judge_files(self.weights, self.folder)  # type: ignore[arg-type]  # paths hash

    @property
    def _reader(self) -> JudgeReader:
        from editloop.models.storybook.judge_reader import open_judge

        return open_judge(self.weights, self.folder)  # type: ignore[arg-type]  # paths hash

    def _read(self, requests: Sequence[JudgeRequest]) -> Readings:
        return self._reader.read(
            [request.source for request in requests],
            [request.edited for request in requests],
            [request.instruction for request in requests],
            [request.references[0] if request.references else None for request in requests],
            [request.context for request in requests],
        )

    def _tasks(self, readings: Readings) -> tuple[str, ...]:
        names = self._files.shape.tasks
        return tuple(names[place] for place in readings.tasks.argmax(axis=1))

    def _verdict(self, readings: Readings, row: int) -> Verdict:
        failures = self._files.shape.failures
        likely = readings.failures[row]
        place = int(likely.argmax())
        failure = failures[place - 1] if place else None
        answers = dict(zip(ANSWERS, map(float, readings.expected[row]), strict=True))
        overall = answers.pop("overall")
        text = failure_sentence(failure) if failure else NOTHING_WRONG
        identity = self.identity
        return Verdict(
            judge=identity.name,
            judge_version=identity.version,
            scale=SCALE,
            axes=answers,
            evidence={
                "overall": overall,
                "overall_spread": float(readings.spread[row, -1]),
                "p_nothing_wrong": float(likely[0]),
            },
            text=text,
            reasons=(text,) if failure else (),
            accepted=failure is None,
            reject_reason=failure,
        )

    def _refusal(self, request: JudgeRequest) -> Verdict:
        identity = self.identity
        shapes = f"{np.shape(request.source)} and {np.shape(request.edited)}"
        return Verdict(
            judge=identity.name,
            judge_version=identity.version,
            scale=SCALE,
            outcome=Outcome.FAILED,
            text=f"pictures must be uint8 RGB (h, w, 3), got shapes {shapes}",
            accepted=False,
            reject_reason=UNREADABLE,
        )


def _readable(request: JudgeRequest) -> bool:
    pictures = (request.source, request.edited, *request.references)
    return all(
        isinstance(picture, np.ndarray)  # type: ignore[redundant-expr]  # callers may lie
        and picture.dtype == np.uint8
        and picture.ndim == 3
        and picture.shape[2] == 3
        and picture.size > 0
        for picture in pictures
    )
