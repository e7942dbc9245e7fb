from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
import toys
from pydantic import BaseModel

from editloop.core.errors import BadInputError, PrerequisiteError, StageError
from editloop.engine import Dropped, Kept, Lane, Stage, StageContext, run_pipeline
from editloop.engine.wire import ClassAddress


@pytest.mark.parametrize("lane", [Lane.INLINE, Lane.THREAD, Lane.PROCESS])
def test_poison_costs_only_itself(
    lane: Lane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toys.Poison, "lane", lane)
    stage = toys.Poison(toys.Poisoned(every=50))
    with run_pipeline([stage], toys.words(500), run_dir=tmp_path, workers=2) as result:
        assert len(list(result.records())) == 490
        failed = list(result.rejected())
        assert result.counts[0].failed == len(failed) == 10
        assert {(r.reason, r.failed) for r in failed} == {("RuntimeError", True)}
        assert sorted(r.detail for r in failed)[0] == "cannot swallow word 0"


def test_a_record_that_kills_its_worker_costs_only_itself(tmp_path: Path) -> None:
    stage = toys.Crash(toys.Poisoned(every=30))
    with run_pipeline([stage], toys.words(90), run_dir=tmp_path, workers=2) as result:
        assert len(list(result.records())) == 87
        rejected = list(result.rejected())
        assert [r.reason for r in rejected] == ["worker_crashed"] * 3
        assert "exit status -9" in rejected[0].detail
    assert (tmp_path / "events.jsonl").read_text().count("worker_crashed") == 6
    with run_pipeline([stage], toys.words(90), run_dir=tmp_path, workers=2) as again:
        assert again.computed == 0
    with run_pipeline(
        [stage], toys.words(90), run_dir=tmp_path, workers=2, retry_failed=True
    ) as retried:
        assert retried.computed == 3


def test_a_stage_that_mostly_fails_stops_the_run(tmp_path: Path) -> None:
    stages = [toys.Shout(toys.CallLog()), toys.Poison(toys.Poisoned(every=1))]
    with pytest.raises(
        StageError, match=r"stage 'poison' failed on 64 of 64 records.*RuntimeError: cannot"
    ):
        run_pipeline(stages, toys.words(200), run_dir=tmp_path)
    mended = [toys.Shout(toys.CallLog()), toys.Poison(toys.Poisoned(every=1000))]
    with run_pipeline(mended, toys.words(200), run_dir=tmp_path) as result:
        assert result.counts[0].replayed >= 64
        assert result.counts[1].failed == 1


def test_what_failed_when_the_run_was_stopped_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = [toys.Poison(toys.Poisoned(every=1))]
    with pytest.raises(StageError):
        run_pipeline(stages, toys.words(100), run_dir=tmp_path)
    monkeypatch.setattr(toys.Poison, "run", lambda self, records: [Kept((r,)) for r in records])
    with run_pipeline(stages, toys.words(100), run_dir=tmp_path) as result:
        assert result.counts[0].kept == 100


class Contrary(Stage[toys.Word, toys.Word, toys.CallLog]):
    """Breaks the contract in the way that its config names."""

    name = "contrary"
    version = "1"
    input = toys.Word
    output = toys.Word
    reasons = ("truncated",)

    def open(self, context: StageContext) -> None:
        super().open(context)
        if self.config.suffix == "no model":
            raise PrerequisiteError("run: pip install model")
        if self.config.suffix == "cannot open":
            raise ValueError("no")

    def run(self, records):  # type: ignore[no-untyped-def]
        match self.config.suffix:
            case "too few":
                return [Kept((records[0],))]
            case "other type":
                return [Kept((Other(id="1"),)) for _ in records]
            case "other reject":
                return [Dropped("truncated", record=Other(id="1")) for _ in records]
            case "unnamed reason":
                return [Dropped("because") for _ in records]
            case "no outcome":
                return [None for _ in records]
            case "bad input":
                raise BadInputError("truncated", "half of it")
            case "odd bad input":
                raise BadInputError("odd", "unheard of")
        raise AssertionError(self.config.suffix)


class ContraryInProcess(Contrary):
    lane = Lane.PROCESS


class Other(BaseModel):
    id: str


@pytest.mark.parametrize("kind", [Contrary, ContraryInProcess])
@pytest.mark.parametrize(
    ("way", "error", "words"),
    [
        ("too few", StageError, "1 outcomes for 3 records"),
        ("other type", StageError, "gave a Other, it declares Word"),
        ("other reject", StageError, "gave a Other, it declares Word"),
        ("unnamed reason", StageError, "'because'"),
        ("no outcome", StageError, "NoneType instead of Kept"),
        ("no model", PrerequisiteError, "pip install model"),
        ("cannot open", StageError, "cannot open: ValueError: no"),
    ],
)
def test_a_broken_contract_stops_the_run(
    kind: type[Contrary], way: str, error: type[Exception], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        run_pipeline([kind(toys.CallLog(suffix=way))], toys.words(3), run_dir=tmp_path, workers=1)


def test_bad_input_is_a_drop_where_the_stage_names_the_reason() -> None:
    with run_pipeline([Contrary(toys.CallLog(suffix="bad input"))], toys.words(3)) as result:
        assert result.counts[0].dropped == {"truncated": 3}
        assert next(result.rejected()).detail == "half of it"
    with run_pipeline([Contrary(toys.CallLog(suffix="odd bad input"))], toys.words(3)) as result:
        assert result.counts[0].failed == 3


def test_misfits_are_found_before_anything_runs(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    stages = [toys.Shout(toys.CallLog(path=str(log))), toys.Look(toys.NoConfig())]
    with pytest.raises(StageError, match="'look' takes Drawing, but 'shout' before it gives Word"):
        run_pipeline(stages, toys.words(3), run_dir=tmp_path / "run")
    assert not log.exists()
    assert not (tmp_path / "run").exists()
    with pytest.raises(StageError, match="at least one stage"):
        run_pipeline([], toys.words(3))
    with pytest.raises(StageError, match="takes Word, the input has a Other"):
        run_pipeline([toys.Shout(toys.CallLog())], [Other(id="1")])


def test_a_stage_that_workers_cannot_find_is_refused() -> None:
    class Hidden(toys.ShoutInProcess):
        pass

    with pytest.raises(StageError, match="made inside a function"):
        run_pipeline([Hidden(toys.CallLog())], toys.words(3))


def test_a_class_of_a_script_is_found_by_its_file() -> None:
    found = ClassAddress(module="__main__", file=toys.__file__, name="Shout").load()
    assert found.__name__ == "Shout"
    with pytest.raises(StageError, match="is no class"):
        ClassAddress(module="toys", file=None, name="Shout.name").load()
    with pytest.raises(StageError, match="cannot import nowhere"):
        ClassAddress(module="nowhere", file=None, name="Shout").load()


def test_remote_calls_refill_and_fail_alone(tmp_path: Path) -> None:
    toys.Ask.peak = 0
    stage = toys.Ask(toys.CallLog())
    with run_pipeline([stage], toys.words(100), run_dir=tmp_path) as result:
        assert result.counts[0].kept == 99
        (failure,) = result.rejected()
        assert (failure.reason, failure.detail) == ("ModelCallError", "the endpoint is unlucky")
    assert toys.Ask.peak == stage.concurrency
    with run_pipeline([stage], toys.words(100), run_dir=tmp_path) as again:
        assert again.computed == 1, "a call that failed is worth another try"


def test_it_runs_inside_a_running_loop() -> None:
    async def notebook() -> int:
        with run_pipeline([toys.Shout(toys.CallLog())], toys.words(5)) as result:
            return len(list(result.records()))

    assert asyncio.run(notebook()) == 5


def test_what_stages_print_goes_to_the_log(tmp_path: Path) -> None:
    with run_pipeline(
        [Chatty(toys.NoConfig())], toys.words(3), run_dir=tmp_path, workers=1
    ) as result:
        assert result.counts[0].kept == 3
    log = (tmp_path / "logs" / "workers.log").read_text()
    assert "on paper" in log
    assert "aloud" in log


class Chatty(Stage[toys.Word, toys.Word, toys.NoConfig]):
    name = "chatty"
    version = "1"
    lane = Lane.PROCESS
    input = toys.Word
    output = toys.Word

    def run(self, records):  # type: ignore[no-untyped-def]
        os.write(1, b"on paper\n")
        sys.stdout.write("aloud\n")
        sys.stdout.flush()
        return [Kept((record,)) for record in records]
