"""The page's server as a process of its own: what is kept, what leaks, who is let in."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.rate.conftest import EDITOR, Client, Server, make_score_table
from typer.testing import CliRunner

from editloop.cli.app import app
from editloop.core.errors import BadInputError, UsageError
from editloop.rate.sheets import make_sheet, read_answer

AXES = ("instruction", "preservation", "quality", "overall")


def scores(value: int = 7) -> dict[str, Any]:
    return {"scores": dict.fromkeys(AXES, value)}


def submission(item: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "token": item["token"],
        "submission": uuid.uuid4().hex,
        "seconds": 2.5,
        "answer": answer,
    }


def next_item(client: Client) -> dict[str, Any]:
    _, reply = client.get("/api/queue?count=1")
    found: dict[str, Any] = reply["items"][0]
    return found


def run(*arguments: str) -> Any:
    """`editloop rate` inside this process, which is quicker than another one."""
    return CliRunner().invoke(app, ["rate", *arguments])


def exported(folder: Path, table: Path) -> list[dict[str, Any]]:
    file = folder / "out.jsonl"
    done = run(str(table), "--out", str(folder / "study"), "--export", str(file))
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_kill_nine_loses_no_rating_and_the_study_goes_on(
    serve: Callable[..., Server], score_table: Path, tmp_path: Path
) -> None:
    server = serve(str(score_table), "--out", "study", "--raters", "2")
    client = Client(server.base, "Ada")
    kept = []
    for value in range(3):
        body = submission(next_item(client), scores(value))
        assert client.post("/api/answers", body)[1]["new"] is True
        kept.append(body)
    server.stop(kill=True)

    again = serve(str(score_table), "--out", "study", "--raters", "2")
    client.base = again.base
    status, reply = client.post("/api/answers", kept[-1])
    assert (status, reply["new"], reply["done"], reply["left"]) == (200, False, 3, 3)
    rows = exported(tmp_path, score_table)
    assert sorted(row["ratings"][0]["overall"] for row in rows) == [0, 1, 2]
    assert {row["ratings"][0]["rater"] for row in rows} == {"rater_1"}
    assert all((tmp_path / row["edited"]).is_file() for row in rows)


def test_many_raters_at_once_never_clash(
    serve: Callable[..., Server], score_table: Path, tmp_path: Path
) -> None:
    server = serve(str(score_table), "--out", "study", "--raters", "2", "--attention-checks", "1")
    seen: dict[str, list[str]] = {}

    def work(name: str) -> None:
        client = Client(server.base, name)
        seen[name] = []
        while items := client.get("/api/queue?count=2")[1]["items"]:
            body = submission(items[0], scores())
            status, reply = client.post("/api/answers", body)
            assert (status, reply["new"]) == (200, True)
            assert client.post("/api/answers", body)[1]["new"] is False
            seen[name].append(items[0]["token"])

    threads = [threading.Thread(target=work, args=(name,)) for name in ("Ada", "Bob", "Cy", "Di")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    tokens = [token for own in seen.values() for token in own]
    assert len(set(tokens)) == len(tokens)
    rows = exported(tmp_path, score_table)
    assert [row["n_raters"] for row in rows] == [2] * 6
    assert all(len({given["rater"] for given in row["ratings"]}) == 2 for row in rows)


def test_nothing_that_a_browser_gets_tells_who_made_an_edit(shared: Server) -> None:
    client = Client(shared.base, "Looker")
    item = next_item(client)
    texts = [json.dumps(client.get(path)[1]) for path in ("/api/sheet", "/api/queue")]
    status, image = client.get(f"/api/picture/{item['token']}/edited")
    assert status == 200
    headers = str(client.headers)
    for text in (*texts, headers, image.decode("latin-1")):
        assert EDITOR not in text
        assert "edit-" not in text
    assert image.startswith(b"\x89PNG")


def test_only_a_raters_own_images_are_served_and_no_path_gets_out(shared: Server) -> None:
    ada, bob = Client(shared.base, "Own"), Client(shared.base, "Other")
    token = next_item(ada)["token"]
    assert bob.get(f"/api/picture/{token}/edited")[0] == 404
    assert Client(shared.base).get(f"/api/picture/{token}/edited")[0] == 401
    for path in (
        f"/api/picture/{token}/..%2f..%2fitems.jsonl",
        "/api/picture/..%2f..%2fetc%2fpasswd/source",
        "/static/..%2fsheets.toml",
        "/static/../sheets.toml",
        "/static/%2e%2e/sheets.toml",
    ):
        assert ada.get(path)[0] == 404, path


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Host": "elsewhere.example"}, 421),
    ],
)
def test_other_sites_cannot_rate(shared: Server, headers: dict[str, str], status: int) -> None:
    client = Client(shared.base)
    assert client.post("/api/join", {"name": "Eve"}, **headers)[0] == status
    assert client.headers["content-security-policy"].startswith("default-src 'none'")


def test_beyond_loopback_a_token_is_needed_and_raters_see_no_overview(
    serve: Callable[..., Server], score_table: Path
) -> None:
    server = serve(str(score_table), "--out", "study", "--host", "0.0.0.0")
    assert server.process.stdout is not None
    organiser = server.process.stdout.readline().strip()
    base = f"http://127.0.0.1:{server.address.split(':')[2].split('/')[0]}"
    stranger, rater, owner = Client(base), Client(base), Client(base)
    assert stranger.get("/")[0] == 401
    assert stranger.get("/?token=wrong")[0] == 401
    assert stranger.post("/api/join", {"name": "Eve"})[0] == 401
    assert rater.get("/?" + server.address.partition("?")[2])[0] == 200
    cookie = rater.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert rater.post("/api/join", {"name": "Ada"})[0] == 200
    assert rater.get("/api/overview")[0] == 403
    assert owner.get("/?" + organiser.partition("?")[2])[0] == 200
    assert owner.get("/api/overview")[1]["items"] == 6


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"scores": {"instruction": 3}},
        scores(11),
        {"scores": dict.fromkeys(AXES, 2.5)},
        scores() | {"scores": {**scores()["scores"], "extra": 1}},
        {"cannot_judge": True},
        scores()
        | {"marks": [{"image": "edited", "left": 0.5, "right": 0.5, "top": 0, "bottom": 1}]},
        scores() | {"note": "x" * 5000},
        scores() | {"choice": "left"},
    ],
)
def test_answers_that_make_no_sense_are_refused_in_words(answer: dict[str, Any]) -> None:
    with pytest.raises(BadInputError, match="bad_answer"):
        read_answer(make_sheet("score"), answer)


def test_undo_brings_an_answer_back_and_the_new_one_replaces_it(
    serve: Callable[..., Server], score_table: Path, tmp_path: Path
) -> None:
    client = Client(serve(str(score_table), "--out", "study").base, "Ada")
    first = next_item(client)
    marked = scores(3) | {
        "note": "=two dots, not one",
        "marks": [{"image": "edited", "left": 0.1, "top": 0.2, "right": 0.5, "bottom": 0.6}],
    }
    client.post("/api/answers", submission(first, marked))
    client.post(
        "/api/answers", submission(next_item(client), {"cannot_judge": True, "note": "dark"})
    )
    _, back = client.post("/api/undo", {"token": None})
    assert back["answer"]["cannot_judge"] is True
    _, back = client.post("/api/undo", {"token": back["item"]["token"]})
    assert back["item"]["token"] == first["token"]
    assert back["answer"]["scores"]["overall"] == 3
    assert back["answer"]["marks"][0]["right"] == 0.5
    client.post("/api/answers", submission(back["item"], marked | scores(4)))
    rows = exported(tmp_path, score_table)
    by_number = {row["n_raters"]: row for row in rows}
    assert by_number[1]["mean_overall"] == 4
    assert by_number[1]["ratings"][0]["marks"][0]["image"] == "edited"
    assert by_number[0]["unscored"] == [{"rater": "rater_1", "note": "dark"}]
    assert by_number[0]["ratings"] == []


def test_a_name_in_use_is_only_taken_up_again_on_purpose(shared: Server) -> None:
    Client(shared.base, "Ada")
    other = Client(shared.base)
    assert other.post("/api/join", {"name": " Ada "})[1]["reason"] == "name_taken"
    assert other.post("/api/join", {"name": "Ada", "again": True})[0] == 200
    assert other.post("/api/join", {"name": "  "})[1]["reason"] == "no_name"


def test_another_sheet_on_old_ratings_is_refused(
    tmp_path: Path, serve: Callable[..., Server]
) -> None:
    table = make_score_table(tmp_path, 2)
    assert serve(str(table), "--out", "study", "--sheet", "nhr").stop() == 0
    assert "0 answers are kept in study" in (tmp_path / "server.log").read_text()
    done = run(str(table), "--out", str(tmp_path / "study"), "--sheet", "mrc")
    assert isinstance(done.exception, UsageError)
    assert "do not mix" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.jsonl",), "there is no nothing.jsonl"),
        (("world:many",), "expected world:COUNT"),
        (("world:2", "--export", "x.jsonl"), "holds no ratings"),
        (("world:2", "--host", "no such host"), "cannot listen"),
        (("world:2", "--guidelines", "none.txt"), "cannot read the guidelines"),
    ],
)
def test_requests_that_make_no_sense_say_so_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert isinstance(done.exception, UsageError)
    assert words in str(done.exception)
    assert list(tmp_path.iterdir()) == []
