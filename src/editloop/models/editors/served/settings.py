"""How an image editor behind an endpoint is called: options of ``openai:MODEL[@URL][?option=value&...]``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from editloop.models.vlms.images import encoding_key
from editloop.models.vlms.settings import EndpointSettings


class ServedEditSettings(EndpointSettings):
    """Options of an image editor behind an OpenAI-compatible endpoint."""

    concurrency: int = Field(default=16, ge=1)
    """Most calls in flight; providers stand fewer edits at once than questions."""
    timeout: float = Field(default=300.0, gt=0)
    """Seconds for one try; a picture takes longer than an answer in words."""
    patience: float = Field(default=1800.0, ge=0)
    size: str = Field(default="auto", pattern=r"^(auto|none|source|[1-9]\d*x[1-9]\d*)$")
    """Size asked for: ``auto`` leaves it to the model, ``none`` sends none, ``source`` asks for that of the source, or WIDTHxHEIGHT."""
    picture_quality: Literal["auto", "low", "medium", "high"] | None = None
    """The endpoint's ``quality``; None sends none. (`quality` is that of JPEG, in which sources are sent where `image` says so.)"""
    fidelity: Literal["low", "high"] | None = None
    """The endpoint's ``input_fidelity``: how closely the source is kept; None sends none."""
    response_format: Literal["b64_json"] | None = None
    """Asked for where an endpoint answers with links otherwise; GPT Image models do not know the field."""
    image_field: Literal["image[]", "image"] = "image[]"
    """Name of the form field of every picture."""
    send_seed: bool = False
    """Send the seed, to servers that take one. It names the kept reply in any case: every run of a case is asked anew."""
    context: Literal["prompt", "none"] = "prompt"
    """Whether earlier instructions of a dialogue are told before the new one."""
    result_size: Literal["source", "as_returned"] = "source"
    """Whether a picture of another size is scaled to the source, as local editors do, or left as it came."""
    edit_usd: float | None = Field(default=None, ge=0)
    """Price of one edited picture in US dollars, for providers that count pictures; none is built in, for prices change."""

    @model_validator(mode="after")
    def _prices_known(self) -> ServedEditSettings:
        if (self.input_usd is None) != (self.output_usd is None):
            raise ValueError("input_usd and output_usd go together")
        if self.edit_usd is not None and self.input_usd is not None:
            raise ValueError("edit_usd counts pictures and input_usd tokens: give one of them")
        if self.max_usd is not None and self.edit_usd is None and self.input_usd is None:
            raise ValueError(
                "max_usd needs a price: edit_usd, of a picture, or input_usd and output_usd, of a million tokens"
            )
        return self

    @property
    def asked_for(self) -> dict[str, Any]:
        """What shapes the picture that comes back, for cache keys and the version."""
        return {
            "size": self.size,
            "quality": self.picture_quality,
            "fidelity": self.fidelity,
            "context": self.context,
            "send_seed": self.send_seed,
            "encoding": encoding_key(self.encoding),
        }

    def price(self, pictures: int, input_tokens: int, output_tokens: int) -> float | None:
        """US dollars, or None without prices."""
        if self.edit_usd is not None:
            return self.edit_usd * pictures
        return self.cost(input_tokens, output_tokens)
