"""A tiny Qwen of the real classes learns to judge: two losses, exact resume, weights that the adapter loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from editloop.core.errors import UsageError  # noqa: E402
from editloop.models.miniatures.vision_language import save_vision_language  # noqa: E402
from editloop.models.vlms.messages import VlmRequest  # noqa: E402
from editloop.models.vlms.transformers import TransformersVlm  # noqa: E402
from editloop.train.judge_sft import (  # noqa: E402
    BalancedDraw,
    JudgeExample,
    JudgeSftConfig,
    JudgeTrainer,
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return save_vision_language("qwen2.5-vl", tmp_path_factory.mktemp("vlm") / "tiny")


def examples() -> list[JudgeExample]:
    """Dark pictures are bad edits, light ones good."""
    found = []
    for score in (1, 2, 4, 5):
        picture = np.full((56, 56, 3), 50 * score, np.uint8)
        request = VlmRequest((picture, "Score from 1 to 5:"), max_tokens=2)
        found.append(
            JudgeExample(
                lambda request=request: request, str(score), float(score), "tone", ((0, score),)
            )
        )
    return found


def settings(**changes: object) -> JudgeSftConfig:
    plain = {"steps": 4, "batch": 4, "learning_rate": 0.01, "rank": 4, "save_every": 2}
    return JudgeSftConfig.model_validate(plain | changes)


@pytest.mark.parametrize("loss", ["reply", "expected_score", "both"])
def test_the_loss_falls(checkpoint: Path, tmp_path: Path, loss: str) -> None:
    trainer = JudgeTrainer(
        TransformersVlm(str(checkpoint)), settings(loss=loss, steps=15), tmp_path
    )
    before = float(trainer.loss(examples()).detach())
    trainer.train(examples())
    assert float(trainer.loss(examples()).detach()) < 0.8 * before


def test_a_stopped_run_goes_on_exactly(checkpoint: Path, tmp_path: Path) -> None:
    def run(folder: Path, steps: int) -> list[float]:
        losses: list[float] = []
        trainer = JudgeTrainer(TransformersVlm(str(checkpoint)), settings(steps=steps), folder)
        trainer.train(examples(), lambda _, loss: losses.append(loss))
        return losses

    whole = run(tmp_path / "whole", 4)
    assert [*run(tmp_path / "parts", 2), *run(tmp_path / "parts", 4)] == pytest.approx(whole)


def test_the_adapter_judges_with_the_trained_weights(checkpoint: Path, tmp_path: Path) -> None:
    trainer = JudgeTrainer(TransformersVlm(str(checkpoint)), settings(steps=2), tmp_path)
    lora = trainer.train(examples())
    trained = TransformersVlm(f"{checkpoint}?lora={lora}")
    request = examples()[0].request()
    assert trained.identity.version != TransformersVlm(str(checkpoint)).identity.version
    inputs = trained.prepare([request])
    with torch.inference_mode():
        theirs = trained.checkpoint.model(**inputs).logits
        ours = trainer.model.eval()(**inputs).logits
    assert torch.allclose(theirs, ours, atol=1e-5)


def test_a_draw_is_balanced_over_tasks_and_scores() -> None:
    def request() -> VlmRequest:
        return VlmRequest(("x",))

    crowd = [JudgeExample(request, "5", 5.0, "add")] * 90 + [
        JudgeExample(request, "1", 1.0, "add")
    ] * 5
    crowd += [JudgeExample(request, "3", 3.2, "remove")] * 5
    rows = BalancedDraw(crowd).rows(4000, np.random.default_rng(0))
    shares = [
        np.mean([low <= row < high for row in rows]) for low, high in ((0, 90), (90, 95), (95, 100))
    ]
    assert shares == pytest.approx([0.25, 0.25, 0.5], abs=0.03)


def test_what_makes_no_sense_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    vlm = TransformersVlm(str(checkpoint))
    with pytest.raises(UsageError, match="digits"):
        JudgeTrainer(vlm, settings(loss="both", digits=(5, 12)), tmp_path)
    with pytest.raises(UsageError, match="rated edits"):
        JudgeTrainer(vlm, settings(), tmp_path).train([])
