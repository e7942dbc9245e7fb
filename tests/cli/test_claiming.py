"""`editloop claims` and the storybook part of `editloop loop` on the command line: what they refuse, and how."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from editloop.claims.rows import ClaimRow, ClaimVerdict
from editloop.cli.claiming import claims_json, print_claims
from editloop.cli.looping import links_to_story

WITHOUT_DIFFUSERS = """
import sys
sys.modules["diffusers"] = None
from editloop.cli.app import main
main()
"""


def run(*words: str, code: str = "from editloop.cli.app import main; main()") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_leaving_both_parts_out_is_a_usage_error(tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    status, words = run("loop", "--skip-photos", "--skip-storybook", "--out", out)
    assert status == 2
    assert "nothing to do" in words


@pytest.mark.parametrize("verb", ["loop", "claims"])
def test_without_the_train_extra_it_says_so_before_any_work(tmp_path: Path, verb: str) -> None:
    out = tmp_path / "run"
    status, words = run(verb, "--out", str(out), code=WITHOUT_DIFFUSERS)
    assert status == 1
    assert "pip install 'editloop[train]'" in words
    assert ("--skip-storybook" in words) == (verb == "loop")
    assert not out.exists()


def row(verdict: ClaimVerdict) -> ClaimRow:
    return ClaimRow(
        claim="mrc: rewards against no rewards",
        paper="p",
        paper_says="s",
        here="3.1 against 3.0",
        effect=0.1,
        interval=(-0.05, 0.25),
        unit="points",
        verdict=verdict,
        seeds=1,
        cases=8,
    )


def test_results_are_two_lines_a_claim_and_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    from editloop.claims.run import ClaimsResult

    result = ClaimsResult([row(ClaimVerdict.UNCLEAR)], ["objectives"])
    print_claims(result)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "unclear         mrc: rewards against no rewards: +0.1 [-0.05, +0.25] points"
    assert lines[1].strip() == "3.1 against 3.0"
    assert "run the same command again" in lines[2]
    content = json.loads(json.dumps(claims_json(result)))
    assert content["claims"][0]["verdict"] == "unclear"
    assert content["unfinished"] == ["objectives"]


def test_the_report_links_to_the_story_only_where_there_is_one() -> None:
    assert links_to_story(storybook=False) == {}
    assert list(links_to_story(storybook=True).values()) == ["story.html"]
