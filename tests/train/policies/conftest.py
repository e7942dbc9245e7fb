"""Policies over tiny real pipelines, built once a module."""

from __future__ import annotations

from typing import Any

import pytest
from tests.train.policies.rollouts import picture

from editloop.models.miniatures import MINIATURE_SETTINGS, build_miniature
from editloop.models.roles import EditRequest
from editloop.train.policies.kontext import KontextPolicy
from editloop.train.policies.qwen_edit_plus import QwenEditPlusPolicy

POLICY_CLASSES = {"kontext": KontextPolicy, "qwen-edit-plus": QwenEditPlusPolicy}


@pytest.fixture(scope="module", params=sorted(POLICY_CLASSES))
def miniature(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def policy(miniature: str) -> Any:
    """A policy over a fresh miniature; tests leave its weights as they are."""
    return POLICY_CLASSES[miniature](build_miniature(miniature), MINIATURE_SETTINGS)


@pytest.fixture
def case() -> EditRequest:
    return EditRequest(picture(0), "make the object red", seed=0)
