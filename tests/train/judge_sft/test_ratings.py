"""What a judge learns from a file of ratings: the replies, the split, the axes; and what cannot be learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.train.judge_sft.brightness import write_ratings

pytest.importorskip("torch")
pytest.importorskip("peft")

from editloop.core.errors import UsageError
from editloop.judges.features.fitted import hashes_of
from editloop.judges.rubrics import load_rubric
from editloop.judges.rubrics.readings import read_reply
from editloop.judges.vlm.settings import RubricSettings
from editloop.records.formats.rated_edits import read_rated_edits
from editloop.train.judge_sft.ratings import RatedExamples, Teaching, rated_examples
from editloop.train.judge_sft.replies import check_teachable, has_digits, target_reply

RATINGS = [
    {"rater": "a", "alignment": 4, "quality": 2, "overall": 3},
    {"rater": "b", "alignment": 5, "quality": 3, "overall": 4},
]


def taught(path: Path, rubric: str = "hp-base", **changes: object) -> RatedExamples:
    rated = read_rated_edits(path)
    plain = {"rubric": load_rubric(rubric), "settings": RubricSettings(), "people": rated.scale}
    return rated_examples(rated, Teaching(**(plain | changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "digits"),
    [("hp-base", True), ("hp-scorer", True), ("imgedit", True), ("imgedit-uge", True), ("imgedit-filter", True),
     ("nhr", False), ("viescore", False)],
)  # fmt: skip
def test_the_rubrics_own_reading_reads_every_reply_back(name: str, digits: bool) -> None:
    rubric = load_rubric(name)
    check_teachable(rubric)
    assert has_digits(rubric) == digits
    rng = np.random.default_rng(0)
    for question in rubric.questions:
        scores = [2.0 + 0.5 * place for place in range(len(question.axes))]
        reply = target_reply(question, scores, rubric.scale, rng)
        read = read_reply(question.reading, reply.text)
        assert list(read.axes.values()) == pytest.approx(scores, abs=0.51)
        assert all(reply.text[offset].isdigit() for offset, _ in reply.digits)
        assert len(reply.digits) == (len(scores) if digits else 0)


@pytest.mark.parametrize("name", ["nhr-unwanted", "mrc", "mrc-failures", "pair"])
def test_what_ratings_do_not_hold_cannot_be_taught(name: str) -> None:
    with pytest.raises(UsageError, match="scores alone"):
        check_teachable(load_rubric(name))


def test_whole_numbers_are_drawn_so_that_the_mean_stays() -> None:
    (question,) = load_rubric("hp-base").questions
    rng = np.random.default_rng(0)
    drawn = [int(target_reply(question, [3.25], (0, 5), rng).text) for _ in range(2000)]
    assert set(drawn) == {3, 4}
    assert np.mean(drawn) == pytest.approx(3.25, abs=0.03)


def test_no_photograph_is_trained_on_and_held_out(tmp_path: Path) -> None:
    path = write_ratings(tmp_path, 24)
    lines = path.read_text().splitlines()
    # The edit of one photograph is the source of the next turn, under another name.
    chained = [
        line.replace(f"source{number}.png", f"edited{number - 1}.png") if number % 2 else line
        for number, line in enumerate(lines)
    ]
    path.write_text("\n".join(chained))
    found = taught(path, held_out=0.25)
    assert found.photographs == (9, 3)
    assert (len(found.trained), len(found.held_out)) == (18, 6)
    apart = [
        {one for edit in part for one in hashes_of(edit)}
        for part in (found.trained, found.held_out)
    ]
    assert not apart[0] & apart[1]
    assert taught(path, held_out=0.25).digest == found.digest
    assert taught(path, held_out=0.25, seed=1).digest != found.digest


def test_whole_numbers_learn_each_person_and_decimals_their_mean_without_leanings(
    tmp_path: Path,
) -> None:
    path = write_ratings(tmp_path, scale=[0, 10], ratings=RATINGS)
    single = taught(path)
    assert len(single.examples) == 2 * len(single.trained)
    assert {one.score for one in single.examples} == {1.5, 2.0}
    assert {one.task for one in single.examples} == {"tone"}
    mean = taught(path, "nhr")
    assert mean.axes == {"instruction": "alignment", "aesthetic": "quality"}
    assert {one.reply for one in mean.examples} == {
        '{"InstructionAdherence": 2.80, "ImageAesthetic": 2.00}'
    }


def test_an_axis_is_learnt_from_its_like_or_from_what_is_told(tmp_path: Path) -> None:
    path = write_ratings(tmp_path, ratings=RATINGS, edit_type="add")
    assert taught(path, "imgedit").axes["compliance"] == "alignment"
    told = taught(path, "imgedit", axes={"physics": "quality"})
    assert told.axes["physics"] == "quality"
    with pytest.raises(UsageError, match="people scored alignment"):
        taught(path, axes={"score": "beauty"})
    bare = write_ratings(tmp_path, ratings=[{"rater": "a", "alignment": 4}])
    with pytest.raises(UsageError, match="--learn score=AXIS"):
        taught(bare)


def test_what_cannot_be_used_is_dropped_and_too_little_is_an_error(tmp_path: Path) -> None:
    path = write_ratings(tmp_path)
    (tmp_path / "edited3.png").unlink()
    found = taught(path)
    assert [(one.place, one.reason) for one in found.dropped] == [("e3", "missing_image")]
    with pytest.raises(UsageError, match="at least 8 and 3 are needed"):
        taught(write_ratings(tmp_path / "few", 6))
    for image in tmp_path.glob("*.png"):
        image.unlink()
    with pytest.raises(UsageError, match="there is no file 'source0"):
        taught(path)
