"""What an HTTP response of an endpoint means: an answer, try again, or give up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from editloop.core.errors import ModelCallError
from editloop.models.vlms.chat import (
    Failure,
    MalformedReplyError,
    is_filtered,
    read_failure,
)
from editloop.models.vlms.redaction import excerpt, redact_answer
from editloop.models.vlms.settings import KEY_VARIABLE, URL_VARIABLE

_TRY_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_THROTTLED: Final = frozenset({429, 529})
Answer = TypeVar("Answer")
_NO_MONEY: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


class TryAgainError(Exception):
    """The endpoint may answer later.

    Args:
        reason: What happened.
        retry_after: Seconds that the endpoint asked to wait.
        throttled: The endpoint is well and was asked too much.
    """

    def __init__(self, reason: str, retry_after: float = 0.0, *, throttled: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.throttled = throttled


class UselessKeyError(ModelCallError):
    """The key is wrong or its account is empty: no call can succeed."""


def judge_response(
    status: int, headers: Mapping[str, str], text: str, key: str, read: Callable[[str], Answer]
) -> Answer:
    """The answer in a response; neither it nor an error carries `key`.

    Args:
        status: HTTP status.
        headers: Of the response.
        text: Its body.
        key: That was sent with the request.
        read: Reads a body that is an answer, or in which the provider's filter speaks; raises `MalformedReplyError` else.

    Raises:
        TryAgainError: it may work later.
        UselessKeyError: no call can succeed with this key.
        ModelCallError: this call cannot succeed.
    """
    answer = redact_answer(text, key)
    if status == 200:
        try:
            return read(answer)
        except MalformedReplyError as error:
            failure = read_failure(_json(text))
            if failure is None:
                raise TryAgainError(
                    f"a malformed reply ({error}): {excerpt(text, key)!r}"
                ) from None
            status = failure.status or 500  # some gateways answer 200 around another's error
    else:
        failure = read_failure(_json(text))
    if failure is not None and is_filtered(failure):
        return read(answer)
    words = excerpt(failure.message if failure and failure.message else text, key)
    reason = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    _raise_hopeless(status, failure, reason)
    wait = retry_after(headers)
    throttled = status in _THROTTLED or (status == 503 and wait > 0)
    raise TryAgainError(reason, wait, throttled=throttled)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait, from `Retry-After` (seconds or a date) or `retry-after-ms`; 0 where nothing usable is said."""
    milliseconds = headers.get("retry-after-ms", "")
    value = headers.get("Retry-After", "")
    try:
        if milliseconds:
            return max(0.0, float(milliseconds) / 1000)
        return max(0.0, float(value)) if value else 0.0
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _raise_hopeless(status: int, failure: Failure | None, reason: str) -> None:
    if status == 401:
        raise UselessKeyError(
            f"the endpoint does not accept the key ({reason}): set {KEY_VARIABLE}; an address in a spec gets it only where "
            f"it is on this machine or the one that {URL_VARIABLE} names"
        )
    if failure is not None and failure.code in _NO_MONEY:
        raise UselessKeyError(f"the key's account is empty ({reason}): top it up and run again")
    if status not in _TRY_AGAIN:
        raise ModelCallError(f"the endpoint will not answer this request ({reason})")


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
