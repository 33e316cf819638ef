/* An unfinished answer: to the server a moment after each change, and at once into this browser,
   so that neither a reload nor a lost connection loses it.

   Two browsers may have entered different things. Each draft names the one that it follows, by the
   time at which that was saved; of two of which neither follows the other the newer one is shown
   and carries the other as `aside`, which the page offers. */

import { draftName, keep } from "./kept.js";
import { signed } from "./outbox.js";
import { announce, setNotice, setStatus, text } from "./status.js";

const PAUSE_MS = 700;
const KEEPALIVE_MOST = 20_000;
// The server may have a draft whose receipt was lost; by this it knows that the next one follows.
const PAGE = Math.random().toString(36).slice(2);
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
  #isGone = false; // The answer left.
  #follows; // When the server's draft was saved that this one goes on from; 0 for none.
  #under; // The version of the form under which it was entered.
  #aside; // What another browser had entered.

  constructor(task, user, activity) {
    this.#task = task;
    this.#form = task.querySelector("#answer");
    this.#user = user;
    this.#name = draftName(user, task.dataset.key);
    this.#activity = activity;
    this.#follows = Number(task.dataset.savedAt);
    this.#under = this.#outdated && !this.#outdated.hidden ? "" : this.#formVersion;
    this.#aside = JSON.parse(task.querySelector("[data-aside] script")?.textContent ?? "null");
    task.addEventListener("input", (event) => {
      if (event.target.form === this.#form) this.keep();
    });
    task.querySelector("[data-swap]")?.addEventListener("click", () => this.#swap());
    task.querySelector("[data-reload]")?.addEventListener("click", () => location.reload());
  }

  /** Take over what this browser has and the server has not. */
  restore() {
    const kept = JSON.parse(localStorage.getItem(this.#name) ?? "null");
    const standing = this.#follows;
    if (kept?.fields && kept.saved_at !== standing && !(kept.isSent && standing)) {
      const { aside, ...older } = kept;
      this.#aside ??= aside;
      if (kept.follows === standing || kept.saved_at > standing) this.#takeUp(kept);
      else this.#aside = older;
      this.#dirty = true;
      this.#flushLater();
    }
    this.#offer();
  }

  #takeUp({ fields, seconds_active, form, follows }) {
    for (const field of this.#fields()) refill(field, fields[field.name] ?? []);
    this.#form.elements.seconds_active.value = seconds_active;
    this.#follows = follows ?? this.#follows;
    this.#under = form;
    if (this.#outdated) this.#outdated.hidden = form === undefined || form === this.#formVersion;
  }

  /** What was entered under another version of the form may mean something else under this one. */
  get #outdated() {
    return this.#task.querySelector("[data-outdated]");
  }

  /** Say that there is something else, if there is. */
  #offer() {
    const note = this.#task.querySelector("[data-aside]");
    if (!this.#aside || !note?.hidden) return;
    note.hidden = false;
    announce(note.querySelector("span").textContent);
  }

  /** Show what another browser had entered; what stands here is the other one then. */
  async #swap() {
    const { fields, form, seconds_active } = this.#aside;
    const { aside: _, ...here } = this.#value();
    const value = { ...here, fields, form, seconds_active, aside: here };
    clearTimeout(this.#timer);
    if (await this.#send(value)) {
      this.discard();
      location.reload();
    }
  }

  /** Say so if another browser went on with it meanwhile; not while something here is unsent. */
  async look() {
    const url = this.#task.dataset.draftUrl;
    const isIdle = () => !this.#dirty && !this.#underWay && !this.#isGone;
    if (!url || !isIdle()) return;
    try {
      const answer = await fetch(url, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const { saved_at } = await answer.json();
      const note = this.#task.querySelector("[data-elsewhere]");
      const isElsewhere = Boolean(saved_at) && saved_at !== this.#follows;
      if (!isIdle() || note.hidden !== isElsewhere) return;
      note.hidden = !isElsewhere;
      if (isElsewhere) announce(note.querySelector("span").textContent);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // Offline: there is nothing to see.
    }
  }

  get #formVersion() {
    return this.#form.elements.form?.value;
  }

  /** Save now what is not saved yet, also while the page goes away. */
  async flush() {
    clearTimeout(this.#timer);
    if (!this.#dirty) return;
    this.#dirty = false;
    const value = this.#value();
    if (this.#task.dataset.draftUrl && (await this.#send(value))) this.#keepAsSent(value);
  }

  /** Whether the server has it. */
  async #send(value) {
    const url = this.#task.dataset.draftUrl;
    const body = JSON.stringify(value);
    const number = (this.#sent += 1);
    keep(this.#name, value); // By its time it is known again should no answer come.
    this.#underWay += 1;
    try {
      const answer = await fetch(url, {
        method: "POST",
        body,
        headers: { "Content-Type": "application/json", ...signed(this.#user) },
        credentials: "same-origin",
        keepalive: body.length < KEEPALIVE_MOST, // Browsers refuse to carry on with longer ones.
      });
      const isSaved = answer.ok && !answer.redirected;
      this.#tellWhoIsOut(answer.redirected);
      if (isSaved) this.#follows = value.saved_at;
      if (isSaved && answer.status === 200) this.#aside = (await answer.json()).aside;
      this.#tell(number, isSaved);
      return isSaved;
    } catch {
      this.#tell(number, false);
      return false;
    } finally {
      this.#underWay -= 1;
      this.#offer();
    }
  }

  /** From here on this browser knows that the server has this draft, or what came after it. */
  #keepAsSent(value) {
    if (!this.#isGone) keep(this.#name, this.#dirty ? this.#value() : { ...value, isSent: true });
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
    this.#isGone = true;
    this.#sent += 1;
    localStorage.removeItem(this.#name);
  }

  /** Write down what stands in the form, here at once and on the server in a moment. */
  keep() {
    this.#dirty = true;
    this.#isGone = false;
    this.#under = this.#formVersion;
    const isKept = keep(this.#name, this.#value()); // If not, the server's copy is all there is.
    if (this.#task.dataset.draftUrl) setStatus("saving");
    else setStatus(isKept ? "kept" : "", { isTrouble: false }); // An answer that is changed.
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
      form: this.#under,
      seconds_active: Math.round(this.#activity.seconds * 10) / 10,
      saved_at: Date.now(),
      follows: this.#follows,
      page: PAGE,
      ...(this.#aside ? { aside: this.#aside } : {}),
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
