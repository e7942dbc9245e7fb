"""What a spec says, and where the key of the environment goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from editloop.core.errors import ConfigError, PrerequisiteError, UsageError
from editloop.models.vlms.messages import ImageEncoding, VlmRequest
from editloop.models.vlms.openai import OpenAiVlm
from editloop.models.vlms.settings import key_for, parse_spec

KEY = "sk-test-0123456789"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "EDITLOOP_CALLS"):
        monkeypatch.delenv(name, raising=False)


def test_model_address_and_options() -> None:
    endpoint, settings = parse_spec(
        "Qwen/Qwen2.5-VL:7b@http://127.0.0.1:8000/v1/?image=jpeg&quality=80&max_side=512&concurrency=8"
    )
    assert endpoint.model == "Qwen/Qwen2.5-VL:7b"
    assert endpoint.url == "http://127.0.0.1:8000/v1"
    assert settings.encoding == ImageEncoding("jpeg", quality=80, max_side=512)
    assert settings.concurrency == 8
    assert parse_spec("gpt-4o")[0].url == "https://api.openai.com/v1"


def test_the_environment_names_address_and_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway:8000/v1/")
    monkeypatch.setenv("EDITLOOP_CALLS", str(tmp_path / "kept"))
    endpoint, settings = parse_spec("m")
    assert endpoint.url == "http://gateway:8000/v1"
    assert settings.cache_file == tmp_path / "kept"
    assert parse_spec("m?cache=other.sqlite")[1].cache_file == Path("other.sqlite")


def test_a_key_is_not_carried_to_an_address_that_a_spec_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert key_for(parse_spec("m")[0]) == KEY
    assert key_for(parse_spec("m@http://localhost:8000/v1")[0]) == KEY
    assert key_for(parse_spec("m@https://elsewhere.example/v1")[0]) == ""
    assert key_for(parse_spec("m@http://127.0.0.1.elsewhere.example/v1")[0]) == ""
    assert key_for(parse_spec("m@http://api.openai.com/v1")[0]) == ""  # in the clear
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example/v1")
    assert key_for(parse_spec("m@https://elsewhere.example/v1")[0]) == KEY


def test_no_key_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    model = OpenAiVlm(f"gpt-4o?cache={tmp_path / 'c'}")
    with pytest.raises(PrerequisiteError, match="set OPENAI_API_KEY"):
        model.ask_many([VlmRequest(("x",))])
    assert key_for(parse_spec("m@http://127.0.0.1:1/v1")[0]) == ""


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("", UsageError, "names no model"),
        ("@http://127.0.0.1/v1", UsageError, "names no model"),
        ("m@http://", UsageError, "no address of an endpoint"),
        ("m@https://user:secret@host/v1", UsageError, "keys come from OPENAI_API_KEY only"),
        ("m?concurency=3", ConfigError, "did you mean 'concurrency'"),
        ("m?concurrency=0", ConfigError, "greater than or equal to 1"),
        ("m?max_usd=3", ConfigError, "needs input_usd and output_usd"),
        ("m?input_usd=3", ConfigError, "go together"),
    ],
)
def test_a_spec_that_makes_no_sense_says_why(spec: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        OpenAiVlm(spec)
    assert "secret" not in str(caught.value)
