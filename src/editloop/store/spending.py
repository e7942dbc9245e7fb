"""What model calls use, and the caps on it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from editloop.core.errors import BudgetError


@dataclass(frozen=True, slots=True)
class Spending:
    """Calls, tokens (in and out), US dollars."""

    calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Spending) -> Spending:
        return Spending(
            self.calls + other.calls, self.tokens + other.tokens, self.cost_usd + other.cost_usd
        )

    def __sub__(self, other: Spending) -> Spending:
        return Spending(
            self.calls - other.calls, self.tokens - other.tokens, self.cost_usd - other.cost_usd
        )


@dataclass(frozen=True, slots=True)
class Budget:
    """Hard caps; None is no cap. `seconds` counts from the first use of the cache object."""

    calls: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    seconds: float | None = None


_NO_BUDGET: Final = Budget()


class Ledger:
    """Sets aside what a call may use before it is sent, and books what it did use.

    Args:
        budget: Hard caps.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._started = time.monotonic()
        self._reserved = Spending()
        self._settling: list[asyncio.Future[None]] = []
        self.spent = Spending()
        """What settled calls have used."""

    async def reserve(self, estimate: Spending) -> None:
        """Set the estimate aside; where only calls under way stand in the way, wait for what they really use.

        Raises:
            BudgetError: when a cap would be passed.
        """
        while (refusal := self._refusal(self._reserved + estimate)) is not None:
            if self._refusal(estimate) is not None:
                raise refusal
            settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._settling.append(settled)
            await settled
        self._reserved += estimate

    def settle(self, estimate: Spending, used: Spending) -> None:
        """Put what a call used in place of what was set aside for it."""
        self._reserved -= estimate
        self.spent += used
        if self._settling:
            waiting, self._settling = self._settling, []
            for settled in waiting:
                if not settled.done():
                    settled.set_result(None)

    def _refusal(self, more: Spending) -> BudgetError | None:
        """Why the budget does not allow `more`; None where it does."""
        budget = self._budget
        if budget == _NO_BUDGET:
            return None
        total = self.spent + more
        for name, cap, value in (
            ("calls", budget.calls, float(total.calls)),
            ("tokens", budget.tokens, float(total.tokens)),
            ("cost_usd", budget.cost_usd, total.cost_usd),
            ("seconds", budget.seconds, time.monotonic() - self._started),
        ):
            if cap is not None and value > cap:
                return BudgetError(
                    f"the budget of {cap:g} {name} does not allow another call (it would make {value:g}): nothing was "
                    "sent; raise the budget and run again, kept replies cost nothing"
                )
        return None
