"""The converted networks compute what the original ones compute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from editloop.core.assets import ensure_asset
from editloop.core.errors import UsageError
from editloop.models.convert.isnet import resize_isnet
from editloop.models.embedded import efficientnet_onnx, nanodet_onnx
from editloop.models.onnx_session import OnnxSession

pytestmark = pytest.mark.weights


def noise(*shape: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_efficientnet_gives_the_logits_that_torch_gives() -> None:
    """The figures were computed with `efficientnet_lite_pytorch` 0.1.0 on torch 2.13 for the same noise."""
    logits = OnnxSession(efficientnet_onnx).run(noise(2, 3, 224, 224))[0]
    expected = [-2.24513, 0.56084, 1.38985, 0.01313, 1.12992, -1.176]
    np.testing.assert_allclose(logits[0, :6], expected, atol=1e-3)
    np.testing.assert_allclose(
        logits[1, [0, 99, 500, 999]], [-2.44733, 4.05683, -0.32207, 0.50299], atol=1e-3
    )


def test_nanodet_gives_the_scores_of_an_independent_conversion() -> None:
    """The figures come from another converter's ONNX file, run on the same noise."""
    session = OnnxSession(nanodet_onnx)
    outputs = dict(zip(session.output_names(), session.run(noise(1, 3, 416, 416)), strict=True))
    best = {name: float(value.max()) for name, value in outputs.items()}
    assert best == pytest.approx(
        {
            "Identity_0": 0.046802,
            "Identity_1_0": 0.025553,
            "Identity_2_0": 0.245802,
            "Identity_3_0": 4.873893,
            "Identity_4_0": 2.095063,
            "Identity_5_0": 4.123162,
        },
        abs=1e-4,
    )


def test_isnet_at_another_size_gives_a_matte_of_that_size(tmp_path: Path) -> None:
    packaged = ensure_asset("isnet") / "isnet.onnx"
    resize_isnet(packaged, tmp_path / "64.onnx", 64)
    session = OnnxSession(lambda: tmp_path / "64.onnx")
    matte = session.run(noise(1, 3, 64, 64))[0]
    assert session.output_names() == ["output"]
    assert matte.shape == (1, 1, 64, 64)
    assert 0 <= matte.min() <= matte.max() <= 1


@pytest.mark.parametrize("size", [0, -32, 100])
def test_isnet_at_an_impossible_size_is_refused(size: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="multiple of 32"):
        resize_isnet(ensure_asset("isnet") / "isnet.onnx", tmp_path / "x.onnx", size)
