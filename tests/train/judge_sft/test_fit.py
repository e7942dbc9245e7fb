"""From a file of ratings to a judge that is loaded by its folder, on tiny models of the real classes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.train.judge_sft.brightness import write_ratings

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from editloop.cli.fine_tuning import FineTuneRequest, fine_tune_command  # noqa: E402
from editloop.core.errors import EditloopError, UsageError  # noqa: E402
from editloop.judges.people.bulk import Judged, judge_edits  # noqa: E402
from editloop.judges.registry import load_judge  # noqa: E402
from editloop.models.miniatures.vision_language import save_vision_language  # noqa: E402
from editloop.records.formats.rated_edits import RatedFile, read_rated_edits  # noqa: E402
from editloop.records.verdict import Outcome  # noqa: E402
from editloop.store.answers import AnswerStore  # noqa: E402
from editloop.train.judge_sft import JudgeSftConfig  # noqa: E402
from editloop.train.judge_sft.fit import FineTuned, FineTuning, fine_tune  # noqa: E402

ASKED = """
name = "bright"
source = "a test"
scale = [1, 5]
combine = "mean"
[[question]]
name = "bright"
edit_types = ["*"]
reading = "scores:1:5:overall"
images = ["edited"]
instruction = false
reply = "FORM"
[[question.axis]]
label = "Overall"
title = "Overall"
asks = "How bright?"
"""


class Stopper:
    """Judges without keeping anything, and stops the training after a step where it is told to."""

    def __init__(self, after: int = 0) -> None:
        self.after, self.said = after, list[str]()

    def judged(self, spec: str, edits: RatedFile) -> Judged:
        return judge_edits(spec, edits.edits, store=AnswerStore())

    def trained(self, step: int, steps: int, loss: float) -> None:
        if step == self.after:
            raise KeyboardInterrupt

    def say(self, words: str) -> None:
        self.said.append(words)


@pytest.fixture(scope="module", params=["qwen2.5-vl", "qwen3-vl"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("vlm") / "tiny"
    return f"transformers:{save_vision_language(request.param, folder)}"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("vlm") / "tiny"
    return f"transformers:{save_vision_language('qwen2.5-vl', folder)}"


def run(
    folder: Path, base: str, stop: int = 0, form: str = "number", **changes: object
) -> tuple[FineTuned, Stopper]:
    """Fine-tune in `folder`. An untrained model's lines run on to the limit, its numbers end soon."""
    (folder / "bright.toml").write_text(ASKED.replace("FORM", form))
    rated = read_rated_edits(write_ratings(folder))
    plain = {"steps": 6, "batch": 4, "learning_rate": 0.01, "rank": 4, "loss": "both"}
    config = JudgeSftConfig.model_validate(plain | {"save_every": 2} | changes)
    stopper = Stopper(stop)
    asked = FineTuning(base, rated.scale, folder / "judge", str(folder / "bright.toml"), config)
    return fine_tune(rated, asked, stopper), stopper


def test_ratings_become_a_judge_that_ranks_new_photographs(base: str, tmp_path: Path) -> None:
    found, _ = run(tmp_path, base, form="lines", steps=60, batch=8)
    (before,), (after,) = found.before.axes, found.after.axes
    assert (after.n_scored, after.n) == (4, 4)
    if "Qwen2_5" in (Path(base.partition(":")[2]) / "config.json").read_text():
        # The toy Qwen3-VL does not tell plain tones apart: it learns the form of the reply and one score.
        assert after.figures["spearman"].value > 0.8
    edits = read_rated_edits(tmp_path / "ratings.jsonl").edits
    judged = judge_edits(str(tmp_path / "judge"), edits, store=AnswerStore())
    plain = judge_edits(
        f"rubric:{tmp_path / 'bright.toml'}?readout=expected@{base}",
        edits[4:5],
        store=AnswerStore(),
    )
    assert judged.judge_version != plain.judge_version
    verdict = judged.verdicts["e4"]
    assert (verdict.outcome, verdict.scale) == (Outcome.SCORED, (1.0, 5.0))
    assert verdict.axes != plain.verdicts["e4"].axes
    judge = load_judge(str(tmp_path / "judge"))
    seen = [edit for edit in edits if judge.was_fitted_to(edit)]
    assert (len(seen), found.model.training["photographs"]) == (16, {"trained": 16, "held_out": 4})
    assert before.n_scored < after.n_scored or before.figures != after.figures


def test_a_stopped_fit_goes_on_to_the_same_bytes(small: str, tmp_path: Path) -> None:
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    run(tmp_path / "whole", small)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", small, stop=5)
    _, stopper = run(tmp_path / "parts", small)
    assert "after step 4 of 6" in stopper.said[0]
    for file in ("lora/adapter_model.safetensors", "judge.json"):
        whole, parts = (tmp_path / name / "judge" / file for name in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes()
    _, again = run(tmp_path / "parts", small)
    assert "trained already" in again.said[0]
    with pytest.raises(UsageError, match="rank 4 is now 8"):
        run(tmp_path / "parts", small, rank=8)
    with pytest.raises(UsageError, match="6 steps"):
        run(tmp_path / "parts", small, steps=2)


@pytest.fixture(scope="module")
def judge(small: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judge")
    own = Path(shutil.copytree(small.partition(":")[2], folder / "base"))
    run(folder, f"transformers:{own}", steps=1)
    return folder


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ("base/config.json", "not the model that this judge was fine-tuned from"),
        ("judge/lora/adapter_config.json", "not those that"),
        ("judge/lora/adapter_model.safetensors", "not whole"),
        ("judge/rubric.toml", "was trained on version"),
        ("judge/judge.json", "no judge that editloop fit wrote"),
    ],
)
def test_a_judge_whose_parts_do_not_belong_together_says_so(
    judge: Path, tmp_path: Path, spoilt: str, message: str
) -> None:
    folder = Path(shutil.copytree(judge, tmp_path / "copy"))
    described = folder / "judge" / "judge.json"
    described.write_text(described.read_text().replace(str(judge / "base"), str(folder / "base")))
    load_judge(str(folder / "judge")).identity  # noqa: B018
    place = folder / spoilt
    if place.suffix == ".safetensors":
        place.unlink()
    elif spoilt == "judge/judge.json":
        place.write_text(place.read_text().replace('"base_fingerprint"', '"fingerprint"'))
    else:
        place.write_text(place.read_text() + "\n ")
    with pytest.raises(UsageError, match=message):
        load_judge(str(folder / "judge")).identity  # noqa: B018


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("openai:gpt-4o", "only weights on this machine"),
        ("transformers:{here}/nowhere", "is no folder"),
        ("transformers:{here}", "no config.json"),
        ("transformers:{here}/other", "'bert'"),
        ("transformers:{here}/other?lora=x", "has LoRA weights already"),
    ],
)
def test_what_cannot_be_fine_tuned_is_said(tmp_path: Path, spec: str, message: str) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(EditloopError, match=message):
        run(tmp_path, spec.format(here=tmp_path))


def test_a_loss_over_digits_needs_digits(small: str, tmp_path: Path) -> None:
    rated = read_rated_edits(write_ratings(tmp_path, ratings=[{"rater": "a", "overall": 4}]))
    config = JudgeSftConfig(loss="both")
    with pytest.raises(UsageError, match="--loss reply"):
        fine_tune(rated, FineTuning(small, (1, 5), tmp_path / "j", "nhr", config), Stopper())


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_prints_before_and_after(
    small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    rated = read_rated_edits(write_ratings(tmp_path))
    request = FineTuneRequest(
        small, "hp-base", [], 0.2, ["steps=1", "batch=2"], tmp_path / "judge", 1, tmp_path / "a.sqlite", rated.scale, 0
    )  # fmt: skip
    fine_tune_command(rated, request, as_json=as_json)
    done = capsys.readouterr()
    assert "use it with --judge" in done.err
    page = (tmp_path / "judge" / "training.html").read_text("utf-8")
    assert page.count("<article") == 4
    assert page.count("overall: people ") == 4
    assert "Loss of this session" in page
    if as_json:
        body = json.loads(done.out)
        assert body["training"]["edits"] == {"trained": 16, "held_out": 4}
        assert (body["readout"], body["after"]["axes"]["overall"]["n"]) == ("expected", 4)
        assert set(body["gain"]) == {"overall"}
    else:
        assert "measured on 4 edits of 4 photographs held out" in done.out
    with pytest.raises(UsageError, match="AXIS=PEOPLE_AXIS"):
        fine_tune_command(rated, request._replace(learn=["score"]), as_json=True)
