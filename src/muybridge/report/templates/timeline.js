// The timeline: a ruler, the lanes under it, zoom and scroll, the playhead, the pointer.
const timeline = (() => {
  const scroller = byId("scroller");
  const inner = byId("inner");
  const ruler = byId("ruler");
  const playhead = byId("playhead");
  const tip = byId("tip");
  const lanes = data.lanes.map((lane) => new Lane(lane));
  const plots = data.signals.map((signal) => new Plot(signal));
  const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const MAX_PIXELS = 8e6; // browsers refuse much wider elements
  const MAX_WORDS_NOW = 12;
  const PAPER_PX = 690; // the width of A4 between its margins
  let pixelsPerSecond = 0;
  let labelPx = 0;
  let widthPx = 0; // of the visible part of the tracks
  let playheadWasVisible = true;
  let queued = false;
  let saidSecond = -1;
  let beforePrint = null; // what was in view

  const order = [...lanes];
  const above = order.findLastIndex((lane) => ["shot", "keyframe", data.signalsAfter].includes(lane.source.kind));
  order.splice(above + 1, 0, ...plots);
  byId("lanes").append(...order.map((lane) => lane.element));
  ruler.setAttribute("aria-valuemax", duration.toFixed(1));
  if (!order.length) byId("lanes").append(element("p", "notice", "Nothing was found in this video."));

  const fit = () => widthPx / duration;
  const most = () => Math.max(fit(), Math.min(400, MAX_PIXELS / duration));
  const view = () => {
    const margin = widthPx / 4; // so that a scroll does not uncover empty lanes
    const from = Math.max(0, (scroller.scrollLeft - margin) / pixelsPerSecond);
    const to = (scroller.scrollLeft + widthPx + margin) / pixelsPerSecond;
    return { from, to, pixelsPerSecond, width: widthPx };
  };

  function draw() {
    queued = false;
    const seen = view();
    lanes.forEach((lane) => lane.draw(seen));
    const exact = { ...seen, from: scroller.scrollLeft / pixelsPerSecond };
    plots.forEach((plot) => plot.draw({ ...exact, to: exact.from + widthPx / pixelsPerSecond }));
    drawGrid(seen);
    move(player.now());
  }
  function drawSoon() {
    if (!queued) requestAnimationFrame(draw);
    queued = true;
  }

  function drawGrid({ from, to }) {
    const step = STEPS.find((candidate) => candidate * pixelsPerSecond >= 76) ?? STEPS.at(-1);
    const decimals = step < 1 ? 1 : 0;
    const ticks = [];
    for (let place = Math.ceil(from / step); place * step <= Math.min(to, duration); place++) {
      const left = place * step * pixelsPerSecond;
      const tick = element("div", "tick", clock(place * step, decimals));
      if (left + 44 > pixelsPerSecond * duration) tick.classList.add("last");
      tick.style.left = percent((place * step) / duration);
      ticks.push(tick);
    }
    byId("grid").replaceChildren(...ticks);
  }

  function measure() {
    const wasFit = !pixelsPerSecond || pixelsPerSecond <= fit() * 1.001;
    labelPx = parseFloat(getComputedStyle(scroller).getPropertyValue("--label-px")) || 0;
    widthPx = Math.max(50, scroller.clientWidth - labelPx);
    zoomTo(wasFit ? fit() : pixelsPerSecond);
  }

  /** Change the scale, such that one moment keeps its place on the screen. */
  function zoomTo(scale, moment = null) {
    const now = player.now();
    const left = scroller.scrollLeft / (pixelsPerSecond || 1);
    const inView = now >= left && now <= left + widthPx / (pixelsPerSecond || 1);
    const kept = moment ?? (inView ? now : left + widthPx / 2 / (pixelsPerSecond || 1));
    const offset = (kept - left) * (pixelsPerSecond || 1);
    pixelsPerSecond = Math.min(Math.max(scale, fit()), most());
    inner.style.width = `${(labelPx + duration * pixelsPerSecond).toFixed(1)}px`;
    scroller.scrollLeft = kept * pixelsPerSecond - offset;
    byId("zoom-out").disabled = byId("zoom-fit").disabled = pixelsPerSecond <= fit() * 1.001;
    byId("zoom-in").disabled = pixelsPerSecond >= most() * 0.999;
    draw();
  }

  /** Show the whole video: no script is told how wide the paper is, but what is placed in percent fits any. */
  function layOutForPrint() {
    beforePrint ??= { scale: pixelsPerSecond, left: scroller.scrollLeft };
    widthPx = PAPER_PX;
    scroller.scrollLeft = 0;
    zoomTo(0, 0);
  }
  function layOutForScreen() {
    measure();
    if (!beforePrint) return;
    zoomTo(beforePrint.scale);
    scroller.scrollLeft = beforePrint.left;
    beforePrint = null;
  }

  function move(seconds) {
    const x = seconds * pixelsPerSecond;
    const left = scroller.scrollLeft;
    playhead.style.transform = `translateX(${(labelPx + x).toFixed(1)}px)`;
    const visible = x >= left && x <= left + widthPx;
    if (!visible && playheadWasVisible && player.isPlaying()) scroller.scrollLeft = x - widthPx * 0.1;
    playheadWasVisible = visible;
    if (player.isPlaying() && Math.floor(seconds) === saidSecond) return; // a screen reader cannot follow 60 a second
    saidSecond = Math.floor(seconds);
    ruler.setAttribute("aria-valuenow", seconds.toFixed(1));
    ruler.setAttribute("aria-valuetext", clock(seconds));
  }

  function reveal(start, end) {
    const left = start * pixelsPerSecond;
    const right = Math.min(end * pixelsPerSecond, left + widthPx * 0.8);
    if (left < scroller.scrollLeft || right > scroller.scrollLeft + widthPx) {
      scroller.scrollLeft = left - widthPx * 0.2;
    }
  }

  /** Make a segment its lane's stop and give it the focus. */
  function focus(lane, index) {
    lane.stop = index;
    const segment = lane.segments[index];
    reveal(segment.start, segment.end);
    lane.draw(view());
    const button = lane.buttonOf(index);
    button.focus({ preventScroll: true });
    button.scrollIntoView({ block: "nearest", inline: "nearest" });
    return button;
  }

  function choose(lane, index) {
    const segment = lane.segments[index];
    focus(lane, index);
    go(segment.start, segment.label);
  }

  const laneOf = (target) => order.find((lane) => lane.element.contains(target));
  const secondsAt = (event) =>
    (event.clientX - scroller.getBoundingClientRect().left - labelPx + scroller.scrollLeft) / pixelsPerSecond;

  /** Of the segments in a block, the one nearest to the pointer. */
  function nearest(lane, button, event) {
    if (button.items.length === 1 || !event.clientX) return button.items[0];
    const seconds = secondsAt(event);
    const away = (index) => Math.abs(lane.segments[index].start - seconds);
    return button.items.reduce((best, index) => (away(index) < away(best) ? index : best));
  }

  function showTip(x, y, nodes) {
    tip.replaceChildren(...nodes);
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x - box.width / 2, window.innerWidth - box.width - 8))}px`;
    tip.style.top = `${y - box.height - 12 < 8 ? y + 20 : y - box.height - 12}px`;
  }
  const hideTip = () => (tip.hidden = true);

  function tipFor(lane, button, index) {
    const segment = lane.segments[index];
    const title = element("strong", "", segment.label);
    title.dir = "auto";
    const nodes = [title, element("span", "", describe(segment))];
    if (segment.details) nodes.push(element("span", "details", segment.details));
    if (button.items.length > 1) {
      const hint = button.overlaps ? "the arrow keys show each" : "zoom in";
      nodes.push(element("span", "details", `one of ${button.items.length} here; ${hint}`));
    }
    const picture = data.pictures[segment.picture];
    if (picture?.thumbnail) nodes.unshift(thumbnail(picture));
    return nodes;
  }

  const lanesElement = byId("lanes");
  lanesElement.addEventListener("click", (event) => {
    const lane = laneOf(event.target);
    const button = event.target.closest(".block");
    if (button) choose(lane, nearest(lane, button, event));
    else if (event.target.closest(".track")) go(secondsAt(event));
  });
  lanesElement.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const lane = laneOf(event.target);
    const button = event.target.closest(".block");
    if (button) showTip(event.clientX, event.clientY, tipFor(lane, button, nearest(lane, button, event)));
    else if (lane instanceof Plot && event.target.closest(".track")) {
      const value = lane.valueAt(secondsAt(event));
      const shown = value === null ? "no value" : `${shortNumber(value)} ${lane.signal.unit}`;
      showTip(event.clientX, event.clientY, [
        element("strong", "", shown), element("span", "", `${lane.signal.name} · ${clock(secondsAt(event))}`),
      ]);
    } else hideTip();
  });
  lanesElement.addEventListener("pointerleave", hideTip);
  lanesElement.addEventListener("focusin", (event) => {
    const button = event.target.closest(".block");
    if (!button?.matches(":focus-visible")) return;
    const box = button.getBoundingClientRect();
    showTip(box.left + Math.min(box.width / 2, 80), box.top, tipFor(laneOf(button), button, button.items[0]));
  });
  lanesElement.addEventListener("focusout", hideTip);
  lanesElement.addEventListener("keydown", (event) => {
    const lane = laneOf(event.target);
    if (!(lane instanceof Lane) || !event.target.closest(".block") || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = lane.segments.length - 1;
    const here = event.target.items[0];
    const next = { ArrowRight: Math.min(here + 1, last), ArrowLeft: Math.max(here - 1, 0), Home: 0, End: last }[event.key];
    if (next !== undefined) focus(lane, next);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const other = lanes[lanes.indexOf(lane) + (event.key === "ArrowDown" ? 1 : -1)];
      if (other) focus(other, lastBegun(other.segments, lane.segments[here].start));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  let dragging = false;
  ruler.addEventListener("pointerdown", (event) => {
    dragging = true;
    ruler.setPointerCapture(event.pointerId);
    player.seek(secondsAt(event));
  });
  ruler.addEventListener("pointermove", (event) => dragging && player.seek(secondsAt(event)));
  for (const name of ["pointerup", "pointercancel"]) ruler.addEventListener(name, () => (dragging = false));
  ruler.addEventListener("keydown", (event) => {
    const now = player.now();
    const step = event.shiftKey ? 10 : 1;
    const target = {
      ArrowRight: now + step, ArrowUp: now + step, ArrowLeft: now - step, ArrowDown: now - step,
      PageUp: now + duration / 10, PageDown: now - duration / 10, Home: 0, End: duration,
    }[event.key];
    if (target === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    player.seek(target);
    reveal(player.now(), player.now());
    event.preventDefault();
    event.stopPropagation();
  });

  scroller.addEventListener("scroll", () => (hideTip(), drawSoon()), { passive: true });
  scroller.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoomTo(pixelsPerSecond * Math.exp(-event.deltaY / 200), secondsAt(event));
    },
    { passive: false },
  );
  byId("zoom-in").addEventListener("click", () => zoomTo(pixelsPerSecond * 2));
  byId("zoom-out").addEventListener("click", () => zoomTo(pixelsPerSecond / 2));
  byId("zoom-fit").addEventListener("click", () => zoomTo(0));
  new ResizeObserver(measure).observe(scroller);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("beforeprint", layOutForPrint);
  addEventListener("afterprint", layOutForScreen);
  measure();

  const nowLine = byId("now");
  let shown = null;
  let showNow = () => {};
  player.onMove((seconds) => {
    move(seconds);
    const words = [];
    for (const lane of lanes) {
      for (const index of [...lane.mark(seconds)].sort((a, b) => a - b)) {
        // A caption says again what the other lanes say.
        if (!lane.isPoints && lane.source.kind !== "caption") words.push([lane.source.kind, lane.segments[index].label]);
      }
    }
    const text = JSON.stringify([clock(seconds), words]);
    if (text === shown) return;
    shown = text;
    showNow = () => fillNow(clock(seconds), words);
    showNow();
  });
  let nowWidth = 0;
  new ResizeObserver(() => {
    if (nowLine.clientWidth !== nowWidth) showNow();
    nowWidth = nowLine.clientWidth;
  }).observe(nowLine);

  const nowFits = () =>
    nowLine.scrollHeight <= nowLine.clientHeight && nowLine.scrollWidth <= nowLine.clientWidth;

  /** What is so now, as far as there is room, and how much more there is. */
  function fillNow(time, words) {
    const chips = words.slice(0, MAX_WORDS_NOW).map(([kind, label]) => {
      const word = element("span", "", label);
      word.dir = "auto";
      word.dataset.kind = kind;
      return word;
    });
    const more = element("span", "more");
    nowLine.replaceChildren(element("time", "", time), ...chips, more);
    const count = () => {
      const left = words.slice(chips.length);
      more.hidden = !left.length;
      more.textContent = `+${left.length}`;
      more.title = left.map(([, label]) => label).join("\n");
    };
    count();
    while (chips.length && !nowFits()) {
      chips.pop().remove();
      count();
    }
  }

  return { zoomBy: (factor) => zoomTo(pixelsPerSecond * factor), fit: () => zoomTo(0) };
})();
