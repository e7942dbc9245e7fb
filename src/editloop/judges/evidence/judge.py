"""The evidence judge: scores a triplet from pixels and words, without a vision-language model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import astuple

from editloop.judges.base import JudgeRequest
from editloop.judges.evidence import cutout_rules, naturalness, object_rules, whole_rules
from editloop.judges.evidence.config import EvidenceConfig
from editloop.judges.evidence.pixels import make_pair
from editloop.judges.evidence.reasons import REJECT_REASONS
from editloop.judges.evidence.scene import Scene
from editloop.judges.evidence.scoring import SCALE, Axis, axis_score, ramp, words, worst
from editloop.judges.evidence.sights import Sights
from editloop.judges.intent import IntentStep, read_instruction
from editloop.models.roles import Detector, ModelIdentity, QualityModel, Tagger
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Verdict

NAME = "evidence"
_CODE_VERSION = 2

Rule = Callable[[Scene, IntentStep], None]

RULES: dict[EditType, Rule] = {
    EditType.REMOVE: object_rules.judge_remove,
    EditType.ADD: object_rules.judge_add,
    EditType.REPLACE: object_rules.judge_replace,
    EditType.ADJUST: object_rules.judge_adjust,
    EditType.ACTION: object_rules.judge_generic,
    EditType.PERSON: object_rules.judge_generic,
    EditType.TEXT: object_rules.judge_generic,
    EditType.RESTORE: object_rules.judge_generic,
    EditType.VISUAL: object_rules.judge_visual,
    EditType.BACKGROUND: whole_rules.judge_background,
    EditType.EXTRACT: cutout_rules.judge_extract,
    EditType.STYLE: whole_rules.judge_style,
    EditType.TONE: whole_rules.judge_tone,
    EditType.RELIGHT: whole_rules.judge_relight,
    EditType.BOKEH: whole_rules.judge_bokeh,
}
_MENDS = frozenset({EditType.REMOVE, EditType.ADJUST})
"""Edits whose border should be invisible."""
_NEW_SCENE = frozenset({EditType.BACKGROUND, EditType.EXTRACT})
_NEW_LOOK = frozenset(
    {EditType.STYLE, EditType.TONE, EditType.RELIGHT, EditType.BOKEH, EditType.RESTORE, *_NEW_SCENE}
)


class EvidenceJudge:
    """Judge ``evidence``: ImgEdit's two post-filter axes from detections, tags, colours and pixel comparisons.

    It sees only what `JudgeRequest` holds. Where its models cannot tell whether a named thing is there, it says so
    (evidence ``identity_known`` = 0) and leans on the rest.

    Args:
        detector: Finds the things that instructions name.
        tagger: Names crops, for nouns beyond the detector.
        quality: No-reference technical quality.
        config: Thresholds.
    """

    def __init__(
        self,
        detector: Detector,
        tagger: Tagger,
        quality: QualityModel,
        config: EvidenceConfig | None = None,
    ) -> None:
        self._detector, self._tagger, self._quality = detector, tagger, quality
        self.sights = Sights(detector, tagger)
        self.config = config or EvidenceConfig()

    @property
    def identity(self) -> ModelIdentity:
        """Name and version: of the code, the thresholds and the three models."""
        parts = (
            astuple(self.config),
            *(m.identity.version for m in (self._detector, self._tagger, self._quality)),
        )
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
        return ModelIdentity(NAME, f"{_CODE_VERSION}+{digest}", "Apache-2.0")

    @property
    def reject_reasons(self) -> tuple[str, ...]:
        """Every code that a rejection can carry."""
        return REJECT_REASONS

    def judge(self, request: JudgeRequest) -> Verdict:
        """Scores, reasons and a decision; `Verdict.reject_reason` is a stable code."""
        pair = make_pair(request.source, request.edited, request.mask, self.config)
        scene = Scene(
            request,
            pair,
            read_instruction(request.instruction, request.context),
            self.sights,
            self.config,
        )
        scene.note(instruction_read=bool(scene.intent.operations))
        self._examine(scene)
        return self._verdict(scene)

    def _examine(self, scene: Scene) -> None:
        steps = [step for step in scene.intent.operations if step.back_to is None]
        types = {step.edit_type for step in steps}
        share = float(scene.pair.changed.mean())
        scene.note(changed_frac=share)
        scene.check(
            "no_change",
            Axis.INSTRUCTION,
            ramp(share, self.config.no_change_frac),
            "Nothing changed.",
        )
        if not scene.intent.operations:
            scene.check(
                "instruction_not_understood",
                Axis.INSTRUCTION,
                0.2,
                "The instruction could not be understood.",
            )
        wanted_look = bool(types & _NEW_LOOK) or scene.intent.new_look
        if not types & _NEW_SCENE:
            naturalness.same_scene(scene, outside_only=not wanted_look)
        for step in steps:
            RULES[step.edit_type](scene, step)
        if not wanted_look:
            scene.check(
                "changed_everywhere",
                Axis.INSTRUCTION,
                ramp(share, self.config.local_limit),
                "The whole picture changed, not one thing.",
            )
            naturalness.surroundings_kept(scene)
            naturalness.borders_clean(scene, invisible=types <= _MENDS)
        naturalness.technically_sound(
            scene, self._quality, look_changes=wanted_look, grids=EditType.STYLE in types
        )

    def _verdict(self, scene: Scene) -> Verdict:
        axes = {axis.value: round(axis_score(scene.findings, axis), 3) for axis in Axis}
        failing = [axis for axis in Axis if axes[axis.value] < self.config.accept_score]
        finding = worst(scene.findings, failing[0]) if failing else None
        identity = self.identity
        return Verdict(
            judge=identity.name,
            judge_version=identity.version,
            scale=SCALE,
            axes=axes,
            flags={"objects_match": all(f.value >= 0.5 for f in scene.findings if f.identity)},
            evidence={name: round(value, 4) for name, value in sorted(scene.evidence.items())},
            reasons=words(scene.findings),
            accepted=not failing,
            reject_reason=finding.code if finding else None,
        )
