"""Carries out one task turn by turn: which image each turn starts from, which operation runs on which matte.

Three rules keep dialogues honest. A removal always uses the same fill, made once on the photograph, so an object that leaves
twice leaves the same hole. `restore_original` puts the photograph's own pixels back. A premise (a tone for all answers) is laid over
what is shown, never over what the next turn works on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from editloop.core.errors import BadInputError
from editloop.core.seeds import derive_seed
from editloop.engine.stage import StageContext
from editloop.mine.scene import Donor, EditTask, PlannedOperation, PlannedTurn, Region
from editloop.models.editors.procedural import operations as ops
from editloop.models.editors.procedural.cutout import Cutout, make_cutout
from editloop.models.editors.procedural.extract import extract
from editloop.models.roles import Editor, EditRequest, EditResult, Mask, Matte, RgbImage

FILL_FAULTS = frozenset(
    {"flat_fill", "blotchy_fill", "structured_background", "visible_seam", "ghost"}
)
"""Refusals of a removal that are about how the fill looks."""
SUBJECT_RELIT = 12
"""Grey levels by which a new background may tint its subject."""
MAX_BARE_FILL = 0.45
"""Largest share of such a fill that may stay in sight."""


@dataclass(frozen=True)
class State:
    """An image of the dialogue: `raw` is worked on, `shown` is what people see."""

    raw: RgbImage
    shown: RgbImage
    touched: dict[str, Mask] = field(default_factory=dict)
    """Region key -> every pixel that operations on it have changed so far."""


@dataclass(frozen=True)
class TurnResult:
    """One finished turn."""

    source: RgbImage
    target: RgbImage
    changed: Mask
    facts: dict[str, float]
    reference: RgbImage | None = None


class TaskEditor:
    """Runs the operations of one task.

    Args:
        task: What to do.
        editor: Who does it.
        context: Where the images are.
        run_seed: Seeds derive from it, the task and the operation.
    """

    def __init__(
        self, task: EditTask, editor: Editor, context: StageContext, run_seed: int
    ) -> None:
        self.task = task
        self.editor = editor
        self.context = context
        self.run_seed = run_seed
        self.photo: RgbImage = context.load(task.photo.image)
        self._mattes: dict[str, Matte] = {}
        self._removals: dict[tuple[str, bool], EditResult] = {}

    def run(self) -> list[TurnResult]:
        """All turns in order.

        Raises:
            BadInputError: when an operation would not look right; the whole task is off.
        """
        start = State(self.photo, self.photo)
        for operation in self.task.opening:
            start, _ = self._apply(operation, start)
        states = [replace(start, shown=start.raw)]
        results: list[TurnResult] = []
        for turn in self.task.turns:
            base = states[turn.base_turn]
            state, facts = self._turn(turn, base)
            results.append(
                TurnResult(
                    source=base.shown,
                    target=state.shown,
                    changed=_changed(turn, base.shown, state.shown),
                    facts=facts,
                    reference=self._reference(turn),
                )
            )
            states.append(state)
        return results

    def _turn(self, turn: PlannedTurn, base: State) -> tuple[State, dict[str, float]]:
        state, facts = base, {}
        for operation in turn.operations:
            state, found = self._apply(operation, state)
            facts.update({f"{operation.name}.{key}": value for key, value in found.items()})
        if self.task.premise:
            toned = self._edit(ops.Tone(self.task.premise, self._salient()), state.raw, "premise")
            return replace(state, shown=toned.image), facts
        return replace(state, shown=state.raw), facts

    def _apply(self, operation: PlannedOperation, state: State) -> tuple[State, dict[str, float]]:
        if operation.name == "remove":
            return self._removed(operation.region, state)
        if operation.name == "restore_original":
            return State(self.photo, self.photo, {}), {}
        if operation.name == "replace":
            return self._replaced(operation, state)
        result = self._edit(self._plan(operation), state.raw, operation.region)
        return self._next(state, result, operation.region), result.facts

    def _next(self, state: State, result: EditResult, key: str) -> State:
        changed = np.asarray((result.image != state.raw).any(axis=2))
        before = state.touched.get(key)
        touched = {**state.touched, key: changed if before is None else changed | before}
        return State(result.image, result.image, touched)

    def _replaced(
        self, operation: PlannedOperation, state: State
    ) -> tuple[State, dict[str, float]]:
        """A removal and a paste; a fill that would not pass alone may, where the new object hides most of it."""
        key, fault = operation.region, None
        try:
            empty, facts = self._removed(key, state)
        except BadInputError as error:
            if error.reason not in FILL_FAULTS:
                raise
            fault = error
            empty, facts = self._removed(key, state, covered=True)
        result = self._edit(self._replacement(operation), empty.raw, key)
        hole = (empty.raw != state.raw).any(axis=2)
        bare = (hole & (result.image == empty.raw).all(axis=2)).sum() / max(1, hole.sum())
        if fault is not None and bare > MAX_BARE_FILL:
            raise fault
        return self._next(empty, result, key), {**facts, **result.facts, "bare_fill": float(bare)}

    def _removed(
        self, key: str, state: State, *, covered: bool = False
    ) -> tuple[State, dict[str, float]]:
        if (key, covered) not in self._removals:
            plan = ops.Remove(self._matte(key), self._region(key).box, covered)
            self._removals[key, covered] = self._edit(plan, self.photo, key)
        removal = self._removals[key, covered]
        hole = np.asarray((removal.image != self.photo).any(axis=2))
        if key in state.touched:
            hole = hole | state.touched[key]
        image = np.where(hole[..., None], removal.image, state.raw)
        return self._next(state, EditResult(image, hole, removal.facts), key), removal.facts

    def _edit(self, plan: ops.Operation, image: RgbImage, words: str) -> EditResult:
        seed = derive_seed(self.run_seed, self.task.photo.id, type(plan).__name__, words)
        request = EditRequest(image=image, instruction="", seed=seed % 2**31, plan=plan)
        return self.editor.edit(request)

    def _plan(self, operation: PlannedOperation) -> ops.Operation:
        value = {key: str(text) for key, text in operation.parameters.items()}
        if operation.name == "style":
            return ops.Stylise(value["style"])
        if operation.name == "tone":
            return ops.Tone(value["tone"], self._salient())
        if operation.name == "add":
            return self._addition(operation)
        matte = self._matte(operation.region)
        if operation.name == "background":
            if operation.donor is None:
                return ops.Backdrop(matte, value["backdrop"])
            noun = self._region(operation.region).label
            return ops.SwapBackground(matte, self.context.load(operation.donor.image), noun)
        plans: dict[str, ops.Operation] = {
            "recolour": ops.Recolour(matte, value.get("colour", "")),
            "retexture": ops.Retexture(matte, value.get("material", "")),
            "extract": ops.Extract(matte, self._region(operation.region).box),
            "bokeh": ops.Bokeh(matte),
            "relight": ops.Relight(matte, value.get("light", "")),
        }
        return plans[operation.name]

    def _replacement(self, operation: PlannedOperation) -> ops.Replace:
        donor = _required(operation.donor)
        region = self._region(operation.region)
        return ops.Replace(self._matte(region.key), region.label, self._cutout(donor), donor.label)

    def _addition(self, operation: PlannedOperation) -> ops.Add:
        donor = _required(operation.donor)
        anchor = self._region(operation.region)
        occupied = tuple(r.box for r in self.task.regions)
        return ops.Add(anchor.label, anchor.box, occupied, self._cutout(donor), donor.label)

    def _cutout(self, donor: Donor) -> Cutout:
        if donor.matte is None or donor.box is None:
            raise BadInputError("no_cutout", f"{donor.label} has no matte")
        return make_cutout(self.context.load(donor.image), self._load_matte(donor), donor.box)

    def _reference(self, turn: PlannedTurn) -> RgbImage | None:
        if not turn.with_reference:
            return None
        donor = _required(turn.operations[0].donor)
        image, matte = self.context.load(donor.image), self._load_matte(donor)
        return extract(image, matte, donor.box, recentre=True).image

    def _salient(self) -> Matte | None:
        mattes = [self._matte(r.key) for r in self.task.regions if r.salient]
        return np.maximum.reduce(mattes) if mattes else None

    def _load_matte(self, donor: Donor) -> Matte:
        if donor.matte is None:
            raise BadInputError("no_cutout", f"{donor.label} has no matte")
        return self.context.load_mask(donor.matte).astype(np.float32) / np.float32(255)

    def _region(self, key: str) -> Region:
        return next(r for r in self.task.regions if r.key == key)

    def _matte(self, key: str) -> Matte:
        if key not in self._mattes:
            self._mattes[key] = self.context.load_mask(self._region(key).matte).astype(
                np.float32
            ) / np.float32(255)
        return self._mattes[key]


def _changed(turn: PlannedTurn, before: RgbImage, after: RgbImage) -> Mask:
    """What the turn changed; a new background lights its subject a little, which does not count."""
    relit = any(operation.name == "background" for operation in turn.operations)
    difference = np.abs(before.astype(np.int16) - after).max(axis=2)
    return np.asarray(difference > (SUBJECT_RELIT if relit else 0))


def _required(donor: Donor | None) -> Donor:
    if donor is None:
        raise BadInputError("no_donor", "the operation needs an object from another photograph")
    return donor
