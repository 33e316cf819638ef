/* The questions of a task: each runs the script of its kind, conditions show and hide them, one
   of them is the current one and has the keys. docs/adding-a-kind.md tells what scripts are given. */

import { askedAbout } from "./conditions.js";
import { announce, text } from "./status.js";

const scripts = new Map(); // What kinds' scripts export, by address.

/** Fetch what the task's questions need and is not here yet. */
export async function load(task) {
  for (const { dataset } of task.querySelectorAll("[data-about]")) {
    for (const href of dataset.styles.match(/\S+/g) ?? []) {
      if (document.querySelector(`link[href="${href}"]`)) continue;
      document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
    }
    if (dataset.script && !scripts.has(dataset.script)) {
      scripts.set(dataset.script, await import(dataset.script));
    }
  }
}

export class Questions {
  #task;
  #all;
  #decisive; // Names of the questions that later ones depend on.
  #current;
  #hooks;

  /** `hooks` has submit() and oneKey(), whether one key may answer and go on at once. */
  constructor(task, hooks) {
    this.#task = task;
    this.#hooks = hooks;
    this.#all = [...task.querySelectorAll("[data-about]")].map(
      (template) => new Question(task, template.dataset, this),
    );
    this.#decisive = new Set(
      this.#all.flatMap(({ about }) => [about.when?.question, about.responses.of].filter(Boolean)),
    );
    for (const question of this.#all) question.mount();
    task.addEventListener("focusin", ({ target }) => this.#follow(target));
    task.addEventListener("pointerdown", ({ target }) => this.#follow(target));
    for (const sign of ["input", "change"]) task.addEventListener(sign, () => this.update());
    this.update();
  }

  /** The function of a key, as the current question has it. */
  key(name) {
    return this.#current?.keys[name];
  }

  /** What is not answered as it should be: [{question, message}, …] in the order of the page. The
   * last ones are looked at first: whoever says what is wrong goes there, and the first is to have
   * the focus in the end. */
  problems() {
    const found = this.#asked.toReversed().map((question) => {
      return question.problems().map((message) => ({ question, message }));
    });
    return found.toReversed().flat();
  }

  get isUntouched() {
    return this.#asked.every((question) => question.value() === null);
  }

  /** Enter: on inside the question, to the next one, or nothing left: submit. */
  next() {
    if (this.#current?.advance()) return;
    if (!this.step(1)) this.#hooks.submit();
  }

  /** To the next or the previous question; false at the end. */
  step(by) {
    const asked = this.#asked;
    const to = asked[asked.indexOf(this.#current) + by];
    if (to) this.goTo(to);
    return Boolean(to);
  }

  goTo(question) {
    this.#makeCurrent(question);
    question.focus();
  }

  /** To the question, unless what is wrong with it has the focus already. */
  goToProblem(question) {
    if (question.hasFocus) this.#makeCurrent(question);
    else if (this.#all.length > 1) this.goTo(question);
  }

  /** The question is at work outside of its places, such as in a response. */
  claim(question) {
    if (question.isAsked && question !== this.#current) this.#makeCurrent(question);
  }

  /** One key has completed the answer: whoever wants it so goes on at once. */
  complete() {
    if (this.#hooks.oneKey()) this.next();
  }

  /** Show what is asked after the answers as they are, and hide the rest. */
  update() {
    const earlier = new Map();
    for (const question of this.#all) {
      question.show(askedAbout(question.about, earlier, question.responseIds));
      const { name } = question.about;
      const value = question.isAsked && this.#decisive.has(name) ? question.value() : null;
      if (value !== null) earlier.set(name, { value, sides: question.sides() });
    }
    if (!this.#current?.isAsked) this.#makeCurrent(this.#asked[0]);
  }

  get #asked() {
    return this.#all.filter((question) => question.isAsked);
  }

  #follow(target) {
    const prefix = target.closest?.("[data-question]")?.dataset.question;
    const question = this.#all.find(({ about }) => about.prefix === prefix);
    if (question?.isAsked) this.#makeCurrent(question);
  }

  #makeCurrent(question) {
    this.#current = question;
    if (this.#all.length < 2) return;
    for (const each of this.#all) each.mark(each === question);
  }
}

class Question {
  about;
  responseIds;
  #task;
  #script;
  #questions;
  #places;
  #mounted;
  #ids = []; // Of the responses asked about; null while it is not asked.

  constructor(task, { about, script }, questions) {
    this.#task = task;
    this.#script = scripts.get(script);
    this.#questions = questions;
    this.about = JSON.parse(about);
    this.#places = [...task.querySelectorAll(`[data-question="${this.about.prefix}"]`)];
    this.responseIds = [...task.querySelectorAll(".response")].map((each) => Number(each.dataset.response));
  }

  mount() {
    this.#mounted = this.#script?.mount(this.#places[0], this.#page()) ?? {};
  }

  get isAsked() {
    return this.#ids !== null;
  }

  get keys() {
    return this.#mounted.keys ?? {};
  }

  /** What is wrong, in words; nothing also for an optional question that is left alone. */
  problems() {
    const value = this.value();
    if (!this.about.required && value === null) return [];
    if (this.#mounted.problem) return [this.#mounted.problem()].flat().filter(Boolean);
    const invalid = this.#fields().find((field) => !field.checkValidity());
    if (invalid) return [invalid.validationMessage];
    return value === null ? [text("choose")] : [];
  }

  get hasFocus() {
    return this.#places.some((place) => place.contains(document.activeElement));
  }

  value() {
    if (this.#mounted.value) return this.#mounted.value();
    const json = this.#fields().find((field) => field.type === "hidden" && field.name === this.about.prefix);
    if (json) return json.value.trim() ? JSON.parse(json.value) : null;
    const entered = this.#fields().filter((field) => isEntered(field));
    return entered.length ? Object.fromEntries(entered.map(({ name, value }) => [name, value])) : null;
  }

  sides() {
    return this.#mounted.sides?.();
  }

  advance() {
    return this.#mounted.advance?.() ?? false;
  }

  focus() {
    if (this.#mounted.focus) return this.#mounted.focus();
    const fields = this.#fields().filter((field) => field.type !== "hidden");
    (fields.find((field) => field.checked) ?? fields[0])?.focus();
  }

  mark(isCurrent) {
    for (const place of this.#places) place.toggleAttribute("data-current", isCurrent);
  }

  /** Ask about these responses; null hides the question, and its fields are not sent. */
  show(ids) {
    const isNew = String(ids) !== String(this.#ids);
    this.#ids = ids;
    for (const place of this.#places) {
      const response = place.dataset.response;
      const isOff = ids === null || (response !== undefined && !ids.includes(Number(response)));
      place.hidden = place.disabled = isOff;
    }
    if (isNew && ids !== null) this.#mounted.refresh?.();
  }

  #fields() {
    return this.#places.flatMap((place) => (place.disabled ? [] : [...place.elements])).filter((field) => field.name);
  }

  /** What the kind's script works with. */
  #page() {
    const question = this;
    const { prefix, settings } = this.about;
    const form = this.#task.querySelector("#answer");
    const under = this.#places.filter((place) => place.dataset.place === "response");
    const place = (name) => this.#places.find((each) => each.dataset.place === name) ?? null;
    return {
      task: this.#task,
      prefix,
      settings,
      places: {
        bar: place("bar"),
        side: place("side"),
        responses: new Map(under.map((each) => [Number(each.dataset.response), each])),
      },
      get responses() {
        return question.#responses();
      },
      field: (more = "") => form.elements.namedItem(prefix + more),
      changed: () => this.#places[0].dispatchEvent(new Event("input", { bubbles: true })),
      text: (name, fields) => this.#text(name, fields),
      announce,
      claim: () => this.#questions.claim(this),
      next: () => this.#questions.next(),
      complete: () => this.#questions.complete(),
    };
  }

  #responses() {
    return [...this.#task.querySelectorAll(".response")]
      .map((element) => ({
        id: Number(element.dataset.response),
        letter: element.dataset.letter,
        element,
        text: element.querySelector(".prose"),
      }))
      .filter(({ id }) => this.#ids?.includes(id));
  }

  #text(name, fields = {}) {
    const attribute = `data-text-${name}`;
    for (const place of this.#places) {
      const found = place.querySelector(`[${attribute}]`)?.getAttribute(attribute);
      if (found) return fill(found, fields);
    }
    throw new Error(`no ${attribute} in the templates of ${this.about.prefix}`);
  }
}

function fill(words, fields) {
  return Object.entries(fields).reduce((filled, [name, value]) => filled.replace(`{${name}}`, () => value), words);
}

function isEntered(field) {
  if (field.type === "radio" || field.type === "checkbox") return field.checked;
  return field.value.trim() !== "";
}
