"""What comes back from ``images/edits``: a picture, or a refusal. Links are never followed."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

from editloop.core.errors import BadInputError, ModelCallError
from editloop.core.ids import sha256_hex
from editloop.core.images import decode_image
from editloop.models.roles import RgbImage
from editloop.models.vlms.chat import MalformedReplyError, is_filtered, json_object, read_failure

_INLINE: Final = "base64,"


@dataclass(frozen=True, slots=True)
class EditReply:
    """What an endpoint answered.

    Args:
        raw: The body, with the SHA-256 of the picture in the picture's place.
        picture: The encoded picture; empty where the edit was refused.
        pixels: The picture decoded; None where the edit was refused.
        refusal: The endpoint's words where it refused.
        input_tokens: Read, as the endpoint counts; 0 where it does not.
        output_tokens: Written.
        seconds: That the call took which was paid for.
        cached: Whether a kept reply answered.
    """

    raw: str
    picture: bytes = b""
    pixels: RgbImage | None = None
    refusal: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cached: bool = False


def read_edit(raw: str) -> EditReply:
    """The reply in a body that has just arrived.

    Raises:
        MalformedReplyError: the body is damaged, or an error stands in place of an answer: it may work later.
        ModelCallError: the body is whole and holds no picture that can be used; asking again would be paid again.
    """
    body = json_object(raw)
    failure = read_failure(body)
    if failure is not None:
        if is_filtered(failure):
            return EditReply(raw, refusal=failure.message or failure.code)
        raise MalformedReplyError(f"an error in place of an answer: {failure.message}")
    entries = body.get("data")
    if not isinstance(entries, list):
        raise MalformedReplyError("no list called data")
    picture = _picture(entries)
    try:
        pixels = decode_image(picture).pixels
    except BadInputError as error:
        raise ModelCallError(f"the endpoint answered with no usable picture ({error})") from None
    read, written = _tokens(body)
    return EditReply(json.dumps(_without_pictures(body)), picture, pixels, "", read, written)


def read_kept(raw: str) -> tuple[str, str]:
    """(SHA-256 of the picture, refusal) of a body that was kept; one of them is empty.

    Raises:
        MalformedReplyError: it is none.
    """
    body = json_object(raw)
    failure = read_failure(body)
    if failure is not None:
        return "", failure.message or failure.code
    try:
        return str(body["data"][0]["b64_json"]["sha256"]), ""
    except (LookupError, TypeError) as error:
        raise MalformedReplyError("no picture is named") from error


def _picture(entries: list[Any]) -> bytes:
    entry = entries[0] if entries and isinstance(entries[0], dict) else {}
    text, link = entry.get("b64_json"), entry.get("url")
    if not text and isinstance(link, str):
        if not (link.startswith("data:image/") and _INLINE in link):
            raise ModelCallError(
                "the endpoint answered with a link, and links are not followed: add response_format=b64_json to the spec"
            )
        text = link.partition(_INLINE)[2]
    if not isinstance(text, str) or not text:
        raise ModelCallError("the endpoint answered without a picture")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ModelCallError(f"the endpoint answered with damaged base64 ({error})") from None


def _without_pictures(body: dict[str, Any]) -> dict[str, Any]:
    """The body with the hash of the first picture in its place, and without any other."""
    first = dict(body["data"][0])
    first["b64_json"] = {"sha256": sha256_hex(_picture(body["data"]))}
    first.pop("url", None)
    return body | {"data": [first]}


def _tokens(body: dict[str, Any]) -> tuple[int, int]:
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return 0, 0
    counts = [usage.get(name) for name in ("input_tokens", "output_tokens")]
    read, written = (count if isinstance(count, int) else 0 for count in counts)
    return read, written
