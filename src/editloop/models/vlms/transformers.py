"""Vision-language models on this machine's own processors, through transformers: Qwen2.5-VL and Qwen3-VL."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from editloop.core.errors import BadInputError, ModelCallError
from editloop.core.ids import content_id
from editloop.core.seeds import derive_seed
from editloop.models.diffusers.folders import fingerprint, local_folder
from editloop.models.prerequisites import require
from editloop.models.roles import ModelIdentity
from editloop.models.vlms.checkpoint import (
    CONFIG_FILE,
    Checkpoint,
    open_checkpoint,
    open_processor,
    parse_local,
)
from editloop.models.vlms.images import as_shown, check_image
from editloop.models.vlms.messages import VlmAnswer, VlmFinish, VlmReply, VlmRequest

if TYPE_CHECKING:
    from editloop.models.vlms.decoding import Decoder, Sampling

CODE_VERSION: Final = "1"
"""Changes when the same weights, settings and request would give another answer."""


class TransformersVlm:
    """A model from a folder or a hub id; weights are opened at the first question.

    A row of a batch is decoded with its own random numbers, so an answer depends on its own request alone, up to what the
    batch's matrix kernels round. `VlmRequest.json_schema` is not enforced. A temperature of None means the checkpoint's own
    sampling (`generation_config.json`); any other means plain sampling at that temperature.

    Args:
        spec: ``FOLDER_OR_ID?option=value&...``, the options being fields of `LocalSettings`.
        lora: Folder of LoRA weights, in place of the option: a path may hold characters that a spec cannot.

    Raises:
        PrerequisiteError: when transformers is missing; says what to install.
        UsageError: when the spec names no model.
        ConfigError: when an option is unknown or of the wrong type.
    """

    def __init__(self, spec: str = "", *, lora: Path | None = None) -> None:
        self.spec = spec
        self.source, self.settings = parse_local(spec)
        if lora is not None:
            self.settings = self.settings.model_copy(update={"lora": str(lora)})
        require("transformers", "train")
        self._lock = threading.Lock()

    @cached_property
    def folder(self) -> Path:
        """Where the model lies; a hub id is fetched first."""
        return local_folder(self.source, CONFIG_FILE)

    @cached_property
    def identity(self) -> ModelIdentity:
        """The spec; the version covers weights, sizes of images, precision and the version of transformers."""
        import transformers

        places = [self.folder, *([Path(self.settings.lora)] if self.settings.lora else [])]
        images = open_processor(self.folder, self.settings).image_processor
        sizes = [dict(images.size), images.patch_size, images.merge_size]
        made_by = content_id(sizes, self.settings.dtype, transformers.__version__)[:8]
        return ModelIdentity(
            f"transformers:{self.spec}", f"{CODE_VERSION}-{fingerprint(*places)}-{made_by}"
        )

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The opened model on its device."""
        return open_checkpoint(self.folder, self.settings)

    async def ask(self, request: VlmRequest) -> VlmReply:
        """The reply to one request, computed in a thread.

        Raises:
            ModelCallError: when the request cannot be answered.
        """
        (answer,) = await asyncio.to_thread(self.ask_many, [request])
        if isinstance(answer, ModelCallError):
            raise answer
        return answer

    def ask_many(
        self,
        requests: Sequence[VlmRequest],
        on_reply: Callable[[int, VlmAnswer], None] | None = None,
    ) -> list[VlmAnswer]:
        """One reply or error a request, in order; a request that cannot be answered never costs the others.

        Args:
            requests: The questions.
            on_reply: Called with the place and the answer, batch by batch.
        """
        answers: dict[int, VlmAnswer] = {}
        with self._lock:
            for places in self._batches(requests):
                batch = self._answered([requests[place] for place in places])
                for place, answer in zip(places, batch, strict=True):
                    answers[place] = answer
                    if on_reply is not None:
                        on_reply(place, answer)
        return [answers[place] for place in range(len(requests))]

    def _batches(self, requests: Sequence[VlmRequest]) -> Iterator[list[int]]:
        """Places of requests that are sampled alike, those of similar length together."""
        alike: defaultdict[float | None, list[int]] = defaultdict(list)
        for place, request in enumerate(requests):
            alike[request.temperature].append(place)
        for places in alike.values():
            places.sort(key=lambda place: (_length(requests[place]), place))
            for start in range(0, len(places), self.settings.batch):
                yield places[start : start + self.settings.batch]

    def _answered(self, batch: Sequence[VlmRequest]) -> list[VlmAnswer]:
        """A batch at once; where that fails, halves of it, down to the request that cannot be answered."""
        import torch

        try:
            return list(self._generate(batch))
        except (BadInputError, ValueError, torch.OutOfMemoryError) as error:
            if len(batch) == 1:
                return [ModelCallError(f"{self.spec} cannot answer the request: {error}")]
        middle = len(batch) // 2
        return self._answered(batch[:middle]) + self._answered(batch[middle:])

    def _generate(self, batch: Sequence[VlmRequest]) -> Iterator[VlmReply]:
        import torch

        from editloop.models.vlms.decoding import Decoder

        started = time.perf_counter()
        checkpoint = self.checkpoint
        inputs = self.prepare(batch)
        sampling = self._sampling(batch[0].temperature)
        top = max(request.top_logprobs for request in batch)
        decoder = Decoder(sampling, [_seed(request) for request in batch], top)
        with torch.inference_mode():
            made = checkpoint.model.generate(
                **inputs,
                max_new_tokens=max(request.max_tokens for request in batch),
                do_sample=False,
                logits_processor=[decoder],
                **_PLAIN,
            )
        prompt = inputs["input_ids"].shape[1]
        seconds = round((time.perf_counter() - started) / len(batch), 4)
        for row, request in enumerate(batch):
            reply = self._reply(request, made[row, prompt:].tolist(), decoder, row)
            read = int(inputs["attention_mask"][row].sum())
            yield dataclasses.replace(reply, input_tokens=read, seconds=seconds)

    def prepare(self, batch: Sequence[VlmRequest]) -> Any:
        """Prompts and images as the model takes them, one row a request, padded on the left."""
        checkpoint = self.checkpoint
        texts, images = [], []
        for request in batch:
            content = []
            for part in request.parts:
                if isinstance(part, str):
                    content.append({"type": "text", "text": part})
                else:
                    shown = check_image(part)
                    images.append(as_shown(shown, request.encoding) if request.encoding else shown)
                    content.append({"type": "image"})
            system = [{"role": "system", "content": request.system}] if request.system else []
            texts.append(
                checkpoint.tokenizer.apply_chat_template(
                    [*system, {"role": "user", "content": content}],
                    chat_template=checkpoint.template,
                    tokenize=False,
                    add_generation_prompt=True,
                )
            )
        return checkpoint.processor(
            text=texts, images=images or None, padding=True, return_tensors="pt"
        ).to(checkpoint.device)

    def _sampling(self, temperature: float | None) -> Sampling:
        from editloop.models.vlms.decoding import Sampling

        if temperature is not None:
            return Sampling(temperature)
        own = self.checkpoint.model.generation_config
        penalty = own.repetition_penalty or 1.0
        if not own.do_sample:
            return Sampling(repetition_penalty=penalty)
        warmth = 1.0 if own.temperature is None else own.temperature
        return Sampling(warmth, own.top_k or 0, own.top_p or 1.0, penalty)

    def _reply(self, request: VlmRequest, made: list[int], decoder: Decoder, row: int) -> VlmReply:
        tokenizer = self.checkpoint.tokenizer
        ends = self.checkpoint.model.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, list) else {ends}
        stop = next((place for place, token in enumerate(made) if token in ends), None)
        whole = stop is not None and stop < request.max_tokens
        tokens = made[: stop if whole else request.max_tokens]
        text = tokenizer.decode(tokens, skip_special_tokens=True)
        finish = VlmFinish.STOP if whole else VlmFinish.LENGTH
        if whole and not text.strip():
            finish = VlmFinish.EMPTY
        logprobs: Any = ()
        if request.top_logprobs:
            logprobs = tuple(
                dataclasses.replace(place, top=place.top[: request.top_logprobs])
                for place in decoder.logprobs(row, tokens, tokenizer)
            )
        raw = {"text": text, "finish": finish.value, "tokens": tokens}
        return VlmReply(
            text,
            finish,
            tokens=logprobs,
            output_tokens=len(tokens) + whole,
            cost_usd=0.0,
            raw=json.dumps(raw, ensure_ascii=False),
            model=self.identity.name,
        )


_PLAIN: Final[dict[str, Any]] = {
    "temperature": None,
    "top_p": None,
    "top_k": None,
    "repetition_penalty": 1.0,
    "use_cache": True,
}
"""The decoder alone shapes the scores: what a checkpoint's generation settings would add is switched off."""


def _length(request: VlmRequest) -> int:
    """Roughly how long the prompt is, to batch like with like."""
    return sum(
        len(part) // 3 if isinstance(part, str) else part.shape[0] * part.shape[1] // 784
        for part in request.parts
    )


def _seed(request: VlmRequest) -> int:
    """Of a row's random numbers: the request's own seed and repeat, and its words, so that equal seeds do not go in step."""
    words = [part for part in request.parts if isinstance(part, str)]
    return derive_seed(request.seed or 0, request.sample, request.system or "", *words)
