"""The page that `editloop train` and `editloop align` end in: the same edits before and after, curves, and what was counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from editloop.models.roles import EditRequest, RgbImage
    from editloop.report.story import Curve, Plot, Strip, Table
    from editloop.train.align.trajectory import AlignCase
    from editloop.train.examples import EditExample
    from editloop.train.policy import EditPolicy
    from editloop.train.sft.log import StepReport

PAGE_NAME: Final = "training.html"
SHOWN: Final = 6
"""Edits that are drawn before and after."""
PICTURE_STEPS: Final = 10
"""Euler steps of a picture, where the training itself draws none."""
PICTURE_SIDE: Final = 320
"""Longest side of a picture on the page, in pixels."""
POINTS: Final = 60
"""Most points of a curve; more steps are averaged."""
ABOUT_PICTURES: Final = "Pictures are drawn by {steps} Euler steps without guidance, from the same noise before and after."
ABOUT_WORLD: Final = "The edits are held out of the storybook world's training combinations; scores are the oracle's, 1 to 5."
ABOUT_DATA: Final = "The edits are of the data that the training saw."


def world_edits(seed: int, count: int = SHOWN) -> list[AlignCase]:
    """Held-out edits of the storybook world, of as many kinds as there are edits; the oracle can score them."""
    from editloop.train.align.cases import storybook_cases
    from editloop.world.sampling import cases, varied

    drawn = list(cases(seed, 8 * count, "held_out"))
    return storybook_cases(drawn[place] for place in varied(drawn, count))


def example_edits(examples: Sequence[EditExample], count: int = SHOWN) -> list[AlignCase]:
    """Triplets of a data set, from all over it."""
    import numpy as np

    from editloop.train.align.trajectory import AlignCase

    places = np.unique(np.linspace(0, len(examples) - 1, min(count, len(examples))).astype(int))
    chosen = [examples[int(place)] for place in places]
    return [AlignCase(one.id, one.request(), target=one.target) for one in chosen]


class TrainingPage:
    """Draws some edits with an editor before its training, and again with what was exported.

    Args:
        policy: The editor, untrained.
        edits: What to draw; none leaves pictures out.
        steps: Euler steps of a picture.
    """

    def __init__(self, policy: EditPolicy, edits: Sequence[AlignCase], steps: int) -> None:
        from editloop.train.sft.parallel import Processes

        self._leads = Processes().leads
        self._edits = edits if self._leads else ()
        self._steps = steps
        self._before = self._drawn(policy)
        self._after: list[RgbImage] = []

    def look(self, policy: EditPolicy) -> None:
        """Draw the edits with the weights that were exported."""
        self._after = self._drawn(policy)

    def write(
        self,
        folder: Path,
        title: str,
        plots: Sequence[Plot],
        tables: Sequence[Table],
        facts: Mapping[str, str],
    ) -> Path:
        """Write ``training.html``, in the leading process; returns its path.

        Raises:
            StoreError: when `folder` cannot be written.
        """
        from editloop.report.story import Story, write_story

        if not self._leads:
            return folder / PAGE_NAME
        story = Story(
            title=title,
            lead=self._lead(),
            summary=tables,
            strips=self._strips(),
            plots=plots,
            facts=facts,
        )
        return write_story(story, folder, PAGE_NAME)

    def _drawn(self, policy: EditPolicy) -> list[RgbImage]:
        from editloop.train.policy_editor import PolicyEditor

        editor = PolicyEditor(policy, self._steps)
        return [editor.edit(_seeded(edit)).image for edit in self._edits]

    def _lead(self) -> str:
        if not self._edits:
            return ""
        about = ABOUT_DATA if self._edits[0].request.plan is None else ABOUT_WORLD
        return f"{ABOUT_PICTURES.format(steps=self._steps)} {about}"

    def _strips(self) -> list[Strip]:
        from editloop.report.story import StoryPicture, Strip

        stages = {"before": self._before, "after": self._after}
        scores = {stage: self._scores(images) for stage, images in stages.items()}
        strips = []
        for place, edit in enumerate(self._edits):
            request = edit.request
            pictures = [StoryPicture("source", small(request.image))]
            pictures += [StoryPicture("reference", small(one)) for one in request.references]
            pictures += [
                StoryPicture(stage, small(images[place]), scores[stage][place])
                for stage, images in stages.items()
                if images
            ]
            if edit.target is not None:
                pictures.append(StoryPicture("target", small(edit.target)))
            told = " / ".join([*request.context, request.instruction])
            strips.append(Strip(told, str(request.edit_type or ""), tuple(pictures)))
        return strips

    def _scores(self, images: Sequence[RgbImage]) -> list[float | None]:
        """The oracle's overall score where the edit is a storybook case."""
        from editloop.train.align.cases import OracleReward

        oracle = OracleReward()
        return [
            None
            if edit.request.plan is None
            else (oracle.score_many([edit.request], [image])[0] or {}).get("overall")
            for edit, image in zip(self._edits, images, strict=False)
        ]


def small(image: RgbImage) -> RgbImage:
    """`image`, no longer than `PICTURE_SIDE` on its longest side."""
    import numpy as np
    from PIL import Image

    if max(image.shape[:2]) <= PICTURE_SIDE:
        return image
    shrunk = Image.fromarray(image)
    shrunk.thumbnail((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(shrunk)


def curve(label: str, points: Iterable[tuple[float, float | None]]) -> Curve:
    """A curve of at most `POINTS` points, each the mean over neighbouring steps; steps without a value are left out."""
    import numpy as np

    from editloop.report.story import Curve

    found = [(x, y) for x, y in points if y is not None and np.isfinite(y)]
    parts = np.array_split(np.array(found).reshape(-1, 2), min(POINTS, max(1, len(found))))
    means = [part.mean(0) for part in parts if len(part)]
    return Curve(label, tuple((float(x), float(y)) for x, y in means))


def first_and_last(points: Sequence[tuple[float, float]]) -> tuple[str, str]:
    """Of a curve, in words."""
    return (f"{points[0][1]:.4g}", f"{points[-1][1]:.4g}") if points else ("", "")


def sft_plots(log: Sequence[StepReport]) -> list[Plot]:
    """Loss and length of the gradient over the updates."""
    from editloop.report.story import Plot

    loss = curve("loss", ((one.step, one.loss) for one in log))
    norm = curve("gradient norm", ((one.step, one.gradient_norm) for one in log))
    return [Plot(one.label.capitalize(), "update", one.label, (one,)) for one in (loss, norm)]


def sft_table(log: Sequence[StepReport]) -> Table:
    """What was learnt from, and what was left out."""
    import numpy as np

    from editloop.report.story import Table

    loss = first_and_last(curve("loss", ((one.step, one.loss) for one in log)).points)
    counts = {
        "updates": str(log[-1].step if log else 0),
        "triplets seen": str(log[-1].samples if log else 0),
        "left out by the edit region": str(sum(one.rejected for one in log)),
        "loss, first and last": " -> ".join(loss),
        "triplets/s, mean": f"{np.mean([one.samples_per_second for one in log]):.1f}"
        if log
        else "",
    }
    return Table("Training", ("count", "value"), tuple(counts.items()))


_ALIGN_COUNTS: Final = {
    "groups/drawn": "groups drawn",
    "groups/kept": "groups learnt from",
    "groups/too_few_scores": "groups dropped: too few scores",
    "groups/low_spread": "groups dropped: equal rewards",
    "groups/too_easy": "groups dropped: solved already",
    "images/drawn": "images drawn",
    "images/scored": "images scored",
}


def align_plots(log: Sequence[Mapping[str, Any]]) -> list[Plot]:
    """Reward beside the held-out judge, the axes, and how far the policy went."""
    from editloop.report.story import Plot

    def line(label: str, key: str) -> Curve:
        return curve(label, ((entry["step"], entry.get(key)) for entry in log))

    axes = sorted({key for entry in log for key in entry if key.startswith("score/")})
    drawn = {
        "Reward": [line("reward", "reward/mean")],
        "Held-out judge": [line("held-out judge", "held_out/score")],
        "Scores by axis": [line(key.removeprefix("score/"), key) for key in axes],
        "Spread inside a group": [line("standard deviation", "reward/std")],
        "Distance to the start": [line("velocity KL", "update/velocity_kl")],
    }
    kept = {title: [one for one in lines if one.points] for title, lines in drawn.items()}
    return [
        Plot(title, "step", title.lower(), tuple(lines)) for title, lines in kept.items() if lines
    ]


def align_table(log: Sequence[Mapping[str, Any]]) -> Table:
    """Counts over all steps, and where reward and held-out judge began and ended."""
    from editloop.report.story import Table

    rows = [
        (name, f"{sum(entry.get(key) or 0 for entry in log):g}")
        for key, name in _ALIGN_COUNTS.items()
    ]
    for key, name in (("reward/mean", "reward"), ("held_out/score", "held-out judge")):
        points = curve(name, ((entry["step"], entry.get(key)) for entry in log)).points
        if points:
            rows.append((f"{name}, first and last", " -> ".join(first_and_last(points))))
    return Table("Alignment", ("count", "value"), tuple(rows))


def _seeded(edit: AlignCase) -> EditRequest:
    """The request with noise of its own."""
    from editloop.core.seeds import derive_seed

    return replace(edit.request, seed=derive_seed(0, edit.id))
