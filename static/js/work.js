/* The work page: answers, shows the next task at once, keeps everything. */

import { Activity } from "./activity.js";
import { keysOf } from "./deeds.js";
import { Draft } from "./draft.js";
import { tellOfOthers, tidy } from "./kept.js";
import { listen as listenToKeys } from "./keys.js";
import { Lease } from "./lease.js";
import * as limits from "./limits.js";
import { Outbox, freshen } from "./outbox.js";
import { mountMedia, preloadMedia } from "./media/mount.js";
import * as panels from "./panels.js";
import * as preferences from "./preferences.js";
import { Questions, load } from "./questions.js";
import * as sheets from "./sheets.js";
import { fetchNext, formOf, isComplete, parse, showWrong } from "./task.js";
import { announce, count, setNotice, setProblem, setShare, setStatus, text } from "./status.js";

const area = document.querySelector("#work");
const activity = new Activity();
const unsent = new Map(); // Tasks answered but not yet taken, by the key of their answer.
const outbox = new Outbox(area.dataset.user, { taken, refused, stuck });
const lease = new Lease(area.dataset.leaseSeconds, activity, () => [shown, ahead]);
let shown = null;
let ahead = null;
let draft = null;
let isWaiting = false;
let isStale = false; // The task shown was answered before the page was loaded; that is on its way.

async function begin() {
  tidy(area.dataset.user);
  tellOfOthers(area.dataset.user);
  await load(area.querySelector("#task"));
  addEventListener("submit", onSubmit);
  addEventListener("click", onClick);
  addEventListener("pagehide", () => draft.flush());
  addEventListener("visibilitychange", () => document.hidden && draft.flush());
  for (const sign of ["online", "focus"]) addEventListener(sign, () => draft.flush().then(() => draft.look()));
  panels.listen();
  sheets.listen();
  limits.listen(area);
  preferences.listen();
  listenToKeys(deed, { isOn: preferences.singleKeys, submit, next: () => shown.questions.next() });
  show(area.querySelector("#task"));
  document.documentElement.dataset.ready = ""; // From here on keys do something.
  isWaiting = isStale = outbox.entries.some(isAboutShown);
  outbox.flush();
  if (!shown.dataset.revises) fetchAhead();
}

/** Bring a task into view. */
function show(task, said = "") {
  const old = area.querySelector("#task");
  if (old !== task) old.replaceWith(task);
  shown = task;
  isWaiting = false;
  task.querySelector("#answer").noValidate = true;
  document.querySelector("#skip-form")?.setAttribute("action", task.dataset.skipUrl);
  if (!task.draft) prepare(task);
  draft = task.draft;
  activity.start(Number(task.querySelector("#answer").elements.seconds_active.value) || 0);
  panels.attach(task);
  sheets.follow(task);
  mountMedia(task);
  if (!said) return;
  document.querySelector(".messages")?.remove(); // It was about the task before.
  setStatus();
  scrollTo(0, 0);
  task.focus({ preventScroll: true });
  announce(`${said} ${task.querySelector(".turn.last .prose")?.textContent.trim().slice(0, 120) ?? ""}`);
}

/** What is done once for a task: its draft comes back, then its questions begin to run. */
function prepare(task) {
  task.draft = new Draft(task, area.dataset.user, activity);
  task.draft.restore();
  task.questions = new Questions(task, { submit, oneKey: preferences.oneKey });
  task.addEventListener("input", () => setProblem(task, ""));
  limits.attach(task);
}

function onSubmit(event) {
  const form = event.target;
  if (form.id !== "answer" && form.id !== "skip-form") return;
  if (form.id === "answer" && (isSecondPress() || !isComplete(shown))) {
    return event.preventDefault();
  }
  if (form.id === "answer") {
    form.elements.seconds_active.value = activity.seconds.toFixed(1);
    form.elements.shown_for.value = activity.shownFor.toFixed(1);
  }
  if (shown.dataset.revises) return freshen(form); // Its draft stays: the session may be over.
  event.preventDefault();
  if (!isWaiting) send(form);
}

/** A double click, as the browser counts it, whose second half falls on the next, untouched task. */
function isSecondClick({ target, detail }) {
  return detail > 1 && Boolean(target.closest?.("#answer .submit")) && shown.questions.isUntouched;
}

/** Two quick presses of Enter: the second one falls on the next, untouched task. */
function isSecondPress() {
  return activity.shownFor < 0.5 && shown.questions.isUntouched;
}

/** Put the answer into the outbox and go on at once where the next task is already here. */
function send(form) {
  const body = new URLSearchParams(new FormData(form));
  body.delete("csrfmiddlewaretoken");
  if (ahead) body.set("beside", ahead.dataset.seat);
  body.set("seen", formOf(ahead ?? shown));
  const isAnswer = form.id === "answer";
  const key = `${form.id}-${shown.dataset.key}`;
  const url = form.getAttribute("action");
  unsent.set(key, shown);
  outbox.add({ key, url, body: body.toString(), isAnswer });
  draft.discard();
  if (!isAnswer) putAway(form);
  isWaiting = true;
  setNotice();
  if (ahead) {
    show(ahead, text("next"));
    ahead = null;
  }
  if (isAnswer) count(1);
  outbox.flush();
}

function putAway(form) {
  form.closest("[popover]").hidePopover();
  form.reset();
}

async function taken(entry, answer) {
  const isOfThisPage = unsent.delete(entry.key);
  if (isStale && outbox.entries.length === 0) return location.replace(area.dataset.workUrl);
  // Of an earlier page; what the server had already is in the number that this page came with.
  if (!isOfThisPage && entry.isAnswer && !answer.again) count(1);
  setStatus("saved");
  setNotice(answer.message);
  setShare(answer.percent);
  receive(await parse(answer.next));
}

/** The server will not take it: back to that task, with the reason. */
function refused(entry, status, { detail, wrong = [] }) {
  const task = unsent.get(entry.key) ?? (isAboutShown(entry) ? shown : null);
  if (unsent.delete(entry.key) && entry.isAnswer) count(-1);
  if (status === 400 && task) {
    if (!isWaiting) ahead = shown;
    show(task, detail);
    setProblem(task, detail);
    showWrong(task, wrong);
    draft.keep(); // It was let go when the answer left.
    return;
  }
  setNotice(detail);
  if (isWaiting) location.assign(area.dataset.workUrl);
}

function stuck(why) {
  setStatus(why === "signedOut" ? "kept" : "offline");
  if (why !== "offline") setNotice(text(why), { login: why === "signedOut" });
  else if (isWaiting) setNotice(text("waiting"));
}

/** A further task, or null: shown if the desk is empty, else laid ready. */
function receive(task) {
  if (task && task.dataset.account !== area.dataset.user) return setNotice(text("otherAccount"));
  const isNew = task && task.dataset.seat !== shown.dataset.seat && !isUnsent(task.dataset.seat);
  if (isWaiting && isNew) {
    show(task, text("next"));
    fetchAhead();
  } else if (isWaiting && outbox.entries.length === 0) {
    location.assign(area.dataset.workUrl);
  } else if (isNew) {
    ahead = task;
    preloadMedia(task);
  }
}

function isAboutShown(entry) {
  return entry.key.endsWith(`-${shown.dataset.key}`);
}

function isUnsent(seat) {
  return [...unsent.values()].some((task) => task.dataset.seat === seat);
}

async function fetchAhead() {
  const task = await fetchNext(area.dataset.nextUrl, shown);
  if (task) receive(task);
}

async function onClick(event) {
  if (isSecondClick(event)) return event.preventDefault();
  if (event.target.closest?.("[data-give-up]")) return draft.discard();
  const link = event.target.closest?.("[data-undo]");
  if (!link) return;
  event.preventDefault();
  await Promise.all([draft.flush(), outbox.isStuck ? null : outbox.flush()]);
  if (outbox.entries.length === 0) location.assign(link.href);
  else takeBack();
}

/** Undo while the server is out of reach: the last answer has not left, so it comes back. */
function takeBack() {
  const [key, task] = [...unsent].at(-1) ?? [];
  if (!task) return setNotice(text("waiting"));
  outbox.remove(key);
  unsent.delete(key);
  if (!isWaiting) ahead = shown;
  if (key.startsWith("answer-")) count(-1);
  show(task, text("next"));
  draft.keep();
}

function submit() {
  shown.querySelector("#answer").requestSubmit();
}

const deed = keysOf(() => shown);

begin();
