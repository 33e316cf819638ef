/* A preview of the work page: everything runs as it does at work, but the answer is only checked. */

import { keysOf } from "../deeds.js";
import { listen as listenToKeys } from "../keys.js";
import { mountMedia } from "../media/mount.js";
import * as panels from "../panels.js";
import * as preferences from "../preferences.js";
import { Questions, load } from "../questions.js";
import { announce, setProblem } from "../status.js";
import { isComplete } from "../task.js";

const task = document.querySelector("#task");
const form = task.querySelector("#answer");
const sheet = document.querySelector("#checked");

async function begin() {
  await load(task);
  form.noValidate = true;
  addEventListener("submit", onSubmit);
  addEventListener("click", onClick);
  task.questions = new Questions(task, { submit, oneKey: preferences.oneKey });
  task.addEventListener("input", () => setProblem(task, ""));
  panels.listen();
  preferences.listen();
  panels.attach(task);
  mountMedia(task);
  const isOn = preferences.singleKeys;
  listenToKeys(keysOf(() => task), { isOn, submit, next: () => task.questions.next() });
  document.documentElement.dataset.ready = "";
}

function submit() {
  form.requestSubmit();
}

function onSubmit(event) {
  event.preventDefault();
  if (event.target === form) {
    if (isComplete(task)) check();
  } else {
    event.target.closest("[popover]")?.hidePopover();
  }
}

/** Ask the server what it would make of the answer, and show it. */
async function check() {
  const body = new URLSearchParams(new FormData(form));
  const headers = { Accept: "application/json" };
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers });
  const { value, errors } = await answer.json();
  const title = sheet.querySelector("h2");
  title.textContent = answer.ok ? sheet.dataset.accepted : sheet.dataset.refused;
  const refused = () => errors.map(({ field, detail }) => `${field}: ${detail}`).join("\n");
  const text = answer.ok ? JSON.stringify(value, null, 2) : refused();
  sheet.querySelector(".checked-value").textContent = text;
  sheet.showPopover();
  title.focus();
  announce(title.textContent);
}

/** Links of the page lead to tasks that are not there. */
function onClick(event) {
  const link = event.target.closest?.("a[href]");
  if (link && !link.closest(".prose") && !link.closest(".switch")) event.preventDefault();
}

begin();
