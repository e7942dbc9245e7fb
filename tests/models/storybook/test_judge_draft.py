"""Drafts: one denoising step of a real pipeline of toy size, and judges that look at them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.storybook.judges import SHAPE
from tests.models.storybook.pipelines import SIDE, picture, toy_pipeline

from editloop.core.errors import AssetError, UsageError
from editloop.models.storybook.judge_draft import Drafter
from editloop.models.storybook.judge_network import build_judge_network
from editloop.models.storybook.judge_reader import JudgeReader, open_judge, save_judge_weights

DRAFTING = replace(SHAPE, draft_by="0123456789ab")
WORDS = ["remove the ball", "make it red", "remove the ball"]


@pytest.fixture(scope="module")
def drafter() -> Drafter:
    torch.set_num_threads(1)
    return Drafter(toy_pipeline())


def test_a_draft_depends_on_its_own_case_alone(drafter: Drafter) -> None:
    sources = [picture(seed) for seed in (1, 2, 3)]
    contexts = [(), ("make it red",), ()]
    together = drafter.drafts(sources, WORDS, [None, None, picture(4)], contexts)
    alone = Drafter(drafter._pipeline).drafts(sources[1:2], WORDS[1:2], [None], contexts[1:2])
    assert together[0].shape == (SIDE, SIDE, 3)
    assert np.abs(together[1].astype(int) - alone[0]).max() <= 1


def test_everything_that_is_asked_matters(drafter: Drafter) -> None:
    plain = drafter.drafts([picture(1)], WORDS[:1], [None], [()])[0]
    others = [
        drafter.drafts([picture(2)], WORDS[:1], [None], [()])[0],
        drafter.drafts([picture(1)], WORDS[1:2], [None], [()])[0],
        drafter.drafts([picture(1)], WORDS[:1], [picture(3)], [()])[0],
        drafter.drafts([picture(1)], WORDS[:1], [None], [("make it red",)])[0],
    ]
    assert all(not np.array_equal(plain, other) for other in others)


def test_a_case_is_drafted_once(drafter: Drafter, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [picture(7), picture(7), picture(8)]
    first = drafter.drafts(sources, WORDS[:1] * 3, [None] * 3, [()] * 3)
    monkeypatch.setattr(drafter, "_draw", lambda *_: pytest.fail("drafted again"))
    again = drafter.drafts(sources[::-1], WORDS[:1] * 3, [None] * 3, [()] * 3)
    assert all(np.array_equal(*pair) for pair in zip(first, again[::-1], strict=True))


def test_a_judge_sees_the_draft() -> None:
    network = build_judge_network(DRAFTING, seed=0).eval()
    pictures = torch.rand(1, 3, 32, 32)
    words = torch.ones(1, 2, dtype=torch.long)
    shown = (pictures, pictures, pictures, words)
    one, other = (network(*shown, draft).scores for draft in (pictures, -pictures))
    assert not torch.allclose(one, other)
    with pytest.raises(UsageError, match="draft"):
        network(*shown)


def test_a_reader_drafts_for_its_network() -> None:
    class Grey(Drafter):
        def _draw(self, sources, *_):  # type: ignore[no-untyped-def]
            return [np.full_like(source, 127) for source in sources]

    network = build_judge_network(DRAFTING, seed=0)
    sources, edits = [picture(1, 32)], [picture(2, 32)]
    pipeline = toy_pipeline()
    grey = JudgeReader(network, "1", Grey(pipeline)).read(sources, edits, WORDS[:1])
    drawn = JudgeReader(network, "1", Drafter(pipeline)).read(sources, edits, WORDS[:1])
    assert np.abs(grey.expected - drawn.expected).max() > 0


def test_weights_that_learnt_beside_other_drafts_are_refused(tmp_path: Path) -> None:
    save_judge_weights(build_judge_network(DRAFTING, seed=0), tmp_path, "toy", {})
    with pytest.raises(AssetError, match="learnt beside drafts of the editor 0123456789ab"):
        open_judge("toy", tmp_path)
