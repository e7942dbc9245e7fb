"""A run in a process of its own, for tests that kill it: `python job.py RUN_DIR LOG COUNT [LARGEST_FILE]`."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import toys

from editloop.core.errors import EditloopError
from editloop.engine import Stage, run_pipeline


def stages(log: str) -> list[Stage]:
    return [
        toys.ShoutInThread(toys.CallLog(path=log)),
        toys.Draw(toys.CallLog(path=log)),
        toys.Look(toys.NoConfig()),
        toys.DrawnEven(toys.NoConfig()),
    ]


def main() -> int:
    run_dir, log, count = sys.argv[1:4]
    if len(sys.argv) > 4:
        limit = int(sys.argv[4])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        with run_pipeline(
            stages(log),
            toys.words(int(count)),
            run_dir=Path(run_dir),
            run_seed=3,
            workers=2,
        ) as result:
            sys.stdout.writelines(f"{record.model_dump_json()}\n" for record in result.records())
    except EditloopError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
