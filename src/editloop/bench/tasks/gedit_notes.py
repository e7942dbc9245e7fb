"""What a reader of GEdit-Bench's official figures must know: guesses, skips, means that are none, replies of no language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from editloop.bench.results import Figures, ItemScore
from editloop.bench.tasks.base import Request

NOT_FINITE: Final = "not_finite"
"""Reason and slip: a score that is NaN or infinite, which makes every mean of the published script so."""


def notes_of_script(
    items: Sequence[ItemScore], found: Mapping[str, Figures], groups: Sequence[str]
) -> list[str]:
    """What the published script guessed, skipped or left without a mean."""
    notes = []
    guessed = [item for item in items if "random_guess" in item.slips and item.metrics]
    if guessed:
        notes.append(
            f"{len(guessed)} of {len(items)} items hold a random number of the published script (0 to 10): "
            f"{_share_of(found['O'], guessed)}"
        )
    skipped = sum(item.outcome == "missing" for item in items)
    if skipped:
        notes.append(
            f"{skipped} cases without a reply are skipped silently by the published script"
        )
    undefined = {item.group for item in items if item.reason == NOT_FINITE}
    if undefined:
        notes.append(
            f"the published script's means of {', '.join(sorted(undefined))} and its overall are not finite: a score there is NaN "
            "or infinite"
        )
    empty = [group for group in groups if group not in found["O"].groups and group not in undefined]
    if empty:
        notes.append(
            f"the published script's overall is undefined (NaN): nothing in {', '.join(empty)}"
        )
    return notes


def shared_keys(request: Request) -> tuple[str, ...]:
    """Keys of replies that say no language although cases of several have them: these count for every language."""
    languages: dict[str, set[str]] = {}
    for case in request.cases.cases if request.cases else ():
        languages.setdefault(case.key.rpartition("/")[2], set()).add(case.language)
    return tuple(key for key in request.replies.values if len(languages.get(key, ())) > 1)


def shared_note(request: Request) -> list[str]:
    """What to say of such replies."""
    shared = shared_keys(request)
    if not shared:
        return []
    told = (
        f"{len(shared)} replies say no language although their cases have several (first: {shared[0]!r}), and count for each: name "
        "them LANGUAGE/KEY, or trust the figures of the language that they were about alone"
    )
    return [told]


def _share_of(found: Figures, guessed: Sequence[ItemScore]) -> str:
    """How far the overall could move with other random numbers."""
    if not found.groups:
        return "nothing else is scored"
    reach = sum(10 / found.counts[item.group] for item in guessed if item.group in found.counts)
    return f"other draws could move the overall O by up to {reach / len(found.groups):.3f}"
