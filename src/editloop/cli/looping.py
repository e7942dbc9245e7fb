"""`editloop loop`: mine photographs, then close the loop in the storybook world: judge, train, align, measure, report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import typer

from editloop.cli.claiming import (
    ClaimsRequest,
    check_ready,
    claims_json,
    measure_claims,
    open_bench,
    print_claims,
)
from editloop.cli.mining import MiningRequest, mine_photos, print_summary, write_json
from editloop.cli.progress import say
from editloop.core.errors import PrerequisiteError, UsageError

if TYPE_CHECKING:
    from editloop.claims.run import ClaimsResult

STORYBOOK: Final = "storybook"
"""Folder of the storybook part, inside the run folder."""
CLAIMS_NAME: Final = "claims.json"


class LoopRequest(NamedTuple):
    """What the command line asked for."""

    mining: MiningRequest
    photos: bool
    storybook: bool
    command: str


def run_loop(request: LoopRequest, *, as_json: bool) -> None:
    """Run or resume both parts; each leaves its own page, and the pages link to each other.

    Raises:
        UsageError: when both parts are left out.
        PrerequisiteError: before any work, when the storybook part cannot run here.
    """
    if not request.photos and not request.storybook:
        raise UsageError("--skip-photos and --skip-storybook together leave nothing to do")
    if request.storybook:
        _check_storybook()
    found: dict[str, Any] = {}
    if request.photos:
        links = links_to_story(storybook=request.storybook)
        mined = mine_photos(request.mining, (), links)
        found |= mined.summary
        if not as_json:
            print_summary(mined)
    if request.storybook:
        claims, page = _close_the_loop(request)
        found |= claims_json(claims)
        if not as_json:
            print_claims(claims)
            typer.echo(f"story: {page}")
    if as_json:
        typer.echo(json.dumps(found, indent=2))


def _check_storybook() -> None:
    try:
        check_ready()
    except PrerequisiteError as error:
        raise PrerequisiteError(
            f"{error}; or mine photographs alone: editloop loop --skip-storybook"
        ) from error


def _close_the_loop(request: LoopRequest) -> tuple[ClaimsResult, Path]:
    """The short form of the papers' recipes: ``claims.json`` and the page that tells them."""
    from editloop.claims.pages import claims_story
    from editloop.claims.publish import facts_of
    from editloop.report.page import PAGE_NAME
    from editloop.report.story import write_story

    out, workers = request.mining.out, request.mining.workers
    say(f"storybook world -> {out / STORYBOOK}")
    asked = ClaimsRequest(out / STORYBOOK, None, None, (), workers, True, request.command)
    lab = open_bench(asked)
    result, facts = measure_claims(lab, (), workers), facts_of(request.command)
    write_json(out / CLAIMS_NAME, {"facts": facts, **claims_json(result)})
    has_report = (out / PAGE_NAME).is_file()
    story = claims_story(
        lab,
        result.rows,
        title="The loop in the storybook world",
        facts=facts,
        links={"Triplets mined from photographs": PAGE_NAME} if has_report else {},
    )
    return result, write_story(story, out)


def links_to_story(*, storybook: bool) -> dict[str, str]:
    """What the report of the photographs links to."""
    from editloop.report.story import STORY_NAME

    return {"The loop in the storybook world": STORY_NAME} if storybook else {}
