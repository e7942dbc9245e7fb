"""A generator without weights: reads every prompt of the world, draws it, and errs in a known share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from editloop.core.errors import BadInputError
from editloop.models.roles import GenerationRequest, Generator
from editloop.world.fitting import fit_scene
from editloop.world.illustrator import FAULT_SHARE, Illustrator, scene_of_prompt
from editloop.world.sampling import describe, sample_scene
from editloop.world.scenes import Scene


def told(scene: Scene) -> Scene:
    """What a prompt of `scene` can tell, objects in a fixed order."""
    objects = sorted(
        (replace(o, dx=0.0, dy=0.0) for o in scene.objects), key=lambda o: (o.place, o.kind)
    )
    return replace(scene, objects=tuple(objects), wear_seed=0)


def test_every_prompt_is_read_back() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        scene = sample_scene(rng)
        assert told(scene_of_prompt(describe(scene, rng))) == told(scene)


@pytest.mark.parametrize("prompt", ["", "a photo of a dog", "draw a red ball on the left"])
def test_other_words_are_refused(prompt: str) -> None:
    with pytest.raises(BadInputError, match="unknown_words"):
        scene_of_prompt(prompt)


def test_without_faults_every_picture_shows_its_prompt() -> None:
    rng = np.random.default_rng(1)
    scenes = [sample_scene(rng) for _ in range(6)]
    prompts = [describe(scene, rng) for scene in scenes]
    images = Illustrator(fault_share=0.0).generate_many(
        [GenerationRequest(prompt, seed) for seed, prompt in enumerate(prompts)]
    )
    for prompt, image in zip(prompts, images, strict=True):
        assert fit_scene(scene_of_prompt(prompt), image).depicts()


def test_faults_come_in_their_share_and_the_gate_sees_them() -> None:
    prompt = "draw a red ball on the left and a blue house on the right in a meadow"
    requests = [GenerationRequest(prompt, seed) for seed in range(60)]
    images = Illustrator().generate_many(requests)
    shown = [fit_scene(scene_of_prompt(prompt), image).depicts() for image in images]
    assert 1 - np.mean(shown) == pytest.approx(FAULT_SHARE, abs=0.15)


def test_a_picture_is_a_function_of_its_request() -> None:
    illustrator = Illustrator()
    assert isinstance(illustrator, Generator)
    request = GenerationRequest("draw a big green kite in the middle in space at dusk", 3)
    larger = replace(request, width=64, height=48)
    first, second, other, large = illustrator.generate_many(
        [request, request, replace(request, seed=4), larger]
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert large.shape == (48, 48, 3)
