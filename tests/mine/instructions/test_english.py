"""Reads a thousand generated edits for slips that a person would notice."""

from __future__ import annotations

import re
from collections import Counter

from editloop.mine.instructions.words import is_plural
from editloop.records.taxonomy import EditType

COLOURS = ["red", "blue", "green", "orange", "yellow", "purple", "black", "white", "pink", "brown"]
SIZES = ["small", "little", "large", "big"]


def _all_texts(samples):
    return [text for sample in samples for text in sample.texts]


def test_sentences_are_whole(samples):
    texts = _all_texts(samples)
    assert len(texts) > 4000
    for text in texts:
        assert not re.search(r"[{}]|None|nan", text), text
        assert "  " not in text, text
        assert not re.search(r"\s[.,;:?!]|[.,;:?!]{2}|\(\)", text), text
        assert re.fullmatch(r"[A-Z].*[.?!]", text), text
        assert not re.search(r"\b(\w+) \1\b", text), text


def test_articles_fit_the_sound_that_follows(samples):
    for text in _all_texts(samples):
        assert not re.search(r"\b[Aa] (?=[aeio]|u(?!ni))", text), text
        assert not re.search(r"\b[Aa]n (?![aeiou])", text), text


def test_plurals_are_spoken_of_as_plurals(samples):
    for sample in samples:
        if sample.kind in {EditType.REMOVE, EditType.EXTRACT, EditType.BOKEH}:
            for text in sample.texts:
                if is_plural(sample.slots[0].object) and sample.slots[0].object in text:
                    rest = text.replace("as it is", "")
                    assert not re.search(r"\b(it|its|is|has|stands)\b", rest), text
    assert any("scissors" in text and " them" in text for text in _all_texts(samples))


def test_nothing_is_longer_than_thirty_words(samples):
    assert max(len(text.split()) for text in _all_texts(samples)) <= 30


def test_replace_and_adjust_carry_at_most_one_adjective(samples):
    for sample in samples:
        if sample.kind in {EditType.REPLACE, EditType.ADJUST}:
            nouns = {sample.slots[0].object, sample.slots[0].new_object}
            for text in sample.texts:
                words = re.findall(r"[a-z]+", text.lower())
                adjectives = [w for w in words if w in COLOURS + SIZES and w not in nouns]
                assert len(adjectives) <= 1, text


def test_main_wordings_say_where(samples):
    for sample in samples:
        if sample.kind in {EditType.REMOVE, EditType.REPLACE, EditType.ADJUST, EditType.ADD}:
            place = sample.slots[0].place
            if place.position and not place.rank:
                main = sample.written[0].main
                parts = place.position.replace("centre", "centre|middle").split()
                parts = [
                    p.replace("top", "top|upper").replace("bottom", "bottom|lower") for p in parts
                ]
                assert all(re.search(part, main, re.IGNORECASE) for part in parts), (place, main)


def test_no_opening_dominates_and_few_texts_repeat(samples):
    mains = [written.main for sample in samples for written in sample.written]
    assert len(set(mains)) > 0.88 * len(mains)
    for words, most, least_kinds in ((1, 0.08, 90), (2, 0.05, 180), (3, 0.02, 500)):
        openings = Counter(" ".join(main.split()[:words]) for main in mains)
        assert openings.most_common(1)[0][1] < most * len(mains)
        assert len(openings) > least_kinds


def test_every_triplet_has_other_phrasings_in_other_styles(samples):
    for sample in samples:
        for written in sample.written:
            texts = [written.main, *(p.text for p in written.phrasings)]
            assert len(set(texts)) == len(texts)
            assert len(texts) >= 3, texts
    singles = [s.written[0] for s in samples if s.kind is EditType.REMOVE]
    assert {p.style for w in singles for p in w.phrasings} == {
        "terse",
        "plain",
        "casual",
        "detailed",
    }


def test_terse_is_shorter_than_detailed(samples):
    lengths = {"terse": [], "detailed": []}
    for sample in samples:
        for written in sample.written:
            for phrasing in written.phrasings:
                if phrasing.style in lengths:
                    lengths[phrasing.style].append(len(phrasing.text.split()))
    mean = {style: sum(n) / len(n) for style, n in lengths.items()}
    assert mean["terse"] * 1.8 < mean["detailed"]
