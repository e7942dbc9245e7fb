"""The Qwen2-VL processor for installations without torchvision.

transformers 5 builds `Qwen2VLProcessor` with a video processor, which needs torchvision, though an image editor never shows it a
film; without torchvision even `from_pretrained` of a Qwen editor fails. The processor here takes images and text only, and
resizes with Pillow, so that results are the same with and without torchvision.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from editloop.models.prerequisites import require


def image_text_processor(image_processor: Any, tokenizer: Any) -> Any:
    """A Qwen2-VL processor of the two given parts.

    Args:
        image_processor: A `Qwen2VLImageProcessorPil`.
        tokenizer: A Qwen tokenizer that knows ``<|image_pad|>``.
    """
    return _processor_class()(image_processor=image_processor, tokenizer=tokenizer)


def load_qwen_processor(pipeline: Path) -> Any:
    """The processor of a saved Qwen editing pipeline.

    Args:
        pipeline: Folder with `processor/` and `tokenizer/`, as `save_pretrained` writes them.

    Raises:
        PrerequisiteError: when transformers is missing.
    """
    require("transformers", "train")
    from transformers import Qwen2Tokenizer
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    image_processor = Qwen2VLImageProcessorPil.from_pretrained(pipeline / "processor")
    tokenizer = Qwen2Tokenizer.from_pretrained(pipeline / "tokenizer")
    return image_text_processor(image_processor, tokenizer)


@cache
def _processor_class() -> Any:
    """Made on first use: its base class drags in most of transformers."""
    from transformers import Qwen2VLProcessor
    from transformers.processing_utils import ProcessorMixin

    class ImageTextProcessor(Qwen2VLProcessor):  # type: ignore[misc]
        """`Qwen2VLProcessor` without its video part."""

        def __init__(
            self, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None
        ) -> None:
            self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
            self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
            self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
            ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    # diffusers writes a component's module and class into model_index.json: under the name of its base, a pipeline saved from
    # here opens on machines that have torchvision but not this package.
    ImageTextProcessor.__name__ = Qwen2VLProcessor.__name__
    ImageTextProcessor.__module__ = Qwen2VLProcessor.__module__
    return ImageTextProcessor
