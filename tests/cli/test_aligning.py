"""`editloop align` on a tiny storybook editor with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from editloop.cli.aligning import AlignRequest, load_reward, resolve_config
from editloop.cli.app import app
from editloop.core.errors import ConfigError, UnknownNameError, UsageError
from editloop.models.storybook.build import build_pipeline
from editloop.train.align.cases import OracleReward
from editloop.train.align.reward_bus import JudgeReward
from editloop.world.grammar import vocabulary

SMALL = (
    "rollout.group_size=4",
    "rollout.groups=1",
    "rollout.steps=2",
    "update.levels=1",
    "lora.rank=2",
    "check.judge=false",
)


@pytest.fixture(scope="module", autouse=True)
def _one_torch_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with an editor that answers every instruction with coloured noise."""
    folder = tmp_path_factory.mktemp("editor")
    pipeline = build_pipeline(vocabulary(), channels=(8, 16), hidden=32, text_layers=1)
    with torch.no_grad():
        pipeline.unet.conv_out.weight.normal_(0, 0.1, generator=torch.Generator().manual_seed(0))
    pipeline.save_pretrained(folder)
    return f"diffusers:{folder}"


def run(editor: str, out: Path, *words: str) -> Result:
    settings = [word for setting in SMALL for word in ("--set", setting)]
    command = [
        "align",
        editor,
        "--cases",
        "world:3",
        "--out",
        str(out),
        "--json",
        *settings,
        *words,
    ]
    return CliRunner().invoke(app, command)


def test_a_run_prints_where_the_lora_is_and_a_second_one_goes_on(
    editor: str, tmp_path: Path
) -> None:
    rewarded = ("--reward", "world:oracle", "--set", "rollout.draws=4")
    first = run(editor, tmp_path, *rewarded, "--set", "steps=1")
    assert first.exit_code == 0, first.output
    facts = json.loads(first.stdout)
    assert facts["steps"] == 1
    assert facts["stopped"] == "finished"
    assert 1 <= facts["reward"] <= 5
    assert (Path(facts["export"]) / "pytorch_lora_weights.safetensors").is_file()
    page = Path(facts["page"]).read_text("utf-8")
    assert page.count('alt="before"') == page.count('alt="after"') == 6
    assert "groups drawn" in page
    second = run(editor, tmp_path, *rewarded, "--set", "steps=2")
    assert json.loads(second.stdout)["steps"] == 2
    assert len(Path(facts["log"]).read_text().splitlines()) == 2


def test_a_plan_prints_figures_and_trains_nothing(editor: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = run(editor, out, "--plan", "--set", "steps=7")
    figures = json.loads(done.stdout)
    assert figures["images"] == 7 * 4
    assert figures["forward_tflop"] > 0
    assert not out.exists()


def asked(**changes: object) -> AlignRequest:
    base = AlignRequest(
        "world:tiny-editor",
        "world:4",
        ("world:oracle",),
        None,
        "nft_edit",
        Path("out"),
        None,
        (),
        False,
    )
    return base._replace(**changes)  # type: ignore[arg-type]


def test_several_rewards_count_alike_by_their_names() -> None:
    config = resolve_config(asked(rewards=("world:tiny-judge", "world:oracle")))
    assert config.reward.combination.weights == {  # type: ignore[union-attr]
        "world:tiny-judge/overall": 1.0,
        "world:oracle/overall": 1.0,
    }


def test_names_that_nothing_has_are_errors_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="group_size"):
        resolve_config(asked(overrides=("rollout.groupsize=4",)))
    with pytest.raises(UnknownNameError, match="nft_edit"):
        resolve_config(asked(preset="nft"))
    with pytest.raises(UnknownNameError, match="world:tiny-judge"):
        load_reward("world:tiny-judg")
    assert isinstance(load_reward("world:oracle"), OracleReward)
    assert isinstance(load_reward("world:tiny-judge"), JudgeReward)


def test_cases_that_cannot_be_read_and_a_judge_in_two_parts_are_usage_errors(
    editor: str, tmp_path: Path
) -> None:
    done = run(editor, tmp_path, "--cases", "world:many")
    assert isinstance(done.exception, UsageError)
    both = ("--reward", "world:oracle", "--held-out", "world:oracle")
    done = run(editor, tmp_path, *both)
    assert isinstance(done.exception, UsageError)
    assert "hold out another" in str(done.exception)
