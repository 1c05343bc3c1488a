"""The page as a person uses it: in Chromium, from the disk, with a video that plays."""

import fractions
import os
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from muybridge.report import write_report
from muybridge.values import Picture, Segment, Signal, Timeline, VideoMetadata

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked=2">\'"&<!--'


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page from the disk; in the end no request may have left it and no error been logged."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_at(path: Path, *, width: int = 1280, missing_video: bool = False, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        if not missing_video:
            page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append("a dialog"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(("file:", "data:")) else complaints.append(request.url)
            ),
        )
        page.goto(path.as_uri())
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []


def make_video(path: Path, *, start_seconds: float = 0.0, seconds: float = 4.0) -> Path:
    codec = "libvpx" if path.suffix == ".webm" else "libx264"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        base = stream.codec_context.time_base = fractions.Fraction(1, 25)
        for number in range(round(seconds * 25)):
            frame = av.VideoFrame.from_ndarray(np.full((90, 160, 3), number * 2, np.uint8))
            frame.pts, frame.time_base = number + round(start_seconds * 25), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def make_timeline(path: Path, *, start_seconds: float = 0.0) -> Timeline:
    def segment(start: float, end: float, kind: str, label: str = "", **attributes: Any) -> Segment:
        return Segment(start + start_seconds, end + start_seconds, kind, label, None, attributes)

    image = bytes(cv2.imencode(".jpg", np.full((90, 160, 3), 90, np.uint8))[1].tobytes())
    return Timeline(
        VideoMetadata(str(path), "mov,mp4", "h264", 160, 90, 4.0, start_seconds, 100, 25.0),
        (
            segment(0, 1.2, "shot"),
            segment(1.2, 2.8, "shot"),
            segment(2.8, 4, "shot"),
            segment(1.6, 1.64, "keyframe", picture="keyframe-0000"),
            segment(2, 3, "action", "wave"),
            segment(0.4, 1.0, "text", "PIER 39"),
            segment(3.2, 3.8, "text", "NO ENTRY"),
        ),
        (Signal("energy", np.arange(4) + start_seconds, np.array([0.0, 0.5, 1.0, 0.2])),),
        (Picture("keyframe-0000", image, 1.6 + start_seconds, 160, 90),),
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    video = make_video(folder / "50% #1 café.mp4")
    return write_report(make_timeline(video), folder / "out" / "deep")


def block(page: Any, kind: str, label: str) -> Any:
    return page.locator(f'.lane[data-kind="{kind}"] .block[aria-label^="{label}."]')


def position(page: Any) -> float:
    """Where the player stands once it has come to rest."""
    page.wait_for_function(
        "() => { const v = document.querySelector('video'); return v.readyState >= 2 && !v.seeking }"
    )
    return float(page.evaluate("document.querySelector('video').currentTime"))


def test_a_click_on_a_segment_moves_the_player_to_its_frame(
    report: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(report)
    shown = """() => new Promise((done) => {
        document.querySelector('video').requestVideoFrameCallback((_, frame) => done(frame.mediaTime));
        document.querySelector('.lane[data-kind="action"] .block').click();
    })"""
    page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    assert page.evaluate(shown) == pytest.approx(2.0, abs=1e-3)
    assert position(page) == pytest.approx(2.0, abs=0.01)
    assert page.locator("#now").inner_text().split("\n") == ["0:02.0", "Shot 2", "wave"]
    assert "active" in block(page, "shot", "Shot 2").get_attribute("class")

    block(page, "text", "NO ENTRY").click()
    assert position(page) == pytest.approx(3.2, abs=0.01)
    page.locator(".frame").click()
    assert position(page) == pytest.approx(1.6, abs=0.01)
    page.get_by_role("button", name="PIER 39").last.click()
    assert position(page) == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("name", ["late.mp4", "late.webm", "late.mkv"])
def test_a_video_whose_clock_starts_late(name: str, tmp_path: Path, open_page: Callable[..., Any]) -> None:
    video = make_video(tmp_path / name, start_seconds=5.0)
    page = open_page(write_report(make_timeline(video, start_seconds=5.0), tmp_path / "out"))
    page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    shown = """() => new Promise((done) => {
        const video = document.querySelector('video');
        const next = () => video.requestVideoFrameCallback((_, { mediaTime }) =>
            mediaTime > 5.5 ? done(mediaTime) : next());
        next();
        document.querySelector('.lane[data-kind="action"] .block').click();
    })"""
    assert page.evaluate(shown) == pytest.approx(
        7.0, abs=2e-3
    )  # the frame's own timestamp, 2 s into the video
    assert page.locator("#now time").inner_text() == "0:02.0"


def test_everything_can_be_done_with_keys(report: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(report)
    keys = page.keyboard
    page.locator("#ruler").focus()
    keys.press("ArrowRight")
    assert position(page) == pytest.approx(1.0, abs=0.01)
    keys.press("Tab")  # the lanes are one stop each
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Shot 1.")
    assert page.locator("#tip").is_visible()
    keys.press("ArrowRight")
    keys.press("Enter")
    assert position(page) == pytest.approx(1.2, abs=0.01)
    for _ in ("keyframes", "actions", "captions", "text"):
        keys.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("PIER 39.")
    keys.press("End")
    keys.press("Enter")
    assert position(page) == pytest.approx(3.2, abs=0.01)
    assert page.locator("#status").inner_text() == "0:03.2, NO ENTRY"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    block(page, "shot", "Shot 1").focus()
    keys.press("Enter")
    keys.press("Space")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.2")
    keys.press("Space")
    assert page.evaluate("document.querySelector('video').paused")
    keys.press("/")
    assert page.evaluate("document.activeElement.id") == "search"


def test_searching_the_words(report: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(report)
    assert page.locator("#list .words").all_inner_texts() == ["PIER 39", "NO ENTRY"]
    page.locator("#search").fill("wave")
    # Of all kinds, where none was chosen: the action itself, and the captions that speak of it.
    words = page.locator("#list .words").all_inner_texts()
    assert "wave" in words
    assert all("wave" in text for text in words)
    pressed = page.locator("#filters button[aria-pressed=true]")
    assert pressed.inner_text() == "All"
    assert page.locator("#matches").inner_text() == f"{len(words)} found"
    page.locator("#search").fill("")
    assert pressed.inner_text() == "Text"
    assert page.locator("#list .words").all_inner_texts() == ["PIER 39", "NO ENTRY"]
    page.locator("#filters button", has_text="Text").click()
    page.locator("#search").fill("wave")
    assert page.locator("#list li").count() == 0
    assert page.locator("#matches").inner_text() == f"0 found in Text, {len(words)} elsewhere"
    page.locator("#search").fill("entry")
    assert page.locator("#list .words").all_inner_texts() == ["NO ENTRY"]
    page.locator("#filters button", has_text="All").click()
    assert "NO ENTRY" in page.locator("#list .words").all_inner_texts()


def test_words_from_the_screen_never_run(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    name = HOSTILE.replace("/", "_")
    timeline = Timeline(
        VideoMetadata(str(tmp_path / name), codec=HOSTILE, duration_seconds=2.0),
        tuple(
            Segment(0, 2, kind, HOSTILE, 0.5, {HOSTILE[:20]: HOSTILE[:30]})
            for kind in ("text", "shot", "keyframe", HOSTILE, "__proto__", '"] *')
        ),
        (Signal(HOSTILE, np.array([0.0]), np.array([1.0]), HOSTILE),),
        (),
        (HOSTILE,),
    )
    page = open_page(write_report(timeline, tmp_path / "out"), missing_video=True)
    page.wait_for_selector("#notice:not([hidden])")
    page.locator('.lane[data-kind="text"] .block').hover()
    page.locator("#filters button", has_text="All").click()
    page.locator('.lane[data-kind="text"] .block').click()
    assert page.evaluate("window.hacked") is None
    assert page.locator("script").count() == 2
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("h1").inner_text() == name
    assert page.locator(".warnings li").inner_text() == HOSTILE
    assert page.locator('.lane[data-kind="text"] .block').inner_text() == HOSTILE
    assert page.locator(".lane").count() == 7
    # Even markup that got into the page could not run: the policy knows one script only.
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.hacked = 3'}))"
    )
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("content", [None, b"this is no video"])
def test_without_a_video_that_plays_the_page_is_still_of_use(
    content: bytes | None, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    video = tmp_path / "gone.mp4"
    if content is not None:
        video.write_bytes(content)
    page = open_page(write_report(make_timeline(video), tmp_path / "out"), missing_video=True)
    page.wait_for_selector("#notice")
    assert "This browser cannot play gone.mp4." in page.locator("#notice").inner_text()
    assert not page.locator("video").is_visible()
    block(page, "text", "NO ENTRY").click()
    assert page.locator("#now").inner_text().split("\n") == ["0:03.2", "Shot 3", "NO ENTRY"]
    assert page.locator("#stand-in").get_attribute("alt") == "Keyframe at 0:01.6"


def test_a_stream_has_a_page_without_a_player(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    timeline = Timeline(VideoMetadata("rtsp://camera/1"), (Segment(0, 2, "text", "HELLO"),))
    page = open_page(write_report(timeline, tmp_path))
    assert "it was analyzed from a stream" in page.locator("#notice").inner_text()


def test_the_page_alone_is_enough(report: Path, tmp_path: Path, open_page: Callable[..., Any]) -> None:
    alone = tmp_path / "report.html"
    shutil.copy(report, alone)
    page = open_page(alone, missing_video=True)
    image = page.locator(".frame img")
    page.wait_for_function("() => document.querySelector('.frame img').naturalHeight === 90")
    assert image.is_visible()
    # The picture beside the page is gone too; its small copy inside the page stands in for it.
    page.wait_for_function("() => document.querySelector('#stand-in').naturalHeight === 90")


@pytest.fixture(scope="module")
def long_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    starts = np.sort(random.uniform(0, 3590, 1500))
    cuts = np.linspace(0, 3600, 1501)
    segments = [Segment(a, b, "shot") for a, b in pairwise(cuts)]
    segments += [
        Segment(start, start + random.uniform(0.5, 9), "text", f"word {n}") for n, start in enumerate(starts)
    ]
    timeline = Timeline(VideoMetadata("hour.mp4", duration_seconds=3600.0), tuple(segments))
    return write_report(timeline, tmp_path_factory.mktemp("long"))


def test_an_hour_with_thousands_of_segments(long_report: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(long_report, missing_video=True)
    assert 50 < page.locator(".block").count() < 1500  # bounded by the screen, not by the video
    label = "document.activeElement.getAttribute('aria-label')"
    page.locator('.lane[data-kind="text"] .block[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(label).startswith("word 1.")
    page.keyboard.press("End")
    assert page.evaluate(label).startswith("word 1499.")
    for _ in range(6):
        page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(label).startswith("word 1498.")
    box = page.locator(":focus").bounding_box()
    assert 0 <= box["x"] <= 1280  # it is in view
    assert page.locator(".block").count() < 400
    order = "[...document.querySelectorAll('.lane[data-kind=text] .block')].map((button) => button.items[0])"
    assert page.evaluate(order) == sorted(page.evaluate(order))  # as a screen reader reads them
    page.keyboard.press("0")
    scroller = page.locator("#scroller")
    assert scroller.evaluate("box => box.scrollWidth <= box.clientWidth + 1")


def test_the_whole_timeline_is_on_paper_of_any_width(report: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(report)
    page.emulate_media(media="print")
    # In one go, as a browser does: no script is told how wide the page has become.
    shares = page.evaluate("""() => [500, 650, 1000].map((width) => {
        dispatchEvent(new Event('beforeprint'));
        document.body.style.width = `${width}px`;
        const right = (selector) => [...document.querySelectorAll(selector)].at(-1).getBoundingClientRect().right;
        const track = document.querySelector('.track').getBoundingClientRect();
        const parts = ['.lane[data-kind=shot] .block', '.plot canvas'];
        const shares = parts.map((part) => (right(part) - track.left) / track.width);
        return [...shares, track.right / (right('#scroller') - 1)];
    })""")
    assert np.array(shares) == pytest.approx(np.ones((3, 3)), abs=0.003)


def test_after_printing_the_same_is_in_view(report: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(report)
    page.keyboard.press("+")
    page.locator("#scroller").evaluate("box => (box.scrollLeft = 300)")
    view = """() => [inner.style.width, scroller.scrollLeft, document.querySelector('.plot canvas').style.width]"""
    before = page.evaluate(view)
    page.pdf()
    assert page.evaluate(view) == before


def test_what_is_not_printed_of_a_long_list_is_counted(
    long_report: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(long_report, missing_video=True)
    left_out = page.locator("#unprinted")
    assert page.locator("#list li").count() == 300
    assert not left_out.is_visible()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#list li").count() == 1000
    assert left_out.inner_text() == "500 more are not printed."
    assert page.locator("#filters button:visible").all_inner_texts() == ["Text"]
    assert not page.locator("#search").is_visible()


@pytest.mark.parametrize(
    ("values", "shown", "spoken"),
    [
        ([0.0, 0.0], "0 px", "highest, 0, at 0:00.0"),
        ([-3.0, -1.5], "-3 to -1.5 px", "highest, -1.5, at 0:01.0"),
        ([0.0, 2.0], "0 to 2 px", "highest, 2, at 0:01.0"),
        ([np.nan, np.nan], "no values", "no values"),
    ],
)
def test_the_highest_value_of_a_signal(
    values: list[float], shown: str, spoken: str, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    signal = Signal("energy", np.arange(2.0), np.array(values), "px")
    timeline = Timeline(VideoMetadata("a.mp4", duration_seconds=2.0), (), (signal,))
    page = open_page(write_report(timeline, tmp_path), missing_video=True)
    assert page.locator(".plot .count").inner_text() == shown
    assert page.locator("canvas").get_attribute("aria-label") == f"Energy, px: {spoken}"


def test_a_keyframe_is_a_diamond_at_its_moment(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    # Two seconds a frame: the frame is shown for far longer than the mark is wide.
    segments = tuple(Segment(start, start + 2, "keyframe") for start in (0.0, 8.0, 16.0))
    timeline = Timeline(VideoMetadata("slow.mp4", duration_seconds=24.0), segments)
    page = open_page(write_report(timeline, tmp_path), missing_video=True)
    places = """(seconds) => {
        const track = document.querySelector('.track').getBoundingClientRect();
        return [...document.querySelectorAll('.block')].map((mark, place) => {
            const box = mark.getBoundingClientRect();
            const moment = track.left + (seconds[place] / 24) * track.width;
            return [mark.offsetWidth, mark.offsetHeight, (box.left + box.right) / 2 - moment];
        });
    }"""
    for _ in range(3):
        marks = page.evaluate(places, [0, 8, 16])
        assert np.array(marks) == pytest.approx(np.array([[9, 9, 0]] * len(marks)), abs=0.1)
        page.keyboard.press("+")


@pytest.mark.parametrize("width", [375, 1280])
def test_of_many_lines_on_the_screen_none_is_hidden(
    width: int, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    lines = [Segment(1, 2, "text", f"line {number:02}") for number in range(13)]
    timeline = Timeline(VideoMetadata("slide.mp4", duration_seconds=4.0), tuple(lines))
    page = open_page(write_report(timeline, tmp_path), missing_video=True, width=width)
    # What lies under the pointer in the middle of each block is that block.
    seen = page.evaluate("""() => [...document.querySelectorAll('.lane[data-kind="text"] .block')].map((block) => {
        block.scrollIntoView({ block: 'center' });
        const box = block.getBoundingClientRect();
        const there = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
        return block.contains(there) && block.innerText;
    })""")
    assert seen == [line.label for line in lines]
    block(page, "text", "line 12").click()
    now = page.locator("#now")
    shown = now.locator("span:not(.more)").all_inner_texts()
    assert 0 < len(shown) < 13
    assert shown == [line.label for line in lines][: len(shown)]
    assert now.locator(".more").inner_text() == f"+{13 - len(shown)}"
    frame = now.bounding_box()
    boxes = [one.bounding_box() for one in now.locator("span").all()]
    assert all(box["y"] + box["height"] <= frame["y"] + frame["height"] + 1 for box in boxes)
    assert all(box["x"] + box["width"] <= frame["x"] + frame["width"] + 1 for box in boxes)


def test_what_finds_no_row_is_one_block_that_says_how_many(
    tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    lines = [Segment(1 + number / 100, 3, "text", f"line {number:02}") for number in range(30)]
    timeline = Timeline(VideoMetadata("table.mp4", duration_seconds=4.0), tuple(lines))
    page = open_page(write_report(timeline, tmp_path), missing_video=True)
    blocks = page.locator('.lane[data-kind="text"] .block')
    assert blocks.count() == 20  # 19 rows of their own, and one for the other eleven
    many = page.locator('.lane[data-kind="text"] .block.many')
    many.hover()
    assert "one of 11 here" in page.locator("#tip").inner_text()
    many.click()  # in its middle: the last that began before
    assert block(page, "text", "line 29").evaluate("block => block === document.activeElement")
    page.keyboard.press("ArrowLeft")
    assert block(page, "text", "line 28").evaluate("block => block === document.activeElement")
    assert page.locator("#now .more").inner_text() != ""
    assert many.count() == 1
    many.hover(position={"x": 5, "y": 5})
    assert "one of 10 here" in page.locator("#tip").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_on_what_is_so_now_can_be_read(
    scheme: str, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    kinds = ("shot", "motion", "camera", "action", "caption", "object", "text", "other")
    segments = [Segment(1, 2, kind, "first") for kind in kinds] + [Segment(3, 4, "shot", "odd")]
    timeline = Timeline(VideoMetadata("a.mp4", duration_seconds=4.0), tuple(segments))
    page = open_page(write_report(timeline, tmp_path), missing_video=True, color_scheme=scheme)
    contrasts = """() => {
        const light = (color) => {
            const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / (color.startsWith('rgb') ? 255 : 1));
            const linear = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05;
        };
        return [...document.querySelectorAll('.block.active')].map((block) => {
            const style = getComputedStyle(block);
            const [low, high] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b);
            return high / low;
        });
    }"""
    block(page, "action", "first").click()
    page.mouse.move(0, 0)
    found = page.evaluate(contrasts)
    assert len(found) == len(kinds)
    assert min(found) >= 4.5
    color = "block => getComputedStyle(block).backgroundColor"
    odd = block(page, "shot", "odd")
    resting = odd.evaluate(color)
    odd.focus()
    page.keyboard.press("Enter")
    assert odd.evaluate(color) != resting


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_sticks_out_on_a_phone(width: int, report: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(report, width=width, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    block(page, "action", "wave").tap()
    assert position(page) == pytest.approx(2.0, abs=0.01)


def test_names_and_roles_for_a_screen_reader(report: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(report)
    nameless = """() => [
            ...document.querySelectorAll('button, input, [role=slider], [role=group], video, section'),
        ]
        .filter((node) => node.checkVisibility() && !node.ariaHidden)
        .filter((node) => !(node.ariaLabel || node.innerText || node.getAttribute('aria-labelledby')))
        .map((node) => node.outerHTML)"""
    assert page.evaluate(nameless) == []
    assert (
        page.get_by_role("slider", name="Position in the video").get_attribute("aria-valuetext") == "0:00.0"
    )
    assert page.get_by_role("group", name="Shots, 3").get_by_role("button").count() == 3
    assert page.locator("h1").count() == 1


@pytest.mark.skipif(os.name != "posix", reason="file names of other systems are text")
def test_a_file_name_of_bytes_that_are_no_text_plays(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    video = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    shutil.copy(make_video(tmp_path / "plain.mp4"), video)
    page = open_page(write_report(make_timeline(video), tmp_path / "out"))
    assert position(page) == 0.0
