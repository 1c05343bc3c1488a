// Keys that work anywhere on the page, and the first drawing.
addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target === document ? document.body : event.target;
  if (target.matches("input, textarea, select, [contenteditable]")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  const onVideo = target.matches("video"); // it has keys of its own
  // On a segment Enter jumps, so that Space can keep its meaning; other buttons are pressed by both.
  const onButton = target.matches("button, a, summary") && !target.matches(".block");
  if (event.key === " " && !onVideo && !onButton) player.toggle();
  else if (event.key === "ArrowRight" && !onVideo) go(player.now() + 5);
  else if (event.key === "ArrowLeft" && !onVideo) go(player.now() - 5);
  else if (event.key === "+" || event.key === "=") timeline.zoomBy(2);
  else if (event.key === "-") timeline.zoomBy(0.5);
  else if (event.key === "0") timeline.fit();
  else if (event.key === "/") byId("search").focus();
  else return;
  event.preventDefault();
});
// Some browsers press a button when the space bar comes up again.
addEventListener("keyup", (event) => {
  if (event.key === " " && event.target.matches?.(".block")) event.preventDefault();
});
if (data.aspect) document.querySelector(".top").style.setProperty("--aspect", data.aspect.toFixed(4));
// An address that ends in #t=SECONDS, on the source's clock, opens the page at that moment.
function jumpToAddress() {
  const moment = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
  if (moment) go(Number(moment[1]) - data.startSeconds);
}
addEventListener("hashchange", jumpToAddress);
player.refresh();
jumpToAddress();
