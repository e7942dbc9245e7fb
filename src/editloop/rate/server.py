"""Runs the page until somebody stops it."""

from __future__ import annotations

import socket
from collections.abc import Callable

from editloop.core.errors import PrerequisiteError, UsageError
from editloop.rate.ratings import RatingFile
from editloop.rate.security import Tokens, is_loopback

INSTALL = "python -m pip install 'editloop[rate]'"


def open_socket(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one.

    Raises:
        UsageError: the address cannot be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"cannot listen on {host}, port {port}: {getattr(error, 'strerror', None) or error}; "
            "choose another --port (0 takes a free one) or --host"
        ) from error
    return bound


def serve(
    study: RatingFile,
    load: Callable[[str], bytes],
    bound: socket.socket,
    host: str,
    tell: Callable[[str, str | None], None],
) -> None:
    """Serve `study` on `bound` until Ctrl-C.

    Args:
        study: What is rated.
        load: The bytes of a picture by hash.
        bound: See `open_socket`.
        host: What was asked for: anything but loopback is served with tokens.
        tell: Called once with the address for raters and, where tokens are needed, the one for the organiser.

    Raises:
        PrerequisiteError: the web server is not installed.
    """
    try:
        import uvicorn

        from editloop.rate.app import make_app
    except ImportError as error:
        raise PrerequisiteError(f"the page needs {error.name}: {INSTALL}") from error
    tokens = None if is_loopback(host) else Tokens()
    app = make_app(study, load, tokens)
    address = f"http://{_name(host)}:{bound.getsockname()[1]}/"
    if tokens is None:
        tell(address, None)
    else:
        tell(f"{address}?token={tokens.rater}", f"{address}?token={tokens.organiser}")
    # No access log: the token stands in the address of the first request.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, date_header=False,
        proxy_headers=False, ws="none", timeout_graceful_shutdown=3,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[bound])


def _name(host: str) -> str:
    """How a browser writes `host`."""
    if host in {"0.0.0.0", "::", ""}:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
