"""The conditioner as a module on networks of three kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.transformers.transformer_qwenimage import QwenImageTransformer2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from editloop.core.errors import UsageError
from editloop.models.reward_conditioner import RewardConditioner

TEXT_WIDTH = 5
TOP = ((5.0, 5.0, 5.0),)
FAULTS = (("None", "None", "None"),)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def pool(texts: Any) -> Tensor:
    """A fixed vector a text."""
    rows = [torch.Generator().manual_seed(sum(text.encode())) for text in texts]
    return torch.stack([torch.randn(TEXT_WIDTH, generator=row) for row in rows])


def unet() -> UNet2DConditionModel:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return UNet2DConditionModel(
            sample_size=8,
            in_channels=3,
            out_channels=3,
            block_out_channels=(8, 16),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            norm_num_groups=4,
            attention_head_dim=2,
            cross_attention_dim=8,
        ).eval()


def run(network: nn.Module, rows: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn((rows, 3, 8, 8), generator=generator)
    words = torch.randn((rows, 4, 8), generator=generator)
    with torch.no_grad():
        return network(x, torch.full((rows,), 300.0), words).sample


def conditioned(network: nn.Module, **settings: Any) -> RewardConditioner:
    conditioner = RewardConditioner.for_network(network, text_width=TEXT_WIDTH, seed=1, **settings)
    conditioner.attach(network)
    return conditioner


def wake(conditioner: RewardConditioner, part: str = "") -> None:
    """Give the layers that start at zero some weight, those whose name holds `part`."""
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for name, parameter in conditioner.named_parameters():
            if part in name and not parameter.any():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))


def test_before_training_the_network_is_exactly_the_base() -> None:
    network = unet()
    base = run(network)
    conditioner = conditioned(network)
    with conditioner.rewarding(conditioner.condition(TOP, FAULTS, pool)):
        assert torch.equal(run(network), base)


@pytest.mark.parametrize("part", ["score_shift", "text_shift", "project_out"])
def test_each_of_the_three_ways_reaches_the_output(part: str) -> None:
    network = unet()
    base = run(network)
    conditioner = conditioned(network)
    wake(conditioner, part)
    told = conditioner.condition([(1.0, 2.0, 3.0)], [("a", "b", "c")], pool)
    with conditioner.rewarding(told):
        assert not torch.allclose(run(network), base, atol=1e-4)
    assert torch.equal(run(network), base)  # no reward told outside


def test_every_score_and_every_text_matters_unless_it_is_switched_off() -> None:
    def outputs(**settings: Any) -> list[Tensor]:
        network = unet()
        conditioner = conditioned(network, **settings)
        wake(conditioner)
        rewards = [((5.0, 5.0, 5.0), ("None", "None", "None"))]
        rewards += [
            (tuple(0.0 if k == low else 5.0 for k in range(3)), rewards[0][1]) for low in range(3)
        ]
        rewards += [
            (rewards[0][0], tuple("bad" if k == low else "None" for k in range(3)))
            for low in range(3)
        ]
        found = []
        for scores, faults in rewards:
            with conditioner.rewarding(conditioner.condition([scores], [faults], pool)):
                found.append(run(network))
        return found

    def same(**settings: Any) -> list[bool]:
        first, *others = outputs(**settings)
        return [torch.equal(first, other) for other in others]

    assert same()[:3] == [False] * 3
    assert not all(same()[3:])
    assert same(use_texts=False) == [False, False, False, True, True, True]
    assert same(use_scores=False)[:3] == [True] * 3
    assert same(perspectives=("quality",)) == [True, True, False, True, True, False]


def test_a_sample_without_a_reward_is_left_as_it_was_beside_one_with() -> None:
    network = unet()
    base = run(network)
    conditioner = conditioned(network)
    wake(conditioner)
    told = conditioner.condition([None, (5.0, None, 0.0)], [*FAULTS, *FAULTS], pool)
    assert told.given.tolist() == [[False] * 4, [True, False, True, True]]
    with conditioner.rewarding(told):
        output = run(network)
    torch.testing.assert_close(output[0], base[0])
    assert not torch.allclose(output[1], base[1], atol=1e-4)


def test_one_reward_serves_all_rows_and_three_rows_do_not_fit_four() -> None:
    network = unet()
    conditioner = conditioned(network)
    wake(conditioner)
    one = conditioner.condition(TOP, FAULTS, pool)
    many = conditioner.condition(TOP * 4, FAULTS * 4, pool)
    with conditioner.rewarding(one):
        alone = run(network, rows=4)
    with conditioner.rewarding(many):
        torch.testing.assert_close(run(network, rows=4), alone)
    with (
        conditioner.rewarding(conditioner.condition(TOP * 3, FAULTS * 3, pool)),
        pytest.raises(UsageError, match="3 samples came with a batch of 4"),
    ):
        run(network, rows=4)


def test_it_is_saved_beside_the_network_and_read_back(tmp_path: Path) -> None:
    network = unet()
    conditioner = conditioned(network, perspectives=("following",), separator=", ")
    wake(conditioner)
    with conditioner.rewarding(conditioner.condition(TOP, FAULTS, pool)):
        expected = run(network)
    conditioner.save_pretrained(tmp_path)
    conditioner.detach()
    again = RewardConditioner.from_pretrained(tmp_path).eval()
    again.attach(network)
    assert again.perspectives == ("following",)
    with again.rewarding(again.condition(TOP, FAULTS, pool)):
        assert torch.equal(run(network), expected)


def test_transformers_are_told_through_their_time_embedding() -> None:
    transformer = QwenImageTransformer2DModel(
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=1,
        joint_attention_dim=8,
        axes_dims_rope=(4, 6, 6),
    ).eval()
    generator = torch.Generator().manual_seed(0)
    inputs = {
        "hidden_states": torch.randn((1, 4, 4), generator=generator),
        "encoder_hidden_states": torch.randn((1, 3, 8), generator=generator),
        "timestep": torch.tensor([0.5]),
        "img_shapes": [[(1, 2, 2)]],
        "return_dict": False,
    }
    with torch.no_grad():
        base = transformer(**inputs)[0]
        conditioner = conditioned(transformer)
        assert conditioner.attention is None
        told = conditioner.condition(TOP, FAULTS, pool)
        with conditioner.rewarding(told):
            assert torch.equal(transformer(**inputs)[0], base)
            wake(conditioner)
            assert not torch.allclose(transformer(**inputs)[0], base, atol=1e-4)


def test_a_network_without_a_time_embedding_is_refused() -> None:
    with pytest.raises(UsageError, match="Linear has no time embedding"):
        RewardConditioner.for_network(nn.Linear(2, 2), text_width=3, seed=0)
