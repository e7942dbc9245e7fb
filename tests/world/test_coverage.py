from __future__ import annotations

import numpy as np
import pytest

from editloop.records.taxonomy import PAPER_NAMES, EditType
from editloop.world.cases import Case
from editloop.world.coverage import NHR_EQUIVALENTS
from editloop.world.derived import inverse_case
from editloop.world.sampling import EDIT_TYPES, cases


@pytest.fixture(scope="module")
def found(every_type: tuple[Case, ...]) -> list[Case]:
    rng = np.random.default_rng(0)
    many = (*every_type, *cases(6, 100, edit_types=(EditType.TONE, EditType.ADJUST)))
    return [*many, *(inverse for case in many if (inverse := inverse_case(case, rng)))]


@pytest.mark.parametrize("paper", ["imgedit", "hp_edit"])
def test_all_types_of_the_paper_are_sampled(paper: str, every_type: tuple[Case, ...]) -> None:
    sampled = {case.report_type for case in every_type}
    assert sampled == set(EDIT_TYPES)
    assert set(PAPER_NAMES[paper]) <= sampled


def test_the_papers_have_thirteen_types_and_eight_tasks() -> None:
    assert len(PAPER_NAMES["imgedit"]) == 13
    assert len(PAPER_NAMES["hp_edit"]) == 8


def test_every_operation_of_nhr_is_accounted_for() -> None:
    named = {name for names in PAPER_NAMES["nhr"].values() for name in names}
    assert set(NHR_EQUIVALENTS) == named


def test_what_has_an_equivalent_is_really_made(found: list[Case]) -> None:
    for name, equivalent in NHR_EQUIVALENTS.items():
        if equivalent is not None:
            assert any(equivalent.covers(case) for case in found), name


def test_what_people_wear_and_feel_has_none() -> None:
    without = {name for name, equivalent in NHR_EQUIVALENTS.items() if equivalent is None}
    assert without == {"change emotion", "haircut", "beard/moustache", "clothes", "age"}


def test_an_equivalent_is_told_apart_by_its_values(every_type: tuple[Case, ...]) -> None:
    for case in every_type:
        names = {name for name, e in NHR_EQUIVALENTS.items() if e and e.covers(case)}
        assert len(names) <= 1 or names == {"add background", "change background"}, case
