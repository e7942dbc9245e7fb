"""Before any picture, the text encoder learns to read: which edit, which object, which colour, where.

Big editors begin with text encoders that learnt language elsewhere. The tiny one learns the world's grammar from words alone, at
some two thousand texts a second, so that the pictures need not teach it what "left" and "purple" are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from editloop.core.seeds import derive_seed
from editloop.models.storybook.text import with_context
from editloop.world.cases import Case
from editloop.world.sampling import EDIT_TYPES, describe, sample_case, sample_scene
from editloop.world.scenes import (
    Background,
    Colour,
    Kind,
    Light,
    Pattern,
    Place,
    Scene,
    SceneObject,
    Size,
    Style,
    Tone,
    Wear,
)

log = logging.getLogger(__name__)

Encode: TypeAlias = Callable[[list[str]], tuple[Tensor, Tensor, Tensor]]
"""From n texts to states (n, tokens, width), mask (n, tokens) with 1 for real tokens, and mean states (n, width)."""

_VALUES: Final = tuple(
    value
    for words in (Colour, Pattern, Size, Place, Background, Style, Tone, Light, Wear)
    for value in get_args(words)
)
_THING: Final = {
    "kind": get_args(Kind),
    "colour": get_args(Colour),
    "size": get_args(Size),
    "pattern": get_args(Pattern),
    "place": get_args(Place),
}
QUESTIONS: Final[dict[str, tuple[str, ...]]] = {
    "task": (*map(str, EDIT_TYPES), "draw"),
    "value": tuple(dict.fromkeys(_VALUES)),
    "background": get_args(Background),
    **{f"{role}_{name}": words for role in ("spoken", "new") for name, words in _THING.items()},
    **{f"{place}_{name}": _THING[name] for place in get_args(Place) for name in ("kind", "colour")},
}
"""What is asked about a text, with the possible answers."""
UNASKED: Final = -100
REPORT_EVERY: Final = 100


class ReadText(NamedTuple):
    """A text and what it says; questions that it leaves open have no answer."""

    text: str
    answers: dict[str, str]


def text_of_case(case: Case) -> ReadText:
    """An instruction with what it says about the object it speaks of and the one it brings."""
    answers = {"task": str(case.edit_type)}
    change = case.changes[0]
    if change.object_index is not None:
        answers |= _said(case.source.objects[change.object_index], "spoken", case.instruction)
    if change.new_object is not None:
        answers |= _said(change.new_object, "new", case.instruction)
    if change.value in QUESTIONS["value"]:
        answers["value"] = str(change.value)
    return ReadText(with_context(case.instruction, case.context), answers)


def text_of_scene(scene: Scene, prompt: str) -> ReadText:
    """A prompt with what it says stands where; a place with two objects has no answer."""
    answers = {"task": "draw", "background": scene.background}
    places = [thing.place for thing in scene.objects]
    for thing in scene.objects:
        if places.count(thing.place) == 1:
            answers[f"{thing.place}_kind"] = thing.kind
            answers[f"{thing.place}_colour"] = thing.colour
    return ReadText(prompt, answers)


def texts(seed: int, index: int, count: int) -> list[ReadText]:
    """Batch number `index`: instructions and prompts, half and half."""
    rng = np.random.default_rng(derive_seed(seed, "storybook-reading", index))
    return list(_drawn(rng, count))


class Reader(nn.Module):
    """Answers every question twice: from the text's mean state, and from the words that the question looks at.

    The U-Net reads a text in both ways, by its mean and by attention. Looking at single words is learnt first; without it the mean
    stays a guess among the words of the text.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.looks = nn.Parameter(torch.randn(len(QUESTIONS), width) * 4 / width**0.5)
        self.keys = nn.Linear(width, width, bias=False)
        self.heads_of_words, self.heads_of_mean = (
            nn.ModuleDict({name: nn.Linear(width, len(words)) for name, words in QUESTIONS.items()})
            for _ in range(2)
        )

    def forward(
        self, states: Tensor, mask: Tensor, mean: Tensor
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """Two logits (n, answers) a question, by single words and by the mean.

        Args:
            states: (n, tokens, width).
            mask: (n, tokens), 1 for real tokens.
            mean: (n, width).
        """
        match = self.looks @ self.keys(states).transpose(1, 2) / states.shape[-1] ** 0.5
        seen = match.masked_fill(mask[:, None] == 0, -torch.inf).softmax(-1) @ states
        return {
            name: (self.heads_of_words[name](seen[:, place]), self.heads_of_mean[name](mean))
            for place, name in enumerate(QUESTIONS)
        }


def teach_reading(
    encode: Encode,
    encoder: nn.Module,
    *,
    width: int,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> float:
    """Train a text encoder on words alone.

    Args:
        encode: From n texts to states (n, tokens, width), mask (n, tokens) and mean states (n, width), by way of `encoder`.
        encoder: Is trained in place.
        width: Of the states.
        steps: Updates.
        batch_size: Texts an update.
        learning_rate: The highest; it falls to a tenth.
        seed: Of texts and questions.

    Returns:
        The share of right answers in the last batches.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        reader = Reader(width).to(next(encoder.parameters()).device)
    parameters = [*encoder.parameters(), *reader.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, lr=learning_rate, betas=(0.9, 0.99), weight_decay=0.01
    )
    share = 0.0
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, (step + 1) / 50) * (1 - 0.9 * step / steps)
        loss, right = _reading_loss(encode, reader, texts(seed, step, batch_size))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        share = right if step == 0 else 0.95 * share + 0.05 * right
        if (step + 1) % REPORT_EVERY == 0:
            log.info("reading: step %d, %.1f %% of answers right", step + 1, 100 * share)
    return share


def _reading_loss(
    encode: Encode, reader: Reader, batch: Sequence[ReadText]
) -> tuple[Tensor, float]:
    states, mask, mean = encode([item.text for item in batch])
    losses, right, asked = [], 0, 0
    for name, replies in reader(states, mask, mean).items():
        wanted = torch.tensor([_answer(name, item) for item in batch], device=mean.device)
        known = wanted != UNASKED
        if not bool(known.any()):
            continue
        for logits in replies:
            losses.append(F.cross_entropy(logits, wanted, ignore_index=UNASKED))
            right += int((logits.argmax(1) == wanted)[known].sum())
            asked += int(known.sum())
    return torch.stack(losses).mean(), right / asked


def _answer(question: str, item: ReadText) -> int:
    answer = item.answers.get(question)
    return UNASKED if answer is None else QUESTIONS[question].index(answer)


def _said(thing: SceneObject, role: str, instruction: str) -> dict[str, str]:
    """The properties of an object whose words stand in the instruction."""
    words = set(instruction.replace(",", " ").replace(".", " ").split())
    properties: dict[str, Any] = {name: getattr(thing, name) for name in _THING}
    return {f"{role}_{name}": value for name, value in properties.items() if value in words}


def _drawn(rng: np.random.Generator, count: int) -> Iterator[ReadText]:
    for number in range(count):
        if number % 2:
            yield text_of_case(sample_case(rng))
        else:
            scene = sample_scene(rng)
            yield text_of_scene(scene, describe(scene, rng))
