"""Tokenizers of the real classes over vocabularies made on the spot."""

from __future__ import annotations

import json
import string
from typing import Any

EDIT_WORDS = (
    "make",
    "the",
    "object",
    "remove",
    "add",
    "replace",
    "background",
    "red",
    "blue",
    "green",
)
"""Words that get a token of their own; everything else falls apart into letters or bytes."""

QWEN_SPECIALS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
WORD_MARK = "\u2581"


def clip_tokenizer() -> Any:
    """A `CLIPTokenizer`: bytes, bytes that end a word, the pieces of `EDIT_WORDS`, two specials."""
    from tokenizers import pre_tokenizers
    from transformers import CLIPTokenizer

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *(f"{symbol}</w>" for symbol in alphabet)]
    merges: list[tuple[str, str]] = []
    for word in EDIT_WORDS:
        left = word[0]
        for place, letter in enumerate(word[1:], start=1):
            right = f"{letter}</w>" if place == len(word) - 1 else letter
            if (left, right) not in merges:
                merges.append((left, right))
                tokens.append(left + right)
            left += right
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def t5_tokenizer() -> Any:
    """A unigram tokenizer with T5's conventions: pad 0, end of text 1, unknown 2, a mark before each word."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), (WORD_MARK, -2.0)]
    pieces += [(letter, -3.0) for letter in string.printable.strip()]
    pieces += [(WORD_MARK + word, -1.0) for word in EDIT_WORDS]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=512,
    )


def qwen_tokenizer(template: str) -> Any:
    """A `Qwen2Tokenizer` trained on `template`, so that each of its words is one token as in the full vocabulary.

    The Qwen editors cut a fixed number of tokens off the front of every prompt, the length of their system message; a
    vocabulary that splits the message differently would lose part of the instruction.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    for special in QWEN_SPECIALS:
        template = template.replace(special, "")
    trained.train_from_iterator(
        [template] * 8 + [" ".join(("", *EDIT_WORDS))] * 4,
        trainers.BpeTrainer(
            vocab_size=1000,
            min_frequency=1,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    model = json.loads(trained.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=[tuple(merge) for merge in model["merges"]],
        unk_token=None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
    )
    tokenizer.add_tokens(
        [AddedToken(special, special=True) for special in QWEN_SPECIALS], special_tokens=True
    )
    return tokenizer
