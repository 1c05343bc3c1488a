// The player, on the page's clock: 0 is the video's first frame.
//
// Browsers do not agree on what their own clock shows at the first frame of a video whose timestamps start later
// than 0: some show 0, some the timestamp, and it differs between containers. So the player is asked: the media
// time of the first frame that it presents tells; until then (or where it cannot say), its duration does.
const player = (() => {
  const video = byId("video");
  const standIn = byId("stand-in"); // the nearest keyframe, where there is no player
  const notice = byId("notice");
  const listeners = [];
  let position = 0; // where the page stands while there is no player that could say
  let usable = Boolean(video);
  let clockAtFirstFrame = 0;
  let settled = false; // whether clockAtFirstFrame is known
  let waiting = null; // a seek that was asked for before

  const now = () => {
    if (!usable || waiting !== null) return position;
    return Math.min(Math.max(0, video.currentTime - clockAtFirstFrame), duration);
  };
  const notify = () => listeners.forEach((listener) => listener(now()));

  function seek(seconds) {
    position = Math.min(Math.max(0, seconds), duration);
    if (usable && !settled) waiting = position;
    // A millisecond into the frame: rounding must not land on the frame before.
    else if (usable) video.currentTime = position + clockAtFirstFrame + 0.001;
    if (!usable) showPicture();
    notify();
  }

  function settle(clockSeconds) {
    if (settled) return;
    clockAtFirstFrame = clockSeconds;
    settled = true;
    if (waiting !== null) {
      const target = waiting;
      waiting = null;
      seek(target);
    }
    notify();
  }

  function guessFromDuration() {
    const start = data.startSeconds;
    const countsFromZero = Math.abs(video.duration - duration) <= Math.abs(video.duration - duration - start);
    settle(countsFromZero && video.currentTime < start / 2 ? 0 : start);
  }

  function toggle() {
    if (!usable) return;
    if (video.paused) video.play().catch(() => {});
    else video.pause();
  }

  function showPicture() {
    const picture = data.pictures[lastBegunPicture(position)];
    standIn.hidden = !picture || !(picture.href || picture.thumbnail);
    if (standIn.hidden) return;
    standIn.onerror = () => {
      standIn.onerror = null;
      if (picture.thumbnail) standIn.src = picture.thumbnail;
    };
    standIn.src = picture.href || picture.thumbnail;
    standIn.alt = `Keyframe at ${clock(picture.seconds)}`;
  }

  const lastBegunPicture = (seconds) =>
    Math.max(0, firstWhere(data.pictures.length, (place) => data.pictures[place].seconds > seconds + 1e-3) - 1);

  function giveUp(reason) {
    if (!notice.hidden) return;
    usable = false;
    if (waiting !== null) position = waiting;
    waiting = null;
    if (video) video.hidden = true;
    notice.textContent = `${reason} The rest of the page works: choose a moment below.`;
    notice.hidden = false;
    showPicture();
    notify();
  }

  const cannotPlay = () =>
    giveUp(
      `This browser cannot play ${data.name}. Either the file is no longer where it was, or the browser does not` +
        ` know its format${data.codec ? ` (${data.codec})` : ""}.`,
    );

  if (!video) {
    giveUp("This page has no video to play: it was analyzed from a stream.");
  } else if (video.error) {
    cannotPlay();
  } else {
    video.addEventListener("error", cannotPlay);
    for (const name of ["seeking", "seeked", "timeupdate", "pause"]) video.addEventListener(name, notify);
    video.addEventListener("play", function follow() {
      notify();
      if (!video.paused && !video.ended) requestAnimationFrame(follow);
    });
    video.addEventListener("loadeddata", () => {
      if (!video.videoWidth) {
        giveUp(`This browser plays the sound of ${data.name} but does not know its picture's format (${data.codec}).`);
      } else if (!data.startSeconds) {
        settle(0);
      } else {
        setTimeout(guessFromDuration, "requestVideoFrameCallback" in video ? 1000 : 0);
      }
    });
    if (data.startSeconds && "requestVideoFrameCallback" in video) {
      video.requestVideoFrameCallback((_, frame) => settle(frame.mediaTime));
    } else if (video.readyState >= 1 && !data.startSeconds) {
      settle(0);
    }
  }

  return {
    seek,
    toggle,
    now,
    isPlaying: () => usable && !video.paused,
    refresh: notify,
    /** Call back with the position whenever it may have changed. */
    onMove: (listener) => listeners.push(listener),
  };
})();

/** Go to a moment, and say so to those who do not see it. */
function go(seconds, what = "") {
  player.seek(seconds);
  byId("status").textContent = `${clock(seconds)}${what ? `, ${what}` : ""}`;
}
