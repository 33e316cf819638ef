/* Critiques: a text about each response, and its own text to be improved, with what has changed. */

import { changes } from "./changes.js";
import { Confidence } from "./confidence.js";
import { allResponses } from "./rows.js";

const PAUSE_MS = 120;

export function mount(root, page) {
  const all = allResponses(page).map((response) => new Critique(response, page));
  const confidence = new Confidence(page);
  let current = all[0];
  for (const critique of all) {
    for (const sign of ["focusin", "pointerdown"]) critique.element.addEventListener(sign, () => follow(critique));
    critique.response.element.addEventListener("focus", () => follow(critique));
  }
  follow(current);

  function follow(critique) {
    current = critique;
    for (const each of all) each.element.toggleAttribute("data-current", each === critique);
  }

  function asked() {
    const ids = page.responses.map(({ id }) => id);
    return all.filter(({ response }) => ids.includes(response.id));
  }

  function goTo(critique) {
    follow(critique);
    critique.focus();
  }

  return {
    keys: {
      ...confidence.keys,
      c: () => current.focus(),
      ...(page.settings.refinement === "none" ? {} : { e: () => current.improve() }),
    },
    problem() {
      const wrong = asked().map((critique) => [critique, critique.problem()]);
      if (asked().every(({ value }) => !Object.keys(value).length)) wrong[0][1] ??= page.text("nothing");
      const unsure = confidence.problem();
      const said = wrong.toReversed().map(([critique, message]) => complain(critique, message));
      return [...said.toReversed(), unsure].filter(Boolean);
    },
    value() {
      const responses = Object.fromEntries(asked().map(({ response, value }) => [response.id, value]));
      const isTouched = Object.values(responses).some((value) => Object.keys(value).length);
      if (!isTouched) return confidence.value.confidence ? confidence.value : null;
      return { responses, ...confidence.value };
    },
    advance() {
      const list = asked();
      const to = list.slice(list.indexOf(current) + 1).find(({ value }) => !Object.keys(value).length);
      if (to) goTo(to);
      return Boolean(to);
    },
    focus: () => goTo(asked().find(({ value }) => !Object.keys(value).length) ?? asked()[0]),
  };

  function complain(critique, message) {
    if (message) follow(critique);
    critique.mark(message ?? "");
    return message;
  }
}

class Critique {
  #page;
  #text;
  #refine;
  #refined;
  #original;
  #changes;
  #timer = 0;

  constructor(response, page) {
    this.response = response;
    this.element = response.place.querySelector("[data-critique]");
    this.#page = page;
    this.#text = this.element.querySelector("textarea");
    this.#refine = this.element.querySelector("[data-refine]");
    this.#refined = this.element.querySelector(".refined textarea");
    this.#original = this.element.querySelector("[data-original]")?.content.textContent ?? "";
    this.#changes = this.element.querySelector("[data-changes]");
    this.element.addEventListener("input", ({ target }) => this.#entered(target));
    if (this.#refine) this.#showChanges();
  }

  /** As it would be stored. */
  get value() {
    const value = {};
    if (this.#text.value.trim()) value.critique = this.#text.value;
    if (this.#refine?.checked) value.refined = this.#refined.value;
    return value;
  }

  problem() {
    const { critique_min_chars: least, refinement } = this.#page.settings;
    const { letter } = this.response;
    if ([...this.#text.value.trim()].length < least) return this.#page.text("short", { letter, least });
    if (refinement === "required" && this.#isSame) return this.#page.text("same", { letter });
    if (!this.#refine?.checked) return null;
    if (!this.#refined.value.trim()) return this.#page.text("empty", { letter });
    return this.#isSame ? this.#page.text("same-optional", { letter }) : null;
  }

  /** Say here what is wrong, and go there; empty takes it away. */
  mark(message) {
    const place = this.element.querySelector("[data-wrong]");
    place.textContent = message;
    place.hidden = !message;
    const isOfText = [...this.#text.value.trim()].length < Math.max(1, this.#page.settings.critique_min_chars);
    const field = isOfText || !this.#refined ? this.#text : this.#refined;
    for (const each of [this.#text, this.#refined]) {
      each?.setAttribute("aria-invalid", Boolean(message) && each === field);
    }
    if (message) this.#go(field);
  }

  focus() {
    this.#go(this.#text);
  }

  /** To the text that can be improved. */
  improve() {
    if (this.#page.settings.refinement === "optional" && !this.#refine.checked) this.#refine.click();
    this.#go(this.#refined);
  }

  get #isSame() {
    return this.#refined.value.trim() === this.#original.trim();
  }

  #go(field) {
    field.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #entered(target) {
    this.mark("");
    if (target === this.#refine && target.checked) this.#go(this.#refined);
    if (target !== this.#refined) return;
    if (this.#page.settings.refinement === "required") this.#refine.checked = !this.#isSame;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#showChanges(), PAUSE_MS);
  }

  #showChanges() {
    const isChanged = !this.#isSame;
    this.#changes.hidden = !isChanged;
    const pieces = isChanged ? changes(this.#original, this.#refined.value) : [];
    this.#changes.replaceChildren(...pieces.map(({ name, text }) => element(name, text)));
  }
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
