"""The judge network and its reader, at toy size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.storybook.judges import SHAPE, toy_network, write_toy_judge

from editloop.core.errors import AssetError
from editloop.models.storybook.judge_network import Reading, build_judge_network
from editloop.models.storybook.judge_reader import (
    JudgeReader,
    load_judge_network,
    open_judge,
    pictures_to_tensor,
)
from editloop.models.storybook.judge_shape import SCORE_STEPS, judge_files


@pytest.fixture(scope="module")
def reader() -> JudgeReader:
    torch.set_num_threads(1)
    return JudgeReader(toy_network(), "1")


def pictures(count: int, seed: int = 0, size: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def reading_of(scores: torch.Tensor) -> Reading:
    return Reading(scores, torch.zeros(1, 3), torch.zeros(1, 2), torch.zeros(1, 3, 32, 32))


def test_the_expected_score_is_the_mean_of_the_distribution() -> None:
    shares = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.25, 0.0, 0.25])
    reading = reading_of(shares.log().clamp(min=-1e9).expand(1, 4, 9))
    torch.testing.assert_close(reading.expected(), torch.full((1, 4), 3.75))
    spread = (0.5 * 0.75**2 + 0.25 * 0.25**2 + 0.25 * 1.25**2) ** 0.5
    torch.testing.assert_close(reading.spread(), torch.full((1, 4), spread))


def test_an_even_distribution_expects_the_middle() -> None:
    torch.testing.assert_close(reading_of(torch.zeros(1, 4, 9)).expected(), torch.full((1, 4), 3.0))
    assert SCORE_STEPS[0] == 1.0
    assert SCORE_STEPS[-1] == 5.0


def test_a_reading_depends_on_its_own_pair_alone(reader: JudgeReader) -> None:
    sources, edits = pictures(5), pictures(5, 1)
    words = ["make the ball red", "red", "the", "make", "the red ball make the red ball"]
    together = reader.read(sources, edits, words)
    alone = reader.read(sources[1:2], edits[1:2], words[1:2])
    np.testing.assert_allclose(together.expected[1:2], alone.expected, atol=1e-5)
    np.testing.assert_allclose(together.failures[1:2], alone.failures, atol=1e-6)


@pytest.mark.parametrize("changed", ["source", "edit", "words", "reference", "context"])
def test_everything_that_is_shown_matters(reader: JudgeReader, changed: str) -> None:
    shown = {"source": pictures(1), "edit": pictures(1, 1), "words": ["make the ball red"]}
    other = {"source": pictures(1, 2), "edit": pictures(1, 3), "words": ["make the ball the"]}
    plain = reader.read(shown["source"], shown["edit"], shown["words"]).expected
    seen = {key: other[key] if key == changed else value for key, value in shown.items()}
    reference = [pictures(1, 4)[0]] if changed == "reference" else None
    context = [("red ball",)] if changed == "context" else None
    read = reader.read(seen["source"], seen["edit"], seen["words"], reference, context).expected
    assert np.abs(read - plain).max() > 1e-4


def test_nothing_to_read_gives_empty_arrays(reader: JudgeReader) -> None:
    read = reader.read([], [], [])
    assert read.expected.shape == (0, 4)
    assert read.failures.shape == (0, 1 + len(SHAPE.failures))


def test_pictures_of_other_sizes_are_averaged_down() -> None:
    large = pictures(1, size=64)
    small = pictures_to_tensor(large)
    assert small.shape == (1, 3, 32, 32)
    mean = large[0, :2, :2, 0].mean() / 127.5 - 1.0
    assert abs(float(small[0, 0, 0, 0]) - mean) < 0.01


def test_no_reference_is_grey() -> None:
    assert not pictures_to_tensor([None]).any()


def test_written_weights_read_alike_up_to_half_precision(tmp_path: Path) -> None:
    found = judge_files("toy", write_toy_judge(tmp_path))
    assert found.shape == SHAPE
    assert found.training == {"pairs": 0}
    sources, edits = pictures(3), pictures(3, 1)
    again = JudgeReader(load_judge_network(found), found.version).read(sources, edits, ["red"] * 3)
    first = JudgeReader(toy_network(), "1").read(sources, edits, ["red"] * 3)
    np.testing.assert_allclose(again.expected, first.expected, atol=0.01)


def test_the_version_follows_the_weights(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert (
        open_judge("toy", write_toy_judge(one, seed=0)).version
        != open_judge("toy", write_toy_judge(other, seed=1)).version
    )


def test_missing_weights_name_the_command_that_trains_them(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"python -m editloop.train.judge other"):
        judge_files("other", tmp_path)


def test_building_leaves_the_global_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    first, second = build_judge_network(SHAPE, seed=5), build_judge_network(SHAPE, seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
