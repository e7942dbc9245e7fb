"""ConSE and its text embedder: words that belong together are near each other."""

from __future__ import annotations

import numpy as np
import pytest
from tests.models.photographs import photograph

from editloop.models import load_model
from editloop.models.roles import ModelIdentity
from editloop.models.taggers.conse import Conse


def test_texts_become_unit_vectors_that_know_kinship() -> None:
    embedder = load_model("text_embedder", "embedded:wordllama")
    vectors = embedder.embed(["a puppy", "a young dog", "a tax return"])
    assert vectors.shape == (3, 256)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2
    assert embedder.embed([]).shape == (0, 256)
    assert np.isfinite(embedder.embed([""])).all()


@pytest.mark.weights
def test_tags_name_the_animal_with_falling_probabilities() -> None:
    tagger = load_model("tagger", "embedded:conse")
    (panda, shepherd) = tagger.tags([photograph("panda"), photograph("german-shepherd")], top=4)
    assert "panda" in panda[0].label.lower()
    assert "shepherd" in shepherd[0].label.lower()
    probabilities = [tag.probability for tag in panda]
    assert len(panda) == 4
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < sum(probabilities) <= 1
    assert tagger.tags([]) == []


@pytest.mark.weights
def test_every_photograph_is_nearest_to_its_own_word() -> None:
    tagger = load_model("tagger", "embedded:conse")
    names = ["panda", "coffee", "kitten", "eiffel-tower", "duck"]
    words = ["panda", "a cup of coffee", "cat", "tower", "duck"]
    similarity = tagger.similarity([photograph(name) for name in names], words)
    assert similarity.shape == (5, 5)
    assert similarity.dtype == np.float32
    assert np.abs(similarity).max() <= 1
    assert similarity.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.weights
def test_an_article_does_not_matter() -> None:
    tagger = load_model("tagger", "embedded:conse")
    similarity = tagger.similarity([photograph("duck")], ["duck", "a duck", "The duck"])
    np.testing.assert_allclose(similarity[0], similarity[0, 0], atol=0.1)
    assert similarity[0, 0] == similarity[0, 1]


@pytest.mark.weights
def test_images_are_the_same_alone_and_in_a_batch() -> None:
    tagger = load_model("tagger", "embedded:conse")
    images = [photograph("duck"), photograph("panda")]
    together = tagger.similarity(images, ["bird", "bear"])
    apart = np.concatenate([tagger.similarity([image], ["bird", "bear"]) for image in images])
    np.testing.assert_allclose(together, apart, atol=1e-5)


def test_the_identity_names_both_models() -> None:
    class Letters:
        identity = ModelIdentity("test:letters", "7")

        def embed(self, texts: list[str]) -> np.ndarray:  # type: ignore[type-arg]
            return np.eye(len(texts), dtype=np.float32)

    assert Conse(Letters()).identity.version.endswith("+7")  # type: ignore[arg-type]
    assert Conse().identity.version != Conse(Letters()).identity.version  # type: ignore[arg-type]
