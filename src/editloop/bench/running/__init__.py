"""Runs an editor, or takes a folder of outputs, and has a judge score it: seeds, batches, resume, a check before money is spent."""

from editloop.bench.running.coverage import Coverage
from editloop.bench.running.plan import plan_bench
from editloop.bench.running.request import BenchRequest
from editloop.bench.running.run import BenchRun, run_bench

__all__ = ["BenchRequest", "BenchRun", "Coverage", "plan_bench", "run_bench"]
