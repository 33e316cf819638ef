/* Brings the media within an element to life. What they need is loaded when there are any. */

const PRELOADED = 12;
let playing = [];

/** Call it with each task or page that is shown; players of the one before fall silent. */
export async function mountMedia(root) {
  for (const player of playing) player.pause();
  playing = [...root.querySelectorAll("[data-player]")];
  const wanted = [
    root.querySelector("[data-zoom]") && import("./zoom.js"),
    root.querySelector("pre.code") && import("./copy.js"),
    playing.length > 0 && import("./play.js"),
  ];
  for (const module of await Promise.all(wanted)) module?.mount?.(root);
}

/** Fetch the images of a task that will be shown next. */
export function preloadMedia(root) {
  for (const image of [...root.querySelectorAll(".media img")].slice(0, PRELOADED)) {
    new Image().src = image.getAttribute("src");
  }
}
