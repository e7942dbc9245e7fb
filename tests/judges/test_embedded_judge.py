"""The judge on its embedded models and real photographs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.models.photographs import photograph

from editloop.judges.base import JudgeRequest
from editloop.judges.registry import load_judge

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def judge():
    return load_judge("embedded:evidence")


@pytest.fixture(scope="module")
def duck():
    return photograph("duck")


def test_a_grading_is_accepted_for_what_it_is_and_rejected_for_what_it_is_not(judge, duck):
    warm = np.clip(duck * [1.12, 1.0, 0.72], 0, 255).astype(np.uint8)
    assert judge.judge(JudgeRequest(duck, "Give the photo a warmer tone.", warm)).accepted
    for text in (
        "Make the photo cooler.",
        "Remove the duck.",
        "Blur the background.",
        "Extract the duck.",
    ):
        verdict = judge.judge(JudgeRequest(duck, text, warm))
        assert not verdict.accepted, text
        assert verdict.reject_reason


def test_the_named_thing_must_be_the_one_that_changed(judge, duck):
    middle = np.zeros(duck.shape[:2], np.uint8)
    height, width = middle.shape
    cv2.ellipse(middle, (width // 2, height // 2), (width // 4, height // 4), 0, 0, 360, 1, -1)
    found = judge.judge(
        JudgeRequest(duck, "Remove the duck.", cv2.inpaint(duck, middle, 5, cv2.INPAINT_TELEA))
    )
    strange = judge.judge(
        JudgeRequest(duck, "Remove the bus.", cv2.inpaint(duck, middle, 5, cv2.INPAINT_TELEA))
    )
    assert found.flags["objects_match"]
    assert found.evidence["identity_known"] == 1
    assert strange.reject_reason == "target_not_found"


def test_nothing_done_is_rejected_on_a_real_photograph(judge, duck):
    assert judge.judge(JudgeRequest(duck, "Make the duck red.", duck)).reject_reason == "no_change"


def test_identity_names_all_three_models(judge):
    assert judge.identity.name == "evidence"
    assert judge.identity.version.startswith("2+")
