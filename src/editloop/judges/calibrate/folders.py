"""Folders that ``editloop fit`` writes, by kind."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from editloop.core.errors import UsageError
from editloop.judges.base import Judge
from editloop.judges.registry import JUDGE_FILE


def load_folder(folder: Path) -> Judge:
    """The judge in a folder, of any kind that ``editloop fit`` writes: fitted, chosen or fine-tuned.

    Raises:
        UsageError: its file is not what ``editloop fit`` writes.
    """
    path = folder / JUDGE_FILE
    try:
        text = path.read_text(encoding="utf-8")
        body = json.loads(text)
        kind = body.get("kind") if isinstance(body, dict) else None
        if kind == "chosen":
            from editloop.judges.calibrate.chosen import ChosenJudge, ChosenModel

            return ChosenJudge(ChosenModel.model_validate_json(text))
        if kind == "fine_tuned":
            from editloop.judges.calibrate.fine_tuned import FineTunedJudge, FineTunedModel

            return FineTunedJudge(FineTunedModel.model_validate_json(text), folder)
    except (OSError, ValueError, ValidationError) as error:
        raise UsageError(
            f"{path} is no judge that editloop fit wrote: {str(error)[:300]}; fit it again"
        ) from error
    from editloop.judges.features.fitted import load_fitted

    return load_fitted(folder)
