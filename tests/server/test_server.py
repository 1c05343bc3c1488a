"""The server as its users and its enemies meet it: over a socket of this machine."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

import threading

import uvicorn

from muybridge.errors import MissingExtraError, OptionError, VideoOpenError
from muybridge.server import create_app, serve
from muybridge.server.analyses import Analyses
from muybridge.server.library import Library

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
JSON = {"Content-Type": "application/json"}


@dataclass
class Site:
    """A server that runs, and the key of its one good video."""

    port: int
    folder: Path
    analyses: Analyses

    def ask(
        self, method: str, target: str, *, headers: dict[str, str] | None = None, body: str | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            reply = connection.getresponse()
            return reply.status, {key.lower(): value for key, value in reply.getheaders()}, reply.read()
        finally:
            connection.close()

    def json(self, target: str) -> Any:
        status, _, body = self.ask("GET", target)
        assert status == 200, body
        return json.loads(body)

    def key(self, title: str) -> str:
        return next(row["key"] for row in self.json("/api/videos") if row["title"] == title)


@pytest.fixture(scope="module")
def site(sample_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("served")
    folder = root / "videos"
    folder.mkdir()
    shutil.copy(sample_video, folder / "sample <b>.mp4")
    (folder / "broken.mp4").write_text("no video")
    (root / "secret.txt").write_text("secret")
    bound = socket.create_server(("127.0.0.1", 0))
    cache = pytest.MonkeyPatch()
    cache.setenv("MUYBRIDGE_CACHE", str(root / "cache"))
    with bound, Analyses() as analyses:
        config = uvicorn.Config(
            create_app(Library(folder), analyses, store=root / "store"), log_level="error", access_log=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        yield Site(bound.getsockname()[1], folder, analyses)
        server.should_exit = True
        thread.join(10)
    cache.undo()
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def done(site: Site) -> str:
    """The key of a video that was analyzed over HTTP."""
    key = site.key("sample <b>.mp4")
    for _ in range(2):  # twice asked is once done
        status, _, body = site.ask("POST", f"/api/videos/{key}/analysis", headers=JSON, body="{}")
        assert status == 202
        assert json.loads(body)["stage"] in ("waiting", "running", "done")
    site.analyses.wait()
    return key


def test_a_video_is_listed_analyzed_and_told(site: Site, done: str) -> None:
    [row] = [row for row in site.json("/api/videos") if row["key"] == done]
    assert row["stage"] == "done"
    assert row["size_bytes"] == (site.folder / row["title"]).stat().st_size
    timeline = site.json(f"/api/videos/{done}/timeline")
    assert timeline["metadata"]["path"] == row["title"]
    assert [one["kind"] for one in timeline["segments"]].count("shot") == 1
    assert site.json(f"/api/videos/{done}/captions")[0]["label"].startswith(
        "The video lasts 2 s and has 1 shot"
    )
    answer = site.json(f"/api/videos/{done}/answer?question=How%20many%20shots%20are%20there%3F")
    assert (answer["text"], answer["known"]) == ("The video shows 1 shot.", True)


def test_the_report_has_its_pictures_and_its_video(site: Site, done: str) -> None:
    status, headers, body = site.ask("GET", f"/videos/{done}/report")
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    page = body.decode()
    # A file of the same name is another address, so that no browser plays what it was sent before.
    state = (site.folder / "sample <b>.mp4").stat()
    assert f'src="file?{state.st_mtime_ns}-{state.st_size}"' in page
    assert "sample &lt;b&gt;.mp4" in page
    name = page.split('"href": "pictures/')[1].split('"')[0]
    status, headers, picture = site.ask("GET", f"/videos/{done}/pictures/{name}")
    assert (status, headers["content-type"], picture[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert site.ask("GET", f"/videos/{done}/pictures/other.jpg")[0] == 404


def test_players_get_ranges(site: Site, done: str) -> None:
    whole = (site.folder / "sample <b>.mp4").read_bytes()
    target = f"/videos/{done}/file"
    status, headers, body = site.ask("GET", target)
    assert (status, body, headers["content-type"]) == (200, whole, "video/mp4")
    assert headers["accept-ranges"] == "bytes"
    status, headers, body = site.ask("GET", target, headers={"Range": "bytes=100-299"})
    assert (status, body) == (206, whole[100:300])
    assert headers["content-range"] == f"bytes 100-299/{len(whole)}"
    assert site.ask("GET", target, headers={"Range": "bytes=-10"})[2] == whole[-10:]
    assert site.ask("GET", target, headers={"Range": f"bytes={len(whole)}-"})[0] == 416
    status, headers, body = site.ask("HEAD", target)
    assert (status, body, headers["content-length"]) == (200, b"", str(len(whole)))


def test_what_is_not_there_says_what_to_do(site: Site) -> None:
    broken = site.key("broken.mp4")
    status, _, body = site.ask("GET", f"/api/videos/{broken}/timeline")
    assert status == 409
    assert f"POST /api/videos/{broken}/analysis begins it" in json.loads(body)["error"]
    site.ask("POST", f"/api/videos/{broken}/analysis", headers=JSON, body="{}")
    site.analyses.wait()
    [row] = [row for row in site.json("/api/videos") if row["key"] == broken]
    assert row["stage"] == "failed"
    assert "not a video that FFmpeg can read" in row["message"]
    assert str(site.folder) not in row["message"]
    assert site.ask("GET", "/api/videos/0123456789abcdef/timeline")[0] == 404
    assert site.ask("GET", "/nowhere")[0] == 404


def test_questions_that_cannot_be_understood_are_errors(site: Site, done: str) -> None:
    for query in ("", "question=", "question=%20"):
        status, _, body = site.ask("GET", f"/api/videos/{done}/answer?{query}")
        assert (status, list(json.loads(body))) == (400, ["error"])
    for query in ("query=x&limit=0", "query=x&limit=many", "limit=3"):
        assert site.ask("GET", f"/api/search?{query}")[0] == 400


def test_a_search_finds_what_the_store_has_seen(site: Site, done: str) -> None:
    pytest.importorskip("lancedb")
    status, _, body = site.ask("GET", "/api/search?query=moves%20right")
    assert status == 409
    assert "muybridge index" in json.loads(body)["error"]
    from muybridge.pipeline.indexing import index_folder

    index_folder(site.folder, store=site.folder.parent / "store")
    found = site.json("/api/search?query=moves%20right")
    assert {row["key"] for row in found} == {done}
    assert found[0]["title"] == "sample <b>.mp4"
    assert "path" not in found[0]


def test_a_search_sees_through_links_and_past_what_is_gone(sample_video: Path, tmp_path: Path) -> None:
    pytest.importorskip("lancedb")
    from muybridge.pipeline.indexing import index_folder
    from muybridge.server.app import _search

    folder = tmp_path / "videos"
    folder.mkdir()
    for number in range(6):
        shutil.copy(sample_video, folder / f"{number}.mp4")
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    index_folder(tmp_path / "link", store=tmp_path / "store", num_processes=1)
    for number in range(5):
        (folder / f"{number}.mp4").unlink()
    for name in ("link", "videos"):
        found = _search(Library(tmp_path / name), tmp_path / "store", "moves right", 1)
        assert [row["title"] for row in found] == ["5.mp4"]


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_has_a_video_analyzed_and_opens_its_report(site: Site, done: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    complaints: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{site.port}/")
        page.get_by_text("sample <b>.mp4").wait_for()  # its name is no markup
        page.get_by_role("button", name="broken.mp4").click()
        page.get_by_text("not a video that FFmpeg can read").wait_for()
        page.goto(f"http://127.0.0.1:{site.port}/videos/{site.key('broken.mp4')}/report")
        page.get_by_text("not a video that FFmpeg can read").wait_for()
        page.get_by_role("link", name="All videos").click()
        page.get_by_role("link", name="Open the report").click()
        page.locator("#now time").get_by_text("0:00.0").wait_for()
        page.goto(f"{page.url}#t=1.5")
        page.locator("#now time").get_by_text("0:01.5").wait_for()
        assert page.locator("#notice").is_hidden()  # the video is played
        browser.close()
    assert not complaints


@pytest.fixture
def page(site: Site) -> Iterator[Any]:
    """A page of a browser that has nothing open."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(15_000)
        yield page
        browser.close()


def answer_in_turn(page: Any, stages: list[str]) -> list[str]:
    """Have the server say how far a video is, the last for ever; what it was asked is in the list."""
    asked: list[str] = []

    def answer(route: Any) -> None:
        stage = stages.pop(0) if len(stages) > 1 else stages[0]
        asked.append(route.request.method)
        route.fulfill(json={"stage": stage, "progress": 0.25, "message": "it is broken"})

    page.route("**/api/videos/*", answer)
    page.route("**/api/videos/*/analysis", answer)
    return asked


def test_a_waiting_page_begins_anew_where_the_file_has_changed(site: Site, page: Any) -> None:
    asked = answer_in_turn(page, ["waiting", "running", "new", "running", "failed", "running"])
    page.goto(f"http://127.0.0.1:{site.port}/videos/{site.key('broken.mp4')}/report")
    page.get_by_text("it is broken").wait_for()
    assert asked == ["POST", "GET", "GET", "POST", "GET"]
    assert page.locator("#bar").is_hidden()
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("This video is being watched").wait_for()
    assert asked[5] == "POST"
    assert page.locator("#bar").get_attribute("value") == "0.25"


def test_a_page_from_elsewhere_begins_nothing(site: Site, page: Any) -> None:
    elsewhere = f"http://127.0.0.1:{site.port}/videos/{site.key('broken.mp4')}/report"
    page.route(
        "http://evil.example/",
        lambda route: route.fulfill(
            content_type="text/html", body=f"<script>location = '{elsewhere}'</script>"
        ),
    )
    asked = answer_in_turn(page, ["new", "running"])
    page.goto("http://evil.example/")
    page.get_by_text("This video is not analyzed yet.").wait_for()
    assert page.url == elsewhere
    assert asked == ["GET"]
    page.get_by_role("button", name="Analyze").click()
    page.get_by_text("This video is being watched").wait_for()
    assert asked[1] == "POST"


@pytest.mark.parametrize(
    ("led_by", "begins"),
    [("none", "yes"), ("same-origin", "yes"), ("cross-site", "no"), ("same-site", "no"), (None, "no")],
)
def test_who_led_to_a_page_decides_whether_it_begins(site: Site, led_by: str | None, begins: str) -> None:
    headers = {} if led_by is None else {"Sec-Fetch-Site": led_by}
    body = site.ask("GET", f"/videos/{site.key('broken.mp4')}/report", headers=headers)[2]
    assert f'data-begins="{begins}"'.encode() in body


@pytest.mark.parametrize("fails", [False, True])
def test_a_late_reply_to_an_earlier_search_is_dropped(fails: bool, site: Site, page: Any) -> None:
    routes: dict[str, Any] = {}

    def found(label: str) -> list[dict[str, Any]]:
        times = {"start_seconds": 0.0, "end_seconds": 1.0}
        return [{"key": "k", "title": "a.mp4", "kind": "text", "label": label, "has_changed": False, **times}]

    page.route("**/api/search*", lambda route: routes.update({route.request.url.split("query=")[1]: route}))
    page.goto(f"http://127.0.0.1:{site.port}/")
    for query in ("earlier", "later"):
        page.fill("#query", query)
        with page.expect_request("**/api/search*"):
            page.press("#query", "Enter")
    routes["later"].fulfill(json=found("later words"))
    page.get_by_text("later words").wait_for()
    with page.expect_response("**/api/search*"):
        if fails:
            routes["earlier"].fulfill(status=409, json={"error": "earlier words"})
        else:
            routes["earlier"].fulfill(json=found("earlier words"))
    page.wait_for_timeout(200)
    assert page.get_by_text("later words").is_visible()
    assert page.get_by_text("earlier words").count() == 0


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "10.0.0.1"])
def test_another_host_is_not_served(site: Site, host: str) -> None:
    assert site.ask("GET", "/api/videos", headers={"Host": host})[0] == 421
    assert site.ask("GET", "/api/videos", headers={"Host": f"localhost:{site.port}"})[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({}, 415),
        ({**JSON, "Origin": "http://evil.example"}, 403),
        ({**JSON, "Origin": "null"}, 403),
        ({**JSON, "Origin": "http://127.0.0.1:1"}, 403),
        ({**JSON, "Origin": "http://[::1"}, 403),
        ({**JSON, "Content-Length": "99999999"}, 413),
    ],
)
def test_no_other_page_begins_work(site: Site, headers: dict[str, str], status: int) -> None:
    key = site.key("broken.mp4")
    body = None if "Content-Length" in headers else "{}"
    assert site.ask("POST", f"/api/videos/{key}/analysis", headers=headers, body=body)[0] == status


@pytest.mark.parametrize(
    "target",
    [
        "/videos/../secret.txt/file",
        "/videos/..%2fsecret.txt/file",
        "/videos/%2e%2e%2f%2e%2e%2fsecret.txt/file",
        "/../secret.txt",
        "//evil.example/",
        "/videos/secret.txt%00/file",
    ],
)
def test_no_address_spells_a_path(site: Site, target: str) -> None:
    status, _, body = site.ask("GET", target)
    assert status == 404
    assert b"secret\n" not in body
    assert body != b"secret"


def test_every_reply_is_safe_to_show(site: Site, done: str) -> None:
    for target in ("/", "/api/videos", f"/videos/{done}/report", f"/videos/{done}/file", "/nowhere"):
        headers = site.ask("GET", target)[1]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-cache"
        assert "access-control-allow-origin" not in headers
    assert site.ask("GET", f"/?{'x' * 9000}")[0] == 414


def test_a_server_on_all_addresses_takes_addresses_and_no_names(site: Site) -> None:
    from starlette.requests import Request

    from muybridge.server.guard import Guard

    def complaint(host: str) -> int | None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "server": ("x", 1),
            "scheme": "http",
        }
        refusal = Guard("0.0.0.0").complaint(Request({**scope, "headers": [(b"host", host.encode())]}))
        return None if refusal is None else refusal.status_code

    assert [
        complaint(host) for host in ("192.168.1.7:8765", "[fe80::1]:80", "localhost", "evil.example")
    ] == [
        None,
        None,
        None,
        421,
    ]


def test_an_address_that_cannot_be_bound_is_told(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OptionError, match="name another --port"),
    ):
        serve(tmp_path, port=taken.getsockname()[1])
    with pytest.raises(OptionError, match="from 0 to 65535"):
        serve(tmp_path, port=70_000)
    with pytest.raises(OptionError, match="cannot be served"):
        serve(tmp_path, host="256.1.1.1", port=0)
    with pytest.raises(VideoOpenError, match="no such folder"):
        serve(tmp_path / "nowhere", port=0)


def test_without_the_extra_the_install_line_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"muybridge\[server\]"):
        serve(tmp_path, port=0)


def test_a_proxy_with_a_name_may_stand_before_it() -> None:
    from starlette.requests import Request

    from muybridge.server.guard import Guard

    def complaint(guard: Guard, host: str, origin: str) -> int | None:
        headers = {"host": host, "origin": origin, "content-type": "Application/JSON", "content-length": "2"}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "scheme": "http"}
        refusal = guard.complaint(Request({**scope, "server": ("x", 1), "headers": raw}))
        return None if refusal is None else refusal.status_code

    named = Guard("127.0.0.1", ["videos.example"])
    assert complaint(named, "videos.example", "https://videos.example") is None
    assert complaint(named, "127.0.0.1:8765", "https://videos.example") is None
    assert complaint(named, "videos.example", "https://evil.example") == 403
    assert complaint(Guard("127.0.0.1"), "videos.example", "https://videos.example") == 421
    for given in ("https://Videos.example:8443", "videos.example:8443"):
        assert complaint(Guard("127.0.0.1", [given]), "videos.example", "https://videos.example") is None
    abroad = Guard("127.0.0.1", ["b\u00fccher.example"])
    assert complaint(abroad, "xn--bcher-kva.example", "https://xn--bcher-kva.example") is None


def test_a_server_on_another_address_of_this_machine_serves_no_other_address() -> None:
    from muybridge.server.guard import Guard

    assert [Guard(host).serves_addresses for host in ("127.0.0.1", "127.0.0.2", "::1", "0.0.0.0")] == [
        False,
        False,
        False,
        True,
    ]


def test_a_name_that_no_host_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="'videos example' is no name of a host"):
        serve(tmp_path, port=0, names=["videos example"])
    with pytest.raises(OptionError, match="'' is no name of a host"):
        serve(tmp_path, port=0, host="")


@pytest.mark.slow
def test_the_command_serves_until_it_is_interrupted(sample_video: Path, tmp_path: Path) -> None:
    name = "long.mp4"
    shutil.copy(sample_video, tmp_path / name)
    command = [sys.executable, "-c", "from muybridge.cli.main import run; run()", "serve", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split(": ", 1)[1].split()[0]
            with urllib.request.urlopen(f"{address}api/videos", timeout=20) as reply:
                assert json.load(reply)[0]["title"] == name
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, complaints = process.communicate(timeout=20)
        finally:
            process.kill()
    assert time.monotonic() - begun < 10
    assert (process.returncode, complaints.strip()) == (130, "muybridge: stopped")
    assert [file.name for file in tmp_path.iterdir()] == [name]  # nothing was written into the folder
