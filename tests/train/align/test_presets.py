from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.train.align.runs import redness, toy_cases
from tests.train.toy_policy import ToyPolicy

from editloop.core.config import dump_config, load_config, override
from editloop.core.errors import ConfigError, UnknownNameError
from editloop.models.roles import EditRequest, RgbImage
from editloop.train.align.config import AlignConfig
from editloop.train.align.log import read_log
from editloop.train.align.presets import ALIGN_PRESETS, align_preset
from editloop.train.align.reward_bus import FunctionReward
from editloop.train.align.trainer import align
from editloop.train.align.trajectory import AlignCase, ScoredImage

SMALL = [
    "steps=1",
    "rollout.groups=2",
    "rollout.group_size=4",
    "rollout.steps=4",
    "lora.rank=2",
    "check.judge=false",
    "sheet_every=1",
]


class FivePointReward(FunctionReward):
    """Redness on a judge's scale."""

    scale = (0.0, 5.0)

    def __init__(self) -> None:
        super().__init__(lambda request, image: 5 + 5 * redness(request, image))


def scored_cases() -> list[AlignCase]:
    """Cases with two results each, the redder one scored higher."""
    rng = np.random.default_rng(0)

    def result(request: EditRequest) -> ScoredImage:
        image: RgbImage = rng.integers(0, 256, request.image.shape).astype(np.uint8)
        return ScoredImage(image, {"overall": float(image[..., 0].mean())})

    return [
        replace(case, scored=(result(case.request), result(case.request))) for case in toy_cases()
    ]


@pytest.mark.parametrize("name", sorted(ALIGN_PRESETS))
def test_every_preset_runs(name: str, tmp_path: Path) -> None:
    config = override(AlignConfig, align_preset(name), SMALL)
    offline = config.data == "scored"
    cases: list[AlignCase] = scored_cases() if offline else toy_cases()
    result = align(ToyPolicy(), cases, None if offline else FivePointReward(), config, tmp_path)
    (entry,) = read_log(tmp_path)
    assert result.steps == 1
    assert entry["groups/kept"] == 2
    assert entry["update/gradient_norm"] > 0
    assert np.isfinite(entry["update/loss"])
    assert (tmp_path / "sheets" / "step-000001.png").stat().st_size > 1000
    assert {"reward/q50", "reward/zero_std_share", "time/update_s", "kl_weight"} <= set(entry)
    if config.objective.kind == "grpo":
        assert {"update/ratio_p50", "update/clip_share"} <= set(entry)
    if not offline:
        assert entry["picture/edge_energy"] > 0


@pytest.mark.parametrize("name", sorted(ALIGN_PRESETS))
def test_a_preset_survives_its_file(name: str, tmp_path: Path) -> None:
    config = align_preset(name)
    (tmp_path / "config.yaml").write_text(dump_config(config))
    assert load_config(AlignConfig, tmp_path / "config.yaml") == config


def test_the_papers_figures() -> None:
    hp_edit = align_preset("hp_edit")
    assert hp_edit.lora is not None
    assert hp_edit.lora.rank == 32
    assert hp_edit.update.learning_rate == 3e-4
    assert hp_edit.reward.map is not None
    assert float(hp_edit.reward.map([2.5], (0, 5))[0]) == 0.5
    assert align_preset("nft_edit") == align_preset("nft_edit")


@pytest.mark.parametrize(
    ("setting", "nearest"),
    [("rollout.group_siz=4", "group_size"), ("updates.rows=4", "update"), ("sed=1", "seed")],
)
def test_an_unknown_setting_names_the_nearest(setting: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=nearest):
        override(AlignConfig, align_preset("nft_edit"), [setting])


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="hp_edit"):
        align_preset("hpedit")


def test_offline_cases_without_results_are_refused(tmp_path: Path) -> None:
    config: Any = override(AlignConfig, align_preset("dpo_offline"), SMALL)
    with pytest.raises(Exception, match="no scored results"):
        align(ToyPolicy(), toy_cases(), None, config, tmp_path)
