"""A rubric put to a tiny real model on this machine: it babbles, and every babble is kept and unscored, never a zero."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.judges.vlm.served import edit

from editloop.judges.parsing.protocols import SCORE
from editloop.judges.readout import expected_scores
from editloop.judges.rubrics import load_rubric
from editloop.judges.vlm import RubricJudge, RubricSettings
from editloop.judges.vlm.replies import reply_texts
from editloop.models.vlms.messages import VlmReply, VlmRequest
from editloop.models.vlms.transformers import TransformersVlm
from editloop.records.verdict import Outcome

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.mark.slow
def test_a_tiny_qwen_judges(tmp_path: Path) -> None:
    from editloop.models.miniatures.vision_language import VISION_LANGUAGE, save_vision_language

    torch.set_num_threads(1)
    name = sorted(VISION_LANGUAGE)[0]
    model = TransformersVlm(f"{save_vision_language(name, tmp_path / name)}?batch=4")
    settings = RubricSettings(readout="expected", repeats=2, seed=1, max_tokens=8)
    for rubric in ("imgedit", "viescore", "hp-scorer"):
        judge = RubricJudge(load_rubric(rubric), model, settings)
        for verdict in judge.score_many([edit(), edit(120)]):
            questions = 2 if rubric == "viescore" else 1
            assert len(reply_texts(verdict.raw_reply)) == 2 * questions
            assert verdict.outcome is not Outcome.FAILED
            assert bool(verdict.axes) == (verdict.outcome is Outcome.SCORED)
    (reply,) = model.ask_many([VlmRequest(("Score:",), max_tokens=3, top_logprobs=20)])
    assert isinstance(reply, VlmReply)
    assert reply.tokens
    expected_scores(reply.text, reply.tokens, (SCORE,), (0, 5))
