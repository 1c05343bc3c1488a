// A question in English → what is asked for, of what, and when: the same table as the command line's, in fewer steps.
// What these steps do not cover is left to `muybridge ask`; the page then says so.
const readQuestion = (() => {
  const grammar = data.language.grammar;
  const neutral = new Set(grammar.neutral);
  const actors = new Set(grammar.actors);
  const certain = new Set(grammar.certain_actors);
  const number = "(\\d+(?::\\d\\d){1,2}(?:\\.\\d+)?|\\d+(?:\\.\\d+)?)";
  const unit = " ?(seconds?|secs?|s|minutes?|mins?|hours?)?\\b";
  const endWords = /\b(?:end|ends|ended|ending|stop|stops|stopped|disappears?|finish(?:es)?|vanish(?:es)?|over|gone)\b/g;
  const startWords = /\b(?:start|starts|started|begin|begins|began)\b/;
  const wholeWords = /\b(?:whole|entire|always|all the time|throughout|constantly|only|the entire time)\b/g;
  const cut = (words, match) => `${words.slice(0, match.index)} ${words.slice(match.index + match[0].length)}`.replace(/ +/g, " ").trim();

  function seconds(text, word) {
    if (text.includes(":")) return text.split(":").reduce((total, part) => 60 * total + Number(part), 0);
    return Number(text) * ({ min: 60, hou: 3600 }[word?.slice(0, 3)] ?? 1);
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
      text = text.replace(/\b((?!FPS\b|HZ\b)[A-Z0-9]*[A-Z][A-Z0-9&.'-]*[A-Z0-9]\b(?: [A-Z0-9]+\b)*)/g, keep);
    }
    let words = text.toLowerCase().replace(/\s+/g, " ").trim();
    for (const [pattern, replacement] of [...grammar.rewrites]) words = words.replace(new RegExp(pattern, "g"), replacement);
    const named = words.match(/\b(?:the|a) (?:word|words|phrase|name) ([a-z0-9'-]+)/);
    if (named && !neutral.has(named[1]) && !named[1].match(endWords)) {
      words = words.replace(named[1], `#${phrases.push(named[1]) - 1}#`);
    }
    for (const [pattern, replacement] of grammar.synonyms) words = words.replace(new RegExp(pattern, "g"), replacement);
    return [words.replace(/[?!;]+|[.](?!\d)/g, " ").trim(), phrases];
  }

  function windowOf(how, at) {
    if (["after", "since", "from"].includes(how)) return { how: "after", start: at, end: Infinity };
    if (["before", "until"].includes(how)) return { how: "before", start: -Infinity, end: at };
    return { how: "at", start: at, end: at };
  }

  /** [the words without the time they name, the time] */
  function takeTime(words) {
    let match = words.match(new RegExp(`\\b(?:between|from) (?:second )?${number}${unit} (?:and|to|until) (?:second )?${number}${unit}`));
    if (match) {
      const [start, end] = [seconds(match[1], match[2] || match[4]), seconds(match[3], match[4] || match[2])];
      return [cut(words, match), { how: "during", start: Math.min(start, end), end: Math.max(start, end) }];
    }
    match = words.match(new RegExp(`\\b(?:in|during|within|for) the (?:very )?(1st|last) (?:${number} ?)?(seconds?|secs?|s|minutes?|mins?|hours?)\\b`));
    if (match) return [cut(words, match), edge(match[1] === "last", seconds(match[2] ?? "1", match[3]))];
    match = words.match(/\b(at|in|during|after|before|until) the (\d+)(?:st|nd|rd|th) seconds?\b/);
    if (match) return [cut(words, match), windowOf(match[1], Number(match[2]))];
    match = words.match(new RegExp(`\\b(at|around|about|near|after|before|until|since|from) (?:second |minute )?${number}${unit}`));
    if (match && (match[3] || match[2].includes(":") || /second |minute /.test(match[0]))) {
      return [cut(words, match), windowOf(match[1], seconds(match[2], match[0].includes("minute ") ? "min" : match[3]))];
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
      isBeside: besides(subject, found, said, who.length > 0),
    };
  }

  /** Whether a second subject is named: how the two go together is not understood here. */
  function besides(subject, found, said, hasActor) {
    const used = new Set([subject?.kind, ...(grammar.adds_nothing[subject?.kind] ?? []), ...(subject?.phrase ? ["text"] : [])]);
    if (subject?.kind === "camera" && hasActor && !said.get("camera").includes("camera")) used.delete("camera");
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
    const isRelated = /^.+? (?:before|after|while|during|when|as long as)\b/.test(words) || /\b(?:in|during|within|of) (?:the )?(?:\d+(?:st|nd|rd|th)|last) (?:shot|scene)\b/.test(words);
    const [intent, pattern] = grammar.intents.find(([, form]) => new RegExp(form).test(words)) ?? ["unknown", ""];
    if (intent === "how_long") words = words.replace(/\b(?:last|lasts|take|takes)$/, "");
    if (!["what", "unknown"].includes(intent)) words = cut(words, words.match(new RegExp(pattern)));
    const atEnd = endWords.test(words);
    endWords.lastIndex = 0;
    words = words.replace(endWords, " ");
    const whole = wholeWords.test(words);
    wholeWords.lastIndex = 0;
    words = words.replace(wholeWords, " ");
    const place = words.match(/\b(\d+)(?:st|nd|rd|th)\b|\b(last)\b|\b(?:shot|scene|cut) (\d+)\b/);
    const ordinal = place ? (place[2] ? -1 : Number(place[1] ?? place[3])) : null;
    if (place) words = place[3] ? words.replace(new RegExp(`\\b${place[3]}\\b`), " ") : cut(words, place);
    const isNext = /\bnext\b|\bever\b|\bsometimes?\b|\bat (?:any|some) (?:time|point|moment)\b/.test(words);
    const isEdge = intent === "yes_no" && (atEnd || (window && startWords.test(words)));
    const isTwo = place && /\b(?:and|the|to|but) last\b|\d(?:st|nd|rd|th)\b/.test(words);
    return { text: asked.trim(), intent, window, ordinal, atEnd, whole, phrases, isBeyond: isBeyond || isRelated || isNext || isEdge || isTwo, ...subjectOf(words, phrases) };
  };
})();
