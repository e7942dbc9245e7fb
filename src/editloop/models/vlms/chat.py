"""The chat-completions format of OpenAI-compatible endpoints: requests out, replies in."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any, Final, NamedTuple

import numpy as np

from editloop.models.vlms.images import encode, image_key, scaled_size
from editloop.models.vlms.messages import (
    ImageEncoding,
    TokenLogprobs,
    VlmFinish,
    VlmReply,
    VlmRequest,
)
from editloop.models.vlms.settings import CallSettings

_BODY: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)

PIXELS_PER_TOKEN: Final = 28 * 28
"""Of images, for estimates before a call; the model families count between 400 and 1,100 pixels a token."""
CHARACTERS_PER_TOKEN: Final = 3
_CUT: Final = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
_FILTERED: Final = frozenset({"content_filter", "safety", "recitation", "prohibited_content"})
_FILTER_CODES: Final = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "moderation_blocked",
        "ResponsibleAIPolicyViolation",
    }
)


class MalformedReplyError(ValueError):
    """A body that is no chat completion."""


class Failure(NamedTuple):
    """An error object of the endpoint."""

    message: str
    code: str
    status: int


def request_key(request: VlmRequest, encoding: ImageEncoding) -> dict[str, Any]:
    """The part of a cache key that the request decides; images by their pixels."""
    parts = [part if isinstance(part, str) else image_key(part, encoding) for part in request.parts]
    return {
        "system": request.system,
        "parts": parts,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
        "top_logprobs": request.top_logprobs,
        "sample": request.sample,
        "json_schema": request.json_schema,
    }


def request_body(
    request: VlmRequest, model: str, encoding: ImageEncoding, settings: CallSettings
) -> bytes:
    """The JSON that is sent."""
    messages: list[dict[str, Any]] = []
    if request.system is not None:
        messages.append({"role": "system", "content": request.system})
    messages.append({"role": "user", "content": _content(request, encoding, settings.detail)})
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        settings.length_field: request.max_tokens,
    }
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.seed is not None:
        body["seed"] = request.seed
    if request.top_logprobs:
        body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    if request.json_schema is not None:
        schema = {"name": "reply", "schema": request.json_schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return _BODY.encode(body).encode()


def estimated_input_tokens(request: VlmRequest, encoding: ImageEncoding) -> int:
    """A guess, for budgets and limits that must hold before the endpoint has counted."""
    tokens = len(request.system or "") // CHARACTERS_PER_TOKEN + 10
    for part in request.parts:
        if isinstance(part, str):
            tokens += len(part) // CHARACTERS_PER_TOKEN + 1
        else:
            tokens += int(np.prod(scaled_size(part, encoding))) // PIXELS_PER_TOKEN + 1
    return tokens


def read_reply(raw: str, **known: Any) -> VlmReply:
    """The reply in a body: an answer, a refusal, or a stop by the content filter.

    Args:
        raw: The body.
        known: Fields of the reply that the body does not decide.

    Raises:
        MalformedReplyError: when it is neither.
    """
    body = json_object(raw)
    failure = read_failure(body)
    if failure is not None:
        if is_filtered(failure):
            filtered = VlmReply("", VlmFinish.FILTERED, refusal=failure.message, raw=raw)
            return dataclasses.replace(filtered, **known)
        raise MalformedReplyError(f"an error in place of an answer: {failure.message}")
    try:
        choice = body["choices"][0]
        text, refusal = _words(choice["message"])
        finish = _finish(str(choice.get("finish_reason") or "stop").lower(), text, refusal)
        if not known:
            usage = body.get("usage") or {}
            known["input_tokens"] = int(usage.get("prompt_tokens") or 0)
            known["output_tokens"] = int(usage.get("completion_tokens") or 0)
        logprobs = choice.get("logprobs")
        return VlmReply(
            text=text,
            finish=finish,
            refusal=refusal or None,
            tokens=_tokens(logprobs) if logprobs else (),
            raw=raw,
            model=str(body.get("model") or ""),
            **known,
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise MalformedReplyError(f"no chat completion: {type(error).__name__}") from error


def read_failure(body: Any) -> Failure | None:
    """The error object of a body, in any of the common shapes; None where there is none."""
    error = body.get("error") if isinstance(body, dict) else None
    if not error:
        return None
    if not isinstance(error, dict):
        return Failure(str(error), "", 0)
    codes = [str(error.get(name) or "") for name in ("code", "type")]
    inner = error.get("innererror")
    if isinstance(inner, dict):
        codes.append(str(inner.get("code") or ""))
    code = next((code for code in codes if code in _FILTER_CODES), codes[0] or codes[1])
    status = int(codes[0]) if codes[0].isdecimal() and len(codes[0]) == 3 else 0
    return Failure(str(error.get("message") or ""), code, status)


def is_filtered(failure: Failure) -> bool:
    """Whether the provider's content filter speaks."""
    return failure.code in _FILTER_CODES


def json_object(raw: str) -> dict[str, Any]:
    """The JSON object that a body is.

    Raises:
        MalformedReplyError: when it is none.
    """
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise MalformedReplyError("not JSON") from error
    if not isinstance(body, dict):
        raise MalformedReplyError(f"a JSON {type(body).__name__} where an object was expected")
    return body


def _content(
    request: VlmRequest, encoding: ImageEncoding, detail: str | None
) -> str | list[dict[str, Any]]:
    if len(request.parts) == 1 and isinstance(request.parts[0], str):
        return request.parts[0]  # servers of text models take nothing else
    content: list[dict[str, Any]] = []
    for part in request.parts:
        if isinstance(part, str):
            content.append({"type": "text", "text": part})
            continue
        data, media_type = encode(part, encoding)
        image = {"url": f"data:{media_type};base64,{base64.b64encode(data).decode()}"}
        if detail is not None:
            image["detail"] = detail
        content.append({"type": "image_url", "image_url": image})
    return content


def _words(message: dict[str, Any]) -> tuple[str, str]:
    """(text, refusal) of a message whose content is a string, nothing, or a list of parts."""
    content = message.get("content")
    refusal = str(message.get("refusal") or "")
    if isinstance(content, list):
        refusal = refusal or "".join(str(part.get("refusal") or "") for part in content)
        content = "".join(str(part.get("text") or "") for part in content)
    if content is not None and not isinstance(content, str):
        raise TypeError(f"content is a {type(content).__name__}")
    return content or "", refusal


def _finish(reason: str, text: str, refusal: str) -> VlmFinish:
    if reason in _FILTERED:
        return VlmFinish.FILTERED
    if refusal or reason == "refusal":
        return VlmFinish.REFUSAL
    if reason in _CUT:
        return VlmFinish.LENGTH
    return VlmFinish.STOP if text.strip() else VlmFinish.EMPTY


def _tokens(logprobs: Any) -> tuple[TokenLogprobs, ...]:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    return tuple(
        TokenLogprobs(
            str(place["token"]),
            float(place["logprob"]),
            tuple(
                (str(other["token"]), float(other["logprob"]))
                for other in place.get("top_logprobs") or ()
            ),
        )
        for place in content or ()
    )
