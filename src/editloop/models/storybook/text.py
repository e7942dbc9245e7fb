"""Words to text states: a word-level tokenizer and a small T5 encoder, trained with the editor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

MAX_TOKENS = 48
PAD, UNKNOWN, TURN = "<pad>", "<unk>", "<turn>"
"""`TURN` stands between the turns of a dialogue."""


def word_tokenizer(words: Sequence[str]) -> Any:
    """A `PreTrainedTokenizerFast` over a closed vocabulary of lower-case words; other words become ``<unk>``."""
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    vocabulary = {
        word: index
        for index, word in enumerate([PAD, UNKNOWN, TURN, ",", ".", *sorted(set(words))])
    }
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(r"[,.!?]"), "isolated")]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        additional_special_tokens=[TURN],
        model_max_length=MAX_TOKENS,
    )


def with_context(instruction: str, context: Sequence[str] = ()) -> str:
    """One text of a dialogue: earlier instructions first, each closed by the turn mark."""
    return f" {TURN} ".join([*context, instruction])


def encode_text(
    tokenizer: Any, text_encoder: Any, texts: Sequence[str]
) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states (n, tokens, d), mask (n, tokens) with 1 for real tokens, and their mean (n, d).

    Texts are padded to the longest of the call; a text of more than `MAX_TOKENS` words loses its beginning, since the
    instruction stands at the end.
    """
    tokenizer.truncation_side = "left"
    batch = tokenizer(
        list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    )
    device = next(text_encoder.parameters()).device
    ids, mask = batch["input_ids"].to(device), batch["attention_mask"].to(device)
    states = text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = mask.to(states.dtype)[..., None]
    pooled = (states * weights).sum(1) / weights.sum(1).clamp(min=1)
    return states, mask, torch.as_tensor(pooled)
