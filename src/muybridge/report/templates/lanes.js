// Lanes: the segments of one kind over time, as buttons; signals over time, as plots.
//
// Only what is in view is in the document. Segments too narrow to tell apart are drawn as one block, so that the
// number of blocks depends on the width of the screen and not on the length of the video; so are those that lie one on
// another in the last row, where a lane has no room for more rows. In each lane one segment
// is the lane's stop for the Tab key; it is always drawn on its own. Blocks are placed in percent of their lane, so
// that a printed page, whose width is another, shows all of them.
const MAX_ROWS = 20; // as many lines as a slide or a table may have
const NARROW_PX = 4; // the least width of a block
const POINT_PX = 9; // the width of a moment
const LABEL_PX = 44; // a narrower block has no room for words

class Lane {
  constructor(source) {
    this.source = source;
    this.segments = source.segments;
    this.isPoints = source.kind === "keyframe";
    this.stop = 0; // the place of the segment that Tab comes to
    this.blocks = new Map(); // key → button
    this.rows = packRows(this.segments);
    this.element = element("div", "lane");
    this.element.dataset.kind = source.kind;
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", `${source.title}, ${this.segments.length}`);
    const name = element("div", "lane-name", source.title);
    name.dir = "auto";
    name.append(element("span", "count", this.segments.length.toLocaleString("en")));
    this.track = element("div", "track");
    this.track.style.setProperty("--rows", String(this.rows.length));
    if (this.rows.length > 3) this.track.classList.add("dense");
    this.element.append(name, this.track);
  }

  /** Draw what lies between two seconds. */
  draw({ from, to, pixelsPerSecond }) {
    const kept = new Set();
    this.rows.forEach((row, place) => {
      for (const block of this.#blocksOf(row, from, to, pixelsPerSecond)) kept.add(this.#place(block, place));
    });
    for (const [key, button] of this.blocks) {
      if (kept.has(key)) continue;
      button.remove();
      this.blocks.delete(key);
    }
    // In the document they stand in order of time, as a screen reader reads them. Those that were there before are
    // in order already and are not moved: moving takes the focus away.
    let next = this.track.firstChild;
    for (const button of [...this.blocks.values()].sort((a, b) => a.items[0] - b.items[0])) {
      if (button === next) next = next.nextSibling;
      else this.track.insertBefore(button, next);
    }
    this.mark(this.position ?? 0);
  }

  #blocksOf(row, from, to, scale) {
    const blocks = [];
    let last = null;
    let loose = null; // the last block that others may go into
    let place = firstWhere(row.items.length, (item) => row.ends[item] > from);
    const single = (index) => index === this.stop;
    const least = this.isPoints ? POINT_PX : NARROW_PX;
    for (; place < row.items.length && this.segments[row.items[place]].start < to; place++) {
      const index = row.items[place];
      const { start, end } = this.segments[index];
      const { left, right } = this.#extent(index, scale);
      const narrow = right - left <= least + 0.01;
      const merges =
        last && narrow && last.narrow && !last.single && !single(index) && left < last.right + 0.5 &&
        right - last.left <= 3 * least;
      if (loose && !single(index) && start < loose.end - 1e-6) {
        loose.right = Math.max(loose.right, right);
        loose.end = Math.max(loose.end, end);
        loose.seconds = loose.end - loose.start;
        loose.narrow = false;
        loose.overlaps = true;
        loose.items.push(index);
      } else if (merges) {
        last.right = Math.max(last.right, right);
        last.seconds += end - start;
        last.end = Math.max(last.end, end);
        last.items.push(index);
      } else {
        last = { left, right, start, end, narrow, single: single(index), seconds: end - start, items: [index], scale };
        blocks.push(last);
        if (!last.single) loose = last;
      }
    }
    if (row.items.includes(this.stop) && !blocks.some((block) => block.items[0] === this.stop)) {
      blocks.push({ ...this.#extent(this.stop, scale), single: true, items: [this.stop], scale });
    }
    return blocks;
  }

  /** From where to where a segment is drawn: a moment has one size, however long its frame is shown. */
  #extent(index, scale) {
    const { start, end } = this.segments[index];
    const left = start * scale;
    return { left, right: this.isPoints ? left + POINT_PX : Math.max(end * scale, left + NARROW_PX) };
  }

  #place(block, row) {
    const many = block.items.length > 1;
    const key = `${many ? "m" : "s"}${block.items[0]}`;
    let button = this.blocks.get(key);
    if (!button) {
      button = element("button", many ? "block many" : "block");
      button.type = "button";
      button.append(element("span"));
      this.blocks.set(key, button);
    }
    button.items = block.items;
    button.overlaps = block.overlaps;
    const width = block.right - block.left;
    const whole = duration * block.scale;
    button.style.left = percent(block.left / whole);
    button.style.width = this.isPoints && !many ? `${POINT_PX}px` : percent(width / whole);
    button.style.setProperty("--row", String(row));
    const first = this.segments[block.items[0]];
    if (many) {
      const cover = Math.min(1, (block.seconds * block.scale) / width);
      button.style.setProperty("--cover", cover.toFixed(2));
      button.tabIndex = -1;
      button.setAttribute("aria-hidden", "true"); // the arrow keys reach each of them
    } else {
      button.firstChild.textContent = width >= LABEL_PX && !this.isPoints ? first.label : "";
      button.firstChild.dir = "auto";
      button.tabIndex = first.index === this.stop ? 0 : -1;
      button.classList.toggle("odd", first.index % 2 === 1);
      button.classList.toggle("narrow", width < 10);
      button.setAttribute("aria-label", `${first.label}. ${describe(first)}`);
    }
    return key;
  }

  /** The places of the segments that are so at that second. */
  activeAt(seconds) {
    const found = [];
    const moment = seconds + 1e-3;
    for (const row of this.rows) {
      let place = firstWhere(row.items.length, (item) => this.segments[row.items[item]].start > moment) - 1;
      for (; place >= 0 && row.ends[place] > moment; place--) {
        if (this.segments[row.items[place]].end > moment) found.push(row.items[place]);
      }
    }
    return found;
  }

  /** Show which segments are so now. */
  mark(seconds) {
    this.position = seconds;
    const active = new Set(this.activeAt(seconds));
    for (const button of this.blocks.values()) {
      button.classList.toggle("active", button.items.some((index) => active.has(index)));
    }
    return active;
  }

  buttonOf(index) {
    return this.blocks.get(`s${index}`);
  }
}

/** Rows such that segments of one row do not overlap; what finds no room lies one on another in the last row. */
function packRows(segments) {
  const rows = [];
  for (const segment of segments) {
    let row = rows.find((candidate) => candidate.end <= segment.start + 1e-6);
    if (!row && rows.length < MAX_ROWS) {
      row = { items: [], ends: [], end: 0 };
      rows.push(row);
    }
    row ??= rows.at(-1);
    row.end = Math.max(row.end, segment.end, segment.start + 1e-6);
    row.items.push(segment.index);
    row.ends.push(row.end); // ascending, even where segments overlap
  }
  return rows;
}

class Plot {
  constructor(signal) {
    this.signal = signal;
    const finite = signal.values.filter((value) => value !== null);
    const highest = Math.max(...maxima(finite));
    const peak = signal.values.indexOf(highest);
    this.low = Math.min(0, ...maxima(finite.map((value) => -value)).map((value) => -value));
    this.high = Math.max(0, highest) || (this.low ? 0 : 1); // drawn from low to high, which must not be the same
    this.element = element("div", "lane plot");
    this.element.dataset.kind = "signal";
    const name = element("div", "lane-name", signal.name);
    name.dir = "auto";
    const lowest = highest === this.low ? "" : `${shortNumber(this.low)} to `;
    const values = finite.length ? `${lowest}${shortNumber(highest)} ${signal.unit}` : "no values";
    name.append(element("span", "count", values));
    this.track = element("div", "track");
    this.canvas = element("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute(
      "aria-label",
      `${signal.name}, ${signal.unit || "no unit"}: ` +
        (finite.length ? `highest, ${shortNumber(highest)}, at ${clock(signal.seconds[peak])}` : "no values"),
    );
    this.track.append(this.canvas);
    this.element.append(name, this.track);
  }

  valueAt(seconds) {
    const place = firstWhere(this.signal.seconds.length, (item) => this.signal.seconds[item] > seconds) - 1;
    return place < 0 ? null : this.signal.values[place];
  }

  draw({ from, to, pixelsPerSecond, width }) {
    const { seconds, values } = this.signal;
    const ratio = window.devicePixelRatio || 1;
    const height = this.track.clientHeight;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const color = getComputedStyle(this.element).getPropertyValue("--hue").trim();
    const y = (value) => height - 2 - ((value - this.low) / (this.high - this.low)) * (height - 6);
    // The highest value of each column of pixels: of many values under one pixel the spike must not be lost.
    const columns = new Array(Math.ceil(width)).fill(null);
    const last = seconds.length - 1;
    const usual = last > 0 ? (seconds[last] - seconds[0]) / last : 1;
    let place = Math.max(0, firstWhere(seconds.length, (item) => seconds[item] > from) - 1);
    for (; place <= last && seconds[place] < to; place++) {
      const value = values[place];
      if (value === null) continue;
      const until = place < last ? seconds[place + 1] : Math.min(seconds[last] + usual, duration);
      const right = Math.min(columns.length, Math.max((until - from) * pixelsPerSecond, 1));
      for (let x = Math.max(0, Math.floor((seconds[place] - from) * pixelsPerSecond)); x < right; x++) {
        if (columns[x] === null || value > columns[x]) columns[x] = value;
      }
    }
    const outline = new Path2D();
    const area = new Path2D();
    columns.forEach((value, x) => {
      if (value === null) return;
      const top = y(value);
      area.rect(x, Math.min(top, y(0)), 1, Math.abs(y(0) - top));
      if (x && columns[x - 1] !== null) outline.lineTo(x, top);
      else outline.moveTo(x, top);
      outline.lineTo(x + 1, top);
    });
    pen.fillStyle = pen.strokeStyle = color;
    pen.lineWidth = 1.5;
    pen.globalAlpha = 0.26;
    pen.fill(area);
    pen.globalAlpha = 1;
    pen.stroke(outline);
  }
}

/** The largest of each thousand: spreading a whole signal into Math.max would overflow the stack. */
function maxima(values) {
  const found = [];
  for (let place = 0; place < values.length; place += 1000) found.push(Math.max(...values.slice(place, place + 1000)));
  return found;
}

function shortNumber(value) {
  return String(Number(value.toPrecision(3)));
}
