"""From a file of ratings to what a judge learns, with whole photographs held out to measure it on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from editloop.core.errors import BadInputError, UsageError
from editloop.core.ids import content_id
from editloop.core.seeds import generator
from editloop.judges.calibrate.chosen import task_of
from editloop.judges.calibrate.rater_bias import remove_rater_bias
from editloop.judges.people.report import people_axis_of
from editloop.judges.people.worker import edit_type_of, opened
from editloop.judges.rubrics.readings import axes_of
from editloop.judges.rubrics.rubric import Question, Rubric
from editloop.judges.vlm.asking import question_request
from editloop.judges.vlm.settings import RubricSettings
from editloop.models.vlms.messages import VlmRequest
from editloop.records.formats.rated_edits import RatedEdit, RatedFile, Unusable, check_image
from editloop.train.judge_sft.examples import JudgeExample
from editloop.train.judge_sft.replies import check_teachable, target_reply, writes_decimals

LEAST_TRAINED = 8
"""Fewest edits that a judge is trained on."""
LEAST_HELD_OUT = 3
"""Fewest edits that an agreement is measured on."""


@dataclass(frozen=True, slots=True)
class Teaching:
    """What is asked of whom about what.

    Args:
        rubric: The questions.
        settings: How they are put and read.
        people: The scale of the ratings.
        held_out: Share of the photographs that are kept out of training, in (0, 1).
        axes: Axis of the rubric -> axis that people were asked about, where the names do not tell.
        seed: Draws the photographs that are held out, and whole numbers.
    """

    rubric: Rubric
    settings: RubricSettings
    people: tuple[float, float]
    held_out: float = 0.2
    axes: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class RatedExamples:
    """The parts of a file of ratings.

    Args:
        examples: What is learnt, from the photographs that are not held out.
        trained: Edits behind them.
        held_out: Edits of the other photographs.
        photographs: Photographs of `trained` and of `held_out`.
        axes: Axis of the rubric -> axis of people that it is learnt from.
        dropped: Edits that taught nothing, and why.
        hashes: uid -> short hashes of its two images, as `judges.features.fitted.hashes_of` gives them.
    """

    examples: tuple[JudgeExample, ...]
    trained: tuple[RatedEdit, ...]
    held_out: tuple[RatedEdit, ...]
    photographs: tuple[int, int]
    axes: Mapping[str, str]
    dropped: tuple[Unusable, ...]
    hashes: Mapping[str, tuple[str, ...]]

    @property
    def digest(self) -> str:
        """Changes when anything that is learnt does."""
        return content_id(
            [edit.uid for edit in self.trained],
            [self.hashes[edit.uid] for edit in self.trained],
            [(one.reply, one.score, one.task, one.digits) for one in self.examples],
        )[:16]


def rated_examples(rated: RatedFile, teaching: Teaching) -> RatedExamples:
    """Split the photographs of a file, and make one example of every rating of the larger part.

    A rubric whose replies are whole numbers learns each person's own answer (ImgEdit-Judge learns rating records), so that its digits'
    probabilities are the shares of people who would say so; one with decimals learns people's mean after each rater's leaning was
    taken off (NoHumansRequired's validator). Two edits share a photograph when they name the same one or share an image file's bytes.

    Raises:
        UsageError: the rubric cannot be taught, people were not asked about its axes, or too few edits are left.
    """
    check_teachable(teaching.rubric)
    axes = learnt_axes(rated, teaching)
    usable, hashes, dropped = _usable(rated, teaching.rubric)
    groups = _photographs(usable, hashes)
    chosen = _held_out(groups, teaching.held_out, teaching.seed)
    trained = [edit for name, edits in groups.items() if name not in chosen for edit in edits]
    kept = [edit for name in groups if name in chosen for edit in groups[name]]
    examples: list[JudgeExample] = []
    bare: list[Unusable] = []
    records = _mean_records if writes_decimals(teaching.rubric) else _single_records
    found = records(rated, trained, set(axes.values()))
    for edit in trained:
        own = _examples(edit, found[edit.uid], axes, teaching)
        examples += own
        if not own:
            detail = f"nobody scored it on all of {', '.join(dict.fromkeys(axes.values()))}"
            bare.append(Unusable(edit.uid, "axis_not_rated", detail))
    lost = {one.place for one in bare}
    trained = [edit for edit in trained if edit.uid not in lost]
    dropped = [*dropped, *bare]
    _check_enough(rated, trained, kept, groups, dropped)
    counts = (len(groups) - len(chosen), len(chosen))
    return RatedExamples(
        tuple(examples), tuple(trained), tuple(kept), counts, axes, tuple(dropped), hashes
    )


def learnt_axes(rated: RatedFile, teaching: Teaching) -> dict[str, str]:
    """Axis of the rubric -> axis of people: as told, else the same name or meaning, else people's overall score.

    Raises:
        UsageError: people were not asked about an axis, or `Teaching.axes` names one that there is not.
    """
    asked, told = rated.axes, teaching.axes
    names = list(
        dict.fromkeys(
            axis.name
            for question in teaching.rubric.questions
            for axis in axes_of(question.reading)
        )
    )
    for axis, people in told.items():
        if axis not in names or people not in asked:
            raise UsageError(
                f"cannot learn {axis!r} from {people!r}: the rubric {teaching.rubric.name!r} scores {', '.join(names)}, people scored "
                f"{', '.join(asked)}"
            )
    found = {}
    for axis in names:
        people_axis = told.get(axis) or people_axis_of(axis, asked)
        if people_axis is None:
            raise UsageError(
                f"people were not asked about {axis!r} of the rubric {teaching.rubric.name!r}; they scored {', '.join(asked)}: say which "
                f"of these it is learnt from (--learn {axis}=AXIS), or take another rubric"
            )
        found[axis] = people_axis
    return found


def _usable(
    rated: RatedFile, rubric: Rubric
) -> tuple[list[RatedEdit], dict[str, tuple[str, ...]], list[Unusable]]:
    """Edits that the rubric can be asked about and whose images can be read, and the hashes of these."""
    usable, hashes, dropped = [], dict[str, tuple[str, ...]](), []
    for edit in rated.edits:
        try:
            kind = edit_type_of(edit)
            if not rubric.questions_for(kind):
                what = kind or "an edit whose type no label names"
                raise BadInputError("no_question", f"{rubric.name!r} has none for {what}")
            hashes[edit.uid] = tuple(check_image(one)[:16] for one in (edit.source, edit.edited))
        except BadInputError as error:
            dropped.append(Unusable(edit.uid, error.reason, error.detail))
        else:
            usable.append(edit)
    return usable, hashes, dropped


def _photographs(
    edits: Sequence[RatedEdit], hashes: Mapping[str, Sequence[str]]
) -> dict[str, list[RatedEdit]]:
    """Edits by photograph, joined where they name the same one or share an image."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for edit in edits:
        own = find(f"name {edit.image}")
        for digest in hashes[edit.uid]:
            leader[find(f"image {digest}")] = own
            own = find(own)
    groups: dict[str, list[RatedEdit]] = {}
    for edit in edits:
        groups.setdefault(find(f"name {edit.image}"), []).append(edit)
    return {min(edit.image for edit in one): one for one in groups.values()}


def _held_out(names: Iterable[str], share: float, seed: int) -> set[str]:
    """A share of the photographs, at least one; each photograph's place in the draw depends on its own name and the seed alone."""
    order = sorted(names, key=lambda name: content_id("held-out", seed, name))
    return set(order[: max(1, round(share * len(order)))]) if len(order) > 1 else set()


_Record = tuple[str, Mapping[str, float]]
"""A person, or ``mean``, and the scores by axis on people's scale."""


def _single_records(
    _rated: RatedFile, edits: Sequence[RatedEdit], _axes: set[str]
) -> dict[str, list[_Record]]:
    """Every person's own answer."""
    found: dict[str, list[_Record]] = {}
    for edit in edits:
        raters = dict.fromkeys(rater for given in edit.scores.values() for rater in given)
        found[edit.uid] = [
            (rater, {axis: given[rater] for axis, given in edit.scores.items() if rater in given})
            for rater in raters
        ]
    return found


def _mean_records(
    rated: RatedFile, edits: Sequence[RatedEdit], axes: set[str]
) -> dict[str, list[_Record]]:
    """People's mean without each rater's leaning, which is measured on the edits that are trained on."""
    own = {edit.uid for edit in edits}
    ratings = [rating for rating in rated.ratings() if rating.item in own]
    by_axis = {
        axis: remove_rater_bias(ratings, axis).item_scores
        for axis in axes
        if any(rating.axis == axis for rating in ratings)
    }
    return {
        edit.uid: [
            (
                "mean",
                {axis: given[edit.uid] for axis, given in by_axis.items() if edit.uid in given},
            )
        ]
        for edit in edits
    }


def _examples(
    edit: RatedEdit, records: Sequence[_Record], axes: Mapping[str, str], teaching: Teaching
) -> list[JudgeExample]:
    """One example a record and question; a record without a score that a question needs teaches nothing there."""
    rubric, kind = teaching.rubric, edit_type_of(edit)
    task = str(kind) if kind is not None else task_of(edit.instruction, edit.context)
    found = []
    for question in rubric.questions_for(kind):
        wanted = [axes[axis.name] for axis in axes_of(question.reading)]
        for rater, given in records:
            if not all(axis in given for axis in wanted):
                continue
            scores = [_carried(given[axis], teaching.people, rubric.scale) for axis in wanted]
            rng = generator(teaching.seed, "target", edit.uid, question.name, rater)
            reply = target_reply(question, scores, rubric.scale, rng)
            mean = sum(scores) / len(scores)
            ask = partial(_ask, rubric, question, edit, teaching.settings)
            found.append(JudgeExample(ask, reply.text, mean, task, reply.digits))
    return found


def _ask(
    rubric: Rubric, question: Question, edit: RatedEdit, settings: RubricSettings
) -> VlmRequest:
    return question_request(rubric, question, opened(edit), settings)


def _carried(score: float, people: tuple[float, float], scale: tuple[float, float]) -> float:
    """A score of people on the rubric's scale, linearly."""
    share = (score - people[0]) / (people[1] - people[0])
    return min(max(scale[0] + share * (scale[1] - scale[0]), scale[0]), scale[1])


def _check_enough(
    rated: RatedFile,
    trained: Sequence[RatedEdit],
    held_out: Sequence[RatedEdit],
    groups: Mapping[str, Sequence[RatedEdit]],
    dropped: Sequence[Unusable],
) -> None:
    if len(trained) >= LEAST_TRAINED and len(held_out) >= LEAST_HELD_OUT:
        return
    first = dropped[0] if dropped else None
    why = (
        f"; {len(dropped)} were dropped, the first: {first.place}: {first.detail}" if first else ""
    )
    raise UsageError(
        f"{rated.path} leaves {len(trained)} edits to train on and {len(held_out)} to measure on, of {len(groups)} photographs; at least "
        f"{LEAST_TRAINED} and {LEAST_HELD_OUT} are needed, no photograph in both{why}"
    )
