"""What is posted to ``images/edits``: a form with the pictures, the words and the options, and the key that names it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from editloop.models.editors.served.settings import ServedEditSettings
from editloop.models.editors.told import in_one_prompt
from editloop.models.roles import EditRequest, Mask
from editloop.models.vlms.chat import CHARACTERS_PER_TOKEN, PIXELS_PER_TOKEN
from editloop.models.vlms.images import encode, image_key, scaled_size
from editloop.models.vlms.posting import Body

MOST_OUTPUT_TOKENS: Final = 6240
"""Of one picture, for estimates before a call: what OpenAI lists for gpt-image-1's largest pictures of high quality."""


class _Field(NamedTuple):
    name: str
    data: bytes
    file_name: str = ""
    media_type: str = ""


def prompt_of(request: EditRequest, settings: ServedEditSettings) -> str:
    """The words that are sent: the instruction, and what was said before it in the same dialogue."""
    return request.instruction if settings.context == "none" else in_one_prompt(request)


def edit_key(request: EditRequest, settings: ServedEditSettings) -> dict[str, Any]:
    """The part of a cache key that the request decides; pictures count by their pixels.

    Raises:
        BadInputError: `not_an_image`, for a picture that is not RGB uint8.
    """
    pictures = (request.image, *request.references)
    mask = None if request.mask is None else np.packbits(request.mask).tobytes()
    return {
        "prompt": prompt_of(request, settings),
        "images": [image_key(picture, settings.encoding) for picture in pictures],
        "mask": mask,
        "seed": request.seed,
    }


def edit_body(request: EditRequest, model: str, settings: ServedEditSettings) -> Body:
    """The form as multipart/form-data (RFC 7578); it can be sent again as it is."""
    fields = list(_fields(request, model, settings))
    digest = hashlib.sha256(b"".join(field.data for field in fields)).hexdigest()
    boundary = f"editloop-{digest[:32]}"
    parts: list[bytes] = []
    for field in fields:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field.name}"'
        if field.file_name:
            head += f'; filename="{field.file_name}"\r\nContent-Type: {field.media_type}'
        parts += [head.encode(), b"\r\n\r\n", field.data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return Body(b"".join(parts), f"multipart/form-data; boundary={boundary}")


def estimated_input_tokens(request: EditRequest, settings: ServedEditSettings) -> int:
    """A guess, for budgets and limits that must hold before the endpoint has counted."""
    tokens = len(prompt_of(request, settings)) // CHARACTERS_PER_TOKEN + 1
    for picture in (request.image, *request.references):
        tokens += int(np.prod(scaled_size(picture, settings.encoding))) // PIXELS_PER_TOKEN + 1
    return tokens


def _fields(request: EditRequest, model: str, settings: ServedEditSettings) -> Iterator[_Field]:
    words = {
        "model": model,
        "prompt": prompt_of(request, settings),
        "n": "1",
        "size": _size(request, settings),
        "quality": settings.picture_quality,
        "input_fidelity": settings.fidelity,
        "response_format": settings.response_format,
        "seed": str(request.seed) if settings.send_seed else None,
    }
    for name, value in words.items():
        if value is not None:
            yield _Field(name, value.encode("utf-8", "replace"))
    for number, picture in enumerate((request.image, *request.references)):
        data, media_type = encode(picture, settings.encoding)
        name = "source" if number == 0 else f"reference{number}"
        yield _Field(settings.image_field, data, f"{name}.{settings.image}", media_type)
    if request.mask is not None:
        yield _Field("mask", _mask_png(request.mask), "mask.png", "image/png")


def _size(request: EditRequest, settings: ServedEditSettings) -> str | None:
    if settings.size == "source":
        width, height = scaled_size(request.image, settings.encoding)
        return f"{width}x{height}"
    return None if settings.size == "none" else settings.size


def _mask_png(mask: Mask) -> bytes:
    """The API's way to say where an edit may change something: transparent there, opaque elsewhere."""
    from PIL import Image

    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[..., 3] = np.where(mask, 0, 255)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
