/* Rating: a row by criterion, and by word, under every response. */

import { Confidence } from "./confidence.js";
import { Row, Rows, allOf } from "./rows.js";

export function mount(root, page) {
  const rows = new Rows(page, (element, response) => new Rating(element, response, page));
  const confidence = new Confidence(page);

  function choose(key) {
    const row = rows.current;
    if (!row.choose(key) || row.isTyped) return;
    if (!rows.step(1) && rows.isComplete && !confidence.isMissing) page.complete();
  }

  const digits = Array.from("0123456789", (digit) => [digit, () => choose(digit)]);
  return {
    keys: {
      ...Object.fromEntries(digits),
      ...confidence.keys,
      x: () => choose("x"),
      ArrowUp: () => rows.step(-1),
      ArrowDown: () => rows.step(1),
      ArrowLeft: () => rows.current.moveAlong(-1),
      ArrowRight: () => rows.current.moveAlong(1),
    },
    problem: () => allOf(rows, confidence),
    value: () => valueOf(rows.asked, confidence.value),
    sides: () => sidesOf(rows.asked, page.settings),
    advance: () => rows.advance(),
    focus: () => rows.focus(),
    refresh: () => rows.refresh(),
  };
}

/** The answer as it would be stored; null when untouched. */
function valueOf(rows, confidence) {
  const value = { ratings: {}, ...confidence };
  for (const row of rows) {
    const places = row.isWord ? (value.words ??= {}) : value.ratings;
    const place = (places[row.response.id] ??= row.isWord ? [] : {});
    const rating = row.value;
    if (row.isWord) place.push(rating ?? null);
    else if (rating !== undefined) place[row.name] = rating;
  }
  const isTouched = confidence.confidence || rows.some((row) => row.isAnswered);
  return isTouched ? value : null;
}

/** The responses with the highest and with the lowest overall rating; none where all are even. */
function sidesOf(rows, { overall, criteria }) {
  const name = overall || criteria[0].name;
  const rated = rows
    .filter((row) => !row.isWord && row.name === name && row.isAnswered)
    .map((row) => [row.response.id, row.position])
    .filter(([, position]) => position !== null);
  const positions = rated.map(([, position]) => position);
  const [low, high] = [Math.min(...positions), Math.max(...positions)];
  if (low === high) return { chosen: [], rejected: [] };
  const at = (wanted) => rated.filter(([, position]) => position === wanted).map(([id]) => id);
  return { chosen: at(high), rejected: at(low) };
}

class Rating extends Row {
  #page;
  #number;
  #na;

  constructor(element, response, page) {
    super(element, response);
    this.#page = page;
    this.name = element.dataset.name;
    this.isWord = Boolean(element.closest(".words"));
    this.#number = element.querySelector("[type=number]");
    this.#na = element.querySelector("[type=checkbox]");
    this.#number?.addEventListener("input", () => this.#na && (this.#na.checked = false));
    this.#na?.addEventListener("input", () => this.#na.checked && (this.#number.value = ""));
  }

  get isTyped() {
    return Boolean(this.#number) && !this.#na?.checked;
  }

  get isAnswered() {
    return this.value !== undefined;
  }

  /** As it would be stored; undefined when there is none. */
  get value() {
    if (this.#number) {
      if (this.#na?.checked) return null;
      return this.#number.value === "" ? undefined : this.#number.valueAsNumber;
    }
    const chosen = this.checked?.value;
    if (chosen === "na") return null;
    return /^\d+$/.test(chosen) ? Number(chosen) : chosen;
  }

  /** A number that grows with the rating; null when it compares with nothing. */
  get position() {
    const yesNo = { yes: 1, no: 0, unsure: null };
    return typeof this.value === "string" ? yesNo[this.value] : this.value;
  }

  problem() {
    const { validity, min, max, step } = this.#number ?? { validity: {} };
    const fields = { title: this.element.dataset.title, letter: this.response.letter };
    if (validity.badInput || validity.rangeUnderflow || validity.rangeOverflow) {
      return this.#page.text("number", { ...fields, low: min, high: max });
    }
    if (validity.stepMismatch) return this.#page.text("step", { ...fields, low: min, step });
    if (this.isAnswered || !("required" in this.element.dataset)) return null;
    return this.#page.text("missing", fields);
  }

  mark(message) {
    super.mark(message);
    this.#number?.setAttribute("aria-invalid", Boolean(message));
  }

  focus() {
    super.focus();
    if (!this.isTyped) return;
    this.#number.focus({ preventScroll: true });
    this.#number.select();
  }

  /** A digit begins a number. */
  choose(key) {
    if (!this.#number) return super.choose(key);
    if (key === this.#na?.dataset.key) {
      this.#na.focus({ preventScroll: true });
      if (!this.#na.checked) this.#na.click();
      return true;
    }
    if (!/\d/.test(key)) return false;
    this.#number.focus({ preventScroll: true });
    this.#number.value = key;
    this.#number.dispatchEvent(new Event("input", { bubbles: true }));
    return true;
  }
}
