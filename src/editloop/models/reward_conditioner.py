"""Rewards as a condition of an editor: Multi-Reward as Condition (MRC, arXiv 2411.04713).

Three scores and the faults in words become two vectors. They are added to the network's time embedding, which reaches every
block, and the features after the first convolution look at them through one layer of cross-attention. Both ways end in weights
that start at zero, so that before training the network computes exactly what it did without rewards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from editloop.core.errors import UsageError
from editloop.records.formats.reward_edit import AXES

PoolText: TypeAlias = Callable[[Sequence[str]], Tensor]
"""Texts -> one vector each, (n, width)."""

_TIME_MODULES = ("time_embedding", "time_text_embed")
"""What the time embedding is called in diffusers' U-Nets and transformers."""


class RewardCondition(NamedTuple):
    """Rewards of n samples, or of one that stands for all."""

    scores: Tensor
    """float32 (n, 3), in [0, 5]; anything where not given."""
    text: Tensor
    """The joined faults, pooled by the editor's text encoder, float32 (n, width)."""
    given: Tensor
    """bool (n, 4): which scores count, and whether the text does."""


class RewardConditioner(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Encodes rewards and feeds them to a diffusers network through hooks; the network's own files stay as they are.

    Without a reward, or with one of which nothing is given, the network computes what it would without the conditioner.

    Args:
        embedding_width: Width of the network's time embedding.
        text_width: Length of pooled text vectors.
        feature_channels: Channels after ``conv_in``; None for networks without one, which get the time embedding alone.
        use_scores: Whether scores count at all.
        use_texts: Whether faults count at all.
        perspectives: Which of `AXES` count.
        separator: Stands between the faults in the text that is encoded.
        score_width: Length of a score's sinusoidal code.
        heads: Of the cross-attention.
        dropout: Inside the cross-attention.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        embedding_width: int,
        text_width: int,
        feature_channels: int | None = None,
        use_scores: bool = True,  # noqa: FBT001 - read back from a JSON file by name
        use_texts: bool = True,  # noqa: FBT001
        perspectives: Sequence[str] = AXES,
        separator: str = "; ",
        score_width: int = 256,
        heads: int = 8,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.use_scores, self.use_texts = use_scores, use_texts
        self.perspectives, self.separator = tuple(perspectives), separator
        self.text_width = text_width
        codes = len(AXES) * score_width
        self.score_code = Timesteps(score_width, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.score_shift = TimestepEmbedding(codes, embedding_width)
        self.text_shift = nn.Linear(text_width, embedding_width)
        _zero(self.score_shift.linear_2)
        _zero(self.text_shift)
        self.attention: _RewardAttention | None = None
        if feature_channels is not None:
            self.score_token = TimestepEmbedding(codes, feature_channels)
            self.text_token = nn.Linear(text_width, feature_channels)
            self.attention = _RewardAttention(feature_channels, heads, dropout)
        self._condition: RewardCondition | None = None
        self._hooks: list[Any] = []

    @classmethod
    def for_network(
        cls, network: nn.Module, *, text_width: int, seed: int, **settings: Any
    ) -> RewardConditioner:
        """A fresh conditioner of the sizes that a network needs; the global random state is left as it was.

        Args:
            network: A diffusers U-Net or transformer.
            text_width: Length of pooled text vectors.
            seed: Of the weights that do not start at zero.
            settings: Further arguments of the class.

        Raises:
            UsageError: when the network has no time embedding that is known here.
        """
        time = _time_module(network)
        last = getattr(time, "linear_2", None) or time.timestep_embedder.linear_2
        first = getattr(network, "conv_in", None)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            made: RewardConditioner = cls(
                embedding_width=last.out_features,
                text_width=text_width,
                feature_channels=None if first is None else first.out_channels,
                **settings,
            )
            return made

    def attach(self, network: nn.Module) -> None:
        """Feed this conditioner's rewards to `network` from now on, and to no other."""
        self.detach()
        self._hooks = [_time_module(network).register_forward_hook(self._shift_embedding)]
        if self.attention is not None:
            first: Any = network.conv_in
            self._hooks.append(first.register_forward_hook(self._change_features))

    def detach(self) -> None:
        """Take the hooks off again."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    @contextmanager
    def rewarding(self, condition: RewardCondition | None) -> Iterator[None]:
        """Inside, the network works under these rewards."""
        before, self._condition = self._condition, condition
        try:
            yield
        finally:
            self._condition = before

    def condition(
        self,
        scores: Sequence[Sequence[float | None] | None],
        faults: Sequence[Sequence[str]],
        pool: PoolText | None,
    ) -> RewardCondition:
        """Rewards as tensors.

        Args:
            scores: Three a sample in the order of `AXES`, None where not judged; None for a sample without a reward.
            faults: Three texts a sample; those of perspectives that do not count are left out.
            pool: The editor's text encoder; not asked when texts do not count.
        """
        chosen = [name in self.perspectives for name in AXES]
        rows, given, texts = [], [], []
        for row, words in zip(scores, faults, strict=True):
            held = [None] * len(AXES) if row is None else list(row)
            rows.append([0.0 if score is None else float(score) for score in held])
            judged = [use and score is not None for use, score in zip(chosen, held, strict=True)]
            scored = [self.use_scores and one for one in judged]
            given.append([*scored, self.use_texts and any(judged)])
            texts.append(
                self.separator.join(text for text, use in zip(words, chosen, strict=True) if use)
            )
        if self.use_texts and pool is not None:
            pooled = pool(texts)
        else:
            pooled = torch.zeros(len(rows), self.text_width)
        return RewardCondition(
            torch.tensor(rows).to(self.device),
            pooled.to(self.device),
            torch.tensor(given).to(self.device),
        )

    def _shift_embedding(self, _module: nn.Module, _inputs: Any, embedding: Tensor) -> Tensor:
        if self._condition is None:
            return embedding
        codes, text, scored, told = self._parts(self._condition, len(embedding))
        shift: Tensor = scored * self.score_shift(codes) + told * self.text_shift(text)
        return embedding + shift.to(embedding.dtype)

    def _change_features(self, _module: nn.Module, _inputs: Any, features: Tensor) -> Tensor:
        if self._condition is None or self.attention is None:
            return features
        codes, text, scored, told = self._parts(self._condition, len(features))
        tokens = torch.stack([self.score_token(codes), self.text_token(text)], dim=1)
        visible = torch.cat([scored, told], dim=1) > 0
        change: Tensor = self.attention(features.to(tokens.dtype), tokens, visible)
        return features + change.to(features.dtype)

    def _parts(
        self, condition: RewardCondition, rows: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Codes of the scores (rows, 3 x width), text (rows, width), and (rows, 1) each: is any score given, is the text."""
        scores, text, given = (_for_rows(part, rows) for part in condition)
        dtype = self.text_shift.weight.dtype
        codes = self.score_code(scores.flatten()).unflatten(0, scores.shape)
        codes = (codes * given[:, : len(AXES), None]).flatten(1)
        scored = given[:, : len(AXES)].any(1, keepdim=True)
        return codes.to(dtype), text.to(dtype), scored.to(dtype), given[:, -1:].to(dtype)


class _RewardAttention(nn.Module):
    """Features look at the reward tokens: cross-attention and feed-forward, normalised after each, and a projection from zero."""

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        self._heads, self._dropout = math.gcd(heads, channels), dropout
        self.norm = nn.GroupNorm(math.gcd(32, channels), channels)
        self.project_in = nn.Conv2d(channels, channels, 1)
        self.to_q, self.to_k, self.to_v, self.to_out = (
            nn.Linear(channels, channels) for _ in range(4)
        )
        self.attention_norm = nn.LayerNorm(channels)
        self.feed = nn.Sequential(
            nn.Linear(channels, channels), nn.GELU(), nn.Linear(channels, channels)
        )
        self.feed_norm = nn.LayerNorm(channels)
        self.project_out = nn.Conv2d(channels, channels, 1)
        _zero(self.project_out)

    def forward(self, features: Tensor, tokens: Tensor, visible: Tensor) -> Tensor:
        """What to add to `features` (n, c, h, w) on seeing `tokens` (n, 2, c) where `visible`, bool (n, 2)."""
        shown = visible.any(1)
        mask = (visible | ~shown[:, None])[:, None, None]
        # contiguous: where a frozen conv_in returns channels-last features, torch 2.13's group norm crashes in backward
        places = self.project_in(self.norm(features.contiguous())).flatten(2).transpose(1, 2)
        query, key, value = (
            part.unflatten(2, (self._heads, -1)).transpose(1, 2)
            for part in (self.to_q(places), self.to_k(tokens), self.to_v(tokens))
        )
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        seen = seen.transpose(1, 2).flatten(2)
        places = self.attention_norm(places + self._drop(self.to_out(seen)))
        places = self.feed_norm(places + self._drop(self.feed(places)))
        change: Tensor = self.project_out(places.transpose(1, 2).unflatten(2, features.shape[2:]))
        return change * shown[:, None, None, None]

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self._dropout, self.training)


def _for_rows(value: Tensor, rows: int) -> Tensor:
    """One row for all, or the same rows once more for each branch of classifier-free guidance."""
    if rows % len(value):
        raise UsageError(f"rewards of {len(value)} samples came with a batch of {rows}")
    return value.repeat(rows // len(value), *[1] * (value.ndim - 1))


def _time_module(network: nn.Module) -> Any:
    for name in _TIME_MODULES:
        found = getattr(network, name, None)
        if found is not None:
            return found
    raise UsageError(
        f"{type(network).__name__} has no time embedding called {' or '.join(_TIME_MODULES)}: rewards cannot be attached"
    )


def _zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
