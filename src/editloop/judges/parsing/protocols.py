"""One function a published reply format: text in, `Reading` out, by the script's rules or by ours.

==============  ==========================================  ========  =========================
protocol        axes                                        scale     published script to follow
==============  ==========================================  ========  =========================
ImgEdit basic   three, by edit type (`IMGEDIT_AXES`)        1-5       yes
ImgEdit UGE     ``score``                                   1-5       yes
post-filter     ``following``, ``naturalness``; a flag      1-5       no
VIEScore        two for SC, two for PQ (`VIE_AXES`)         0-10      yes
Real-Edit, MRC  one of ``following, consistent, clear``     0-5       yes
NHR             ``instruction``, ``aesthetic``              1-5       no
HP-Scorer       ``score``                                   0-5       no
==============  ==========================================  ========  =========================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

from editloop.core.errors import UsageError
from editloop.judges.parsing.axes import read_axes
from editloop.judges.parsing.normalise import normalised, without_markdown
from editloop.judges.parsing.official import read_lines, read_real_edit, read_viescore
from editloop.judges.parsing.reading import Axis, Reading, ReadingMode, mean
from editloop.judges.parsing.yes_no import flag_answers

Perspective = Literal["following", "consistent", "clear"]
ViePart = Literal["SC", "PQ"]
Cap = Literal["prompt", "enforced"]

_COMPLIANCE: Final = Axis("compliance", ("Prompt Compliance", "Instruction Compliance"))
_NATURALNESS: Final = Axis("naturalness", ("Visual Naturalness",))
_SEAMLESSNESS: Final = Axis("seamlessness", ("Visual Seamlessness",))
_PHYSICS: Final = (
    "Physical & Detail Coherence",
    "Physical & Detail Integrity",
    "Physical Detail Coherence",
)

IMGEDIT_AXES: Final[Mapping[str, tuple[Axis, Axis, Axis]]] = {
    "add": (_COMPLIANCE, _NATURALNESS, Axis("physics", _PHYSICS)),
    "replace": (_COMPLIANCE, _NATURALNESS, Axis("physics", _PHYSICS)),
    "remove": (_COMPLIANCE, _NATURALNESS, Axis("physics", _PHYSICS)),
    "adjust": (_COMPLIANCE, _SEAMLESSNESS, Axis("physics", ("Physical & Detail Fidelity",))),
    "style": (
        Axis("style", ("Style Fidelity",)),
        Axis("content", ("Content Preservation",)),
        Axis("rendering", ("Rendering Quality",)),
    ),
    "action": (
        Axis("action", ("Action Fidelity", "Expression Fidelity", "Action / Expression Fidelity")),
        Axis("identity", ("Identity Preservation",)),
        Axis("anatomy", ("Visual & Anatomical Coherence",)),
    ),
    "extract": (
        Axis("object", ("Object Identity", "Object Selection & Identity")),
        Axis("mask", ("Mask Precision", "Mask Precision & Background Purity")),
        Axis("quality", ("Visual Quality", "Object Integrity & Visual Quality")),
    ),
    "background": (
        _COMPLIANCE,
        _SEAMLESSNESS,
        Axis("physics", ("Physical Consistency", "Physical Consistency & Detail")),
    ),
    "compose": (
        _COMPLIANCE,
        _NATURALNESS,
        Axis("physics", ("Physical Consistency & Fine Detail", "Physical Consistency")),
    ),
}
"""Edit type, by ImgEdit-Bench's key -> its three axes; the first one caps the others."""

SCORE: Final = Axis(
    "score",
    ("score", "final score", "overall score", "overall", "rating", "评分", "得分", "分数", "总分", "punktzahl", "bewertung",
     "puntuación", "оценка", "punteggio", "スコア", "점수"),
)  # fmt: skip
VIE_AXES: Final[Mapping[str, tuple[Axis, Axis]]] = {
    "SC": (
        Axis("success", ("editing success", "edit success", "score1", "score 1")),
        Axis("overediting", ("over editing", "overediting", "minimal edit", "score2", "score 2")),
    ),
    "PQ": (
        Axis("naturalness", ("naturalness", "score1", "score 1")),
        Axis("artifacts", ("artifacts", "artefacts", "artifact free", "score2", "score 2")),
    ),
}
NHR_AXES: Final = (
    Axis("instruction", ("InstructionAdherence", "Instruction Adherence", "adherence")),
    Axis("aesthetic", ("ImageAesthetic", "Image Aesthetic", "ImageAesthetics", "aesthetics")),
)
POST_FILTER_AXES: Final = (
    Axis("following", ("Score 1", "instruction following")),
    Axis("naturalness", ("Score 2", "naturalness")),
)


def read_imgedit(
    reply: object, edit_type: str, mode: ReadingMode = ReadingMode.ROBUST, cap: Cap = "prompt"
) -> Reading:
    """A reply to one of ImgEdit's nine rubrics.

    Args:
        reply: The raw reply.
        edit_type: ImgEdit-Bench's key, for example ``add``.
        mode: Whose rules.
        cap: ``prompt`` takes the scores as given; ``enforced`` lowers the second and third to the first, as the prompt asks.
            Official readings never enforce it.

    Raises:
        UsageError: when there is no such edit type.
    """
    axes = imgedit_axes(edit_type)
    if mode is ReadingMode.OFFICIAL:
        return read_lines(reply, len(axes))
    read = read_axes(reply, axes, (1.0, 5.0))
    return capped(read, axes[0].name) if cap == "enforced" and read.scored else read


def imgedit_axes(edit_type: str) -> tuple[Axis, Axis, Axis]:
    """The axes of one of ImgEdit's nine types.

    Raises:
        UsageError: when there is no such type.
    """
    if edit_type not in IMGEDIT_AXES:
        raise UsageError(
            f"ImgEdit has no rubric for the edit type {edit_type!r}; it has: {', '.join(IMGEDIT_AXES)}"
        )
    return IMGEDIT_AXES[edit_type]


def capped(read: Reading, first: str) -> Reading:
    """`read` with no axis above the axis called `first`."""
    highest = read.axes[first]
    axes = {axis: min(score, highest) for axis, score in read.axes.items()}
    return replace(read, axes=axes, value=mean(axes))


def read_uge(reply: object, mode: ReadingMode = ReadingMode.ROBUST) -> Reading:
    """A reply to ImgEdit's UGE rubric: one score."""
    if mode is ReadingMode.OFFICIAL:
        return read_lines(reply, 1)
    return read_axes(reply, (SCORE,), (1.0, 5.0))


def read_post_filter(reply: object) -> Reading:
    """A reply to ImgEdit's post-filter: two scores and, where it is given, the flag ``objects_match``."""
    read = read_axes(reply, POST_FILTER_AXES, (1.0, 5.0))
    return _with_flag(read, reply, "objects_match", ("objects match",))


def read_vie(
    reply: object, part: ViePart, mode: ReadingMode = ReadingMode.ROBUST, guess: int | None = None
) -> Reading:
    """A reply to VIEScore's SC or PQ question; `value` is the lower of the two scores.

    Args:
        reply: The raw reply.
        part: Which question.
        mode: Whose rules.
        guess: Official only: the script's random number for a second unreadable reply.
    """
    if mode is ReadingMode.OFFICIAL:
        return read_viescore(reply, 2, guess)
    return read_axes(reply, VIE_AXES[part], (0.0, 10.0), lambda axes: min(axes.values()))


def read_mrc(
    reply: object, perspective: Perspective, mode: ReadingMode = ReadingMode.ROBUST
) -> Reading:
    """A reply about one of MRC's three perspectives (Real-Edit): a score, a yes/no and, for data, the failure in words."""
    if mode is ReadingMode.OFFICIAL:
        return read_real_edit(reply, perspective)
    axis = Axis("score", (f"{perspective} score", *SCORE.labels))
    read = read_axes(reply, (axis,), (0.0, 5.0))
    if read.scored:
        read = replace(read, axes={perspective: read.axes["score"]})
    return _with_flag(read, reply, perspective, (perspective,))


def read_nhr(reply: object) -> Reading:
    """A reply of NHR's validator: adherence and aesthetics as floats; `value` is their geometric mean."""
    return read_axes(reply, NHR_AXES, (1.0, 5.0), geometric_mean)


def read_hp_scorer(reply: object) -> Reading:
    """A reply to an HP-Scorer prompt: one score."""
    return read_axes(reply, (SCORE,), (0.0, 5.0))


def geometric_mean(axes: Mapping[str, float]) -> float:
    """Root of the product, as NHR ranks by and VIEScore's O is made."""
    product = 1.0
    for score in axes.values():
        product *= max(0.0, score)
    return float(product ** (1 / len(axes)))


def _with_flag(read: Reading, reply: object, flag: str, labels: tuple[str, ...]) -> Reading:
    """`read` with the yes/no behind one of `labels`, unless the reply gives both or none."""
    if not read.scored or not isinstance(reply, str):
        return read
    answers = flag_answers(without_markdown(normalised(reply) or ""), labels)
    return replace(read, flags={flag: answers.pop()}) if len(answers) == 1 else read
