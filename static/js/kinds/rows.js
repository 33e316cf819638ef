/* Rows of buttons or a field each, under the responses: digits answer, arrows go up and down. */

export class Rows {
  #page;
  #all;
  #current;

  /** `make(element, response)` gives the row of an element with [data-row]. */
  constructor(page, make) {
    this.#page = page;
    const responses = allResponses(page);
    this.#all = responses.flatMap((response) =>
      [...response.place.querySelectorAll("[data-row]")].map((element) => make(element, response)),
    );
    this.#current = this.#all[0];
    for (const row of this.#all) {
      for (const sign of ["focusin", "pointerdown"]) row.element.addEventListener(sign, () => this.follow(row));
      row.element.addEventListener("input", () => row.mark(""));
    }
    for (const { element, id } of responses) element.addEventListener("focus", () => this.#enter(id));
    this.follow(this.#current);
  }

  get current() {
    return this.#current;
  }

  /** Those of the responses asked about, in the order of the page. */
  get asked() {
    const ids = this.#page.responses.map(({ id }) => id);
    return this.#all.filter((row) => ids.includes(row.response.id));
  }

  follow(row) {
    this.#current = row;
    for (const each of this.#all) each.element.toggleAttribute("data-current", each === row);
  }

  goTo(row) {
    this.follow(row);
    row.focus();
  }

  /** To the row before (-1) or after (1); false at the end. */
  step(by) {
    const asked = this.asked;
    const to = asked[asked.indexOf(this.#current) + by];
    if (to) this.goTo(to);
    return Boolean(to);
  }

  /** To the next row without an answer; false when none is left behind this one. A row that must
   * be answered is not passed over: it says what it lacks, and nothing moves. */
  advance() {
    const message = this.#current.problem();
    if (message) {
      this.#current.mark(message);
      this.#page.announce(message);
      this.goTo(this.#current);
      return true;
    }
    const asked = this.asked;
    const to = asked.slice(asked.indexOf(this.#current) + 1).find((row) => !row.isAnswered);
    if (to) this.goTo(to);
    return Boolean(to);
  }

  /** Begin where something is left to say. */
  focus() {
    const asked = this.asked;
    this.goTo(asked.find((row) => !row.isAnswered) ?? asked[0]);
  }

  /** All complaints, each said at its row; what several rows say is said at the first of them. */
  problems() {
    const wrong = new Map();
    for (const row of this.asked) {
      const message = row.problem();
      const isNew = message && !wrong.has(message);
      row.mark(isNew ? message : "");
      if (isNew) wrong.set(message, row);
    }
    const [first] = wrong.values();
    if (first) this.goTo(first);
    return [...wrong.keys()];
  }

  get isComplete() {
    return this.asked.every((row) => !row.problem());
  }

  /** After the responses asked about have changed. */
  refresh() {
    const asked = this.asked;
    if (!asked.includes(this.#current) && asked.length) this.follow(asked[0]);
  }

  /** Whoever goes to a response goes to its rows. */
  #enter(id) {
    const rows = this.asked.filter((row) => row.response.id === id);
    if (rows.length && !rows.includes(this.#current)) this.follow(rows.find((row) => !row.isAnswered) ?? rows[0]);
  }
}

/** What is wrong with the rows, then whether it was not said how sure one is; the first has the
 * focus. */
export function allOf(rows, confidence) {
  const unsure = confidence.problem();
  return [...rows.problems(), unsure].filter(Boolean);
}

/** Every response that may be asked about: {id, letter, element, place}; `place` is under it. */
export function allResponses(page) {
  return [...page.places.responses].map(([id, place]) => {
    const element = page.task.querySelector(`.response[data-response="${id}"]`);
    return { id, letter: element.dataset.letter, element, place };
  });
}

/** A row whose answer is one radio button. */
export class Row {
  constructor(element, response) {
    this.element = element;
    this.response = response;
  }

  get isAnswered() {
    return Boolean(this.checked);
  }

  get checked() {
    return this.element.querySelector("[type=radio]:checked");
  }

  problem() {
    return null;
  }

  focus() {
    this.element.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Say at the row what is wrong with it; empty takes it away. */
  mark(message) {
    const place = this.element.querySelector("[data-wrong]");
    place.textContent = message;
    place.hidden = !message;
    this.element.toggleAttribute("data-invalid", Boolean(message));
  }

  /** Choose by the key on the button; false if there is no such button. */
  choose(key) {
    const input = this.element.querySelector(`[type=radio][data-key="${CSS.escape(key)}"]`);
    if (input) check(input);
    return Boolean(input);
  }

  /** One step to the left (-1) or the right (1); from nothing, to the middle. */
  moveAlong(side) {
    const by = getComputedStyle(this.element).direction === "rtl" ? -side : side;
    const inputs = [...this.element.querySelectorAll(".scale [type=radio]")];
    const at = inputs.findIndex((input) => input.checked);
    const middle = (inputs.length - 1) / 2;
    const next = at < 0 ? (by < 0 ? Math.floor(middle) : Math.ceil(middle)) : at + by;
    if (inputs.length) check(inputs[Math.max(0, Math.min(inputs.length - 1, next))]);
  }
}

export function check(input) {
  input.focus({ preventScroll: true });
  if (input.checked) return;
  input.checked = true;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}
