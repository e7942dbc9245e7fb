"""How an endpoint is called: options of the spec string ``openai:MODEL[@URL][?option=value&...]``."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from editloop.core.config import Config, override
from editloop.core.errors import PrerequisiteError, UsageError
from editloop.models.vlms.messages import ImageEncoding
from editloop.store.calls import CacheMode
from editloop.store.spending import Budget

KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
CACHE_VARIABLE = "EDITLOOP_CALLS"
"""File of kept replies, where the spec names none."""

DEFAULT_URL = "https://api.openai.com/v1"
_EXPECTED = "expected openai:MODEL or openai:MODEL@http://HOST:PORT/v1, with options such as ?image=jpeg&max_usd=5"


class EndpointSettings(Config):
    """Options that every call of an OpenAI-compatible endpoint has, whatever is asked of the model."""

    image: Literal["png", "jpeg"] = "png"
    """How images are sent, where a request leaves it open."""
    quality: int = Field(default=95, ge=1, le=95)
    """Of JPEG."""
    max_side: int | None = Field(default=None, ge=16)
    """Longer images are scaled down to this many pixels."""

    concurrency: int = Field(default=64, ge=1)
    """Most calls in flight."""
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    timeout: float = Field(default=120.0, gt=0)
    """Seconds for one try, from the first byte sent to the last byte received."""
    attempts: int = Field(default=8, ge=1)
    """Tries of one call; an answer of 429 (too many requests) costs none of them."""
    patience: float = Field(default=900.0, ge=0)
    """Seconds after which a call is not tried again, whatever stopped it."""
    backoff: float = Field(default=0.5, ge=0)
    """Seconds of the first pause between tries; it doubles, up to half a minute, and is drawn at random below that."""

    cache: str | None = None
    """File of kept replies; the default is EDITLOOP_CALLS or ~/.cache/editloop/model_calls.sqlite."""
    mode: CacheMode = CacheMode.USE
    revision: str = ""
    """What distinguishes two models of one name, for cache keys: say which weights a server of your own runs."""
    endpoint: str = ""
    """What distinguishes two providers of one name, for cache keys; the default is the host."""

    max_calls: int | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=0)
    """Of all calls together, in and out."""
    max_usd: float | None = Field(default=None, ge=0)
    max_seconds: float | None = Field(default=None, ge=0)
    input_usd: float | None = Field(default=None, ge=0)
    """Price of a million tokens read, in US dollars; none is built in, for prices change."""
    output_usd: float | None = Field(default=None, ge=0)
    """Price of a million tokens written."""

    expected_seconds: float | None = Field(default=None, gt=0)
    """What a call is expected to take, for plans of time; by default what kept replies took."""

    @model_validator(mode="after")
    def _prices_known(self) -> EndpointSettings:
        if (self.input_usd is None) != (self.output_usd is None):
            raise ValueError("input_usd and output_usd go together")
        if self.max_usd is not None and self.input_usd is None:
            raise ValueError(
                "max_usd needs input_usd and output_usd, the prices of a million tokens"
            )
        return self

    @property
    def encoding(self) -> ImageEncoding:
        """How images are sent."""
        return ImageEncoding(self.image, quality=self.quality, max_side=self.max_side)

    @property
    def budget(self) -> Budget:
        """The hard caps."""
        return Budget(self.max_calls, self.max_tokens, self.max_usd, self.max_seconds)

    @property
    def cache_file(self) -> Path:
        """Where replies are kept."""
        chosen = self.cache or os.environ.get(CACHE_VARIABLE)
        if chosen:
            return Path(chosen).expanduser()
        return Path.home() / ".cache" / "editloop" / "model_calls.sqlite"

    def cost(self, input_tokens: int, output_tokens: int) -> float | None:
        """US dollars, or None without prices."""
        if self.input_usd is None or self.output_usd is None:
            return None
        return (input_tokens * self.input_usd + output_tokens * self.output_usd) / 1e6


class CallSettings(EndpointSettings):
    """Options of a vision-language model behind an OpenAI-compatible endpoint."""

    detail: Literal["auto", "low", "high"] | None = None
    """OpenAI's resolution hint for images; None sends none."""
    length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the endpoint calls the longest answer; OpenAI's reasoning models want the second."""


class Endpoint(NamedTuple):
    """Where a model answers, and whether the key of the environment goes there."""

    model: str
    url: str
    sends_key: bool

    @property
    def host(self) -> str:
        """The host without its port; every loopback address is ``loopback``."""
        return "loopback" if is_loopback(self.url) else (urlsplit(self.url).hostname or "")


SomeSettings = TypeVar("SomeSettings", bound=EndpointSettings)


def parse_spec(spec: str) -> tuple[Endpoint, CallSettings]:
    """Split ``MODEL[@URL][?option=value&...]`` of a vision-language model.

    Raises:
        UsageError: when no model or no usable address is named.
        ConfigError: for an unknown option or a wrong value.
    """
    return parse_endpoint(spec, CallSettings)


def parse_endpoint(spec: str, kind: type[SomeSettings]) -> tuple[Endpoint, SomeSettings]:
    """Split ``MODEL[@URL][?option=value&...]``, the options being fields of `kind`.

    The key of the environment belongs to the address of the environment (or to OpenAI's): an address in a spec gets it only
    where scheme, host and port are the same, or on this machine, so that a recipe from somewhere cannot carry it off.

    Raises:
        UsageError: when no model or no usable address is named.
        ConfigError: for an unknown option or a wrong value.
    """
    source, _, options = spec.partition("?")
    model, at, rest = source.partition("@http")
    own = (os.environ.get(URL_VARIABLE) or DEFAULT_URL).rstrip("/")
    url = f"http{rest}".rstrip("/") if at else own
    if not model:
        raise UsageError(f"'openai:{spec}' names no model; {_EXPECTED}")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{url!r} is no address of an endpoint; {_EXPECTED}")
    if parts.username or parts.password:
        raise UsageError(
            f"the address of {parts.hostname} carries a user or password; keys come from {KEY_VARIABLE} only"
        )
    settings = override(kind, {}, [option for option in options.split("&") if option])
    sends_key = is_loopback(url) or _same_origin(url, own)
    return Endpoint(model, url, sends_key), settings


def is_loopback(url: str) -> bool:
    """Whether `url` points to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _same_origin(url: str, other: str) -> bool:
    first, second = urlsplit(url), urlsplit(other)
    return (first.scheme, first.netloc) == (second.scheme, second.netloc)


def key_for(endpoint: Endpoint) -> str:
    """The key that goes to `endpoint`; empty where it gets none.

    Raises:
        PrerequisiteError: when OpenAI's own address is meant and there is no key.
    """
    key = os.environ.get(KEY_VARIABLE, "") if endpoint.sends_key else ""
    if not key and endpoint.url == DEFAULT_URL:
        raise PrerequisiteError(
            f"{endpoint.url} needs a key: set {KEY_VARIABLE} in the environment, or name a server of your own with "
            f"openai:{endpoint.model}@http://HOST:PORT/v1 or {URL_VARIABLE}"
        )
    return key
