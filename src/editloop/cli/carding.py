"""`editloop judge --card`: gathers what a judge's card shows and writes it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from editloop.core.errors import BadInputError
from editloop.core.log import Bar as ProgressBar
from editloop.core.log import ProgressDisplay

if TYPE_CHECKING:
    from editloop.cli.agreeing import AgreementRequest
    from editloop.core.stats import Interval
    from editloop.judges.people.bulk import Judged, Progress
    from editloop.judges.people.report import AxisAgreement, PeopleReport
    from editloop.judges.probes.run import ProbeReport
    from editloop.records.formats.rated_edits import RatedEdit, RatedFile
    from editloop.report.judge_card import BarChart, CardRow, Scatter
    from editloop.report.story import Table
    from editloop.store.answers import AnswerStore

_WORST = 4
_FIGURES = ("spearman", "pearson", "kendall", "within_1", "mae", "pair_accuracy", "pair_accuracy_strict", "judge_ties")  # fmt: skip


def make_card(
    request: AgreementRequest,
    rated: RatedFile,
    judged: Judged,
    report: PeopleReport,
    seen: int,
    store: AnswerStore,
) -> Path:
    """Judge baselines and probes, then write the page."""
    workers, seed = request.workers, request.seed
    from editloop.judges.people.baselines import SPEC, baseline_figures
    from editloop.judges.people.bulk import judge_edits
    from editloop.judges.probes.run import run_probes
    from editloop.report.judge_card import JudgeCard, write_judge_card

    with ProgressDisplay("card") as display:

        def told(name: str) -> Progress:
            return lambda done, total: display.update([ProgressBar(name, done, total)])

        classical = judge_edits(
            SPEC, rated.edits, store=store, workers=workers, progress=told("baselines")
        )
        baselines = baseline_figures(rated, classical, seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            probed = run_probes(
                request.judge,
                rated.edits,
                Path(folder),
                store=store,
                count=request.probes,
                workers=workers,
                seed=seed,
                progress=told("probes"),
            )
    scored = sum(bool(verdict.axes) for verdict in judged.verdicts.values())
    card = JudgeCard(
        title=f"Card of the judge {judged.judge_name}",
        lead=(
            f"{scored} of {len(rated.edits)} edits scored, rated by people on "
            f"{report.people_scale[0]:g} to {report.people_scale[1]:g}. Intervals are 95 % bootstrap intervals over whole photographs; "
            "one person is the mean agreement of each rater with the mean of the others, the ceiling for any judge."
            + (
                f" The judge was fitted to images of {seen} of these edits: its figures here flatter it, and those of new "
                "photographs are what `editloop fit` printed."
                if seen
                else ""
            )
        ),
        charts=[_chart(row, baselines) for row in report.axes],
        scatters=[_scatter(row.axis, rated, judged, report) for row in report.axes],
        agreement=_tables(report),
        probes=_probe_table(probed),
        probe_rows=_probe_rows(probed),
        disagreements=_disagreements(rated, judged, report),
        facts={
            "judge": judged.judge_name,
            "version": judged.judge_version,
            "edits": f"{scored} scored of {len(rated.edits)}; {len(rated.dropped) + len(judged.dropped)} dropped",
            "probed edits": str(probed.results[0].asked if probed.results else 0),
            "seed": str(seed),
        },
    )
    return write_judge_card(card, request.card or Path("card.html"))


def _chart(row: AxisAgreement, baselines: Mapping[str, Mapping[str, Interval]]) -> BarChart:
    from editloop.judges.people.baselines import NAMES
    from editloop.report.judge_card import Bar, BarChart

    bars = []
    if row.ceiling is not None:
        bars.append(Bar("one person", *row.ceiling, kind="people"))
    own = row.figures.get("spearman")
    if own is not None and own.value == own.value:
        bars.append(Bar(f"this judge ({row.judge_axis})", *own, kind="judge"))
    bars += [
        Bar(NAMES[name], *found[row.axis], kind="baseline")
        for name, found in baselines.items()
        if row.axis in found and found[row.axis].value == found[row.axis].value
    ]
    return BarChart(
        f"{row.axis}: Spearman with people, {row.n_scored} of {row.n} edits scored", bars
    )


def _scatter(axis: str, rated: RatedFile, judged: Judged, report: PeopleReport) -> Scatter:
    from editloop.report.judge_card import Scatter

    pairs = _pairs(axis, rated, judged, report)
    return Scatter(axis, [(own, people) for _, own, people in pairs], report.people_scale)


def _pairs(
    axis: str, rated: RatedFile, judged: Judged, report: PeopleReport
) -> list[tuple[RatedEdit, float, float]]:
    """Edits with the judge's and people's score."""
    from editloop.judges.people.report import score_of

    found = []
    for edit in rated.edits:
        verdict, people = judged.verdicts.get(edit.uid), edit.mean(axis)
        own = None if verdict is None else score_of(axis, verdict, report.people_scale)
        if own is not None and people is not None:
            found.append((edit, own, people))
    return found


def _tables(report: PeopleReport) -> list[Table]:
    tables = [_table("All edits", report.axes)]
    if report.systems:
        tables.append(_system_table(report))
    for task, rows in report.by_task.items():
        tables.append(_table(task, rows))
    return tables


def _system_table(report: PeopleReport) -> Table:
    from editloop.report.story import Table

    rows = []
    for axis, found in report.systems.items():
        flat = found.as_json()
        rows.append((axis, str(found.n), _with_ends(flat, "spearman"), _cell(flat["kendall"])))
    note = "Rank correlation of the editors' mean scores; the interval is drawn over photographs."
    return Table(
        "Order of the editors", ("axis", "editors", "spearman", "kendall"), tuple(rows), note
    )


def _table(title: str, rows: Sequence[AxisAgreement]) -> Table:
    from editloop.report.story import Table

    headings = ("axis", "read from", "scored", *(name.replace("_", " ") for name in _FIGURES), "ceiling", "alpha interval", "alpha ordinal")  # fmt: skip
    body = []
    for row in rows:
        flat = row.as_json()
        body.append(
            (
                row.axis,
                row.judge_axis,
                f"{row.n_scored} of {row.n}",
                *(_with_ends(flat, name) for name in _FIGURES),
                *(_cell(flat[name]) for name in ("ceiling", "alpha_interval", "alpha_ordinal")),
            )
        )
    note = (
        "Pair accuracy: share of pairs in people's order, a tie of the judge counting half (strict: nothing). Within 1 and MAE in points "
        "of people's scale. Alpha: Krippendorff's, of people among themselves."
    )
    return Table(title, headings, tuple(body), note)


def _probe_table(probed: ProbeReport) -> Table:
    from editloop.report.story import Table

    rows = []
    for one in probed.results:
        share = one.share
        rows.append(
            (
                one.variant.says,
                {"down": "falls", "not up": "does not rise", "same": "stays"}[one.variant.expected],
                "" if share is None else f"{share.value:.0%} [{share.low:.0%}, {share.high:.0%}]",
                "" if one.mean_change is None else f"{one.mean_change:+.2f}",
                "" if one.median_change is None else f"{one.median_change:+.2f}",
                f"{one.n} of {one.asked}",
            )
        )
    return Table(
        "Triplets whose right judgement is known without people",
        (
            "what was done",
            "a sound judge's score",
            "sound on",
            "mean change",
            "median change",
            "scored",
        ),
        tuple(rows),
        "Changes of the overall score in tenths of the judge's scale, against the untouched triplet; intervals are Wilson's, 95 %.",
    )


def _probe_rows(probed: ProbeReport) -> list[CardRow]:
    from editloop.report.judge_card import CardPicture, CardRow

    rows = []
    for source, instruction, spoiled in probed.shown:
        pictures = [CardPicture("source", source)]
        pictures += [
            CardPicture(
                one.variant.replace("_", " "),
                one.edited,
                "unscored" if one.score is None else f"{one.score:.1f}",
            )
            for one in spoiled
        ]
        rows.append(CardRow(instruction, pictures, "scores from 0 to 10"))
    return rows


def _disagreements(rated: RatedFile, judged: Judged, report: PeopleReport) -> list[CardRow]:
    from editloop.report.judge_card import CardPicture, CardRow

    axis = "overall" if "overall" in rated.axes else rated.axes[0]
    pairs = _pairs(axis, rated, judged, report)
    rows = []
    for edit, own, people in sorted(pairs, key=lambda pair: -abs(pair[1] - pair[2]))[:_WORST]:
        try:
            pictures = [
                CardPicture(label, _pixels(path))
                for label, path in (("source", edit.source), ("edited", edit.edited))
            ]
        except BadInputError:
            continue
        reasons = " ".join(judged.verdicts[edit.uid].reasons[:3])
        note = f"{axis}: judge {own:.1f}, people {people:.1f}. {reasons}"
        rows.append(CardRow(edit.instruction, pictures, note))
    return rows


def _pixels(path: Path) -> Any:
    from editloop.core.images import decode_image
    from editloop.records.formats.rated_edits import image_bytes

    return decode_image(image_bytes(path)).pixels


def _with_ends(flat: Mapping[str, Any], name: str) -> str:
    ends = flat["ci" if name == "spearman" else f"{name}_ci"]
    return _cell(flat[name]) + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else "")


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
