// A question in English → what is asked for, of what, and when: the same table as the command line's, in fewer steps.
// What these steps do not cover is left to `muybridge ask`; the page then says so.
const readQuestion = (() => {
  const grammar = data.language.grammar;
  const neutral = new Set(grammar.neutral);
  const actors = new Set(grammar.actors);
  const asking = new Set(grammar.asking);
  const certain = new Set(grammar.certain_actors);
  const number = "(\\d+(?::\\d\\d){1,2}(?:\\.\\d+)?|\\d+(?:\\.\\d+)?)";
  const unit = " ?(seconds?|secs?|s|minutes?|mins?|hours?)?\\b";
  const around = ["about", "around", "near"];
  const pattern = (name, flags) => new RegExp(grammar.patterns[name], flags);
  const says = (words, name) => pattern(name).test(words);
  const cut = (words, match) => `${words.slice(0, match.index)} ${words.slice(match.index + match[0].length)}`.replace(/ +/g, " ").trim();

  function seconds(text, word) {
    if (text.includes(":")) return text.split(":").reduce((total, part) => 60 * total + Number(part), 0);
    return Number(text) * unitSeconds(word);
  }
  const unitSeconds = (word) => ({ min: 60, hou: 3600 })[word?.slice(0, 3)] ?? 1;

  /** Whether words in capitals are words of the question, as in "How many CUTS are there?". */
  function isStressed(capitals, at, text) {
    const run = capitals.toLowerCase();
    const [before, after] = [text.slice(0, at).toLowerCase(), text.slice(at + run.length).toLowerCase()];
    const left = grammar.subjects.reduce((words, [, subject]) => words.replace(new RegExp(subject, "g"), " "), run);
    const isOwn = (word) => [neutral, actors, asking].some((words) => words.has(word.replace(/'s$/, ""))) || /^\d+$/.test(word);
    if (!left.split(" ").filter(Boolean).every(isOwn) || says(before, "the_word")) return false;
    if (run.split(" ").every((word) => asking.has(word) || actors.has(word) || says(word, "on_screen"))) return true;
    return !says(before, "name_follows") && !(says(before, "name_may_follow") && says(`${before} ${after}`, "on_screen"));
  }

  function normalize(asked) {
    const phrases = [];
    const keep = (...groups) => {
      const words = groups.slice(1, -2).find((group) => typeof group === "string");
      return ` #${phrases.push(words) - 1}# `;
    };
    let text = asked.normalize("NFC").trim().replaceAll("#", " ");
    text = text.replace(/“([^”]+)”|"([^"]+)"|«([^»]+)»|「([^」]+)」|(?<!\w)['‘]([^'’]+)['’](?!\w)/g, keep);
    text = text.replace(/([\u0370-\u1fff\u2c00-\ud7ff\uf900-\ufdff\uff66-\uffdc]+)/g, keep);
    if (/[a-z]/.test(text)) {
      text = text.replace(/\b((?!FPS\b|HZ\b)[A-Z0-9]*[A-Z][A-Z0-9&.'-]*[A-Z0-9]\b(?: [A-Z0-9]+\b)*)/g,
        (...groups) => (isStressed(groups[0], groups.at(-2), groups.at(-1)) ? groups[0] : keep(...groups)));
    }
    let words = text.toLowerCase().replace(/\s+/g, " ").trim();
    for (const [pattern, replacement] of [...grammar.rewrites]) words = words.replace(new RegExp(pattern, "g"), replacement);
    const named = words.match(/\b(?:the|a) (?:word|words|phrase|name) ([a-z0-9'-]+)/);
    if (named && !neutral.has(named[1]) && !says(named[1], "end")) {
      words = words.replace(named[1], `#${phrases.push(named[1]) - 1}#`);
    }
    for (const [pattern, replacement] of grammar.synonyms) words = words.replace(new RegExp(pattern, "g"), replacement);
    return [words.replace(/[?!;]+|[.](?!\d)/g, " ").trim(), phrases];
  }

  /** A named moment has a slack: how far from it a change may be, and is still meant. */
  function windowOf(how, text, word) {
    const at = seconds(text, word);
    if (["after", "since", "from"].includes(how)) return { how: "after", start: at, end: Infinity };
    if (["before", "until"].includes(how)) return { how: "before", start: -Infinity, end: at };
    if (around.includes(how)) return { how: "around", start: at, end: at, slack: Math.max(1, 0.1 * unitSeconds(word)) };
    const halfDigit = 0.5 * 10 ** -(text.split(".")[1] ?? "").length * unitSeconds(word);
    return { how: "at", start: at, end: at, slack: Math.min(Math.max(halfDigit, 0.05), 0.5) };
  }
  /** Whether a number of seconds is how long, not when: "for about five seconds". */
  const isLength = (words, match, how) => (!how || around.includes(how))
    && /\b(?:for|is|be|was|lasts?|takes?|of|than|long|1st) *$/.test(words.slice(0, match.index));

  /** [the words without the time they name, the time] */
  function takeTime(words) {
    let match = words.match(new RegExp(`\\b(?:between|from) (?:second )?${number}${unit} (?:and|to|until) (?:second )?${number}${unit}`));
    if (match && (match[2] || match[4] || /:|second /.test(match[0]))) {
      const [start, end] = [seconds(match[1], match[2] || match[4]), seconds(match[3], match[4] || match[2])];
      return [cut(words, match), { how: "during", start: Math.min(start, end), end: Math.max(start, end) }];
    }
    match = words.match(new RegExp(`\\b(?:in|during|within|for) the (?:very )?(1st|last) (?:${number} ?)?(seconds?|secs?|s|minutes?|mins?|hours?)\\b`));
    if (match) return [cut(words, match), edge(match[1] === "last", seconds(match[2] ?? "1", match[3]))];
    match = words.match(/\b(at|in|during|after|before|until) the (\d+)(?:st|nd|rd|th) seconds?\b/);
    if (match) return [cut(words, match), windowOf(match[1], match[2])];
    match = words.match(new RegExp(`\\b(?:(at|around|about|near|after|before|until|since|from) )?${number}${unit} (?:into (?:it|(?:the|this) (?:video|clip|film|movie|footage|recording))\\b|in(?:to)?(?= *(?:,|$)))`));
    if (match && !isLength(words, match, match[1]) && (match[3] || match[2].includes(":"))) {
      return [cut(words, match), windowOf(match[1] ?? "at", match[2], match[3])];
    }
    match = words.match(new RegExp(`\\b(at|around|about|near|after|before|until|since|from) (?:second |minute )?${number}${unit}`));
    if (match && !isLength(words, match, match[1]) && (match[3] || match[2].includes(":") || /second |minute /.test(match[0]))) {
      return [cut(words, match), windowOf(match[1], match[2], match[0].includes("minute ") ? "min" : match[3])];
    }
    match = words.match(/\b(?:at|in|from) the (?:very )?(start|beginning|end)\b(?! of (?!the (?:video|clip|film|movie)))(?: of the \w+)?/);
    return match ? [cut(words, match), edge(match[1] === "end", 1)] : [words, null];
  }
  const edge = (isLast, length) =>
    isLast ? { how: "during", start: Math.max(0, duration - length), end: duration } : { how: "during", start: 0, end: length };

  function subjectOf(input, phrases) {
    let words = input;
    const found = new Map();
    const said = new Map();
    const [phrase, ...others] = [...words.matchAll(/#(\d+)#/g)].map((match) => phrases[Number(match[1])]);
    words = words.replace(/#\d+#/g, " ");
    for (const [kind, pattern, detail] of grammar.subjects) {
      for (const match of words.matchAll(new RegExp(pattern, "g"))) {
        said.set(kind, [...(said.get(kind) ?? []), match[0].trim()]);
        const details = found.get(kind) ?? [];
        const told = detail ? detail.split(" ") : kind === "direction" ? [match[1]] : [];
        found.set(kind, [...new Set([...details, ...told])]);
      }
      words = words.replace(new RegExp(pattern, "g"), " ");
    }
    const left = words.match(/[\p{L}\p{N}_-]+/gu) ?? [];
    const subject = choose(found, phrase ?? "");
    const who = left.filter((word) => actors.has(word));
    return {
      subject,
      rest: [...new Set([...left.filter((word) => !neutral.has(word) && !actors.has(word)), ...others])],
      hasActor: who.length > 0,
      isCertain: who.some((word) => certain.has(word)),
      isBeside: (phrase !== undefined && !subject.phrase) || besides(subject, found, said, who.length > 0, input),
    };
  }

  /** Whether a second subject is named: how the two go together is not understood here. */
  function besides(subject, found, said, hasActor, words) {
    const used = new Set([subject?.kind, ...(grammar.adds_nothing[subject?.kind] ?? []), ...(subject?.phrase ? ["text"] : [])]);
    if (subject?.kind === "camera" && !said.get("camera").includes("camera")) {
      const isAny = (...names) => names.some((name) => subject.details.includes(name));
      if (hasActor || isAny("pans", "rolls") || (isAny("static", "shakes") && !says(words, "video"))) used.delete("camera");
    }
    const verbs = ["pans", "tilts", "zooms", "rolls", "shakes", "static"].filter((verb) => subject?.details?.includes(verb));
    const directions = (found.get("direction") ?? []).concat((found.get("camera") ?? []).filter((word) => ["in", "out"].includes(word)));
    if (["camera", "object"].includes(subject?.kind) && (verbs.length > 1 || directions.length > 1)) return true;
    const hasVerb = found.has("moves") || found.has("object") || (subject?.kind === "camera" && found.get("camera").length > 0);
    if (!hasVerb) used.delete("direction");
    if (hasActor && subject && !["object", "action", "happens"].includes(subject.kind)) return true;
    return [...said.keys()].some((kind) => !used.has(kind));
  }

  function choose(found, phrase) {
    const directions = found.get("direction") ?? [];
    if (found.has("camera")) {
      const verbs = found.get("camera");
      const moves = found.has("moves") && !directions.length && !verbs.length ? ["moves"] : [];
      return { kind: "camera", details: [...verbs, ...moves, ...directions] };
    }
    if (phrase) return { kind: "text", details: [], phrase };
    if (found.has("object")) return { kind: "object", details: [...found.get("object"), ...directions] };
    const order = ["motion", "metadata", "keyframe", "cut", "dissolve", "fade", "transition", "shot", "date", "text"];
    const kind = order.find((name) => found.has(name));
    if (kind) return { kind, details: found.get(kind) };
    if (found.has("moves") || directions.length) return { kind: "object", details: ["moves", ...directions] };
    const last = ["frames", "action", "happens"].find((name) => found.has(name));
    return last ? { kind: last, details: [] } : null;
  }

  return (asked) => {
    let [words, phrases] = normalize(asked);
    const isBeyond = /\bor\b|\blongest\b|\bshortest\b|\bmore than\b|\bat least\b|\b(?:fewer|less) than\b|: /.test(words);
    let window;
    [words, window] = takeTime(words);
    words = words.replace(/^[ ,]+|[ ,]+$/g, "");
    const isRelated = /^.+? (?:before|after|while|during|when|as long as)\b/.test(words.replace(pattern("bare_when"), "")) || /\b(?:in|during|within|of) (?:the )?(?:\d+(?:st|nd|rd|th)|last) (?:shot|scene)\b/.test(words);
    const [intent, form] = grammar.intents.find(([, head]) => new RegExp(head).test(words)) ?? ["unknown", ""];
    const isEdge = says(words, "edge") || says(asked.toLowerCase(), "length_from");
    const asksUntil = says(words, "until");
    if (intent === "how_long") words = words.replace(/\b(?:last|lasts|take|takes)$/, "");
    if (!["what", "unknown"].includes(intent)) words = cut(words, words.match(new RegExp(form)));
    let atEnd = says(words, "end") || asksUntil;
    let atStart = says(words, "start");
    if (intent === "when" && atStart && atEnd) [atStart, atEnd] = [false, asksUntil];
    words = words.replace(pattern("end", "g"), " ");
    const whole = says(words, "whole");
    words = words.replace(pattern("whole", "g"), " ");
    const place = words.match(pattern("which_one"));
    const ordinal = place ? (place[2] ? -1 : Number(place[1] ?? place[3])) : null;
    if (place) words = place[3] ? words.replace(new RegExp(`\\b${place[3]}\\b`), " ") : cut(words, place);
    const isNext = /\bnext\b/.test(words) || says(words, "ever");
    const isTwo = place && (says(words, "left_ordinal") || /\d(?:st|nd|rd|th)\b/.test(words));
    const isWho = intent === "what" && says(asked.toLowerCase(), "who");
    const movesIn = intent !== "direction" && says(words, "moves_in");
    const isPart = intent !== "when" && (atEnd || (atStart && (window || intent !== "yes_no")));
    const read = subjectOf(words, phrases);
    const isBare = read.subject?.kind === "camera" && !read.subject.details.length && !(["what", "how"].includes(intent) && says(asked.toLowerCase(), "camera_does"));
    // Capitals alone are no proof that words on the screen are meant.
    const spoken = read.subject?.phrase ?? "";
    const isSpoken = intent === "yes_no" && /^[\x00-\x7f]+$/.test(spoken) && !new RegExp(`[“"«「'‘]${spoken.replace(/\W/g, "\\$&")}`, "i").test(asked) && !says(asked.toLowerCase(), "on_screen");
    const asksNumber = intent === "yes_no" && read.rest.some((word) => /^\d+$/.test(word));
    const isWhole = whole && !(intent === "yes_no" && read.subject?.kind === "camera");
    return { text: asked.trim(), intent, window, ordinal, atEnd, whole, phrases, isBeyond: [isBeyond, asksNumber, isWho, movesIn, isRelated, isNext, isEdge, isTwo, isPart, isBare, isSpoken, isWhole].some(Boolean), isPart: isPart || whole, ...read };
  };
})();
