"""Local models on tiny real instances of the real classes: no hub, no torchvision."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from editloop.core.errors import BadInputError, ConfigError, ModelCallError, UsageError
from editloop.models import load_model
from editloop.models.roles import Vlm
from editloop.models.vlms.messages import ImageEncoding, VlmFinish, VlmReply, VlmRequest
from editloop.models.vlms.transformers import TransformersVlm

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from editloop.models.miniatures.vision_language import (  # noqa: E402
    VISION_LANGUAGE,
    save_vision_language,
)

IMAGE = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
OTHER = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("vlms")
    return {name: save_vision_language(name, root / name) for name in VISION_LANGUAGE}


@pytest.fixture(scope="module", params=sorted(VISION_LANGUAGE))
def model(request: pytest.FixtureRequest, folders: dict[str, Path]) -> TransformersVlm:
    return TransformersVlm(f"{folders[request.param]}?batch=4")


def ask(model: TransformersVlm, *requests: VlmRequest) -> list[VlmReply]:
    answers = model.ask_many(requests)
    replies = [answer for answer in answers if isinstance(answer, VlmReply)]
    assert len(replies) == len(answers), answers
    return replies


def asks(**more: Any) -> list[VlmRequest]:
    return [
        VlmRequest((IMAGE, "Was the edit followed?", OTHER), max_tokens=12, **more),
        VlmRequest(("yes or no",), system="Answer with a number.", max_tokens=5, **more),
        VlmRequest((OTHER, "Score:"), max_tokens=9, **more),
        VlmRequest(("Was the edit followed? " * 20,), max_tokens=12, **more),
        VlmRequest((IMAGE,), max_tokens=7, **more),
    ]


def test_an_answer_depends_on_its_own_request_alone(model: TransformersVlm) -> None:
    requests = asks(temperature=0.7, seed=3, top_logprobs=2)
    together = ask(model, *requests)
    for request, reply in list(zip(requests, together, strict=True))[:3]:
        (alone,) = ask(model, request)
        assert alone.text == reply.text
        assert alone.input_tokens == reply.input_tokens
        for one, other in zip(alone.tokens, reply.tokens, strict=True):
            assert one.logprob == pytest.approx(other.logprob, abs=1e-3)
    assert len({reply.text for reply in together}) == len(together)


def test_log_probabilities_are_those_of_a_forward_pass(model: TransformersVlm) -> None:
    request = VlmRequest((IMAGE, "Score:"), max_tokens=6, top_logprobs=4)
    (reply,) = ask(model, request)
    inputs = model.prepare([request])
    answer = torch.tensor([json.loads(reply.raw)["tokens"]])
    prompt = inputs["input_ids"].shape[1]
    extended = dict(inputs)
    extended["input_ids"] = torch.cat([inputs["input_ids"], answer], 1)
    extended["attention_mask"] = torch.ones_like(extended["input_ids"])
    if "mm_token_type_ids" in inputs:
        extended["mm_token_type_ids"] = torch.cat(
            [inputs["mm_token_type_ids"], torch.zeros_like(answer)], 1
        )
    with torch.inference_mode():
        logits = model.checkpoint.model(**extended).logits[0, prompt - 1 : -1]
    expected = logits.log_softmax(-1)
    assert [place.logprob for place in reply.tokens] == pytest.approx(
        expected.gather(-1, answer[0, :, None])[:, 0].tolist(), abs=1e-3
    )
    for place, row in zip(reply.tokens, expected, strict=True):
        assert [value for _, value in place.top] == pytest.approx(
            row.topk(4).values.tolist(), abs=1e-3
        )
        assert place.token == place.top[0][0]  # greedy


def test_greedy_is_what_generate_gives(model: TransformersVlm) -> None:
    request = VlmRequest((OTHER, "Was the edit followed?"), max_tokens=10)
    (reply,) = ask(model, request)
    inputs = model.prepare([request])
    with torch.inference_mode():
        made = model.checkpoint.model.generate(**inputs, max_new_tokens=10, do_sample=False)
    tokens = json.loads(reply.raw)["tokens"]
    assert made[0, inputs["input_ids"].shape[1] :][: len(tokens)].tolist() == tokens


def test_sampling_repeats_by_seed_and_follows_the_probabilities(model: TransformersVlm) -> None:
    def drawn(**more: Any) -> str:
        request = VlmRequest((OTHER,), max_tokens=8, temperature=1.0, **more)
        return ask(model, request)[0].text

    state = torch.get_rng_state()
    assert drawn(seed=1) == drawn(seed=1)
    assert len({drawn(seed=1), drawn(seed=2), drawn(seed=1, sample=1)}) == 3
    assert torch.equal(state, torch.get_rng_state())


def test_draws_have_the_right_frequencies() -> None:
    from editloop.models.vlms.decoding import Decoder, Sampling

    logits = torch.tensor([2.0, 1.0, 0.0, -1.0, -30.0])
    decoder = Decoder(Sampling(0.5), range(4000))
    drawn = decoder(torch.zeros(4000, 1, dtype=torch.long), logits.repeat(4000, 1)).argmax(-1)
    shares = torch.bincount(drawn, minlength=5) / 4000
    assert torch.allclose(shares, (logits / 0.5).softmax(-1), atol=0.03)
    narrow = Decoder(Sampling(5.0, top_k=2), range(500))
    assert narrow(torch.zeros(500, 1, dtype=torch.long), logits.repeat(500, 1)).argmax(-1).max() < 2


def test_every_pixel_counts_unless_it_is_encoded_away(model: TransformersVlm) -> None:
    def logprobs(image: Any, encoding: ImageEncoding | None = None) -> list[float]:
        request = VlmRequest(
            (image, "Score:"), max_tokens=3, top_logprobs=3, temperature=0, encoding=encoding
        )
        return [place.logprob for place in ask(model, request)[0].tokens]

    touched = OTHER.copy()
    touched[30:34, 30:34] = 255 - touched[30:34, 30:34]
    assert logprobs(OTHER) != logprobs(touched)
    assert logprobs(OTHER) == logprobs(OTHER, ImageEncoding("png"))
    assert logprobs(OTHER) != logprobs(OTHER, ImageEncoding("jpeg", quality=30))


def test_image_sizes_are_pinned_in_the_version(folders: dict[str, Path]) -> None:
    large = TransformersVlm(str(folders["qwen2.5-vl"]))
    small = TransformersVlm(f"{folders['qwen2.5-vl']}?max_pixels=3136")
    assert large.identity.version != small.identity.version
    request = VlmRequest((IMAGE,), max_tokens=1)
    assert (
        ask(small, request)[0].input_tokens
        == ask(large, request)[0].input_tokens
        - (84 * 56 - 28 * 28 * 2 * 1) // 784  # 90 x 70 at 28 a token: 3 x 2, then 2 x 1
    )


def test_how_an_answer_ended_is_told(
    model: TransformersVlm, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = VlmRequest((IMAGE, "Was the edit followed?"), max_tokens=6)
    (cut,) = ask(model, request)
    tokens = json.loads(cut.raw)["tokens"]
    assert (cut.finish, cut.output_tokens, len(tokens)) == (VlmFinish.LENGTH, 6, 6)
    # The third token now means the end.
    monkeypatch.setattr(model.checkpoint.model.generation_config, "eos_token_id", [tokens[2]])
    (whole,) = ask(model, request)
    stop = tokens.index(tokens[2])
    assert json.loads(whole.raw)["tokens"] == tokens[:stop]
    assert whole.finish is (VlmFinish.STOP if whole.text.strip() else VlmFinish.EMPTY)


def test_a_bad_request_costs_the_others_nothing(model: TransformersVlm) -> None:
    grey = np.zeros((20, 20), np.uint8)
    heard: list[int] = []
    answers = model.ask_many(
        [*asks(), VlmRequest((grey,)), *asks()], lambda place, _: heard.append(place)
    )
    assert [
        place for place, answer in enumerate(answers) if isinstance(answer, ModelCallError)
    ] == [5]
    assert sorted(heard) == list(range(11))
    with pytest.raises(ModelCallError, match="expected RGB uint8"):
        asyncio.run(model.ask(VlmRequest((grey,))))


def test_a_checkpoint_s_own_sampling_is_used_when_nothing_is_asked(
    model: TransformersVlm, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = model.checkpoint.model.generation_config
    for name, value in {"do_sample": True, "temperature": 0.7, "top_k": 1, "top_p": 0.8}.items():
        monkeypatch.setattr(own, name, value)
    greedy = VlmRequest((OTHER,), max_tokens=6)
    own_way = VlmRequest((OTHER,), max_tokens=6, temperature=None)
    assert ask(model, greedy)[0].text == ask(model, own_way)[0].text  # top_k is 1
    assert model._sampling(None).top_p == 0.8


def test_a_spec_that_cannot_work_says_so(folders: dict[str, Path], tmp_path: Path) -> None:
    assert isinstance(load_model("vlm", f"transformers:{folders['qwen3-vl']}"), Vlm)
    with pytest.raises(UsageError, match="names no model"):
        TransformersVlm("")
    with pytest.raises(ConfigError, match="did you mean 'max_pixels'"):
        TransformersVlm("x?max_pixel=3")
    with pytest.raises(UsageError, match=r"no config\.json, so it is no transformers model"):
        _ = TransformersVlm(str(tmp_path)).identity
    (tmp_path / "config.json").write_text('{"model_type": "llava"}')
    with pytest.raises(UsageError, match="'llava'; known here: qwen2_5_vl"):
        _ = TransformersVlm(str(tmp_path)).checkpoint
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(BadInputError, match="not_a_model"):
        _ = TransformersVlm(str(tmp_path)).checkpoint
    with pytest.raises(UsageError, match=r"no adapter_model\.safetensors"):
        _ = TransformersVlm(f"{folders['qwen3-vl']}?lora={tmp_path}").checkpoint


@pytest.mark.slow
def test_choosing_one_loads_no_heavy_library(folders: dict[str, Path]) -> None:
    code = (
        "import sys\nfrom editloop.models import available_models, load_model\n"
        "assert {'openai:', 'transformers:'} <= set(available_models('vlm'))\n"
        "load_model('vlm', 'openai:m@http://127.0.0.1:1/v1')\n"
        "print([m for m in ('torch', 'transformers', 'aiohttp', 'torchvision') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ,
    )
    assert done.stdout.strip() == "[]"
