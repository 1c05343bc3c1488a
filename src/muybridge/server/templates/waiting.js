"use strict";
// Has the video watched, and opens its report, at the moment that the address names, when that is done.
(() => {
  const key = document.body.dataset.key;
  const at = (id) => document.getElementById(id);
  const POST = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
  // A page from elsewhere may have led here: then the reader begins.
  let mayBegin = document.body.dataset.begins === "yes";

  // What is said, and either how far it is or what can be done.
  function show(words, progress, action) {
    if (at("told").textContent !== words) at("told").textContent = words; // is read aloud once
    at("bar").hidden = progress === null;
    if (progress) at("bar").value = progress;
    else at("bar").removeAttribute("value");
    at("begin").hidden = !action;
    if (action) at("begin").textContent = action;
  }

  async function look(options) {
    let video;
    try {
      const response = await fetch(`../../api/videos/${key}${options ? "/analysis" : ""}`, options);
      video = await response.json();
      if (!response.ok) return show(video.error, null, "");
    } catch {
      return show("The server has ended; start it again, and reload this page.", null, "");
    }
    if (video.stage === "done") return location.reload();
    if (video.stage === "failed") return show(video.message, null, "Try again");
    if (video.stage === "new") {
      // Not begun yet; or the file has changed, or the server was started again, since it was.
      if (!mayBegin) return show("This video is not analyzed yet.", null, "Analyze");
      setTimeout(() => look(POST), options ? 700 : 0);
      return;
    }
    const words = video.stage === "waiting" ? "waits for its turn" : "is being watched";
    show(`This video ${words}; its report opens when that is done.`, video.progress, "");
    setTimeout(look, 700);
  }

  at("begin").addEventListener("click", () => {
    mayBegin = true;
    look(POST);
  });
  look(mayBegin ? POST : undefined);
})();
