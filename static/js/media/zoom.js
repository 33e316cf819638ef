/* Images enlarged: one, or all of the task side by side, which zoom and move together.

   + and − zoom, 0 fits, arrows move (or go to the next image), s lays side by side, Esc closes.
   Fingers: see fingers.js. */

import { listen } from "./fingers.js";
import { button, text } from "./texts.js";

const LARGEST = 24;
const KEY_STEP = 1.3;
const MOVE = 60; // pixels a key press
let dialog = null;
let images = [];
let current = 0;
let isBeside = false;
const view = { scale: 1, x: 0, y: 0 };

/** Importing is enough for a click, wherever the links appear; this tells what it will open. */
export function mount(root) {
  for (const link of root.querySelectorAll("a[data-zoom]")) link.ariaHasPopup = "dialog";
}

addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-zoom]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link);
});

function open(link) {
  const root = link.closest("#task, main") ?? document;
  images = [...root.querySelectorAll("a[data-zoom] img")].filter((image) => image.checkVisibility());
  current = Math.max(0, images.indexOf(link.querySelector("img")));
  isBeside = false;
  dialog ??= makeDialog();
  fill();
  dialog.showModal();
  dialog.querySelector(".lightbox-stage").focus();
}

function makeDialog() {
  const made = document.createElement("dialog");
  made.className = "lightbox";
  made.setAttribute("aria-label", text("zoom"));
  const stage = document.createElement("div");
  stage.className = "lightbox-stage";
  stage.tabIndex = 0;
  stage.setAttribute("role", "group");
  made.append(makeBar(), stage);
  made.addEventListener("keydown", onKey);
  stage.addEventListener("wheel", onWheel, { passive: false });
  made.addEventListener("close", listen(stage, { zoom, move, toggle }));
  document.body.append(made);
  return made;
}

function makeBar() {
  const bar = document.createElement("div");
  bar.className = "lightbox-bar";
  const place = document.createElement("span");
  place.dataset.place = "";
  const scale = document.createElement("output");
  const beside = button(text("beside"), { key: "s", onclick: toggleBeside });
  beside.dataset.beside = "";
  bar.append(
    button(text("previous"), { shown: "‹", onclick: () => go(-1) }),
    place,
    button(text("next"), { shown: "›", onclick: () => go(1) }),
    button(text("zoomOut"), { shown: "−", onclick: () => zoom(1 / KEY_STEP) }),
    scale,
    button(text("zoomIn"), { shown: "+", onclick: () => zoom(KEY_STEP) }),
    button(text("fit"), { key: "0", onclick: fit }),
    beside,
    button(text("close"), { key: "Esc", onclick: () => dialog.close() }),
  );
  return bar;
}

function fill() {
  const shown = isBeside ? images : [images[current]];
  dialog.querySelector(".lightbox-stage").replaceChildren(...shown.map(pane));
  const place = dialog.querySelector("[data-place]");
  place.textContent = isBeside ? "" : text("place", { number: current + 1, count: images.length });
  for (const one of [place, place.previousSibling, place.nextSibling]) {
    one.hidden = images.length < 2 || isBeside;
  }
  const beside = dialog.querySelector("[data-beside]");
  beside.hidden = images.length < 2;
  beside.setAttribute("aria-pressed", isBeside);
  fit();
}

function pane(image) {
  const figure = document.createElement("figure");
  const copy = new Image(image.width, image.height);
  copy.addEventListener("load", draw);
  copy.src = image.src;
  copy.alt = image.alt;
  copy.draggable = false;
  const frame = document.createElement("div");
  frame.append(copy);
  const caption = document.createElement("figcaption");
  const letter = image.closest("[data-letter]")?.dataset.letter;
  caption.textContent = [letter, image.alt].filter(Boolean).join(" · ");
  caption.dir = "auto";
  figure.append(frame, caption);
  return figure;
}

function go(step) {
  if (isBeside) return;
  current = (current + step + images.length) % images.length;
  fill();
}

function toggleBeside() {
  if (images.length < 2) return;
  isBeside = !isBeside;
  fill();
}

function fit() {
  Object.assign(view, { scale: 1, x: 0, y: 0 });
  draw();
}

function toggle(at) {
  if (view.scale > 1) fit();
  else zoom(3, at);
}

/** Zoom by a factor; the point under the pointer (or between the fingers) stays where it is. */
function zoom(factor, at = null) {
  const scale = Math.min(LARGEST, Math.max(1, view.scale * factor));
  const under = at && document.elementFromPoint(at.clientX, at.clientY)?.closest("figure");
  const frame = (under ?? dialog.querySelector("figure")).firstChild;
  const box = frame.getBoundingClientRect();
  const x = at ? at.clientX - box.left - box.width / 2 : 0;
  const y = at ? at.clientY - box.top - box.height / 2 : 0;
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  move(0, 0);
}

/** Never so far that the image leaves its frame. */
function move(x, y) {
  const box = dialog.querySelector("figure > div").getBoundingClientRect();
  const room = { x: ((view.scale - 1) * box.width) / 2, y: ((view.scale - 1) * box.height) / 2 };
  view.x = Math.min(room.x, Math.max(-room.x, view.x + x));
  view.y = Math.min(room.y, Math.max(-room.y, view.y + y));
  draw();
}

function draw() {
  const shown = [...dialog.querySelectorAll("figure img")];
  for (const image of shown) {
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  }
  const { naturalWidth, naturalHeight, clientWidth, clientHeight } = shown[0];
  const fitted = Math.min(clientWidth / naturalWidth, clientHeight / naturalHeight);
  const percent = naturalWidth ? Math.round(100 * Math.min(fitted, 1) * view.scale) : 100;
  dialog.querySelector("output").textContent = `${percent} %`;
}

function onKey(event) {
  event.stopPropagation(); // The page's own keys rest while an image is enlarged.
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isLarge = view.scale > 1;
  const deed = {
    "+": () => zoom(KEY_STEP),
    "=": () => zoom(KEY_STEP),
    "-": () => zoom(1 / KEY_STEP),
    0: fit,
    s: toggleBeside,
    ArrowLeft: () => (isLarge ? move(MOVE, 0) : go(-1)),
    ArrowRight: () => (isLarge ? move(-MOVE, 0) : go(1)),
    ArrowUp: () => move(0, MOVE),
    ArrowDown: () => move(0, -MOVE),
    PageUp: () => go(-1),
    PageDown: () => go(1),
  }[event.key];
  if (!deed) return;
  event.preventDefault();
  deed();
}

function onWheel(event) {
  event.preventDefault();
  const speed = event.ctrlKey ? 0.01 : 0.002; // a touchpad's pinch comes as wheel with Ctrl
  zoom(Math.exp(-event.deltaY * speed), event);
}
