"""What is answered: the page, the list of videos, what was found in each, and a search over all.

    GET  /                                   the page
    GET  /api/videos                         the videos and how far each is
    GET  /api/videos/KEY                     the same of one
    POST /api/videos/KEY/analysis            have it watched (202); again is no second time
    POST /api/analyses                       have all watched that are new (202)
    GET  /api/videos/KEY/timeline            everything that was found
    GET  /api/videos/KEY/captions            sentences
    GET  /api/videos/KEY/answer?question=    an answer from the evidence
    GET  /api/search?query=&limit=           a search over what `muybridge index` has put into its store
    GET  /videos/KEY/report                  the page of one video, with its pictures beside it
    GET  /videos/KEY/file                    the video itself, in ranges as players ask for them

All JSON is that of the values' `to_dict()`; an error is `{"error": "one line that says what to do"}`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response

from muybridge.errors import MissingExtraError, MuybridgeError, OptionError, StoreError
from muybridge.language.answer import answer_question
from muybridge.language.caption import caption_timeline
from muybridge.report.page import page_hash, render_page
from muybridge.report.strict_json import json_values
from muybridge.server.analyses import Analyses
from muybridge.server.guard import HEADERS, Guard, refused
from muybridge.server.library import Library, ListedVideo
from muybridge.values import Timeline

if TYPE_CHECKING:
    from muybridge.search.results import Match

__all__ = ["create_app"]

MOST_SEARCHED = 10_000  # rows of a store, to find enough whose videos are there
STATUS: dict[type[MuybridgeError], int] = {OptionError: 400, StoreError: 409, MissingExtraError: 501}


def create_app(
    library: Library,
    analyses: Analyses,
    *,
    host: str = "127.0.0.1",
    names: Collection[str] = (),
    store: str | Path | None = None,
) -> FastAPI:
    """The application; who runs it keeps `analyses` open for as long.

    Args:
        library: the videos.
        analyses: watches them.
        host: the address that is bound, for the `Guard`.
        names: further host names, for the `Guard`.
        store: where `muybridge index` put what it saw; None for the user's own store.

    >>> from muybridge.server.library import Library
    >>> app = create_app(Library(getfixture("sample_video").parent), Analyses())
    >>> "/api/videos" in {route.path for route in app.routes}
    True
    """
    # No pages of FastAPI's own: they would load scripts from elsewhere.
    app = FastAPI(title="Muybridge", openapi_url=None)
    guard = Guard(host, names)
    app.middleware("http")(guard)
    _tell_errors(app)
    page = render("library", library.title)

    def video_of(key: str) -> ListedVideo:
        found = library.find(key)
        if found is None:
            raise HTTPException(404, "no video has this key (any more); GET /api/videos lists them")
        return found

    def timeline_of(key: str) -> Timeline:
        video = video_of(key)
        found = analyses.timeline(video)
        if found is None:
            stage = analyses.state(video).stage
            raise HTTPException(
                409, f"this video is not analyzed ({stage}); POST /api/videos/{key}/analysis begins it"
            )
        return found

    @app.get("/", response_class=HTMLResponse)
    def show_page() -> Response:
        return page

    @app.get("/api/videos")
    def list_videos() -> Any:
        return [_told(video, analyses) for video in library.videos()]

    @app.get("/api/videos/{key}")
    def get_video(key: str) -> Any:
        return _told(video_of(key), analyses)

    @app.post("/api/videos/{key}/analysis", status_code=202)
    def begin_analysis(key: str) -> Any:
        video = video_of(key)
        analyses.begin(video)
        return _told(video, analyses)

    @app.post("/api/analyses", status_code=202)
    def begin_all() -> Any:
        videos = library.videos()
        for video in videos:
            if analyses.state(video).stage == "new":
                analyses.begin(video)
        return [_told(video, analyses) for video in videos]

    @app.get("/api/videos/{key}/timeline")
    def get_timeline(key: str) -> Response:
        return JSONResponse(json_values(timeline_of(key).to_dict()))

    @app.get("/api/videos/{key}/captions")
    def get_captions(key: str) -> Response:
        return JSONResponse(json_values([one.to_dict() for one in caption_timeline(timeline_of(key))]))

    @app.get("/api/videos/{key}/answer")
    def get_answer(key: str, question: str) -> Response:
        return JSONResponse(json_values(answer_question(timeline_of(key), question).to_dict()))

    @app.get("/api/search")
    def search(query: str, limit: int = Query(20, ge=1, le=200)) -> Response:
        return JSONResponse(json_values(_search(library, store, query, limit)))

    @app.get("/videos/{key}/report", response_class=HTMLResponse)
    def show_report(key: str, request: Request) -> Response:
        video = video_of(key)
        timeline = analyses.timeline(video)
        if timeline is None:
            return render("waiting", video.title, key=key, begins=guard.may_begin_by_itself(request))
        # The report brings a policy of its own, which knows its script.
        policy = {"Content-Security-Policy": "frame-ancestors 'none'"}
        return HTMLResponse(render_page(timeline, video_href=f"file?{video.version}"), headers=policy)

    @app.get("/videos/{key}/pictures/{name}")
    def show_picture(key: str, name: str) -> Response:
        for picture in timeline_of(key).pictures:
            if picture.file_name == name and picture.jpeg:
                return Response(picture.jpeg, media_type="image/jpeg")
        raise HTTPException(404, "this video has no such picture")

    @app.api_route("/videos/{key}/file", methods=["GET", "HEAD"])
    def play(key: str) -> Response:
        return FileResponse(video_of(key).path)

    return app


def _tell_errors(app: FastAPI) -> None:
    """Whatever goes wrong is told in the same form."""

    @app.exception_handler(MuybridgeError)
    async def ours(request: Request, error: MuybridgeError) -> Response:
        return refused(
            next((code for kind, code in STATUS.items() if isinstance(error, kind)), 422), str(error)
        )

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        return JSONResponse({"error": str(error.detail)}, error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def of_others(request: Request, error: Exception) -> Response:
        return JSONResponse(
            {"error": f"a defect of the server ({type(error).__name__}); its terminal says more"},
            500,
            HEADERS,
        )

    @app.exception_handler(RequestValidationError)
    async def of_parameters(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return refused(400, f"{first['loc'][-1]}: {first['msg']}")


def _told(video: ListedVideo, analyses: Analyses) -> dict[str, Any]:
    return {**video.to_dict(), **analyses.state(video).to_dict()}


def _search(library: Library, store: Any, query: str, limit: int) -> list[dict[str, Any]]:
    """What the store knows of this folder's videos, each with its key here."""
    from muybridge.search.store import open_store

    opened = open_store(store, create=False)
    videos = _in_both(library, opened.rows())
    # The store's own names of the folder, which may lead there through links.
    folders = {path.removesuffix(_below(library, video)) for path, video in videos.items()}
    rows: list[dict[str, Any]] = []
    asked, found = limit, limit
    while folders and len(rows) < limit and found == asked < MOST_SEARCHED:
        # Videos that are gone are found too, and must not take the place of those that are there.
        asked = 4 * asked
        matches = opened.find(query, limit=asked, files=sorted(folders))
        found = len(matches)
        rows = [_row(match, videos[match.path]) for match in matches if match.path in videos]
    return rows[:limit]


def _in_both(library: Library, stored: Iterable[str]) -> dict[str, ListedVideo]:
    """Paths as the store names them → this folder's videos."""
    here = {str(video.path): video for video in library.videos()}
    names = {Path(path).name for path in here}
    real = {path: os.path.realpath(path) for path in stored if Path(path).name in names}
    return {path: here[target] for path, target in real.items() if target in here}


def _below(library: Library, video: ListedVideo) -> str:
    return str(video.path)[len(str(library.folder).rstrip("/")) :]


def _row(match: Match, video: ListedVideo) -> dict[str, Any]:
    row = match.to_dict()
    del row["path"]
    return {**row, **video.to_dict()}


def render(name: str, title: str, **values: object) -> Response:
    """A page of this folder's templates, with a policy that knows its script."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("muybridge.server"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    templates = files("muybridge.server") / "templates"
    # The report's own look, and what these pages have besides.
    style = (files("muybridge.report") / "templates" / "report.css").read_text(encoding="utf-8")
    style += (templates / "library.css").read_text(encoding="utf-8")
    script = (templates / f"{name}.js").read_text(encoding="utf-8")
    html = environment.get_template(f"{name}.html.jinja").render(
        title=title, style=style, script=script, **values
    )
    sources = (
        f"script-src '{page_hash(script)}'; style-src '{page_hash(style)}'; connect-src 'self'; img-src data:"
    )
    policy = f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})
