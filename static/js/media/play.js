/* Recordings and films of several responses, played in step; one of them is heard.

   k plays and pauses, comma and full stop go 5 seconds back and on, h hears the next one. */

import { singleKeys } from "../preferences.js";
import { button, text } from "./texts.js";

const STEP = 5; // seconds
const DRIFT = 0.15; // seconds; less is not noticed, and setting the time costs a stutter
const EDITABLE = "textarea, select, input:not([type=radio], [type=checkbox])";
let group = [];
let heard = 0;
let inStep = false;
let bar = null;

export function mount(root) {
  const all = [...root.querySelectorAll("[data-player]")];
  const judged = all.filter((player) => player.closest(".responses"));
  group = judged.length > 1 ? judged : all;
  heard = 0;
  inStep = false;
  for (const player of group) listen(player);
  bar = group.length > 1 ? makeBar(root) : null;
}

addEventListener("keydown", (event) => {
  const isOurs = group.length > 0 && group[0].isConnected && !event.defaultPrevented;
  if (!isOurs || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.(EDITABLE) || !singleKeys()) return;
  if (document.querySelector(":popover-open, dialog[open]")) return;
  const deed = { k: toggle, ",": () => seek(-STEP), ".": () => seek(STEP), h: hearNext }[event.key];
  if (!deed || event.repeat) return;
  event.preventDefault();
  deed();
});

function listen(player) {
  if (player.dataset.player === "ready") return;
  player.dataset.player = "ready";
  player.addEventListener("play", () => {
    if (inStep) return;
    player.muted = false;
    for (const other of group) if (other !== player) other.pause();
  });
  player.addEventListener("pause", () => {
    if (inStep && !player.ended && !player.seeking) pauseAll();
  });
  player.addEventListener("ended", () => {
    if (inStep && group.every((one) => one.ended)) pauseAll();
  });
  player.addEventListener("seeking", () => inStep && follow(player));
  player.addEventListener("timeupdate", () => inStep && player === group[heard] && follow(player));
}

/** Bring the others to where this one is. */
function follow(leader) {
  for (const player of group) {
    if (player === leader || player.ended) continue;
    if (Math.abs(player.currentTime - leader.currentTime) > DRIFT) goTo(player, leader.currentTime);
  }
}

function goTo(player, seconds) {
  const end = Number.isFinite(player.duration) ? player.duration : seconds;
  player.currentTime = Math.min(Math.max(0, seconds), end);
}

function toggle() {
  if (group.some((player) => !player.paused)) pauseAll();
  else playAll();
}

async function playAll() {
  if (group.every((player) => player.ended)) for (const player of group) goTo(player, 0);
  inStep = group.length > 1;
  const leader = group[heard];
  for (const player of group) goTo(player, leader.currentTime);
  setHeard(heard);
  show();
  const begun = await Promise.allSettled(group.map((player) => player.play()));
  if (begun.every((one) => one.status === "rejected")) pauseAll();
}

function pauseAll() {
  inStep = false;
  for (const player of group) player.pause();
  show();
}

function seek(seconds) {
  const from = group[heard].currentTime;
  for (const player of group) goTo(player, from + seconds);
}

function hearNext() {
  setHeard((heard + 1) % group.length);
}

function setHeard(number) {
  heard = number;
  for (const [place, player] of group.entries()) player.muted = group.length > 1 && place !== heard;
  const choice = bar?.querySelectorAll("input")[heard];
  if (choice) choice.checked = true;
}

// The bar ---------------------------------------------------------------------------------

function makeBar(root) {
  root.querySelector(".play-bar")?.remove();
  const made = document.createElement("div");
  made.className = "play-bar";
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", text("together"));
  const play = button(text("play"), { key: "k", onclick: toggle });
  play.dataset.play = "";
  made.append(
    play,
    button(text("back"), { shown: "−5 s", key: ",", onclick: () => seek(-STEP) }),
    button(text("forward"), { shown: "+5 s", key: ".", onclick: () => seek(STEP) }),
    makeChoice(),
  );
  const places = ["[data-media-bar]", ".reading", ".responses"];
  const place = places.map((one) => root.querySelector(one)).find(Boolean);
  if (place?.matches("[data-media-bar]")) place.append(made);
  else if (place) place.before(made);
  else root.prepend(made);
  return made;
}

function makeChoice() {
  const choice = document.createElement("fieldset");
  const legend = document.createElement("legend");
  legend.textContent = text("heard");
  choice.append(legend);
  for (const [place, player] of group.entries()) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "media-heard", checked: place === heard });
    input.addEventListener("change", () => setHeard(place));
    label.append(input, ` ${nameOf(player, place)}`);
    choice.append(label);
  }
  return choice;
}

function nameOf(player, place) {
  const response = player.closest("[data-letter]");
  const own = group.filter((one) => one.closest("[data-letter]") === response);
  if (!response) return String(place + 1);
  const letter = response.dataset.letter;
  return own.length > 1 ? `${letter}${own.indexOf(player) + 1}` : letter;
}

function show() {
  const play = bar?.querySelector("[data-play]");
  if (play) play.firstChild.data = text(inStep ? "pause" : "play");
}
