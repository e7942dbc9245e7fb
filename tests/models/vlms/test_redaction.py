"""Keys are kept out of what is kept; a dummy key does not change what a judge said."""

from __future__ import annotations

import json

import pytest

from editloop.core.errors import ModelCallError
from editloop.models.vlms.chat import read_reply
from editloop.models.vlms.redaction import HIDDEN
from editloop.models.vlms.responses import TryAgainError, judge_response

SECRET = "Zq81-a-real-looking-key-77"


def reply(text: str) -> str:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice]})


def test_a_secret_that_an_endpoint_repeats_is_not_kept() -> None:
    answer = judge_response(200, {}, reply(f"you sent {SECRET}"), SECRET, read_reply)
    assert answer.text == f"you sent {HIDDEN}"


@pytest.mark.parametrize("dummy", ["EMPTY", "none", "k"])
def test_a_dummy_key_is_a_word_like_any_other(dummy: str) -> None:
    said = f"the kitchen looks {dummy}"
    assert judge_response(200, {}, reply(said), dummy, read_reply).text == said


@pytest.mark.parametrize("key", [SECRET, "EMPTY"])
def test_errors_carry_no_key_of_any_length(key: str) -> None:
    for status, body in ((500, f"boom {key}"), (200, f"not json {key}")):
        with pytest.raises((TryAgainError, ModelCallError)) as caught:
            judge_response(status, {}, body, key, read_reply)
        assert key not in str(caught.value)
