"""The text encoder learns to read before the pictures begin."""

import numpy as np
import pytest

from editloop.models.storybook.build import build_pipeline
from editloop.models.storybook.pipeline import StorybookPipeline
from editloop.models.storybook.text import encode_text
from editloop.train.storybook.base import training_vocabulary
from editloop.train.storybook.reading import QUESTIONS, teach_reading, text_of_case, texts
from editloop.world.sampling import sample_case


@pytest.fixture
def pipeline() -> StorybookPipeline:
    return build_pipeline(training_vocabulary(), channels=(8, 8), hidden=64, text_layers=1)


def test_answers_are_possible_and_said() -> None:
    for item in texts(seed=1, index=0, count=200):
        for question, answer in item.answers.items():
            assert answer in QUESTIONS[question]
        assert "task" in item.answers


def test_colours_of_an_instruction_are_in_its_words() -> None:
    rng = np.random.default_rng(2)
    asked = 0
    for _ in range(300):
        item = text_of_case(sample_case(rng))
        for question in ("spoken_colour", "new_colour", "new_kind"):
            if question in item.answers:
                asked += 1
                assert item.answers[question] in item.text
    assert asked > 100


def test_batches_do_not_depend_on_the_past() -> None:
    assert texts(3, 5, 20) == texts(3, 5, 20)
    assert texts(3, 5, 20) != texts(3, 6, 20)


def test_fresh_heads_look_at_neighbours_of_both_sides() -> None:
    pipeline = build_pipeline(("red", "ball"), channels=(8, 8), hidden=128, text_layers=1)
    attention = pipeline.text_encoder.encoder.block[0].layer[0].SelfAttention
    bias = attention.compute_bias(9, 9)[0]  # (heads, queries, keys)
    middle = bias[:, 4]
    assert int(middle[0].argmax()) == 3
    assert int(middle[1].argmax()) in (6, 7, 8)
    assert middle[2].argsort(descending=True)[:4].sort().values.tolist() == [2, 3, 5, 6]
    assert not middle[3].any()


def test_reading_is_learnt(pipeline: StorybookPipeline) -> None:
    def taught(steps: int, rate: float) -> float:
        return teach_reading(
            lambda texts: encode_text(pipeline.tokenizer, pipeline.text_encoder, texts),
            pipeline.text_encoder,
            width=64,
            steps=steps,
            batch_size=64,
            learning_rate=rate,
            seed=0,
        )

    first = taught(1, 1e-3)
    assert taught(80, 3e-3) > first + 0.2
