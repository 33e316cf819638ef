/* An unfinished answer: to the server a moment after each change, and at once into this browser,
   so that neither a reload nor a lost connection loses it. */

import { draftName, keep } from "./kept.js";
import { signed } from "./outbox.js";
import { setNotice, setStatus, text } from "./status.js";

const PAUSE_MS = 700;
const KEEPALIVE_MOST = 20_000;
// Not part of the answer.
const OWN_FIELDS = new Set(["csrfmiddlewaretoken", "account", "form", "seconds_active", "shown_for"]);

export class Draft {
  #task;
  #form;
  #name;
  #user;
  #activity;
  #timer = 0;
  #dirty = false;
  #sent = 0; // How often; what came of the newest alone is told, for it holds all before it.
  #underWay = 0;
  #isOut = false; // Logged out, as the page says.

  constructor(task, user, activity) {
    this.#task = task;
    this.#form = task.querySelector("#answer");
    this.#user = user;
    this.#name = draftName(user, task.dataset.key);
    this.#activity = activity;
    task.addEventListener("input", (event) => {
      if (event.target.form === this.#form) this.keep();
    });
  }

  /** Take over what this browser has and the server has not. Returns seconds worked so far. */
  restore() {
    const kept = JSON.parse(localStorage.getItem(this.#name) ?? "null");
    const seconds = this.#form.elements.seconds_active;
    if (kept?.fields && kept.saved_at > Number(this.#task.dataset.savedAt)) {
      for (const field of this.#fields()) refill(field, kept.fields[field.name] ?? []);
      seconds.value = kept.seconds_active;
      this.#tellWhetherOutdated(kept.form);
    }
    return Number(seconds.value) || 0;
  }

  /** What was entered under another version of the form may mean something else under this one. */
  #tellWhetherOutdated(form) {
    const note = this.#task.querySelector("[data-outdated]");
    if (note) note.hidden = form === undefined || form === this.#formVersion;
  }

  get #formVersion() {
    return this.#form.elements.form?.value;
  }

  /** Save now what is not saved yet, also while the page goes away. */
  async flush() {
    clearTimeout(this.#timer);
    if (!this.#dirty) return;
    this.#dirty = false;
    const url = this.#task.dataset.draftUrl;
    if (!url) return;
    const body = JSON.stringify(this.#value());
    const number = (this.#sent += 1);
    this.#underWay += 1;
    try {
      const answer = await fetch(url, {
        method: "POST",
        body,
        headers: { "Content-Type": "application/json", ...signed(this.#user) },
        credentials: "same-origin",
        keepalive: body.length < KEEPALIVE_MOST, // Browsers refuse to carry on with longer ones.
      });
      this.#tellWhoIsOut(answer.redirected);
      this.#tell(number, answer.ok && !answer.redirected);
    } catch {
      this.#tell(number, false);
    } finally {
      this.#underWay -= 1;
    }
  }

  /** "Saved" means all of it: while something newer is on its way, or is about to be, nothing is said. */
  #tell(number, isSaved) {
    if (number !== this.#sent || this.#dirty) return;
    setStatus(isSaved ? "saved" : this.#isOut ? "kept" : "offline");
    this.#dirty = !isSaved;
  }

  /** A redirection leads to the login. */
  #tellWhoIsOut(isOut) {
    if (isOut !== this.#isOut) setNotice(isOut ? text("signedOut") : "", { login: isOut });
    this.#isOut = isOut;
  }

  /** The answer is on its way; what is kept here is no longer wanted. */
  discard() {
    clearTimeout(this.#timer);
    this.#dirty = false;
    this.#sent += 1;
    localStorage.removeItem(this.#name);
  }

  /** Write down what stands in the form, here at once and on the server in a moment. */
  keep() {
    this.#dirty = true;
    keep(this.#name, this.#value()); // Where that fails the server's copy is all there is.
    setStatus("saving");
    this.#flushLater();
  }

  /** Not while one is under way, which may arrive after the newer one and take its place. */
  #flushLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#underWay ? this.#flushLater() : this.flush()), PAUSE_MS);
  }

  #value() {
    const fields = {};
    for (const field of this.#fields()) {
      (fields[field.name] ??= []).push(...valuesOf(field));
    }
    return {
      fields,
      form: this.#formVersion,
      seconds_active: Math.round(this.#activity.seconds * 10) / 10,
      saved_at: Date.now(),
    };
  }
  /** Every field of the answer, also of questions that are not asked just now. */
  #fields() {
    return [...this.#form.elements].filter(({ name }) => name && !OWN_FIELDS.has(name));
  }
}

function valuesOf(field) {
  if (field.type === "select-multiple") return [...field.selectedOptions].map(({ value }) => value);
  return isChoice(field) && !field.checked ? [] : [field.value];
}

function isChoice(field) {
  return field.type === "radio" || field.type === "checkbox";
}

/** Put back what the fields of one name held. */
function refill(field, values) {
  if (isChoice(field)) field.checked = values.includes(field.value);
  else if (field.type !== "select-multiple") field.value = values[0] ?? "";
  else for (const option of field.options) option.selected = values.includes(option.value);
}
