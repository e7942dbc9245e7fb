"""The web application: a page, its pictures, and a small JSON interface over the study's file."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any, Final

from fastapi import Body, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from editloop.core.errors import BadInputError, EditloopError
from editloop.rate.assigning import Assignment
from editloop.rate.pictures import blind_copy
from editloop.rate.ratings import RatingFile
from editloop.rate.security import AsgiApp, Guard, Tokens, cookie_of
from editloop.rate.sheets import read_answer
from editloop.rate.showing import shown_answer, shown_item, shown_pictures, told_answer
from editloop.rate.statistics import overview
from editloop.rate.study import Rater

RATER_COOKIE: Final = "editloop_rater"
MOST_AHEAD: Final = 5
_STATIC: Final = {
    "rate.css": "text/css",
    "rate.js": "text/javascript",
    "stage.js": "text/javascript",
    "sheets.js": "text/javascript",
    "dom.js": "text/javascript",
    "overview.js": "text/javascript",
}
_STATUS: Final = {
    "unknown_assignment": 404,
    "not_joined": 401,
    "name_taken": 409,
    "missing_image": 404,
}


class _Joining(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    again: bool = False


class _Submission(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=64)
    submission: str = Field(pattern=r"^[0-9a-f-]{32,36}$")
    seconds: float = Field(default=0.0, ge=0, le=86400, allow_inf_nan=False)
    answer: dict[str, Any]


class _Undoing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str | None = Field(default=None, max_length=64)


def make_app(
    study: RatingFile, load: Callable[[str], bytes], tokens: Tokens | None = None
) -> AsgiApp:
    """The guarded application.

    Args:
        study: An open study; its sheet and items are read at every request, its items' pictures through `load`.
        load: The bytes of a picture by hash.
        tokens: Asked for by the `Guard`; None on loopback.
    """
    app = FastAPI(title="editloop rate", docs_url=None, redoc_url=None, openapi_url=None)
    pages = _Pages(study, load)
    app.add_api_route("/", _page("rate.html"), methods=["GET"])
    app.add_api_route("/favicon.ico", lambda: Response(status_code=204), methods=["GET"])
    app.add_api_route("/overview", pages.overview_page, methods=["GET"])
    app.add_api_route("/static/{name}", _static, methods=["GET"])
    app.add_api_route("/api/join", pages.join, methods=["POST"])
    app.add_api_route("/api/sheet", pages.sheet, methods=["GET"])
    app.add_api_route("/api/queue", pages.queue, methods=["GET"])
    app.add_api_route("/api/picture/{token}/{part}", pages.picture, methods=["GET"])
    app.add_api_route("/api/answers", pages.submit, methods=["POST"])
    app.add_api_route("/api/undo", pages.undo, methods=["POST"])
    app.add_api_route("/api/overview", pages.overview, methods=["GET"])
    app.add_exception_handler(BadInputError, _bad_input)
    app.add_exception_handler(EditloopError, _own_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    return Guard(app, tokens, study.id())  # type: ignore[arg-type]


class _Pages:
    """The routes: plain functions that run in threads, since every one of them reads or writes the study's file."""

    def __init__(self, study: RatingFile, load: Callable[[str], bytes]) -> None:
        self._study = study
        self._sheet = study.sheet()
        self._cookie = f"{RATER_COOKIE}_{study.id()}"
        self._copy = lru_cache(maxsize=48)(lambda sha256: blind_copy(load(sha256)))

    def join(self, body: Annotated[_Joining, Body()]) -> Response:
        rater, secret = self._study.join(body.name, again=body.again)
        reply = JSONResponse({"name": rater.name})
        reply.set_cookie(self._cookie, secret, max_age=31_536_000, httponly=True, samesite="strict")
        return reply

    def sheet(self, request: Request) -> dict[str, Any]:
        rater = self._known(request)
        asked = self._sheet.model_dump(mode="json")
        return {
            "sheet": asked | {"hints": {}},
            "rater": rater.name if rater else None,
            "organiser": request.state.role == "organiser",
        }

    def queue(self, request: Request, count: int = 3) -> dict[str, Any]:
        rater = self._rater(request)
        assigned = self._study.queue(rater, max(1, min(count, MOST_AHEAD)))
        return {
            "items": [self._shown(assignment) for assignment in assigned],
            **self._progress(rater),
        }

    def picture(self, request: Request, token: str, part: str) -> Response:
        assignment = self._assignment(self._rater(request), token)
        pictures = shown_pictures(self._study.item(assignment.item), self._sheet.kind, assignment)
        if part not in pictures:
            raise BadInputError("missing_image", "the item has no such image")
        data, media_type = self._copy(pictures[part].sha256)
        caching = {"Cache-Control": "private, max-age=86400, immutable"}
        return Response(data, media_type=media_type, headers=caching)

    def submit(self, request: Request, body: Annotated[_Submission, Body()]) -> dict[str, Any]:
        rater = self._rater(request)
        assignment = self._assignment(rater, body.token)
        turns = len(self._study.item(assignment.item).turns)
        answer = read_answer(self._sheet, told_answer(body.answer, assignment), turns)
        new = self._study.submit(assignment, body.submission, answer, body.seconds)
        return {"new": new, **self._progress(rater)}

    def undo(self, request: Request, body: Annotated[_Undoing, Body()]) -> dict[str, Any]:
        rater = self._rater(request)
        before = self._assignment(rater, body.token) if body.token else None
        given = self._study.previous(rater, before)
        if given is None:
            return {"item": None, "answer": None}
        return {"item": self._shown(given.assignment), "answer": shown_answer(given)}

    def overview(self, request: Request) -> Response:
        if request.state.role != "organiser":
            return _error("not_allowed", "the overview is for whoever runs the study", 403)
        return JSONResponse(overview(self._study))

    def overview_page(self, request: Request) -> Response:
        if request.state.role != "organiser":
            return _error("not_allowed", "the overview is for whoever runs the study", 403)
        return _page("overview.html")()

    def _shown(self, assignment: Assignment) -> dict[str, Any]:
        return shown_item(self._study.item(assignment.item), self._sheet, assignment)

    def _progress(self, rater: Rater) -> dict[str, int]:
        done, left = self._study.progress(rater)
        return {"done": done, "left": left}

    def _known(self, request: Request) -> Rater | None:
        return self._study.rater_of(cookie_of(request.headers.get("cookie", ""), self._cookie))

    def _rater(self, request: Request) -> Rater:
        rater = self._known(request)
        if rater is None:
            raise BadInputError("not_joined", "say who you are first")
        return rater

    def _assignment(self, rater: Rater, token: str) -> Assignment:
        assignment = self._study.assignment(token)
        if assignment is None or assignment.rater != rater.number:
            raise BadInputError(
                "unknown_assignment", "this item is not yours, or was given to others"
            )
        return assignment


def _page(name: str) -> Callable[[], Response]:
    def page() -> Response:
        return Response(_asset(name), media_type="text/html; charset=utf-8")

    return page


def _static(name: str) -> Response:
    if name not in _STATIC:
        return _error("unknown_file", "there is no such file", 404)
    return Response(_asset(name), media_type=f"{_STATIC[name]}; charset=utf-8")


def _asset(name: str) -> bytes:
    return files("editloop.rate").joinpath("static", name).read_bytes()


def _error(reason: str, detail: str, status: int) -> Response:
    return JSONResponse({"reason": reason, "detail": detail}, status_code=status)


def _bad_input(_request: Request, error: Exception) -> Response:
    reason, detail = getattr(error, "reason", "bad_input"), getattr(error, "detail", str(error))
    return _error(reason, detail, _STATUS.get(reason, 400))


def _own_error(_request: Request, error: Exception) -> Response:
    return _error("not_kept", f"the answer was not kept: {error}", 500)


def _bad_request(_request: Request, error: Exception) -> Response:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    where = ".".join(map(str, first.get("loc", ())))
    return _error("bad_request", f"{where}: {first.get('msg', 'not understood')}", 422)
