"""`editloop train` from the shell to an editor that edits."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from editloop.cli.app import app
from editloop.cli.training_page import SHOWN
from editloop.core.errors import ConfigError, UnknownNameError, UsageError
from editloop.core.ids import sha256_hex
from editloop.core.images import encode_jpeg
from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.roles import RgbImage
from editloop.models.storybook.build import build_pipeline
from editloop.records.formats import export
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Origin, Provenance
from editloop.records.record import EditRecord
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Verdict
from editloop.train.policies import load_policy
from editloop.train.world_examples import WorldExamples
from editloop.world.grammar import vocabulary

FAST = ["--set", "steps=2", "--set", "batch_size=4", "--set", "checkpoint_every=1", "--json"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Spec of an untrained storybook editor of a few thousand weights."""
    folder = tmp_path_factory.mktemp("editor")
    pipeline = build_pipeline(vocabulary(), channels=(8, 16), hidden=32, text_layers=1)
    pipeline.save_pretrained(folder)
    return f"diffusers:{folder}"


def train(*words: str) -> Result:
    return CliRunner().invoke(app, ["train", *words])


def test_sft_writes_an_editor_and_going_on_is_a_no_op(editor: str, tmp_path: Path) -> None:
    words = ["sft", "world:8", "--editor", editor, "--out", str(tmp_path), *FAST]
    first = json.loads(train(*words).stdout)
    assert first["step"] == 2
    assert first["loss"] > 0
    again = json.loads(train(*words).stdout)
    assert (again["step"], again["loss"], again["seconds"]) == (2, None, first["seconds"])
    request = WorldExamples(1)[0].request()
    edited = DiffusersEditor(first["editor"]).edit(request).image
    assert edited.shape == request.image.shape


def test_a_training_ends_in_a_page_with_the_same_edits_before_and_after(
    editor: str, tmp_path: Path
) -> None:
    words = ["sft", "world:8", "--editor", editor, "--out", str(tmp_path), *FAST]
    page = Path(json.loads(train(*words).stdout)["page"]).read_text("utf-8")
    assert page.count("<article") == SHOWN
    assert page.count('alt="before"') == page.count('alt="after"') == SHOWN
    assert page.count('class="score"') == 2 * SHOWN
    assert "triplets seen</td><td>8<" in page
    write_data_set(tmp_path / "data")
    words = ["sft", str(tmp_path / "data"), "--editor", editor, "--out", str(tmp_path / "b"), *FAST]
    page = Path(json.loads(train(*words).stdout)["page"]).read_text("utf-8")
    assert page.count('alt="after"') == page.count('alt="target"') >= 1
    assert 'class="score"' not in page


def test_conditioned_writes_an_editor_and_a_policy_that_ask_for_the_best(
    editor: str, tmp_path: Path
) -> None:
    done = train("conditioned", "world:8", "--editor", editor, "--out", str(tmp_path), *FAST)
    folder = json.loads(done.stdout)["editor"]
    edited = DiffusersEditor(folder).edit(WorldExamples(1)[0].request()).image
    assert edited.shape == (32, 32, 3)
    policy = load_policy(f"diffusers:{folder}")
    condition = policy.encode([WorldExamples(1)[0].request()])
    assert condition.tensors["reward_scores"].tolist() == [[5.0, 5.0, 5.0]]
    assert condition.tensors["reward_given"].tolist() == [[True] * 4]


def test_a_judged_data_set_on_disk_is_read(editor: str, tmp_path: Path) -> None:
    write_data_set(tmp_path / "data")
    words = [
        "conditioned",
        str(tmp_path / "data"),
        "--editor",
        editor,
        "--out",
        str(tmp_path / "run"),
    ]
    assert json.loads(train(*words, *FAST).stdout)["step"] == 2


def write_data_set(folder: Path) -> None:
    """Three storybook triplets with a verdict, in the folder layout."""
    data: dict[str, bytes] = {}

    def kept(pixels: RgbImage) -> ImageRef:
        encoded = encode_jpeg(pixels)
        data[sha256_hex(encoded)] = encoded
        return ImageRef(sha256=sha256_hex(encoded), width=pixels.shape[1], height=pixels.shape[0])

    provenance = Provenance(
        recipe="test", recipe_version="1", run_seed=0, origin=Origin(name="drawn")
    )
    verdict = Verdict(judge="test", judge_version="1", scale=(1, 5), axes={"instruction": 4})
    records = [
        EditRecord(
            id=f"triplet-{place}",
            source=kept(example.source),
            target=kept(example.target),
            instruction=example.instruction,
            edit_type=EditType.ADJUST,
            provenance=provenance,
            verdicts=(verdict,),
        )
        for place, example in enumerate(WorldExamples(3))
    ]
    export(records, lambda image: data[image.sha256], folder, "folder")


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (["sft", "world:"], UsageError, "how many triplets"),
        (["sft", "nowhere"], UsageError, "world:COUNT makes triplets up"),
        (["sft", "world:4", "--preset", "toys"], UnknownNameError, "did you mean 'toy'"),
        (
            ["conditioned", "world:4", "--set", "rewards.score=false"],
            ConfigError,
            r"no setting is called 'rewards\.score'; did you mean 'scores'",
        ),
    ],
)
def test_wrong_words_are_explained(
    words: list[str], kind: type[Exception], message: str, tmp_path: Path
) -> None:
    done = train(*words, "--out", str(tmp_path))
    assert isinstance(done.exception, kind)
    assert re.search(message, str(done.exception))
