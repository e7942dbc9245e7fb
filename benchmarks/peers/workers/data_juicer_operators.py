"""Operators of data-juicer that do what the other engines are asked to do; loaded by its own registry."""

from __future__ import annotations

from typing import Any

from data_juicer.ops.base_op import OPERATORS, Mapper

from peers.workers import rows as work


class _Batched(Mapper):
    _batched_op = True

    def process_batched(self, samples: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """One column at a time."""
        return self.work(samples)


@OPERATORS.register_module("tidy_batch_mapper")
class TidyBatch(_Batched):
    """`tidy` on columns."""

    def work(self, samples: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """A clean text."""
        return {**samples, "text": [work.tidy_text(text) for text in samples["text"]]}


@OPERATORS.register_module("count_batch_mapper")
class CountBatch(_Batched):
    """`count` on columns."""

    def work(self, samples: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """How many words it has."""
        return {**samples, "words": [work.count_words(text) for text in samples["text"]]}


@OPERATORS.register_module("rate_batch_mapper")
class RateBatch(_Batched):
    """`rate` on columns."""

    def work(self, samples: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """A number made of both."""
        pairs = zip(samples["text"], samples["words"], strict=True)
        return {**samples, "score": [work.rate_text(*pair) for pair in pairs]}


@OPERATORS.register_module("tidy_single_mapper")
class TidySingle(Mapper):
    """`tidy` on a row."""

    def process_single(self, sample: work.Row) -> work.Row:
        """A clean text."""
        return work.tidy(sample)


@OPERATORS.register_module("count_single_mapper")
class CountSingle(Mapper):
    """`count` on a row."""

    def process_single(self, sample: work.Row) -> work.Row:
        """How many words it has."""
        return work.count(sample)


@OPERATORS.register_module("rate_single_mapper")
class RateSingle(Mapper):
    """`rate` on a row."""

    def process_single(self, sample: work.Row) -> work.Row:
        """A number made of both."""
        return work.rate(sample)


@OPERATORS.register_module("shrink_mapper")
class Shrink(_Batched):
    """The kernels on the pictures of a batch."""

    def __init__(self, kernel: str = "plain", **options: Any) -> None:
        super().__init__(**options)
        self.kernel = kernel

    def work(self, samples: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Hashes and encoded small pictures."""
        from peers.workers import kernels

        made = [kernels.KERNELS[self.kernel](kernels.read(path)) for path in samples["path"]]
        hashes, jpegs = [one.hash for one in made], [one.jpeg for one in made]
        return {**samples, "hash": hashes, "jpeg": jpegs}


@OPERATORS.register_module("swallow_mapper")
class Swallow(_Batched):
    """Raises on a poisoned row."""

    def work(self, samples: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """The batch unchanged.

        Raises:
            ValueError: when one of its rows is poisoned.
        """
        for number in samples["number"]:
            work.swallow(number)
        return samples
