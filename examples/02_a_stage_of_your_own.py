"""A pipeline of one own stage: typed records in, kept or dropped with a reason, and a rerun that computes nothing.

It writes the run folder ``example_run``; delete that to start afresh.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from editloop.core.ids import content_id
from editloop.engine import Dropped, Kept, Lane, Stage, StageConfig, run_pipeline


class Sentence(BaseModel):
    """What flows through: any model with an `id` made from its content."""

    id: str
    text: str


class LengthConfig(StageConfig):
    """Settings are part of the stage's identity: another limit runs the stage again."""

    most_words: int = 6


class ShortEnough(Stage[Sentence, Sentence, LengthConfig]):
    """Keeps instructions of at most `most_words` words."""

    name = "short_enough"
    version = "1"
    lane = Lane.THREAD
    input = output = Sentence
    reasons = ("too_long",)

    def run(self, records: Sequence[Sentence]) -> list[Kept[Sentence] | Dropped]:
        """One outcome per record, in order."""
        return [self._decide(record) for record in records]

    def _decide(self, record: Sentence) -> Kept[Sentence] | Dropped:
        words = len(record.text.split())
        if words > self.config.most_words:
            return Dropped("too_long", evidence={"words": words})
        return Kept((record,))


def main() -> None:
    texts = ["Remove the lamp.", "Please remove the small lamp on the left.", "Make it snow."]
    sentences = [Sentence(id=content_id("sentence", text), text=text) for text in texts]
    for attempt in ("first", "second"):
        with run_pipeline(
            [ShortEnough(LengthConfig())], sentences, run_dir=Path("example_run")
        ) as result:
            kept = [record.text for record in result.records()]
            print(f"{attempt} run: kept {kept}, computed {result.computed}")
            for reject in result.rejected():
                print(f"  dropped: {reject.reason} {reject.evidence}")


if __name__ == "__main__":
    main()
