/* Steps: a row each, judged by three buttons, or one of them chosen as the first wrong one. */

import { Confidence } from "./confidence.js";
import { Row, Rows, allOf, check } from "./rows.js";

export function mount(root, page) {
  const isEach = page.settings.mode === "each";
  const rows = new Rows(page, (element, response) => new Step(element, response, page));
  const confidence = new Confidence(page);

  const goOn = () => rows.step(1) || (rows.isComplete && !confidence.isMissing && page.complete());

  /** A wrong step that must be explained keeps the hand until it is. */
  function judge(key) {
    const step = rows.current;
    if (!step.choose(key)) return;
    if (step.label === -1 && page.settings.critiques === "on_wrong" && !step.critique) step.explain();
    else goOn();
  }

  /** Right so far: the step is not the first wrong one, and after the last one none is. */
  function pass() {
    const step = rows.current;
    step.uncheck();
    if (step.isLast && !step.first) check(step.none);
    goOn();
  }

  function markFirst() {
    const step = rows.current;
    step.choose("3");
    if (page.settings.critiques === "on_wrong" && !step.critique) step.explain();
    else nextResponse();
  }

  function noneWrong() {
    check(rows.current.none);
    nextResponse();
  }

  function nextResponse() {
    const { response } = rows.current;
    const later = rows.asked.slice(rows.asked.indexOf(rows.current));
    const to = later.find((step) => step.response !== response);
    if (to) rows.goTo(to);
    else if (rows.isComplete && !confidence.isMissing) page.complete();
  }

  for (const place of page.places.responses.values()) {
    place.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !event.target.matches("textarea")) return;
      event.preventDefault();
      event.target.blur();
      if (isEach) goOn();
      else nextResponse();
    });
  }

  const each = { 1: () => judge("1"), 2: () => judge("2"), 3: () => judge("3") };
  const first = { 0: noneWrong, 1: pass, 3: markFirst };
  return {
    keys: {
      ...(isEach ? each : first),
      ...confidence.keys,
      "+": isEach ? each[1] : pass,
      "-": isEach ? each[3] : markFirst,
      ArrowUp: () => rows.step(-1),
      ArrowDown: () => rows.step(1),
      c: () => rows.current?.explain(),
    },
    problem: () => allOf(rows, confidence),
    value: () => valueOf(rows.asked, page, confidence.value),
    advance: () => rows.advance(),
    focus: () => rows.focus(),
    refresh: () => rows.refresh(),
  };
}

/** The answer as it would be stored; null when untouched. */
function valueOf(steps, page, confidence) {
  const labels = {};
  const critiques = {};
  for (const step of steps) {
    (labels[step.response.id] ??= []).push(step.label);
    if (step.critique) (critiques[step.response.id] ??= {})[step.number] = step.critique;
  }
  const isTouched = confidence.confidence || steps.some((step) => step.isAnswered || step.critique);
  if (!isTouched) return null;
  return { labels, ...(Object.keys(critiques).length ? { critiques } : {}), ...confidence };
}

class Step extends Row {
  #page;
  #textarea;
  #isEach;

  constructor(element, response, page) {
    super(element, response);
    this.#page = page;
    this.#isEach = page.settings.mode === "each";
    this.#textarea = element.querySelector("textarea");
    this.number = Number(element.dataset.step);
  }

  get critique() {
    return this.#textarea?.value.trim() ?? "";
  }

  /** The button that says that no step is wrong. */
  get none() {
    return this.response.place.querySelector("[data-none]");
  }

  /** The number of the first wrong step, where it is asked and given. */
  get first() {
    return this.response.place.querySelector("[data-step] [type=radio]:checked")?.value ?? null;
  }

  get isLast() {
    return !this.element.nextElementSibling?.matches("[data-row]");
  }

  get isAnswered() {
    return this.#isEach ? super.isAnswered : this.first !== null || this.none.checked;
  }

  get label() {
    if (this.#isEach) return this.checked ? Number(this.checked.value) : null;
    if (this.first === null) return this.none.checked ? 1 : null;
    return [1, -1, null][1 + Math.sign(this.number - Number(this.first))];
  }

  problem() {
    const fields = { step: this.number + 1, letter: this.response.letter };
    if (!this.isAnswered) return this.#page.text(this.#isEach ? "missing" : "first", fields);
    const mustExplain = this.label === -1 && this.#page.settings.critiques === "on_wrong";
    return mustExplain && !this.critique ? this.#page.text("critique", fields) : null;
  }

  focus() {
    super.focus();
    if (this.label === -1 && this.#page.settings.critiques === "on_wrong" && !this.critique) this.explain();
  }

  mark(message) {
    super.mark(message);
    this.#textarea?.setAttribute("aria-invalid", Boolean(message) && this.label === -1);
  }

  /** To the field that says what is wrong. */
  explain() {
    if (!this.#textarea) return;
    this.element.toggleAttribute("data-explained", true);
    this.#textarea.focus();
  }

  uncheck() {
    if (!this.checked) return;
    this.checked.checked = false;
    this.#page.changed();
  }
}
