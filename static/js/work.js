/* The work page: answers, shows the next task at once, keeps everything. */

import { Activity } from "./activity.js";
import { Draft } from "./draft.js";
import { listen as listenToKeys } from "./keys.js";
import { Lease } from "./lease.js";
import { Outbox } from "./outbox.js";
import * as panels from "./panels.js";
import * as preferences from "./preferences.js";
import { choose, chosen, isComplete, moveAlong, setProblem } from "./scale.js";
import { fetchNext, parse } from "./task.js";
import { announce, count, setNotice, setShare, setStatus, text } from "./status.js";

const area = document.querySelector("#work");
const activity = new Activity();
const unsent = new Map(); // Tasks answered but not yet taken, by the key of their answer.
const outbox = new Outbox(area.dataset.user, { taken, refused, stuck });
const lease = new Lease(area.dataset.leaseSeconds, activity, () => [shown, ahead]);
let shown = null;
let ahead = null;
let draft = null;
let isWaiting = false;

function begin() {
  addEventListener("submit", onSubmit);
  addEventListener("click", onClick);
  addEventListener("pagehide", () => draft.flush());
  addEventListener("visibilitychange", () => document.hidden && draft.flush());
  panels.listen();
  preferences.listen();
  listenToKeys(deeds, { isOn: preferences.singleKeys, submit });
  show(area.querySelector("#task"));
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
  task.addEventListener("input", () => setProblem(task.querySelector("#answer"), ""));
  if (!task.draft) task.draft = new Draft(task, area.dataset.user, activity);
  draft = task.draft;
  document.querySelector("#skip-form")?.setAttribute("action", task.dataset.skipUrl);
  activity.start(draft.restore());
  panels.attach(task);
  if (!said) return;
  document.querySelector(".messages")?.remove(); // It was about the task before.
  setStatus();
  scrollTo(0, 0);
  task.focus({ preventScroll: true });
  announce(`${said} ${task.querySelector(".turn.last .prose")?.textContent.trim().slice(0, 120) ?? ""}`);
}

function onSubmit(event) {
  const form = event.target;
  if (form.id !== "answer" && form.id !== "skip-form") return;
  if (form.id === "answer" && (isSecondClick(form) || !isComplete(shown))) {
    return event.preventDefault();
  }
  if (form.id === "answer") {
    form.elements.seconds_active.value = activity.seconds.toFixed(1);
    form.elements.shown_for.value = activity.shownFor.toFixed(1);
  }
  if (shown.dataset.revises) return draft.discard();
  event.preventDefault();
  if (!isWaiting) send(form);
}

/** A double click or two quick Enters: the second one falls on the next, untouched task. */
function isSecondClick(form) {
  return activity.shownFor < 0.5 && !chosen(form);
}

/** Put the answer into the outbox and go on at once where the next task is already here. */
function send(form) {
  const body = new URLSearchParams(new FormData(form));
  body.delete("csrfmiddlewaretoken");
  if (ahead) body.set("beside", ahead.dataset.seat);
  const isAnswer = form.id === "answer";
  const key = `${form.id}-${shown.dataset.key}`;
  const url = form.getAttribute("action");
  unsent.set(key, shown);
  draft.discard();
  if (!isAnswer) putAway(form);
  isWaiting = true;
  setNotice();
  if (ahead) {
    show(ahead, text("next"));
    ahead = null;
  }
  if (isAnswer) count(1);
  outbox.add({ key, url, body: body.toString(), isAnswer });
}

function putAway(form) {
  form.closest("[popover]").hidePopover();
  form.reset();
}

function taken(entry, answer) {
  unsent.delete(entry.key);
  setStatus("saved");
  setNotice(answer.message);
  setShare(answer.percent);
  receive(parse(answer.next));
}

/** The server will not take it: back to that task, with the reason. */
function refused(entry, status, detail) {
  const task = unsent.get(entry.key);
  unsent.delete(entry.key);
  if (entry.isAnswer) count(-1);
  if (status === 400 && task) {
    if (!isWaiting) ahead = shown;
    show(task, detail);
    setProblem(task.querySelector("#answer"), detail);
    return;
  }
  setNotice(detail);
  if (isWaiting) location.assign(area.dataset.workUrl);
}

function stuck(why) {
  setStatus("offline");
  if (why !== "offline") setNotice(text(why));
  else if (isWaiting) setNotice(text("waiting"));
}

/** A further task, or null: shown if the desk is empty, else laid ready. */
function receive(task) {
  const isNew = task && task.dataset.seat !== shown.dataset.seat && !isUnsent(task.dataset.seat);
  if (isWaiting && isNew) {
    show(task, text("next"));
    fetchAhead();
  } else if (isWaiting && outbox.entries.length === 0) {
    location.assign(area.dataset.workUrl);
  } else if (isNew) {
    ahead = task;
  }
}

function isUnsent(seat) {
  return [...unsent.values()].some((task) => task.dataset.seat === seat);
}

async function fetchAhead() {
  const task = await fetchNext(area.dataset.nextUrl, shown);
  if (task) receive(task);
}

async function onClick(event) {
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
}

function submit() {
  shown.querySelector("#answer").requestSubmit();
}

const press = (selector) => () => document.querySelector(selector)?.click();
const focus = (selector) => () => shown.querySelector(selector)?.focus();
const deeds = {
  digit(key) {
    if (choose(shown, key) && preferences.oneKey()) submit();
  },
  ArrowLeft: () => moveAlong(shown, -1),
  ArrowRight: () => moveAlong(shown, 1),
  Enter: submit,
  r: focus("#rationale"),
  a: focus("#response-A"),
  b: focus("#response-B"),
  s: press("[popovertarget=skip]"),
  f: press("[popovertarget=flag]"),
  u: press("[data-undo]"),
  d: press("[data-toggle=differences]"),
  l: press("[data-toggle=together]"),
  g: press("[popovertarget=guidelines]"),
  "?": press("[popovertarget=keys]"),
};

begin();
