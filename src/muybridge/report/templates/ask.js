// The box that answers questions from the segments of the page, without a server. It says when it cannot tell.
const answerQuestion = (() => {
  const SURE = { text: 0.85, letter: 0.97, action: 0.6 };
  const COMMAND = "`muybridge ask` may";
  const rowsOf = (kind) => data.lanes.find((lane) => lane.kind === kind)?.segments ?? [];
  const floorOf = (row) => SURE[row.lane.kind === "text" && row.label.trim().length < 2 ? "letter" : row.lane.kind] ?? 0;
  const isSure = (row) => row.score === null || row.score >= floorOf(row);
  const actions = rowsOf("action").filter((row) => !["none of these", "none", "background", "nothing"].includes(row.label.toLowerCase()));
  const looked = new Set(data.language.kinds);
  const cuts = data.language.transitions.map(([start, end, label]) => ({ start, end, label, score: null, lane: { kind: "transition" } }));
  const shotKinds = ["cut", "dissolve", "fade", "transition"];

  function moment(seconds) {
    // Whole microseconds, and half of them up, as `muybridge ask` does.
    const microseconds = Math.round(seconds * 1e6);
    if (seconds < 60) return `${Math.floor((microseconds + 5e3) / 1e4) / 100} s`;
    const tenths = Math.floor((microseconds + 5e4) / 1e5);
    const hours = Math.floor(tenths / 36000);
    const rest = tenths % 600;
    const tail = String(Math.floor(rest / 10)).padStart(2, "0") + (rest % 10 ? `.${rest % 10}` : "");
    const minutes = Math.floor(tenths / 600) % 60;
    return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
  }
  const span = ({ start, end }) => (moment(start) === moment(end) ? `at ${moment(start)}` : `from ${moment(start)} to ${moment(end)}`);
  const joinAnd = (parts) => (parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`);
  const counted = (number, noun, plural = `${noun}s`) => `${number || "no"} ${number === 1 ? noun : plural}`;
  function quoted(text) {
    const characters = [...text.replaceAll("“", '"').replaceAll("”", '"').trim()];
    return `“${characters.length > 80 ? `${characters.slice(0, 79).join("")}…` : characters.join("")}”`;
  }
  const sentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
  const unique = (list) => [...new Set(list)];
  function stretch(rows, most = 4) {
    const told = rows.slice(0, most).map(span);
    return joinAnd(rows.length > most ? [...told, counted(rows.length - most, "more time")] : told);
  }
  function clause(row) {
    const words = row.label.replace(/^camera /, "");
    if (row.lane.kind === "camera") return words === "static" ? "the camera stands still" : `the camera ${joinAnd(words.split(", "))}`;
    if (row.lane.kind === "text") return `${quoted(row.label)} is on the screen`;
    if (row.lane.kind === "action") return `the action ${quoted(row.label)} is seen`;
    return row.lane.kind === "motion" ? `there is ${row.label}` : row.label;
  }

  const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  function stem(word) {
    const ending = ["ing", "ed", "es", "s", "e"].find((one) => word.endsWith(one) && word.length - one.length >= 3 && !word.endsWith("ss"));
    const short = ending ? word.slice(0, -ending.length) : word;
    return short.length > 3 && short.at(-1) === short.at(-2) && !"aeiouls".includes(short.at(-1)) ? short.slice(0, -1) : short;
  }
  const stems = (text) => text.toLowerCase().split(/\W+/).filter((word) => word && !["in", "on", "to", "and", "a"].includes(word)).map(stem);
  function actionsOf(words) {
    const wanted = unique(words.flatMap((word) => word.split(/\W+/)).filter(Boolean).map(stem));
    if (!wanted.length) return [];
    const having = actions.filter((row) => wanted.every((word) => stems(row.label).includes(word)));
    const exact = having.filter((row) => unique(stems(row.label)).length === wanted.length);
    return exact.length ? exact : having;
  }
  function cameraFits(label, details) {
    const words = label.replace(/^camera /, "");
    const isMoving = !["static", "unknown"].includes(words);
    if (!details.length) return true;
    if (details.includes("static")) return words === "static";
    const parts = words.split(", ").map((part) => part.split(" "));
    const verbs = details.filter((word) => ["pans", "tilts", "zooms", "rolls", "shakes"].includes(word));
    const where = details.filter((word) => !verbs.includes(word) && word !== "moves");
    if (!verbs.length) return isMoving && parts.length > 0 && parts.every(() => true) && where.every((word) => parts.some((part) => part.includes(word)));
    return isMoving && verbs.every((verb) => parts.some((part) => part[0] === verb && where.every((word) => part.includes(word))));
  }
  function find({ kind, details, phrase }, words) {
    if (kind === "action") return words.length ? actionsOf(words) : actions;
    if (kind === "camera") return rowsOf("camera").filter((row) => cameraFits(row.label, details));
    if (kind === "object") {
      const done = actionsOf(details.filter((word) => ["falls", "runs", "waves"].includes(word)));
      return done.length ? done : rowsOf("object").filter((row) => details.every((word) => word === "moves" || (word === "down" && details.includes("falls")) || row.label.split(" ").includes(word)));
    }
    if (kind === "text" && phrase) {
      const wanted = plain(phrase);
      const isLatin = /^[\x00-\x7f]*$/.test(wanted);
      return rowsOf("text").filter((row) => ` ${plain(row.label)} `.includes(isLatin ? ` ${wanted} ` : wanted));
    }
    if (shotKinds.includes(kind)) return cuts.filter((row) => kind === "transition" || row.label === kind);
    return rowsOf(kind);
  }
  function within(rows, window) {
    if (!window) return rows;
    const { start, end } = window;
    if (start === end) return rows.filter((row) => isAt(row, window));
    const least = Math.min(0.1, 0.5 * (Math.min(end, duration) - Math.max(start, 0)));
    return rows.filter((row) => row.start < end && (row.end > start || row.start === start)
      && Math.min(row.end, end) - Math.max(row.start, start) >= Math.min(least, 0.5 * (row.end - row.start)));
  }
  /** Whether a row is there at a moment: a change where it is near, what lasts from when it is told to begin. */
  function isAt(row, { how, start, slack }) {
    const near = Math.max(slack, 0.05);
    if (row.start === row.end || row.lane.kind === "transition") return row.start - near < start && start <= row.end + near;
    const [early, late] = how === "around" ? [slack, slack] : [start < 60 ? 0.005 : 0.05, 0];
    return row.start < start + early && start < Math.max(row.end, row.start + 0.05) + late;
  }
  function merged(rows) {
    const joined = [];
    for (const row of rows) {
      const last = joined.at(-1);
      if (last && row.start <= last.end + 0.1) joined[joined.length - 1] = { ...last, end: Math.max(last.end, row.end) };
      else joined.push(row);
    }
    return joined;
  }
  function claim({ kind, details, phrase }, words) {
    const told = details.join(" ");
    if (kind === "camera") {
      if (details.includes("static")) return "the camera stands still";
      return `the camera ${details.some((word) => /^(?:pans|tilts|zooms|rolls|shakes|moves)$/.test(word)) ? told : `moves ${told}`.trim()}`;
    }
    if (kind === "object") return `something ${told}`;
    if (kind === "text") return phrase ? `${quoted(phrase)} is on the screen` : "text is on the screen";
    if (kind === "action") return words.length ? `${quoted(words.join(" "))} is done` : "anybody does anything that was recognized";
    return kind === "motion" ? "any movement stands out" : `there is ${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
  }

  const known = (text, rows = []) => ({ text: sentence(text), rows, known: true });
  const unknown = (text) => ({ text: sentence(text), rows: [], known: false });
  const beyond = () => unknown(`this page cannot answer that; ${COMMAND}`);
  const joins = (kind) => ["camera", "object", "text", "action"].includes(kind);
  const ordinalWord = (number) => ({ 1: "first", 2: "second", 3: "third", "-1": "last" })[number] ?? `${number}th`;
  const pick = (rows, ordinal) => (ordinal === null ? rows : ordinal === 0 ? [] : rows.slice(ordinal < 0 ? rows.length - 1 : ordinal - 1).slice(0, 1));

  function so(question, rows) {
    const { subject } = question;
    if (subject.kind === "text") {
      const labels = unique(rows.map((row) => row.label));
      return subject.phrase ? `${quoted(labels.length === 1 ? labels[0] : subject.phrase)} is on the screen` : "text is on the screen";
    }
    if (["object", "camera"].includes(subject.kind) && subject.details.length) return claim(subject, []);
    if (subject.kind === "camera") return "the camera is seen";
    if (["shot", "keyframe", ...shotKinds].includes(subject.kind)) return rows.length === 1 ? `there is a ${subject.kind}` : `there are ${counted(rows.length, subject.kind)}`;
    return clause(rows[0]);
  }
  const then = (question) => (question.window ? " then" : "");
  const absent = (question) => unknown(question.subject.phrase
    ? `${quoted(question.subject.phrase)} was not read on the screen${then(question)}`
    : `the video does not show that ${claim(question.subject, question.words)}${then(question)}`);
  function doubtful(rows) {
    const told = rows.slice(0, 3).map((row) => `${clause(row)} ${span(row)}`);
    return { ...unknown(`perhaps, but not for sure: ${joinAnd(rows.length > 3 ? [...told, `${rows.length - 3} more`] : told)}`), rows };
  }
  /** What of a window the video does not have, in words; empty where it has any of it. */
  function outside({ how, start, end }) {
    const length = data.language.durationSeconds;
    if (!(length > 0) || (start < length && (end > 0 || (start === 0 && end === 0)))) return "";
    if (["after", "before"].includes(how)) return `what comes ${how} ${moment(how === "after" ? start : end)}`;
    return start === end ? moment(start) : `${moment(start)} to ${moment(end)}`;
  }

  function when(question, rows) {
    const { kind } = question.subject;
    if (!rows.length) return absent(question);
    if (kind === "motion") return beyond();
    if (question.ordinal !== null) {
      const [one] = pick(["shot", "cut", "text", "keyframe"].includes(kind) ? rows : joins(kind) ? merged(rows) : rows, question.ordinal);
      if (!one || !["shot", "cut", "dissolve", "fade", "transition"].includes(kind)) return beyond();
      const name = `the ${ordinalWord(question.ordinal)} ${kind}`;
      if (kind === "cut") return known(`${name} is at ${moment(one.start)}`, [one]);
      return known(question.atEnd ? `${name} ends at ${moment(one.end)}` : `${name} is ${span(one)}`, [one]);
    }
    const joined = joins(kind) ? merged(rows) : rows;
    if (question.atEnd) return known(`${so(question, rows)} until ${joinAnd(joined.slice(0, 4).map((row) => moment(row.end)))}`, rows);
    return known(`${so(question, rows)} ${stretch(joined)}`, rows);
  }
  function howLong(question, rows) {
    const { subject, ordinal } = question;
    if (!subject) return question.hasActor || question.window || !new RegExp(`^${data.language.grammar.patterns.length_of_video}$`).test(question.text.toLowerCase()) ? beyond() : known(`the video is ${moment(data.language.durationSeconds)} long`);
    if (!rows.length) return absent(question);
    const chosen = pick(rows, ordinal);
    const isShot = ["shot", "dissolve", "fade"].includes(subject.kind);
    if (question.window || !chosen.length || (isShot && chosen.length > 1) || !(isShot || joins(subject.kind))) return beyond();
    const joined = isShot ? chosen : merged(chosen);
    const total = joined.reduce((sum, row) => sum + row.end - row.start, 0);
    const where = joined.length <= 4 ? `, ${stretch(joined)}` : `, in ${counted(joined.length, "stretch", "stretches")}`;
    if (isShot) return known(`the ${ordinal === null ? "" : `${ordinalWord(ordinal)} `}${subject.kind} lasts ${moment(total)}${where}`, chosen);
    return known(`${so(question, rows)} for ${moment(total)}${where}`, chosen);
  }
  function howOften(question, rows) {
    const { kind, details } = question.subject;
    if (question.ordinal !== null) return beyond();
    if (kind === "action" || details[0] === "waves" || kind === "motion") return rows.length ? unknown("how often was not counted") : absent(question);
    const joined = ["camera", "object"].includes(kind) ? merged(rows) : rows;
    if (!joined.length) return known(`never: the video does not show that ${claim(question.subject, [])}`);
    const often = { 1: "once", 2: "twice" }[joined.length] ?? `${joined.length} times`;
    return known(`${so(question, rows)} ${often}: ${stretch(joined)}`, rows);
  }
  function count(question, rows) {
    const { kind } = question.subject;
    if (kind === "frames" || kind === "text" ? false : !["shot", ...shotKinds].includes(kind)) return beyond();
    if (question.ordinal !== null || (kind === "frames" && question.window)) return beyond();
    if (kind === "text" && new RegExp(data.language.grammar.patterns.part_of_text).test(question.text.toLowerCase())) return beyond();
    if (kind === "frames") return data.language.facts.frames ? known(data.language.facts.frames) : unknown("the number of frames is not known");
    const found = kind === "text" ? [...new Map(rows.map((row) => [row.label, row])).values()] : rows;
    if (question.subject.phrase && !found.length) return absent(question);
    const noun = kind === "text" ? counted(found.length, "line of text", "lines of text") : counted(found.length, kind);
    const told = found.length && kind !== "shot" ? `: ${stretch(found)}` : "";
    return known(`the video shows ${noun}${question.window ? " there" : ""}${told}`, found);
  }
  function written(question, rows) {
    const sure = rows.filter(isSure);
    if (question.subject.kind === "date" || question.ordinal !== null) return beyond();
    if (!rows.length) return question.subject.phrase ? absent(question) : unknown(`the video does not show any text that could be read${then(question)}`);
    if (!sure.length) return unknown("something may be written, but it could not be read for sure");
    const labels = unique(sure.map((row) => row.label));
    const told = labels.slice(0, 6).map(quoted);
    const listed = joinAnd(labels.length > 6 ? [...told, `${labels.length - 6} more`] : told);
    return known(`${listed} ${sure.length === 1 ? "is" : "are"} written`, sure);
  }
  function camera(question) {
    const rows = within(rowsOf("camera"), question.window).filter((row) => row.label !== "camera unknown");
    if (question.ordinal !== null || question.subject.details.some((word) => word !== "moves")) return beyond();
    if (!rows.length) return unknown("that cannot be told: the camera’s motion cannot be seen");
    if (rows.length === 1) return known(`${clause(rows[0])}${question.window ? "" : ` ${span(rows[0])}`}`, rows);
    const more = rows.length > 6 ? `, and so on until ${moment(rows.at(-1).end)}` : "";
    return known(rows.slice(0, 6).map((row) => `${clause(row)} ${span(row)}`).join(", then ") + more, rows);
  }
  function yesNo(question, rows) {
    const { subject, whole } = question;
    if (question.ordinal !== null) return beyond();
    if (subject.kind === "camera") {
      const clear = within(rowsOf("camera"), question.window).filter((row) => row.label !== "camera unknown");
      const { start = -Infinity, end = Infinity } = question.window ?? {};
      const share = (row) => (start === end ? row.end - row.start : Math.max(0, Math.min(row.end, end) - Math.max(row.start, start)));
      const length = (list) => list.reduce((sum, row) => sum + share(row), 0);
      const seen = length(within(rowsOf("camera"), question.window));
      if (!clear.length || length(clear) < 0.5 * seen || !subject.details.length) return unknown("that cannot be told: the camera’s motion cannot be seen");
      const fitting = rows.filter((row) => row.label !== "camera unknown");
      const others = clear.filter((row) => !fitting.includes(row));
      const told = joinAnd(others.slice(0, 3).map((row) => `${clause(row)} ${span(row)}`));
      if (fitting.length && (length(fitting) >= 0.9 * length(clear) || !(subject.details.includes("static") || whole))) {
        return known(`yes, ${claim(subject, [])}${others.length ? ` ${stretch(merged(fitting))}` : ""}`, fitting);
      }
      if (fitting.length) return known(`no, not all the time: ${told}`, others);
      return known(told ? `no, ${told}` : `no, the video does not show that ${claim(subject, [])}`, others);
    }
    const sure = pick(rows, question.ordinal).filter(isSure);
    if (subject.kind === "text") {
      const labels = unique(sure.map((row) => row.label));
      if (sure.length) return known(`yes, ${joinAnd(labels.slice(0, 6).map(quoted))} ${labels.length === 1 ? "is" : "are"} on the screen ${stretch(merged(sure))}`, sure);
      if (rows.length) return unknown("perhaps, but it was not read for sure");
      if (question.window) return beyond();
      if (!subject.phrase) return known("no, no text was read on the screen");
      if (subject.phrase.length > 4) return beyond(); // it may have been misread
      return rowsOf("text").length ? known(`no, ${quoted(subject.phrase)} was not read on the screen; other words were`) : unknown("no text at all was read, so that cannot be told");
    }
    if (subject.kind === "object" && subject.details.join() === "moves") {
      return rows.length ? known(`yes: ${joinAnd(unique(rows.map((row) => row.label)).slice(0, 4))}`, rows) : beyond();
    }
    if (!["object", "action", "shot", "keyframe", ...shotKinds].includes(subject.kind)) return beyond();
    if (!sure.length) return rows.length || subject.kind === "action" ? unknown("that cannot be told: it was not recognized for sure") : known(`no, the video does not show that ${claim(subject, [])}${then(question)}`);
    if (question.isCertain || (question.hasActor && sure.some((row) => row.lane.kind === "object"))) return beyond();
    const joined = ["object", "action"].includes(subject.kind) ? merged(sure) : sure;
    const isShot = ["shot", "keyframe", ...shotKinds].includes(subject.kind);
    const told = isShot ? `there ${joined.length === 1 ? "is" : "are"} ${counted(joined.length, subject.kind)}` : subject.kind === "action" ? clause(joined[0]) : claim(subject, []);
    return known(`yes, ${told}${subject.kind === "shot" && joined.length > 6 ? "" : ` ${stretch(joined)}`}`, sure);
  }

  return (text) => {
    const question = { ...readQuestion(text), words: [] };
    const { subject, rest, intent } = question;
    if (intent === "unknown" && question.phrases.length && !/[a-z]/i.test(text)) return beyond(); // another language, perhaps
    if (intent === "unknown") return unknown(`the question was not understood; ask in English: when, how long, how often, how many, what is written, or is it so`);
    if (intent === "summary") return question.isPart || question.hasActor || question.window || question.ordinal !== null || subject || question.isBeside || rest.length ? beyond() : { ...known(byId("summary").textContent), known: data.lanes.length > 0 };
    if (rest.length && (!subject || ["object", "action", "happens"].includes(subject.kind))) {
      const words = [...(subject?.kind === "object" ? subject.details : []), ...rest].filter((word) => word !== "moves");
      if (actionsOf(words).length) Object.assign(question, { subject: { kind: "action", details: [] }, words, rest: [] });
    }
    if (question.isBeyond) return beyond();
    if (question.rest.length) return unknown(`the video was not searched for ${joinAnd(question.rest.slice(0, 4).map(quoted))}: that cannot be told from what was measured`);
    if (question.isBeside) return beyond();
    const kind = question.subject?.kind ?? "";
    if (kind === "metadata") {
      const fact = data.language.facts[question.subject.details[0]];
      return fact && question.subject.details.length === 1 && (intent !== "yes_no" || /^(?:Yes|No)\b/.test(fact)) ? known(fact) : beyond();
    }
    const family = shotKinds.includes(kind) ? "shot" : kind === "date" ? "text" : kind;
    if (["shot", "keyframe", "motion", "camera", "object", "text", "action"].includes(family) && !looked.has(family)) {
      return unknown("that cannot be told: nobody looked for it");
    }
    if (!question.subject) return intent === "how_long" ? howLong(question, []) : intent === "what" && question.hasActor ? doings(question) : beyond();
    const missed = question.window && !question.atEnd ? outside(question.window) : "";
    if (missed) return unknown(`that cannot be told: the video runs from 0 s to ${moment(data.language.durationSeconds)}, and ${missed} lies outside`);
    const rows = within(find(question.subject, question.words), question.window);
    const sure = rows.filter(isSure);
    const answers = { when, how_long: howLong, how_often: howOften, count };
    if (kind === "happens" || (kind === "frames" && intent !== "count")) return beyond();
    if (intent === "yes_no") return yesNo(question, rows);
    if (answers[intent]) return rows.length && !sure.length ? doubtful(rows) : answers[intent](question, sure);
    if (intent === "direction") return beyond();
    if (kind === "text" || kind === "date") return written(question, rows);
    if (kind === "camera") return camera(question);
    return kind === "action" ? doings(question) : beyond();
  };

  function doings(question) {
    const rows = within(actions, question.window).filter(isSure);
    const asksThat = question.subject || !question.hasActor || new RegExp(data.language.grammar.patterns.doing).test(question.text.toLowerCase());
    if (!rows.length || !asksThat || question.words.length || question.ordinal !== null) return beyond();
    const labels = unique(rows.map((row) => row.label));
    const stretches = labels.flatMap((label) => merged(rows.filter((row) => row.label === label))).sort((a, b) => a.start - b.start || a.end - b.end);
    const told = stretches.slice(0, 6).map((row) => `${clause(row)} ${span(row)}`);
    return known(joinAnd(stretches.length > 6 ? [...told, `${stretches.length - 6} more things happen`] : told), rows);
  }
})();

(() => {
  const form = byId("ask");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = byId("question").value;
    const answer = /[\p{L}\p{N}]/u.test(text)
      ? answerQuestion(text.slice(0, 2000))
      : { text: "Ask something, such as “When is the first cut?”", rows: [], known: false };
    byId("answer").textContent = answer.text;
    byId("answer").dataset.known = String(answer.known);
    byId("grounds").replaceChildren(...answer.rows.slice(0, 12).map((row) => {
      const item = element("li");
      const button = element("button", "ground", `${clock(row.start)} ${row.label}`);
      button.type = "button";
      button.dir = "auto";
      button.dataset.kind = row.lane.kind;
      button.addEventListener("click", () => go(row.start, row.label));
      item.append(button);
      return item;
    }));
  });
  form.hidden = false;
})();
