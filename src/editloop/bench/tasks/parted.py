"""Benchmarks that ask several questions about one case, each with a reply of its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from editloop.bench.cases import BenchCase
from editloop.bench.parts import Parts, parts_of
from editloop.bench.results import ItemScore
from editloop.bench.tasks.base import Cap, Task
from editloop.bench.tasks.unscored import unscored


class PartedTask(Task):
    """A task whose cases have one reply a question."""

    parts: ClassVar[Parts]
    """The questions, with the names that they go by in files."""

    @abstractmethod
    def robust_parts(self, case: BenchCase, replies: Mapping[str, Any], value: Any) -> ItemScore:
        """One case read robustly.

        Args:
            case: The case.
            replies: Question -> its reply, or several.
            value: All of it as it was kept.
        """

    def robust_item(self, case: BenchCase, texts: Sequence[str], cap: Cap) -> ItemScore:
        """Only reached for replies that are not parted: several questions cannot be told apart in one text."""
        del cap, texts
        return unscored(case, "failed", "no_parts")

    def _robust_case(self, case: BenchCase, found: tuple[bool, Any], cap: Cap) -> ItemScore:
        del cap  # the questions are independent: there is nothing to cap
        there, value = found
        if not there:
            return unscored(case, "missing", "no_reply")
        replies = parts_of(value, self.parts)
        if replies is None:
            return unscored(case, "failed", "no_parts", value)
        return self.robust_parts(case, replies, value)
