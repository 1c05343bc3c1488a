// The page's data and how its values are shown. All text goes into text nodes: it is anybody's words.
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const duration = Math.max(data.durationSeconds, 0.001);

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Seconds → "1:02:03.4"; with as many decimals as asked for. */
function clock(seconds, decimals = 1) {
  const unit = 10 ** decimals;
  const total = Math.max(0, Math.round(seconds * unit)) / unit;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const rest = (total % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** A share of a whole, for a style; fine enough for the widest timeline. */
function percent(share) {
  return `${(share * 100).toFixed(6)}%`;
}

/** The first place in 0…length-1 at which `test` is true, or length; `test` must be false, then true. */
function firstWhere(length, test) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

// Segments arrive as rows to keep the page small.
for (const lane of data.lanes) {
  lane.segments = lane.segments.map(([start, end, label, score, picture, details], index) => ({
    lane, index, start, end, score, picture, details,
    label: label || `${lane.one[0].toUpperCase()}${lane.one.slice(1)} ${index + 1}`,
  }));
}

/** The place of the last segment that has begun by then; 0 where none has. */
function lastBegun(segments, seconds) {
  return Math.max(0, firstWhere(segments.length, (place) => segments[place].start > seconds + 1e-3) - 1);
}

function describe(segment) {
  const { lane, start, end, score } = segment;
  const parts = [lane.one[0].toUpperCase() + lane.one.slice(1)];
  const length = end - start;
  parts.push(length > 0.05 ? `${clock(start)} to ${clock(end)}` : clock(start, 2));
  if (length > 0.05) parts.push(`${length.toFixed(length < 10 ? 1 : 0)} s`);
  if (score !== null) parts.push(`${Math.round(score * 100)}% sure`);
  return parts.join(" · ");
}

function thumbnail(picture) {
  const image = element("img");
  image.src = picture.thumbnail;
  image.alt = "";
  image.decoding = "async";
  image.width = Math.max(1, Math.round((picture.width / (picture.height || 1)) * 120)) || 160;
  image.height = 120;
  return image;
}
