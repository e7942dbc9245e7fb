"""Every group of claims from end to end, at the smallest size: a random editor, real judges, the oracle."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from editloop.claims import worker
from editloop.claims.arms import ArmResult, ArmStore, OutOfTimeError
from editloop.claims.groups import CLAIMS, ArmJob, arm_jobs, chosen_groups
from editloop.claims.lab import ClaimSizes, Lab
from editloop.claims.pages import PAGE_NAME, SHOWN_ARMS, claims_story, write_claims_page
from editloop.claims.rows import ClaimRow
from editloop.claims.run import ClaimsResult, run_claims
from editloop.claims.workers import ArmFailedError, compute_arms
from editloop.claims.worse import falls, worse_table
from editloop.core.errors import AssetError, UnknownNameError
from editloop.judges.storybook import held_out_judge, tiny_judge
from editloop.models.storybook.build import build_pipeline
from editloop.train.storybook.base import training_vocabulary
from editloop.world.sampling import varied

SIZES = ClaimSizes(
    seeds=1,
    evaluation_cases=8,
    edit_steps=2,
    base_steps=1,
    triplets=16,
    prompts=6,
    training_steps=2,
    mined_steps=2,
    practice_cases=6,
    alignment_steps=2,
    groups=2,
    group_size=4,
    look_every=1,
    ablations=False,
)
FACTS = {"command": "editloop claims", "machine": "m", "day": "d", "version": "v"}


@pytest.fixture(scope="module", autouse=True)
def _needs_judges() -> None:
    torch.set_num_threads(1)
    try:
        _ = tiny_judge().identity, held_out_judge().identity
    except AssetError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random editor that changes pictures a little."""
    folder = tmp_path_factory.mktemp("editor")
    pipeline = build_pipeline(training_vocabulary(), channels=(16, 16), hidden=32, text_layers=1)
    last = pipeline.unet.conv_out
    last.weight.data = 0.05 * torch.randn(
        last.weight.shape, generator=torch.Generator().manual_seed(0)
    )
    pipeline.save_pretrained(folder)
    return f"diffusers:{folder}"


@pytest.fixture(scope="module")
def lab(editor: str, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(ArmStore(tmp_path_factory.mktemp("claims"), None), SIZES, editor)


@pytest.fixture(scope="module")
def result(lab: Lab) -> ClaimsResult:
    """All groups but the judges' own, whose studies take seconds."""
    return run_claims(lab, ["nhr", "mrc", "hp_edit", "objectives"])


def test_every_group_gives_rows_that_can_be_read_back(result: ClaimsResult, lab: Lab) -> None:
    assert result.unfinished == []
    assert {row.claim.split(":")[0] for row in result.rows} >= {"nhr", "mrc", "hp_edit"}
    for row in result.rows:
        assert row.interval[0] <= row.effect <= row.interval[1], row.claim
        assert np.isfinite([row.effect, *row.figures.values()]).all()
        assert (row.seeds, bool(row.paper_says), bool(row.here)) == (1, True, True)
    content = json.loads((lab.store.folder / "claims.json").read_text())
    assert [ClaimRow.model_validate(row) for row in content["claims"]] == result.rows
    assert ClaimSizes.model_validate(content["sizes"]) == SIZES


def test_every_arm_is_measured_on_the_same_held_out_cases(result: ClaimsResult, lab: Lab) -> None:
    assert all(case.split == "held_out" for case in lab.cases)
    assert len(lab.store.used) >= 6
    for folder, arm in lab.store.used.items():
        if "overall" in arm.scores:
            assert {len(scores) for scores in arm.scores.values()} == {8}, arm.arm
            assert (folder / "edits.png").is_file()


def test_curves_begin_at_the_base_editor(result: ClaimsResult, lab: Lab) -> None:
    curves = [arm.curve for arm in lab.store.used.values() if arm.curve]
    assert curves
    for curve in curves:
        assert [point.step for point in curve] == [0, 1, 2]
        assert curve[0].oracle == pytest.approx(lab.base.mean("overall"))
        assert (curve[0].rollouts, curve[0].cpu_seconds) == (0, 0)
        assert curve[-1].rollouts >= 2 * 2 * 4
        assert curve[0].cpu_seconds < curve[1].cpu_seconds < curve[2].cpu_seconds


def test_a_second_run_computes_nothing_and_finds_the_same(
    result: ClaimsResult, lab: Lab, editor: str
) -> None:
    late = Lab(ArmStore(lab.store.folder, 0.0), SIZES, editor)
    groups = ["mrc", "hp_edit"]
    again = run_claims(late, groups)
    assert again.rows == [row for row in result.rows if row.claim.split(":")[0] in groups]
    other = Lab(late.store, SIZES.model_copy(update={"training_steps": 3}), editor)
    with pytest.raises(OutOfTimeError):
        CLAIMS["mrc"].rows(other)


def test_a_worker_answers_each_arm_with_what_became_of_it(
    result: ClaimsResult, lab: Lab, editor: str
) -> None:
    bench = {
        "folder": str(lab.store.folder),
        "sizes": SIZES.model_dump(),
        "hours": 0.0,
        "editor": editor,
    }
    jobs = [ArmJob("mrc", "rewards", 0), ArmJob("mrc", "rewards", 1)]
    replies = io.StringIO()
    worker.serve(io.StringIO("\n".join(json.dumps(line) for line in (bench, *jobs))), replies)
    answers = [json.loads(line)["outcome"] for line in replies.getvalue().splitlines()]
    assert answers == ["done", "out_of_time"]


def test_worker_processes_fill_the_store_and_name_the_arm_they_die_of(
    result: ClaimsResult, lab: Lab
) -> None:
    seen: list[tuple[int, int]] = []
    jobs = [ArmJob("mrc", "rewards", 0), ArmJob("mrc", "no_rewards", 0)]
    compute_arms(lab, jobs, 1, lambda done, total, running: seen.append((done, total)))
    assert seen[-1] == (2, 2)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    # More jobs than workers: whoever waits for the worker of a failed arm must not wait for ever.
    doomed = [ArmJob("mrc", "nothing", seed) for seed in range(3)]
    with pytest.raises(ArmFailedError, match="mrc/nothing, seed"):
        compute_arms(lab, doomed, 1, lambda *_: None)


def test_the_page_shows_every_stage_and_what_got_worse(
    result: ClaimsResult, lab: Lab, tmp_path: Path
) -> None:
    html = write_claims_page(lab, result.rows, tmp_path, FACTS).read_text()
    assert (tmp_path / PAGE_NAME).is_file()
    for words in ("What got worse", "true target", "with rewards", "aligned (NFT)", *FACTS):
        assert words in html
    for row in result.rows:
        assert row.here.split("&")[0] in html
    assert not re.search(r"https?://", html)


def test_words_of_a_claim_stay_words(result: ClaimsResult, lab: Lab, tmp_path: Path) -> None:
    hostile = result.rows[0].model_copy(update={"here": "<img src=x onerror=alert(1)>"})
    html = write_claims_page(lab, [hostile], tmp_path, FACTS).read_text()
    assert "<img src=x" not in html
    assert "&lt;img src=x" in html


def test_strips_show_each_kind_of_edit_in_turn(result: ClaimsResult, lab: Lab) -> None:
    places = varied(lab.cases, 5)
    kinds = [lab.cases[place].report_type for place in places]
    assert len(set(kinds)) == min(5, len({case.report_type for case in lab.cases}))
    story = claims_story(lab, result.rows, title="t", facts=FACTS, links={"back": "report.html"})
    labels = [picture.label for picture in story.strips[0].pictures]
    assert (labels[0], labels[-1]) == ("source", "true target")
    assert [label for label in labels if label in SHOWN_ARMS.values()]
    assert story.links == {"back": "report.html"}


def test_what_fell_is_told_with_its_size(lab: Lab) -> None:
    base = lab.base.scores
    worse = {**base, "quality": [score - 0.5 for score in base["quality"]]}
    arm = ArmResult(arm="x", seed=0, scores=worse, cpu_seconds=0)
    [fall] = falls(lab, [arm])
    assert (fall.what, fall.cases) == ("quality", 8)
    assert fall.effect.value == pytest.approx(-0.5)
    table = worse_table(lab, {"an editor": [arm]})
    assert table.rows[0][:3] == ("an editor", "quality", "8")
    assert table.rows[0][5] == "-0.50"
    same = worse_table(lab, {"base": [arm.model_copy(update={"scores": base})]})
    assert same.rows == ()
    assert same.note.startswith("Nothing")


def test_a_kind_of_edit_that_fell_is_named(lab: Lab) -> None:
    kinds = [str(case.report_type) for case in lab.cases]
    chosen = kinds[0]
    overall = [
        score - (kind == chosen)
        for score, kind in zip(lab.base.scores["overall"], kinds, strict=True)
    ]
    arm = ArmResult(arm="x", seed=0, scores={**lab.base.scores, "overall": overall}, cpu_seconds=0)
    found = {fall.what: fall.effect.value for fall in falls(lab, [arm])}
    assert found[f"{chosen.replace('_', ' ')} edits, overall"] == pytest.approx(-1)
    assert set(found) == {"overall", f"{chosen.replace('_', ' ')} edits, overall"}


def test_jobs_finish_seed_by_seed() -> None:
    sizes = SIZES.model_copy(update={"seeds": 2, "ablations": True})
    jobs = list(arm_jobs(["judges", "mrc"], sizes))
    assert [job.seed for job in jobs] == sorted(job.seed for job in jobs)
    assert len(jobs) == 1 + 2 * 5
    assert [str(job) for job in jobs[:3]] == [
        "judges/agreement, seed 0",
        "mrc/rewards, seed 0",
        "mrc/no_rewards, seed 0",
    ]
    groups = [job.group for job in arm_jobs(["nhr", "mrc"], SIZES)]
    assert groups == ["nhr", "mrc", "nhr", "mrc"]
    short = list(arm_jobs(["mrc"], SIZES))
    assert [job.arm for job in short] == ["rewards", "no_rewards"]


def test_unknown_groups_are_refused_with_the_nearest() -> None:
    assert chosen_groups(()) == tuple(CLAIMS)
    with pytest.raises(UnknownNameError, match="did you mean 'objectives'"):
        chosen_groups(["objective"])
