/* What all parts of marking spans share: the page, the answer, and which entry's details are open. */

import { Answer } from "./answer.js";
import { problemOf } from "./checks.js";
import { Offered } from "./offered.js";
import { Tabs } from "./tabs.js";
import { Texts } from "./texts.js";
import { Types } from "./types.js";

export class Desk {
  chosen = null; // The key of the mark or item whose details are open.
  answer = null;

  /** The parts with hooks, such as `evidence` and `palette`, are laid on it by `layOut`. */
  constructor(page) {
    const { side, bar } = page.places;
    this.page = page;
    this.noError = bar.querySelector("[data-no-error]");
    this.texts = new Texts(page.task);
    this.types = new Types(page.settings, Boolean(side.querySelector("[data-passages]")));
    this.tabs = new Tabs(side);
    this.offered = new Offered(bar, this);
  }

  /** Take the answer out of the field, as far as it makes sense here. */
  restore() {
    const { missing_types: missingTypes } = this.page.settings;
    this.answer = new Answer(parse(this.page.field().value), {
      isMark: (mark) => this.types.place(mark.type) >= 0 && this.texts.has(mark),
      isItem: (item) => missingTypes.some(({ name }) => name === item.type) && this.texts.response(item.response),
      isEvidence: (entry) => this.evidence.isRight(entry),
      isResponse: (id) => this.texts.response(id),
      compare: (a, b) => this.texts.compare(a, b, (name) => this.types.place(name)),
      offered: this.page.settings.suggestions ? this.offered : null,
    });
  }

  get askedIds() {
    return this.page.places.bar.disabled ? [] : this.page.responses.map(({ id }) => id);
  }

  isAsked(id) {
    return this.askedIds.includes(id);
  }

  /** The marks and items of the responses asked about. */
  get here() {
    const ids = this.askedIds;
    const isHere = ({ response }) => ids.includes(response);
    return { marks: this.answer.marks.filter(isHere), missing: this.answer.missing.filter(isHere) };
  }

  get value() {
    const value = this.answer.value(this.askedIds);
    const { confidence } = this.confidence.value;
    return value && confidence ? { ...value, confidence } : value;
  }

  find(key) {
    return this.answer?.find(key);
  }

  quoteOf(entry) {
    return "start" in entry ? `“${this.texts.quote(entry, 40)}”` : this.types.titleOf(entry);
  }

  say(name, fields) {
    this.palette.say(this.page.text(name, fields));
  }

  /** Keep the answer and show it. */
  write() {
    this.#keep();
    this.show();
    this.page.changed();
  }

  /** Other responses are asked about: what is kept of the others is not sent. */
  refresh() {
    const isNew = this.#keep();
    this.show();
    if (isNew) this.page.changed();
  }

  /** Put the answer into the field; whether it is another than before. */
  #keep() {
    const value = this.answer.value(this.askedIds);
    const field = this.page.field();
    const isNew = JSON.stringify(parse(field.value) ?? null) !== JSON.stringify(value);
    if (isNew) field.value = value ? JSON.stringify(value) : "";
    return isNew;
  }

  /** The first thing that is wrong, with its words; null for nothing. */
  get problem() {
    const [suggestion] = this.page.settings.decide_suggestions ? this.offered.open : [];
    if (suggestion) {
      const words = this.page.text("undecided", { count: this.offered.open.length });
      return { name: "undecided", suggestion, words };
    }
    const { marks, missing } = this.here;
    const { corrected } = this.answer.value(this.askedIds) ?? { corrected: {} };
    const answer = { marks, missing, corrected, no_error: this.answer.noError };
    const problem = problemOf(answer, this.page.responses, this.types);
    if (!problem) return null;
    const quote = problem.entry ? this.quoteOf(problem.entry) : "";
    return { ...problem, words: this.page.text(problem.name, { quote, letter: problem.response?.letter ?? "" }) };
  }

  show() {
    const { marks, missing } = this.here;
    const { open } = this.offered;
    const chosen = this.find(this.chosen) ?? this.offered.find(this.chosen);
    if (!chosen) this.chosen = null;
    this.noError.checked = this.answer.noError;
    this.marks.draw([...marks, ...open], { chosen, pending: this.selected.pending, look: (mark) => this.#lookOf(mark) });
    this.entries.show(marks, missing, this.chosen);
    this.suggestions.show(open, this.answer.dismissed.length, this.chosen);
    this.evidence.show();
    this.missing.show(this.askedIds);
    this.palette.showState(this.problem?.words ?? this.page.text("complete"));
  }

  #lookOf(mark) {
    const { color, name } = this.types.of(mark);
    const label = this.palette.labelOf(name);
    if (mark.judge) return { color, label: `${label}?`, isSuggested: true };
    return { color, label, isLacking: Boolean(this.types.lackOf(mark)) };
  }
}

function parse(json) {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // The field is empty.
    throw error;
  }
}
