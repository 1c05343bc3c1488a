// What was found, as a list to search; the keyframes, as a strip.
const PAGE = 300; // rows at a time
const MAX_PRINTED = 1000; // rows; about thirty pages

(() => {
  const list = byId("list");
  const search = byId("search");
  const filters = byId("filters");
  const kinds = data.lanes.filter((lane) => lane.kind !== "keyframe");
  const all = kinds.flatMap((lane) => lane.segments).sort((a, b) => a.start - b.start);
  const plain = (text) => text.normalize("NFKC").toLocaleLowerCase();
  const first = kinds.some((lane) => lane.kind === "text") ? "text" : null;
  let chosen; // by hand: a kind, or null for all
  let kind = first;
  let matching = [];
  let rows = new Map();

  function row(segment) {
    const item = element("li");
    const button = element("button", "row");
    button.type = "button";
    button.dataset.kind = segment.lane.kind;
    const words = element("span", "words", segment.label);
    words.dir = "auto";
    button.append(element("time", "", clock(segment.start)), words);
    if (kind === null) button.append(element("span", "kind", segment.lane.one));
    button.addEventListener("click", () => go(segment.start, segment.label));
    item.append(button);
    rows.set(segment, button);
    return item;
  }

  function showUpTo(number) {
    list.append(...matching.slice(rows.size, number).map(row));
    const left = matching.length - rows.size;
    byId("more").hidden = !left;
    byId("more").textContent = `Show ${Math.min(left, PAGE)} more of ${left.toLocaleString("en")}`;
    byId("unprinted").textContent = left ? `${left.toLocaleString("en")} more are not printed.` : "";
    mark(player.now());
  }

  function update() {
    const wanted = plain(search.value.trim());
    // Who searches, and has chosen no kind, means all of them.
    kind = chosen !== undefined ? chosen : wanted ? null : first;
    const having = all.filter((segment) => !wanted || plain(segment.label).includes(wanted));
    matching = having.filter((segment) => kind === null || segment.lane.kind === kind);
    rows = new Map();
    list.replaceChildren();
    showUpTo(PAGE);
    const elsewhere = having.length - matching.length;
    const where = elsewhere ? ` in ${kinds.find((lane) => lane.kind === kind).title}, ${elsewhere.toLocaleString("en")} elsewhere` : "";
    byId("matches").textContent = wanted ? `${matching.length.toLocaleString("en")} found${where}` : "";
    for (const button of filters.children) button.setAttribute("aria-pressed", String(button.value === (kind ?? "")));
  }

  function mark(seconds) {
    for (const [segment, button] of rows) {
      const active = segment.start <= seconds + 1e-3 && seconds + 1e-3 < segment.end;
      if (active === button.hasAttribute("aria-current")) continue;
      if (active) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
      // Follow the player, unless somebody is reading the list.
      if (active && player.isPlaying() && !list.matches(":hover, :focus-within")) {
        list.scrollTop = button.offsetTop - list.offsetTop - list.clientHeight / 3;
      }
    }
  }

  for (const [value, title] of [["", "All"], ...kinds.map((lane) => [lane.kind, lane.title])]) {
    const button = element("button", "", title);
    button.type = "button";
    button.value = value;
    button.dataset.kind = value;
    button.addEventListener("click", () => {
      chosen = value || null;
      update();
    });
    filters.append(button);
  }
  search.addEventListener("input", update);
  byId("more").addEventListener("click", () => showUpTo(rows.size + PAGE));
  addEventListener("beforeprint", () => showUpTo(MAX_PRINTED));
  player.onMove(mark);
  update();
  if (!all.length) document.querySelector(".found").hidden = true;
})();

(() => {
  if (!data.pictures.length) return;
  const frames = data.lanes.find((lane) => lane.kind === "keyframe")?.segments ?? [];
  const labels = new Map(frames.map((segment) => [segment.picture, segment]));
  const strip = byId("strip");
  const buttons = data.pictures.map((picture, place) => {
    const item = element("li");
    const button = element("button", "frame");
    button.type = "button";
    button.append(picture.thumbnail ? thumbnail(picture) : element("span", "absent", "picture not kept"));
    button.append(element("time", "", clock(picture.seconds)));
    button.setAttribute("aria-label", `Keyframe at ${clock(picture.seconds)}`);
    const why = labels.get(place)?.details;
    if (why) button.title = why;
    button.addEventListener("click", () => go(picture.seconds, "keyframe"));
    item.append(button);
    strip.append(item);
    return button;
  });
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let current = null;
  player.onMove((seconds) => {
    const place = firstWhere(buttons.length, (item) => data.pictures[item].seconds > seconds + 2e-3) - 1;
    if (buttons[place] === current) return;
    current?.removeAttribute("aria-current");
    current = buttons[place] ?? null;
    current?.setAttribute("aria-current", "true");
    if (current && player.isPlaying()) {
      strip.scrollTo({ left: current.parentElement.offsetLeft - strip.clientWidth / 2, behavior: calm ? "auto" : "smooth" });
    }
  });
  byId("keyframes").hidden = false;
})();
