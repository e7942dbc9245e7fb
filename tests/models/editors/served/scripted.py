"""An ``images/edits`` endpoint on loopback that does as it is told."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from aiohttp import web
from numpy.typing import NDArray
from PIL import Image
from tests.models.vlms.scripted import Call, ScriptedServer

from editloop.core.images import encode_png


class EditServer(ScriptedServer):
    """Its calls have the form as body: words by name, and every file by name as (file name, media type, bytes)."""

    path = "/v1/images/edits"

    async def read(self, request: web.Request) -> dict[str, Any]:
        form = await request.post()
        body: dict[str, Any] = {"files": []}
        for name, value in form.items():
            if isinstance(value, web.FileField):
                with value.file as file:
                    data = file.read()
                body["files"].append((name, value.filename, value.content_type, data))
            else:
                body[name] = value
        return body


def pictures(call: Call) -> list[NDArray[np.uint8]]:
    """What was sent as pictures, in order."""
    files = [data for name, _, _, data in call.body["files"] if name != "mask"]
    return [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in files]


def picture(pixels: NDArray[np.uint8], **more: Any) -> web.Response:
    """An answer with a picture."""
    text = base64.b64encode(encode_png(pixels)).decode()
    usage = {"input_tokens": 300, "output_tokens": 1000, "total_tokens": 1300}
    return web.json_response({"created": 1, "data": [{"b64_json": text}], "usage": usage} | more)


async def invert(call: Call) -> web.StreamResponse:
    """The source with its colours inverted."""
    return picture(255 - pictures(call)[0])


def moderated(message: str = "Your request was rejected by the safety system.") -> web.Response:
    """A refusal, as OpenAI words it."""
    error = {
        "message": message,
        "type": "image_generation_user_error",
        "code": "moderation_blocked",
    }
    return web.json_response({"error": error}, status=400)
