"use strict";
// All words come as data and become text nodes: no name of a file is ever read as markup.
(() => {
  const at = (id) => document.getElementById(id);
  const rows = new Map(); // key → its row and what it shows

  function made(tag, words, name) {
    const element = document.createElement(tag);
    if (words) element.textContent = words;
    if (name) element.className = name;
    return element;
  }

  function link(video, seconds, words) {
    const anchor = made("a", words);
    anchor.href = `videos/${video.key}/report${seconds === null ? "" : `#t=${seconds}`}`;
    return anchor;
  }

  function clock(seconds) {
    const whole = Math.floor(seconds), hours = Math.floor(whole / 3600);
    const minutes = Math.floor((whole % 3600) / 60), rest = String(whole % 60).padStart(2, "0");
    return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
  }

  function size(bytes) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let power = 0;
    while (bytes >= 1000 && power < units.length - 1) { bytes /= 1000; power += 1; }
    return `${bytes < 10 && power ? bytes.toFixed(1) : Math.round(bytes)} ${units[power]}`;
  }

  async function asked(address, options) {
    let response;
    try {
      response = await fetch(address, options);
    } catch {
      throw new Error("the server has ended; start it again");
    }
    const found = await response.json();
    if (!response.ok) throw new Error(found.error);
    return found;
  }

  const begin = (address) =>
    asked(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });

  function act(video) {
    if (video.stage === "done") return [link(video, null, "Open the report")];
    if (video.stage === "waiting") return [made("span", "waits for its turn", "soft")];
    if (video.stage === "running") {
      const bar = made("progress");
      bar.max = 1;
      bar.value = video.progress;
      bar.setAttribute("aria-label", `${video.title}: ${Math.round(100 * video.progress)}% watched`);
      return [bar, made("span", `${Math.round(100 * video.progress)}%`, "soft")];
    }
    const button = made("button", video.stage === "failed" ? "Try again" : "Analyze");
    button.type = "button";
    button.setAttribute("aria-label", `${button.textContent}: ${video.title}`);
    button.addEventListener("click", () => begin(`api/videos/${video.key}/analysis`).catch(tell).then(refresh));
    return video.message ? [button, made("p", video.message, "wrong")] : [button];
  }

  function show(videos) {
    const list = at("videos");
    const order = videos.map((video) => {
      const state = JSON.stringify(video);
      const known = rows.get(video.key);
      if (known && known.state === state) return known.row;
      const row = known ? known.row : made("li");
      row.tabIndex = -1; // what had the focus in it may go
      const hadFocus = row.contains(document.activeElement);
      const title = made("span", video.title, "title");
      title.dir = "auto";
      row.replaceChildren(title, made("span", size(video.size_bytes), "soft"), ...act(video));
      rows.set(video.key, { row, state });
      if (hadFocus) (row.querySelector("a, button") || row).focus();
      return row;
    });
    if (order.some((row, place) => list.children[place] !== row) || list.children.length !== order.length) {
      list.replaceChildren(...order);
    }
    at("number").textContent = `(${videos.length})`;
    at("all").hidden = !videos.some((video) => video.stage === "new");
  }

  let timer = 0;
  async function refresh() {
    clearTimeout(timer);
    let wait = 5000;
    const begun = performance.now();
    try {
      const videos = await asked("api/videos");
      show(videos);
      if (videos.some((video) => video.stage === "waiting" || video.stage === "running")) wait = 1000;
      at("trouble").textContent = "";
    } catch (error) {
      at("trouble").textContent = error.message;
    }
    // A long list takes its time: most of that is for the work itself.
    timer = setTimeout(refresh, Math.max(wait, 10 * (performance.now() - begun)));
  }

  function tell(error) {
    at("told").textContent = error.message;
    at("told").dataset.known = "false";
  }

  function showMatches(found) {
    at("told").textContent = found.length ? "" : "nothing matches";
    at("told").dataset.known = "false";
    at("matches").replaceChildren(...found.map((match) => {
      const row = made("li");
      row.dataset.kind = match.kind;
      const label = made("span", match.label, "words");
      label.dir = "auto";
      row.append(
        made("span", match.title, "title"),
        ...(match.has_changed ? [made("span", "has changed since it was indexed", "wrong")] : []),
        made("span", `${clock(match.start_seconds)}–${clock(match.end_seconds)} · ${match.kind}`, "soft"),
        label,
        link(match, match.start_seconds, "Open"),
      );
      return row;
    }));
  }

  let searches = 0;
  function find() {
    searches += 1;
    const search = searches;
    // A reply to what was asked before may come later than that to what is asked now.
    const ifLatest = (act) => (found) => { if (search === searches) act(found); };
    const query = at("query").value.trim();
    at("matches").replaceChildren();
    at("told").textContent = query ? "searches …" : "";
    at("told").dataset.known = "false";
    if (query) asked(`api/search?query=${encodeURIComponent(query)}`).then(ifLatest(showMatches), ifLatest(tell));
  }

  at("search").addEventListener("submit", (event) => {
    event.preventDefault();
    // In the address, so that the way back from a report leads to what was found.
    const query = at("query").value.trim();
    history.replaceState(null, "", query ? `?q=${encodeURIComponent(query)}` : location.pathname);
    find();
  });

  at("all").addEventListener("click", () => begin("api/analyses").catch(tell).then(refresh));

  at("query").value = new URLSearchParams(location.search).get("q") || at("query").value;
  find();
  refresh();
})();
