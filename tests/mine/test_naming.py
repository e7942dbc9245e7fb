from __future__ import annotations

import pytest

from editloop.mine.naming import name_region
from editloop.models.nouns import NounScore


def tags(*pairs: tuple[str, float]) -> list[NounScore]:
    return [NounScore(word, probability) for word, probability in pairs]


@pytest.mark.parametrize(
    ("detected", "score", "seen", "salient", "expected"),
    [
        ("dog", 0.4, tags(("dog", 0.98)), True, "dog"),
        ("horse", 0.65, tags(("camel", 0.97)), True, "camel"),
        ("bear", 0.67, tags(("fox", 0.99)), True, "fox"),
        ("bear", 0.5, tags(("polar bear", 0.88)), True, "polar bear"),
        ("couch", 0.5, tags(("sofa", 0.5)), False, "sofa"),
        ("person", 0.8, tags(("dog", 0.05)), True, "person"),
        ("cake", 0.8, tags(("ice cream", 0.1)), False, None),
        ("person", 0.48, tags(("teapot", 0.44)), True, None),
        (None, 0.0, tags(("vase", 0.5), ("lamp", 0.4)), True, None),
        ("horse", 0.82, tags(("dog", 0.46)), True, "horse"),
        ("horse", 0.82, tags(("dog", 0.75)), True, "dog"),
        ("horse", 0.65, tags(("dog", 0.42)), True, None),
        (None, 0.0, tags(("backpack", 0.9)), True, "backpack"),
        (None, 0.0, tags(("backpack", 0.9)), False, None),
        (None, 0.0, tags(("ball", 0.2)), True, None),
        ("dining_table", 0.5, tags(("ice cream", 0.06)), False, None),
    ],
)
def test_detector_and_tagger_check_each_other(
    detected: str | None,
    score: float,
    seen: list[NounScore],
    salient: bool,
    expected: str | None,
) -> None:
    name = name_region(detected, score, seen, salient=salient)
    assert (name.word if name else None) == expected


def test_no_tags_at_all_is_no_name() -> None:
    assert name_region(None, 0.0, [], salient=True) is None
