"""NoHumansRequired (arXiv 2507.14119): does a strict validator make better training data, and what do its augmentations add?"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from editloop.claims.arms import ArmResult, score_table
from editloop.claims.lab import ClaimSizes, Lab
from editloop.claims.rows import ClaimRow, claim_row, paired_effect
from editloop.core.ids import content_id
from editloop.core.seeds import derive_seed
from editloop.core.stats import Interval, bootstrap_interval
from editloop.engine import RunResult
from editloop.mine.nhr.audit import oracle_score
from editloop.mine.nhr.consistency import ConsistencyConfig
from editloop.mine.nhr.drawing import DrawConfig
from editloop.mine.nhr.recipe import NhrRecipe, PromptsConfig
from editloop.mine.nhr.run import Candidate, accepted_after, candidates, mine_nhr, survival
from editloop.mine.nhr.tries import TryEditsConfig
from editloop.models.roles import BatchEditor
from editloop.records.record import EditRecord, Operation
from editloop.train.examples import EditExample, RecordExamples
from editloop.train.sft.config import SftConfig
from editloop.train.sft.run import train_sft

PAPER: Final = "NoHumansRequired, arXiv 2507.14119"
UNFILTERED, FILTERED, INVERTED, COMPOSED = "unfiltered", "filtered", "inversion", "composition"
ARMS: Final = (UNFILTERED, FILTERED, INVERTED, COMPOSED)
OPERATIONS: Final[dict[str, tuple[Operation, ...]]] = {
    FILTERED: (Operation.ORIGINAL,),
    INVERTED: (Operation.ORIGINAL, Operation.INVERSE),
    COMPOSED: (Operation.ORIGINAL, Operation.INVERSE, Operation.COMPOSITION),
}
"""What of the accepted set an arm learns from."""
IMAGES_A_PROMPT, EDITS_A_PROMPT, TRIES_AN_EDIT = 3, 4, 4
CONSISTENCY: Final = ConsistencyConfig(min_adherence=2.4, min_aesthetic=3.3)
"""Less than the validator's own minimums: the way back leads to a source that the tiny generator drew, which is softer than a picture of the world."""
LEARNING_RATE: Final = 2e-4


def recipe_of(lab: Lab, seed: int) -> NhrRecipe:
    """The mining of one seed."""
    editor = lab.base_spec
    generator = "world:tiny-generator" if lab.editor == "world:tiny-editor" else lab.editor
    return NhrRecipe(
        seed=derive_seed(seed, "claims-nhr"),
        prompts=PromptsConfig(count=lab.sizes.prompts, edits=EDITS_A_PROMPT),
        draw=DrawConfig(generator=generator, images=IMAGES_A_PROMPT),
        tries=TryEditsConfig(editor=editor, tries=TRIES_AN_EDIT),
        consistency=CONSISTENCY,
    )


def arm_names(sizes: ClaimSizes) -> tuple[str, ...]:
    """The arms that the rows of these sizes rest on."""
    return ARMS if sizes.ablations else (UNFILTERED, FILTERED)


def arm(lab: Lab, name: str, seed: int) -> ArmResult:
    """Fine-tune the base editor on one choice of the mined triplets."""
    recipe = recipe_of(lab, seed)
    config = SftConfig(
        steps=lab.sizes.mined_steps,
        batch_size=32,
        learning_rate=LEARNING_RATE,
        warmup_steps=10,
        ema_decay=0.98,
        schedule="cosine",
        seed=seed,
    )

    def train(folder: Path) -> tuple[BatchEditor, dict[str, Any]]:
        with _mined(lab, seed) as run:
            chosen = _chosen(run, name, seed)
            examples: Sequence[EditExample] = list(RecordExamples(chosen, run.images.load_bytes)[:])
            counts = _counts(run, lab, seed) | {"triplets": float(len(examples))}
        if not examples:  # nothing to learn from leaves the editor as it was
            return lab.in_memory(lab.policy()), {"counts": counts}
        result = train_sft(lab.policy(), examples, config, folder / "training")
        return lab.on_disk(result.editor), {"counts": counts}

    settings = {
        "training": config.model_dump(mode="json"),
        "mining": _mining_settings(recipe),
        "validator": lab.judge.identity.version,
    }
    return lab.arm(f"nhr/{name}", seed, settings, train)


def rows(lab: Lab) -> list[ClaimRow]:
    """Filtered against unfiltered data, the augmentations, and what the filters are worth by the oracle."""
    seeds = range(lab.sizes.seeds)
    found = {name: [arm(lab, name, seed) for seed in seeds] for name in arm_names(lab.sizes)}
    compared = [row for row in COMPARISONS if row[0] in found and row[1] in found]
    return [
        *(_trained(lab, found, *row) for row in compared),
        *_audited(lab, found[FILTERED]),
    ]


COMPARISONS: Final = (
    (
        FILTERED,
        UNFILTERED,
        "training on validated triplets beats training on as many unfiltered ones",
    ),
    (INVERTED, FILTERED, "inverse triplets (+94.9 %) add"),
    (COMPOSED, INVERTED, "composed triplets (+30.7 %) add"),
)


def _trained(
    lab: Lab, found: dict[str, list[ArmResult]], treated: str, control: str, says: str
) -> ClaimRow:
    ours, theirs = (score_table(found[name], "overall") for name in (treated, control))
    effect = paired_effect(ours, theirs)
    base = lab.base.mean("overall")
    triplets = [np.mean([r.counts["triplets"] for r in found[name]]) for name in (treated, control)]
    return claim_row(
        effect,
        claim=f"nhr: {treated} against {control} triplets",
        paper=PAPER,
        paper_says=says,
        here=(
            f"oracle overall {ours.mean():.2f} from {triplets[0]:.0f} triplets against {theirs.mean():.2f} from "
            f"{triplets[1]:.0f}; base {base:.2f}"
        ),
        unit="oracle overall, 1 to 5",
        seeds=lab.sizes.seeds,
        cases=len(lab.cases),
        figures={treated: float(ours.mean()), control: float(theirs.mean()), "base": base},
    )


def _audited(lab: Lab, results: Sequence[ArmResult]) -> list[ClaimRow]:
    """The oracle on what validator and backward consistency let through, all seeds together."""
    audits = [_audit(lab, seed) for seed in range(len(results))]
    tries = [row for audit in audits for row in audit["tries"]]
    thresholds = [audit["threshold"] for audit in audits if audit["threshold"] is not None]
    picked = ", ".join(f"{threshold:.2f}" for threshold in thresholds) or "none"
    return [
        _precision_row(
            lab,
            "nhr: the validator keeps right triplets",
            "the validator at 4.7 has a precision of .83, plain models .47 to .65",
            tries,
            kept=lambda row: bool(row["validated"]),
            note=f"threshold picked from the survival curve: {picked}",
        ),
        _precision_row(
            lab,
            "nhr: backward consistency removes bad triplets",
            "scoring the inverse and dropping both directions removes edits that were never possible (-13.1 %)",
            [row for row in tries if row["selected"]],
            kept=lambda row: bool(row["accepted"]),
            note="",
        ),
    ]


def _precision_row(
    lab: Lab,
    claim: str,
    says: str,
    rows_: Sequence[dict[str, Any]],
    *,
    kept: Callable[[dict[str, Any]], bool],
    note: str,
) -> ClaimRow:
    """Share of right triplets among the kept, less the share among all; whole sources are drawn for the interval."""
    effect = _gain(rows_, kept)
    left = [row for row in rows_ if kept(row)]
    shares = {
        name: float(np.mean([row["right"] for row in counted]))
        for name, counted in (("after", left), ("before", rows_))
        if counted
    }
    here = f"{len(left)} kept of {len(rows_)}; right by the oracle: " + ", ".join(
        f"{100 * share:.0f} % {name}" for name, share in shares.items()
    )
    return claim_row(
        effect,
        claim=claim,
        paper=PAPER,
        paper_says=says,
        here="; ".join(part for part in (here, note) if part),
        unit="share of right triplets",
        seeds=lab.sizes.seeds,
        cases=len(rows_),
        figures=shares,
    )


def _gain(rows_: Sequence[dict[str, Any]], kept: Callable[[dict[str, Any]], bool]) -> Interval:
    """Of the share of right triplets; 0 to 0 where nothing was kept."""
    if not rows_ or not any(kept(row) for row in rows_):
        return Interval(0.0, 0.0, 0.0)
    right = np.array([float(row["right"]) for row in rows_])
    stays = np.array([kept(row) for row in rows_])

    def difference(places: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        drawn = places.astype(np.int64)
        left = drawn[stays[drawn]]
        return float(right[left].mean() - right[drawn].mean()) if left.size else 0.0

    sources = [row["source"] for row in rows_]
    return bootstrap_interval(np.arange(len(rows_)).tolist(), sources, statistic=difference)


def _mined(lab: Lab, seed: int) -> RunResult:
    """The mining of a seed, done once; arms of the same seed in other processes wait for it."""
    folder = _mining_folder(lab, seed)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return mine_nhr(folder / "run", recipe_of(lab, seed), in_process=True)


def _mining_folder(lab: Lab, seed: int) -> Path:
    return lab.store.folder / "mining" / f"s{seed}-{lab.sizes.prompts}-{lab.editor_version[:8]}"


def _chosen(run: RunResult, name: str, seed: int) -> list[EditRecord]:
    """The triplets of an arm; unfiltered ones are drawn at random, as many as were validated."""
    accepted = [record for record in run.records() if isinstance(record, EditRecord)]
    if name != UNFILTERED:
        return [record for record in accepted if record.operation in OPERATIONS[name]]
    count = sum(record.operation is Operation.ORIGINAL for record in accepted)
    tries = [one.record for one in candidates(run)]
    rng = np.random.default_rng(derive_seed(seed, "unfiltered"))
    return [tries[place] for place in rng.permutation(len(tries))[:count]]


def _counts(run: RunResult, lab: Lab, seed: int) -> dict[str, float]:
    """What each stage let through, and the audit of the oracle, kept beside the run."""
    path = _audit_path(lab, seed)
    if not path.exists():
        tries = candidates(run)
        reached = any(one.validator_verdict is not None for one in tries)
        validated = {c.record.id for c in accepted_after(tries, "validate", run)}
        if any(count.name == "pick_thresholds" for count in run.counts):
            validated = {c.record.id for c in accepted_after(tries, "pick_thresholds", run)}
        selected = {c.record.id for c in accepted_after(tries, "select_best", run)}
        content = {
            "threshold": survival(tries, recipe_of(lab, seed)).threshold if reached else None,
            "tries": [_audited_try(one, run, validated, selected) for one in tries],
        }
        path.write_text(json.dumps(content), "utf-8")
    return {f"{count.name}_kept": float(count.kept) for count in run.counts}


def _audited_try(
    one: Candidate, run: RunResult, validated: set[str], selected: set[str]
) -> dict[str, Any]:
    score = oracle_score(one.record, run.images.load)
    return {
        "source": one.record.source.sha256,
        "right": bool(score and score.right),
        "overall": score.overall if score else None,
        "validated": one.record.id in validated,
        "selected": one.record.id in selected,
        "accepted": one.stage is None,
    }


@lru_cache(maxsize=16)
def _read_audit(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8")))


def _audit(lab: Lab, seed: int) -> dict[str, Any]:
    path = _audit_path(lab, seed)
    if not path.exists():
        with _mined(lab, seed) as run:
            _counts(run, lab, seed)
    return _read_audit(path)


def _audit_path(lab: Lab, seed: int) -> Path:
    """Named after the settings: the folder of a mining outlives a change of its filters, its audit must not."""
    named = content_id(_mining_settings(recipe_of(lab, seed)))[:12]
    return _mining_folder(lab, seed) / f"audit-{named}.json"


def _mining_settings(recipe: NhrRecipe) -> dict[str, Any]:
    """Not where the base editor lies: which one it is stands in the lab's own settings."""
    return recipe.model_dump(mode="json", exclude={"tries": {"editor"}})
