"use strict";
// Has the video watched, and opens its report, at the moment that the address names, when that is done.
(() => {
  const key = document.body.dataset.key;
  const told = document.getElementById("told");

  async function look(options) {
    try {
      const response = await fetch(`../../api/videos/${key}${options ? "/analysis" : ""}`, options);
      const video = await response.json();
      if (!response.ok || video.stage === "failed") throw new Error(video.error || video.message);
      if (video.stage === "done") return location.reload();
      if (video.progress) document.getElementById("bar").value = video.progress;
    } catch (error) {
      const hasEnded = error instanceof TypeError;
      told.textContent = hasEnded ? "The server has ended; start it again, and reload this page." : error.message;
      return document.getElementById("bar").remove();
    }
    setTimeout(look, 700);
  }

  look({ method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
})();
