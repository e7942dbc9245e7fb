"""Who may talk to the server: this machine's own browser, or whoever has a token; and what a page may do."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qs, urlsplit

Scope: TypeAlias = dict[str, Any]
Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Role: TypeAlias = Literal["organiser", "rater"]

ACCESS_COOKIE: Final = "editloop_access"
MOST_BYTES: Final = 256 * 1024
"""Largest request body: an answer has a few hundred bytes."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ENTRANCE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/">'
    '<title>Rate edits</title><a href="/">Go on</a></html>'
)
"""Goes on to the page from here rather than by a redirect: after a link in a mail, browsers keep a strict cookie back until a page of
our own asks."""
_HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """One token for raters and one for whoever runs the study; made anew at every start."""

    rater: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    organiser: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    def role(self, given: str) -> Role | None:
        """What `given` allows; every comparison takes the same time."""
        organiser = hmac.compare_digest(given.encode(), self.organiser.encode())
        rater = hmac.compare_digest(given.encode(), self.rater.encode())
        return "organiser" if organiser else "rater" if rater else None


def is_loopback(host: str) -> bool:
    """Whether a server on `host` can be reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Wraps the application: checks host, origin, token and size, and adds security headers to every reply.

    Args:
        app: What is guarded.
        tokens: None on loopback, where only the machine's own names are answered (a page elsewhere cannot reach it by
            pointing a name of its own at 127.0.0.1).
        study: Ends the cookie's name, so that two studies on one host do not get into each other's way.
    """

    def __init__(self, app: AsgiApp, tokens: Tokens | None, study: str) -> None:
        self._app, self._tokens = app, tokens
        self._cookie = f"{ACCESS_COOKIE}_{study}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        refused = self._refused(scope, headers)
        if refused:
            await _reply(_with_headers(send), *refused)
            return
        if self._tokens is not None and (entered := self._entered(scope)):
            set_cookie = (b"set-cookie", entered.encode())
            await _reply(_with_headers(send), 200, _ENTRANCE, "text/html", [set_cookie])
            return
        role = self._role(headers)
        if role is None:
            text = "This page needs the link, with its token, that was printed when it was started."
            await _reply(_with_headers(send), 401, text)
            return
        scope.setdefault("state", {})["role"] = role
        await self._app(scope, receive, _with_headers(send))

    def _refused(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self._tokens is None and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            return 421, "This server answers on loopback names only."
        if scope["method"] in {"GET", "HEAD"}:
            return None
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc != host
        if foreign or headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return 403, "The request comes from another site."
        if not headers.get("content-type", "").startswith("application/json"):
            return 415, "Expected application/json."
        length = headers.get("content-length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return 413, f"Expected a body of at most {MOST_BYTES} bytes with its length."
        return None

    def _entered(self, scope: Scope) -> str | None:
        """The cookie of somebody who came with the right token in the address."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if (
            scope["path"] != "/"
            or not given
            or self._tokens is None
            or not self._tokens.role(given)
        ):
            return None
        return f"{self._cookie}={given}; HttpOnly; SameSite=Strict; Path=/; Max-Age=1209600"

    def _role(self, headers: dict[str, str]) -> Role | None:
        if self._tokens is None:
            return "organiser"
        return self._tokens.role(cookie_of(headers.get("cookie", ""), self._cookie))


def cookie_of(header: str, name: str) -> str:
    """The value of a cookie, or an empty string."""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [
                (name, value)
                for name, value in message.get("headers", [])
                if name.lower() != b"server"
            ]
            if not any(name.lower() == b"cache-control" for name, _ in own):
                own.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*own, *_HEADERS]}
        await send(message)

    return sending


async def _reply(
    send: Send,
    status: int,
    text: str,
    media_type: str = "text/plain",
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    body = text.encode()
    own = [
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
