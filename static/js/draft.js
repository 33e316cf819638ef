/* An unfinished answer: to the server a moment after each change, and at once into this browser,
   so that neither a reload nor a lost connection loses it. */

import { csrfToken } from "./outbox.js";
import { setStatus } from "./status.js";

const PAUSE_MS = 700;

export class Draft {
  #task;
  #form;
  #name;
  #activity;
  #timer = 0;
  #dirty = false;

  constructor(task, user, activity) {
    this.#task = task;
    this.#form = task.querySelector("#answer");
    this.#name = `tandem:draft:${user}:${task.dataset.key}`;
    this.#activity = activity;
    task.addEventListener("input", (event) => {
      if (event.target.form === this.#form) this.#changed();
    });
  }

  /** Take over what this browser has and the server has not. Returns seconds worked so far. */
  restore() {
    const kept = JSON.parse(localStorage.getItem(this.#name) ?? "null");
    const fields = this.#form.elements;
    if (kept && kept.saved_at > Number(this.#task.dataset.savedAt)) {
      fields.answer.value = kept.answer;
      fields.rationale.value = kept.rationale;
      fields.flag.value = kept.flag;
      fields.seconds_active.value = kept.seconds_active;
    }
    return Number(fields.seconds_active.value) || 0;
  }

  /** Save now what is not saved yet, also while the page goes away. */
  async flush() {
    clearTimeout(this.#timer);
    if (!this.#dirty) return;
    this.#dirty = false;
    const url = this.#task.dataset.draftUrl;
    if (!url) return;
    try {
      const answer = await fetch(url, {
        method: "POST",
        body: JSON.stringify(this.#value()),
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
        credentials: "same-origin",
        keepalive: true,
      });
      setStatus(answer.ok && !answer.redirected ? "saved" : "offline");
    } catch {
      setStatus("offline");
      this.#dirty = true;
    }
  }

  /** The answer is on its way; what is kept here is no longer wanted. */
  discard() {
    clearTimeout(this.#timer);
    this.#dirty = false;
    localStorage.removeItem(this.#name);
  }

  #changed() {
    this.#dirty = true;
    localStorage.setItem(this.#name, JSON.stringify(this.#value()));
    setStatus("saving");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), PAUSE_MS);
  }

  #value() {
    const fields = this.#form.elements;
    return {
      answer: fields.answer.value,
      rationale: fields.rationale.value,
      flag: fields.flag.value,
      seconds_active: Math.round(this.#activity.seconds * 10) / 10,
      saved_at: Date.now(),
    };
  }
}
