"""The tiny editor as diffusers sees it, and what enters its network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from tests.models.storybook.pipelines import SIDE, WORDS, picture, seeded, toy_pipeline

from editloop.core.errors import UsageError
from editloop.models.roles import RgbImage
from editloop.models.storybook.latents import (
    SMALLEST_SIGMA,
    from_latents,
    to_latents,
    velocity_of,
)
from editloop.models.storybook.pipeline import StorybookPipeline, blank_image, sampling_sigmas
from editloop.models.storybook.text import MAX_TOKENS, encode_text, with_context
from editloop.train.align.lora import add_adapter, save_lora
from editloop.train.policies.storybook import StorybookPolicy


@pytest.fixture(scope="module")
def pipeline() -> StorybookPipeline:
    torch.set_num_threads(1)
    return toy_pipeline()


@pytest.fixture(scope="module")
def folder(pipeline: StorybookPipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pipeline")
    pipeline.save_pretrained(place)
    return place


def edit(pipeline: StorybookPipeline, **changes: Any) -> list[RgbImage]:
    given: dict[str, Any] = {
        "images": [picture(0)],
        "instructions": ["make the ball red"],
        "num_inference_steps": 3,
        "generator": seeded(7),
    }
    images: list[RgbImage] = pipeline(**{**given, **changes}).images
    return images


def test_latents_are_lossless_and_ordered_as_the_picture() -> None:
    image = picture(1)
    latents = to_latents([image])
    assert latents.shape == (1, 12, SIDE // 2, SIDE // 2)
    assert float(latents.abs().max()) <= 1
    np.testing.assert_array_equal(from_latents(latents)[0], image)


@pytest.mark.parametrize(
    ("images", "reason"),
    [([picture(0, 15)], "even"), ([picture(0, 16), picture(0, 18)], "one size")],
    ids=["odd side", "two sizes"],
)
def test_pictures_that_make_no_latents_are_refused(images: list[RgbImage], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        to_latents(images)


def test_velocity_points_from_the_predicted_picture_to_the_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    clean, noise, source = torch.randn((3, 2, 12, 4, 4), generator=generator).unbind()
    sigma = torch.tensor([0.3, 0.9])
    level = sigma[:, None, None, None]
    noisy = (1 - level) * clean + level * noise
    found = velocity_of(noisy, sigma, source, clean - source)
    torch.testing.assert_close(found, noise - clean, rtol=1e-4, atol=1e-5)
    near = velocity_of(clean + 1, torch.zeros(2), source, clean - source)
    torch.testing.assert_close(near, torch.full_like(near, 1 / SMALLEST_SIGMA), rtol=1e-4, atol=0)


def test_a_saved_pipeline_loads_to_the_bit(pipeline: StorybookPipeline, folder: Path) -> None:
    loaded = StorybookPipeline.from_pretrained(str(folder))
    for name in ("unet", "text_encoder"):
        saved = getattr(pipeline, name).state_dict()
        for key, value in getattr(loaded, name).state_dict().items():
            assert torch.equal(value, saved[key]), (name, key)
    loaded.set_progress_bar_config(disable=True)
    np.testing.assert_array_equal(edit(loaded)[0], edit(pipeline)[0])
    assert isinstance(loaded, DiffusionPipeline)


def test_an_untrained_network_copies_the_source() -> None:
    untrained = toy_pipeline(edits=False)
    np.testing.assert_array_equal(edit(untrained)[0], picture(0))
    np.testing.assert_array_equal(
        untrained(None, ["draw a ball"], generator=seeded(1)).images[0], blank_image(SIDE)
    )


def test_a_result_depends_on_its_own_seed_and_not_on_its_neighbours(
    pipeline: StorybookPipeline,
) -> None:
    images = [picture(0), picture(1), picture(2)]
    words = ["make it red", "remove the ball", "make the ball red"]
    references = [None, picture(8), None]
    together = edit(
        pipeline,
        images=images,
        instructions=words,
        references=references,
        generator=seeded(1, 2, 3),
    )
    for row in range(3):
        alone = edit(
            pipeline,
            images=[images[row]],
            instructions=[words[row]],
            references=[references[row]],
            generator=seeded(row + 1),
        )
        difference = np.abs(alone[0].astype(int) - together[row])
        assert difference.max() <= 1
    other = edit(pipeline, generator=seeded(8))[0]
    assert (other != edit(pipeline)[0]).any()


@pytest.mark.parametrize(
    "changes",
    [
        {"instructions": ["remove the ball"]},
        {"context": [["make it red"]]},
        {"references": [picture(5)]},
        {"images": [picture(6)]},
    ],
    ids=["words", "dialogue", "reference", "source"],
)
def test_everything_that_is_said_and_shown_reaches_the_network(
    pipeline: StorybookPipeline, changes: dict[str, Any]
) -> None:
    assert (edit(pipeline, **changes)[0] != edit(pipeline)[0]).any()


def test_drawing_is_editing_a_blank_picture(pipeline: StorybookPipeline) -> None:
    drawn = pipeline(None, ["draw a red ball"], generator=seeded(3)).images[0]
    edited = pipeline([blank_image(SIDE)], ["draw a red ball"], generator=seeded(3)).images[0]
    np.testing.assert_array_equal(drawn, edited)
    assert drawn.shape == (SIDE, SIDE, 3)


def test_noise_can_be_given_and_latents_asked_for(pipeline: StorybookPipeline) -> None:
    noise = torch.randn((1, 12, 8, 8), generator=seeded(7)[0])
    given = edit(pipeline, latents=noise, generator=None)
    np.testing.assert_array_equal(given[0], edit(pipeline)[0])
    latents: Any = edit(pipeline, latents=noise, output_type="latent")
    np.testing.assert_array_equal(from_latents(latents)[0], given[0])


@pytest.mark.parametrize("name", ["images", "references", "context"])
def test_lists_of_other_lengths_are_refused(pipeline: StorybookPipeline, name: str) -> None:
    two = {"images": [picture(0)] * 2, "references": [None] * 2, "context": [["red"]] * 2}
    with pytest.raises(UsageError, match=f"1 instructions came with 2 {name}"):
        edit(pipeline, **{name: two[name]})


def test_more_steps_decide_than_polish(pipeline: StorybookPipeline) -> None:
    pipeline.scheduler.set_timesteps(sigmas=sampling_sigmas(4))
    # 3 s / (1 + 2 s) of 1, 3/4, 1/2 and 1/4.
    assert pipeline.scheduler.sigmas.tolist() == pytest.approx([1, 0.9, 0.75, 0.5, 0])
    assert pipeline.scheduler.timesteps.tolist() == pytest.approx([1000, 900, 750, 500])


def test_half_precision_on_disk_runs_in_single(pipeline: StorybookPipeline, tmp_path: Path) -> None:
    half = toy_pipeline()
    half.unet.half()
    half.save_pretrained(tmp_path)
    loaded = StorybookPipeline.from_pretrained(str(tmp_path), dtype=torch.float32)
    loaded.set_progress_bar_config(disable=True)
    assert {parameter.dtype for parameter in loaded.unet.parameters()} == {torch.float32}
    difference = np.abs(edit(loaded)[0].astype(int) - edit(pipeline)[0])
    assert difference.max() <= 2


def test_a_trained_lora_is_loaded_by_the_plain_pipeline(folder: Path, tmp_path: Path) -> None:
    trained = toy_pipeline()
    add_adapter(trained.unet, rank=2, alpha=4, targets=StorybookPolicy.lora_targets, seed=0)
    random = torch.Generator().manual_seed(1)
    for name, parameter in trained.unet.named_parameters():
        if "lora_B" in name:
            parameter.data = 0.3 * torch.randn(parameter.shape, generator=random)
    save_lora(trained.unet, tmp_path, prefix="unet")
    plain = StorybookPipeline.from_pretrained(str(folder))
    plain.set_progress_bar_config(disable=True)
    before = edit(plain)[0]
    plain.load_lora_weights(str(tmp_path))
    # PEFT may add a layer's two products in another order: the last bit, at most one grey level.
    assert np.abs(edit(plain)[0].astype(int) - edit(trained)[0]).max() <= 1
    assert np.abs(edit(plain)[0].astype(int) - before).max() > 1
    plain.unload_lora_weights()
    np.testing.assert_array_equal(edit(plain)[0], before)


def test_earlier_turns_change_the_text_states(pipeline: StorybookPipeline) -> None:
    def pooled(text: str) -> torch.Tensor:
        with torch.no_grad():
            return encode_text(pipeline.tokenizer, pipeline.text_encoder, [text])[2]

    plain, told = pooled("undo that"), pooled(with_context("undo that", ["make it red"]))
    assert not torch.allclose(plain, told)
    assert not torch.allclose(told, pooled("make it red undo that"))


def test_padding_changes_no_text(pipeline: StorybookPipeline) -> None:
    texts = ["make it red", "remove the ball , remove that ball"]
    with torch.no_grad():
        states, mask, pooled = encode_text(pipeline.tokenizer, pipeline.text_encoder, texts)
        alone, _, pooled_alone = encode_text(pipeline.tokenizer, pipeline.text_encoder, texts[:1])
    assert mask.sum(1).tolist() == [3, 7]
    torch.testing.assert_close(states[:1, :3], alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(pooled[:1], pooled_alone, rtol=1e-4, atol=1e-5)


def test_words_are_whole_and_marks_stand_alone(pipeline: StorybookPipeline) -> None:
    read = pipeline.tokenizer
    assert read.tokenize("Make the BALL, red.") == ["make", "the", "ball", ",", "red", "."]
    assert read.tokenize("make the zebra red") == ["make", "the", "<unk>", "red"]
    assert set(WORDS) <= set(read.get_vocab())


def test_a_long_dialogue_keeps_its_end(pipeline: StorybookPipeline) -> None:
    long = with_context("undo that", ["make the ball red"] * 20)
    with torch.no_grad():
        states, mask, _ = encode_text(pipeline.tokenizer, pipeline.text_encoder, [long])
        end, _, _ = encode_text(
            pipeline.tokenizer, pipeline.text_encoder, [" ".join(long.split()[-MAX_TOKENS:])]
        )
    assert mask.shape == (1, MAX_TOKENS)
    torch.testing.assert_close(states, end)
