"""From kept replies to scores: the same function when a reply has just come and when it is read again years later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median, pstdev

from editloop.judges.parsing.protocols import capped, geometric_mean
from editloop.judges.parsing.reading import Reading, ReadingMode, mean, unread
from editloop.judges.rubrics.readings import axes_of, read_reply
from editloop.judges.vlm.replies import KeptReplies, KeptReply
from editloop.records.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Scores:
    """What goes into a verdict."""

    outcome: Outcome
    scale: tuple[float, float]
    axes: dict[str, float] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    evidence: dict[str, float] = field(default_factory=dict)
    text: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answered:
    """One question: its readings, the scored ones among them, and its axes."""

    name: str
    readings: tuple[Reading, ...]
    axes: dict[str, float]
    spreads: dict[str, float]
    flags: dict[str, bool]

    @property
    def values(self) -> list[float]:
        """The item's score by every scored reply."""
        return [reading.value for reading in self.readings if reading.value is not None]


def scores_of(kept: KeptReplies, mode: ReadingMode = ReadingMode.ROBUST) -> Scores:
    """Scores of one edit, all questions or none.

    Repeats of a question are merged over those that could be read; a question of which none could be read leaves the edit
    unscored, with the outcome of its replies. An official reading may leave the scale; the scale of the result then grows
    to hold it, and the slips stand in its evidence as ``slip:CODE``.
    """
    questions = [
        _answered(name, replies, kept, mode) for name, replies in _by_question(kept.replies)
    ]
    readings = [reading for question in questions for reading in question.readings]
    evidence = _slips(readings) | _repeat_evidence(questions)
    flags = {flag: answer for question in questions for flag, answer in question.flags.items()}
    text = "; ".join(dict.fromkeys(reading.text for reading in readings if reading.text))[:2000]
    lost = [question for question in questions if not question.axes]
    if lost or not questions:
        outcome, reasons = _why(lost)
        return Scores(
            outcome, kept.scale, flags=flags, evidence=evidence, text=text, reasons=reasons
        )
    axes = _joined(questions)
    evidence |= _overall(kept, questions, axes)
    scale = (min(kept.scale[0], *axes.values()), max(kept.scale[1], *axes.values()))
    return Scores(Outcome.SCORED, scale, axes, flags, evidence, text)


def read_kept(reply: KeptReply, kept: KeptReplies, mode: ReadingMode) -> Reading:
    """One kept reply, read."""
    if mode is ReadingMode.ROBUST:
        early = _without_text(reply)
        if early is not None:
            return early
    read = read_reply(reply.reading, reply.text, mode)
    if mode is ReadingMode.OFFICIAL:
        return _named(read, reply.reading)
    if not read.scored:
        cut_off = reply.ending == "length" and read.outcome is Outcome.UNPARSABLE
        return unread("cut_off", text=read.text) if cut_off else read
    if kept.cap == "enforced" and reply.reading.startswith("imgedit:"):
        read = capped(read, axes_of(reply.reading)[0].name)
    return _expected(read, reply) if kept.readout == "expected" else read


def _without_text(reply: KeptReply) -> Reading | None:
    if reply.ending == "failed":
        return unread("call_failed", outcome=Outcome.FAILED, text=reply.text)
    if reply.ending in ("refusal", "filtered"):
        return unread(reply.ending, outcome=Outcome.REFUSED, text=reply.text)
    return unread("empty") if reply.ending == "empty" else None


def _expected(read: Reading, reply: KeptReply) -> Reading:
    axes = {
        axis: reply.expected[_token_axis(reply, axis)][0]
        if _token_axis(reply, axis) in reply.expected
        else score
        for axis, score in read.axes.items()
    }
    merge = geometric_mean if reply.reading == "nhr" else mean
    value = read.value if axes == dict(read.axes) else merge(axes)
    return Reading(read.outcome, axes, value, read.flags, read.text)


def _token_axis(reply: KeptReply, axis: str) -> str:
    """MRC's axis is called after its perspective, and its label ``score``."""
    return "score" if reply.reading.startswith("mrc:") else axis


def _named(read: Reading, key: str) -> Reading:
    """An official reading with our names for its axes, where it has as many as were asked for."""
    axes = axes_of(key)
    if not read.scored or len(axes) != len(read.axes) or key.startswith("mrc:"):
        return read
    named = {axis.name: score for axis, score in zip(axes, read.axes.values(), strict=True)}
    return Reading(read.outcome, named, read.value, read.flags, read.text, read.reason, read.slips)


def _by_question(replies: Sequence[KeptReply]) -> Iterable[tuple[str, list[KeptReply]]]:
    names: dict[str, list[KeptReply]] = {}
    for reply in replies:
        names.setdefault(reply.question, []).append(reply)
    return names.items()


def _answered(
    name: str, replies: Sequence[KeptReply], kept: KeptReplies, mode: ReadingMode
) -> _Answered:
    readings = tuple(read_kept(reply, kept, mode) for reply in replies)
    scored = [reading for reading in readings if reading.scored]
    if len(readings) == 1 and scored and scored[0].axes:
        axes = dict(scored[0].axes)
        return _Answered(name, readings, axes, dict.fromkeys(axes, 0.0), dict(scored[0].flags))
    middle = fmean if kept.middle == "mean" else median
    names = list(dict.fromkeys(axis for reading in scored for axis in reading.axes))
    axes, spreads = {}, {}
    for axis in names:
        given = [reading.axes[axis] for reading in scored if axis in reading.axes]
        axes[axis] = float(middle(given))
        spreads[axis] = pstdev(given) if len(given) > 1 else 0.0
    if not axes and scored:  # yes/no questions: the share of yes
        axes, spreads = _shares(scored)
    return _Answered(name, readings, axes, spreads, _flags(readings))


def _shares(scored: Sequence[Reading]) -> tuple[dict[str, float], dict[str, float]]:
    names = dict.fromkeys(flag for reading in scored for flag in reading.flags)
    given = {
        flag: [float(reading.flags[flag]) for reading in scored if flag in reading.flags]
        for flag in names
    }
    return {flag: fmean(yes) for flag, yes in given.items()}, {
        flag: pstdev(yes) for flag, yes in given.items()
    }


def _flags(readings: Sequence[Reading]) -> dict[str, bool]:
    """The majority of every yes/no; an even split has none."""
    counts: dict[str, Counter[bool]] = {}
    for reading in readings:
        for flag, answer in reading.flags.items():
            counts.setdefault(flag, Counter())[answer] += 1
    return {
        flag: count[True] > count[False]
        for flag, count in counts.items()
        if count[True] != count[False]
    }


def _joined(questions: Sequence[_Answered]) -> dict[str, float]:
    """Axes of all questions; one that two questions share takes its question's name in front."""
    if len(questions) == 1:
        return questions[0].axes
    counts = Counter(axis for question in questions for axis in question.axes)
    return {
        axis if counts[axis] == 1 else f"{question.name}_{axis}": score
        for question in questions
        for axis, score in question.axes.items()
    }


def _overall(
    kept: KeptReplies, questions: Sequence[_Answered], axes: Mapping[str, float]
) -> dict[str, float]:
    if kept.combine == "vie":
        parts = {question.name: fmean(question.values) for question in questions}
        passes = zip(*(question.values for question in questions), strict=False)
        return parts | {"overall": fmean(_root(one) for one in passes)}
    if len(questions) == 1 and questions[0].values:
        return {"overall": fmean(questions[0].values)}
    if kept.combine == "geometric_mean":
        return {"overall": geometric_mean(axes)}
    return {"overall": fmean(axes.values())}


def _root(parts: Iterable[float]) -> float:
    return geometric_mean({str(place): part for place, part in enumerate(parts)})


def _why(lost: Sequence[_Answered]) -> tuple[Outcome, tuple[str, ...]]:
    """The commonest outcome among the replies of the questions without scores, and every reason."""
    readings = [(question.name, reading) for question in lost for reading in question.readings]
    outcomes = Counter(reading.outcome for _, reading in readings)
    reasons = dict.fromkeys(f"{name}: {reading.reason}" for name, reading in readings)
    return (outcomes.most_common(1)[0][0] if outcomes else Outcome.FAILED), tuple(reasons)


def _slips(readings: Sequence[Reading]) -> dict[str, float]:
    if not any(reading.slips for reading in readings):
        return {}
    return {
        f"slip:{slip}": float(count)
        for slip, count in Counter(slip for reading in readings for slip in reading.slips).items()
    }


def _repeat_evidence(questions: Sequence[_Answered]) -> dict[str, float]:
    """How far repeats differ, and how many of them could be read."""
    if all(len(question.readings) == 1 for question in questions):
        return {}
    spreads = {
        f"spread:{axis}": spread
        for question in questions
        for axis, spread in question.spreads.items()
    }
    counts = {
        "repeats": float(sum(len(question.readings) for question in questions)),
        "repeats_scored": float(
            sum(reading.scored for question in questions for reading in question.readings)
        ),
    }
    return spreads | counts
