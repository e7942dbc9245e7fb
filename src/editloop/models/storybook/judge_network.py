"""The network of the storybook judges: two small pictures and an instruction in, distributions over scores out.

A convolutional stem reads source, edited picture, their difference, the reference picture and a draft of what the words ask for (see
`judge_draft`) together; its 8 x 8 cells and the words of the instruction then attend to each other. Scores are read out as an expectation over ordered classes, the
``sum of p_k times k`` that language-model judges take from the logits of their score token, so that two good edits still
differ. A second head names what is wrong, a third the kind of edit that the words ask for, and a fourth draws what is missing.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from editloop.core.errors import UsageError
from editloop.models.storybook.build import build_text_encoder
from editloop.models.storybook.judge_shape import ANSWERS, PICTURE_SIZE, SCORE_STEPS, JudgeShape
from editloop.models.storybook.judge_words import MAX_WORDS, PAD, SPECIAL_WORDS

_CELLS = 8
_CELL_SIZE = PICTURE_SIZE // _CELLS
_HEADS = 4
_PICTURE_CHANNELS = 12
"""Of one picture whose 2 x 2 pixels lie in channels."""
_FEED_FORWARD = 3


class Reading(NamedTuple):
    """What the network says about n pairs; all float32."""

    scores: Tensor
    """Logits over `SCORE_STEPS`, (n, answers, steps)."""
    failures: Tensor
    """Logits over "nothing" and the failures, (n, 1 + failures)."""
    tasks: Tensor
    """Logits over the tasks, (n, tasks)."""
    repair: Tensor
    """What is missing from the edited picture to the right one, (n, 3, 32, 32); learnt beside the scores, for where and what
    is wrong teaches more a picture than four numbers do."""

    def steps(self) -> Tensor:
        """`SCORE_STEPS` beside the logits, (steps,)."""
        return torch.tensor(SCORE_STEPS, device=self.scores.device)

    def expected(self) -> Tensor:
        """Expected score of each answer, (n, answers), within 1 to 5."""
        mean = (self.scores.softmax(-1) * self.steps()).sum(-1)
        return mean.clamp(SCORE_STEPS[0], SCORE_STEPS[-1])

    def spread(self) -> Tensor:
        """Standard deviation of each score's distribution, (n, answers)."""
        away = self.steps() - self.expected()[..., None]
        return (self.scores.softmax(-1) * away.square()).sum(-1).sqrt()


class _ConvolutionBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(F.silu(self.first(F.silu(self.norm(x)))))
        return x + y


class _AttentionBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.project_in = nn.Linear(width, 3 * width)
        self.project_out = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, _FEED_FORWARD * width)
        self.narrow = nn.Linear(_FEED_FORWARD * width, width)

    def forward(self, x: Tensor, visible: Tensor) -> Tensor:
        """`x` (n, tokens, width); `visible` (n, 1, 1, tokens), False where a token is padding."""
        count, tokens, width = x.shape
        joined = self.project_in(self.attention_norm(x))
        query, key, value = joined.view(count, tokens, 3, _HEADS, width // _HEADS).permute(
            2, 0, 3, 1, 4
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        x = x + self.project_out(mixed.transpose(1, 2).reshape(count, tokens, width))
        y: Tensor = self.narrow(F.gelu(self.widen(self.feed_norm(x))))
        return x + y


class JudgeNetwork(nn.Module):
    """Scores pairs of 32-pixel pictures against words.

    Args:
        shape: Sizes and vocabularies.
    """

    def __init__(self, shape: JudgeShape) -> None:
        super().__init__()
        self.shape = shape
        stem, width = shape.stem, shape.width
        self.stem = nn.Sequential(
            nn.Conv2d((6 if shape.draft_by else 4) * _PICTURE_CHANNELS, stem, 3, padding=1),
            _ConvolutionBlock(stem),
            nn.Conv2d(stem, width, 3, stride=2, padding=1),
            _ConvolutionBlock(width),
        )
        words = SPECIAL_WORDS + len(shape.words)
        self.text_encoder = build_text_encoder(words, shape.text_width, shape.text_layers)
        self.text_in = nn.Linear(shape.text_width, width)
        self.word_place = nn.Parameter(0.02 * torch.ones(MAX_WORDS, width).normal_())
        self.cell_place = nn.Parameter(0.02 * torch.ones(_CELLS**2, width).normal_())
        self.summary = nn.Parameter(0.02 * torch.ones(1, 1, width).normal_())
        self.layers = nn.ModuleList(_AttentionBlock(width) for _ in range(shape.layers))
        self.final_norm = nn.LayerNorm(width)
        self.score_head = nn.Linear(3 * width, len(ANSWERS) * len(SCORE_STEPS))
        self.failure_head = nn.Linear(3 * width, 1 + len(shape.failures))
        self.task_head = nn.Linear(width, len(shape.tasks))
        self.repair_head = nn.Linear(width, 3 * _CELL_SIZE**2)

    def forward(
        self,
        source: Tensor,
        edited: Tensor,
        reference: Tensor,
        words: Tensor,
        draft: Tensor | None = None,
    ) -> Reading:
        """Read pairs.

        Args:
            source: Pictures before the edit, (n, 3, 32, 32) in [-1, 1].
            edited: Pictures after it, likewise.
            reference: Pictures that the words refer to, likewise; all zero (grey) for none.
            words: Numbers of the words, int64 (n, length), `PAD` at the end.
            draft: What an editor would draw in one step, likewise; needed where the shape names an editor.
        """
        seen = [source, edited, edited - source, reference]
        if self.shape.draft_by:
            if draft is None:
                raise UsageError("this judge network reads a draft beside the pictures; give one")
            seen += [draft, edited - draft]
        pictures = torch.cat(seen, dim=1)
        cells = self.stem(F.pixel_unshuffle(pictures, 2)).flatten(2).transpose(1, 2)
        length = words.shape[1]
        text = self._text(words) + self.word_place[:length]
        summary = self.summary.expand(len(words), -1, -1)
        tokens = torch.cat([summary, cells + self.cell_place, text], dim=1)
        shown = torch.ones(len(words), 1 + _CELLS**2, dtype=torch.bool, device=words.device)
        visible = torch.cat([shown, words != PAD], dim=1)[:, None, None, :]
        for layer in self.layers:
            tokens = layer(tokens, visible)
        tokens = self.final_norm(tokens)
        cells = tokens[:, 1 : 1 + _CELLS**2]
        pooled = torch.cat([tokens[:, 0], cells.mean(1), cells.amax(1)], dim=1)
        scores = self.score_head(pooled).float().unflatten(1, (len(ANSWERS), len(SCORE_STEPS)))
        repair = self.repair_head(cells).transpose(1, 2).unflatten(2, (_CELLS, _CELLS))
        return Reading(
            scores,
            self.failure_head(pooled).float(),
            self.task_head(tokens[:, 0]).float(),
            F.pixel_shuffle(repair, _CELL_SIZE).float(),
        )

    def _text(self, words: Tensor) -> Tensor:
        states = self.text_encoder(input_ids=words, attention_mask=words != PAD).last_hidden_state
        read: Tensor = self.text_in(states)
        return read


def build_judge_network(shape: JudgeShape, *, seed: int) -> JudgeNetwork:
    """A network with fresh random weights; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return JudgeNetwork(shape)
