/* Spans: select words in a response, one key gives the type; evidence, what is missing, a
   corrected text. The whole answer is kept as JSON in one hidden field. */

import { Confidence } from "./confidence.js";
import { Answer, isTwin, overlapping } from "./spans/answer.js";
import { Caret } from "./spans/caret.js";
import { problemOf } from "./spans/checks.js";
import { Corrections } from "./spans/corrections.js";
import { Entries } from "./spans/entries.js";
import { Evidence } from "./spans/evidence.js";
import { Marks } from "./spans/marks.js";
import { Missing } from "./spans/missing.js";
import { Palette } from "./spans/palette.js";
import { Selected } from "./spans/selection.js";
import { Tabs } from "./spans/tabs.js";
import { Texts } from "./spans/texts.js";
import { Types } from "./spans/types.js";

const TYPING = "textarea, select, input:not([type=checkbox], [type=radio])";
const parts = new WeakMap(); // By task: those that hear of what happens in the whole page.

function shown() {
  return parts.get(document.querySelector("#task")) ?? [];
}

document.addEventListener("selectionchange", () => shown().forEach((part) => part.selectionChanged()));
document.addEventListener("keydown", (event) => shown().forEach((part) => part.keyPressed(event)));

export function mount(root, page) {
  const part = new Spans(page);
  parts.set(page.task, [...(parts.get(page.task) ?? []), part]);
  return part.hooks;
}

class Spans {
  #page;
  #texts;
  #types;
  #tabs;
  #evidence;
  #answer;
  #corrections;
  #confidence;
  #entries;
  #missing;
  #palette;
  #marks;
  #carets;
  #noError;
  #selected;
  #chosen = null; // The key of the mark or item whose details are open.

  constructor(page) {
    const { side, bar } = page.places;
    this.#page = page;
    this.#texts = new Texts(page.task);
    this.#types = new Types(page.settings, Boolean(side.querySelector("[data-passages]")));
    this.#tabs = new Tabs(side);
    this.#noError = bar.querySelector("[data-no-error]");
    this.#evidence = new Evidence(side, { texts: this.#texts, types: this.#types, tabs: this.#tabs }, {
      find: (key) => this.#answer?.find(key),
      chosen: () => this.#chosen,
      take: (key, evidence) => this.#change(key, { evidence }),
      quoteOf: (entry) => this.#quoteOf(entry),
      say: (name, fields) => this.#say(name, fields),
      text: page.text,
      focus: (key) => this.#entries.focus(key),
    });
    this.#answer = this.#restored();
    this.#corrections = new Corrections(page.places.responses, this.#answer.corrected, (id, text) => {
      this.#answer.correct(id, text);
      this.#write();
    });
    this.#confidence = new Confidence(page);
    this.#entries = new Entries(side, this.#types, {
      text: page.text,
      find: (key) => this.#answer.find(key),
      labelOf: (type) => this.#palette.labelOf(type.name),
      letterOf: ({ response }) => (this.#texts.responses.length > 1 ? this.#texts.response(response).letter : ""),
      quoteOf: (entry) => ("start" in entry ? this.#texts.quote(entry, 90) : ""),
      evidenceWords: (entry) => this.#evidence.words(entry),
      choose: (key) => this.#choose(key === this.#chosen ? null : key, { reveal: true }),
      change: (key, fields) => this.#change(key, fields),
      write: (key, fields) => {
        this.#answer.write(key, fields);
        this.#write();
      },
      remove: (key) => this.#remove(key),
      pick: (key) => this.#evidence.pick(this.#answer.find(key)),
    });
    this.#missing = new Missing(side, (type, response) =>
      this.#begin(this.#answer.addMissing({ response, type }), "missing-added"),
    );
    this.#palette = new Palette(bar, {
      choose: (type, held) => this.#give(type, held),
      selected: () => this.#readSelection(),
    });
    this.#selected = new Selected(this.#texts, page.settings.snapping, (pending) => this.#selectionIsNew(pending));
    this.#marks = new Marks(this.#texts, (keys) => this.#clicked(keys));
    this.#carets = this.#texts.responses.map((response) => {
      const isOn = () => this.#isAsked(response.id);
      return new Caret(response, this.#texts.partsOf(response.id), { isOn, moved: () => page.claim() });
    });
    this.#listen();
    this.#show();
  }

  get hooks() {
    const keys = {
      ...this.#palette.keys,
      ...this.#confidence.keys,
      0: () => this.#noError.click(),
      c: () => this.#toCorrection(),
      v: () => this.#tabs.toggle(),
      m: () => this.#toMissing(),
      "[": () => this.#step(-1),
      "]": () => this.#step(1),
      Delete: () => this.#remove(this.#chosen),
      Backspace: () => this.#remove(this.#chosen),
      Escape: () => this.#leave(),
    };
    return {
      keys,
      problem: () => this.#complain(),
      value: () => this.#value,
      advance: () => this.#advance(),
      focus: () => this.#texts.responses.find(({ id }) => this.#isAsked(id))?.element.focus(),
      refresh: () => this.#refresh(),
    };
  }

  /** The selection of the page has become another. */
  selectionChanged() {
    this.#readSelection();
    for (const caret of this.#carets) caret.show();
  }

  /** Ctrl+Z takes back the last mark; what is typed has its own. */
  keyPressed(event) {
    const { bar } = this.#page.places;
    const isUndo = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z";
    const isOther = this.#page.task.querySelector("[data-question][data-current]") && !bar.matches("[data-current]");
    if (!isUndo || isOther || bar.disabled || event.target.matches(TYPING)) return;
    event.preventDefault();
    const isDone = event.shiftKey ? this.#answer.redo() : this.#answer.undo();
    this.#evidence.stop();
    this.#say(isDone ? (event.shiftKey ? "redone" : "undone") : "nothing-undone");
    if (isDone) this.#write();
  }

  #listen() {
    const { task, places } = this.#page;
    task.addEventListener("mousedown", (event) => this.#selected.press(event));
    task.addEventListener("click", (event) => this.#selected.release(event));
    task.addEventListener("pointerup", ({ pointerType }) => {
      requestAnimationFrame(() => this.#selectedByPointer(pointerType));
    });
    this.#noError.addEventListener("change", ({ target }) => {
      this.#answer.setNoError(target.checked);
      this.#write();
    });
    new MutationObserver(() => this.#show()).observe(places.bar, { attributeFilter: ["hidden"] });
  }

  // What the answer says.

  #restored() {
    const { missing_types: missingTypes } = this.#page.settings;
    return new Answer(parse(this.#page.field().value), {
      isMark: (mark) => this.#types.place(mark.type) >= 0 && this.#texts.has(mark),
      isItem: (item) => missingTypes.some(({ name }) => name === item.type) && this.#texts.response(item.response),
      isEvidence: (entry) => this.#evidence.isRight(entry),
      isResponse: (id) => this.#texts.response(id),
      compare: (a, b) => this.#texts.compare(a, b, (name) => this.#types.place(name)),
    });
  }

  get #askedIds() {
    return this.#page.places.bar.disabled ? [] : this.#page.responses.map(({ id }) => id);
  }

  #isAsked(id) {
    return this.#askedIds.includes(id);
  }

  get #value() {
    const value = this.#answer.value(this.#askedIds);
    const { confidence } = this.#confidence.value;
    return value && confidence ? { ...value, confidence } : value;
  }

  /** The marks and items of the responses asked about. */
  get #here() {
    const ids = this.#askedIds;
    const isHere = ({ response }) => ids.includes(response);
    return { marks: this.#answer.marks.filter(isHere), missing: this.#answer.missing.filter(isHere) };
  }

  #quoteOf(entry) {
    return "start" in entry ? `“${this.#texts.quote(entry, 40)}”` : this.#types.titleOf(entry);
  }

  /** Keep the answer and show it. */
  #write() {
    this.#keep();
    this.#show();
    this.#page.changed();
  }

  /** Put the answer into the field; whether it is another than before. */
  #keep() {
    const value = this.#answer.value(this.#askedIds);
    const field = this.#page.field();
    const isNew = JSON.stringify(parse(field.value) ?? null) !== JSON.stringify(value);
    if (isNew) field.value = value ? JSON.stringify(value) : "";
    return isNew;
  }

  /** Other responses are asked about: what is kept of the others is not sent. */
  #refresh() {
    const isNew = this.#keep();
    this.#show();
    if (isNew) this.#page.changed();
  }

  #problem() {
    const { marks, missing } = this.#here;
    const { corrected } = this.#answer.value(this.#askedIds) ?? { corrected: {} };
    const answer = { marks, missing, corrected, no_error: this.#answer.noError };
    const problem = problemOf(answer, this.#page.responses, this.#types);
    if (!problem) return null;
    const quote = problem.entry ? this.#quoteOf(problem.entry) : "";
    return { ...problem, words: this.#page.text(problem.name, { quote, letter: problem.response?.letter ?? "" }) };
  }

  /** Say what is wrong and go there. */
  #complain() {
    const problem = this.#problem();
    if (!problem) return this.#confidence.problem();
    const { entry, name, response } = problem;
    if (entry) {
      this.#tabs.show("marks");
      this.#choose(entry.key, { reveal: true });
      this.#entries.focusLack(entry.key, { earlier: "evidence", sentences: "evidence" }[name] ?? name);
    } else if (name === "uncorrected") this.#corrections.focus(response.id);
    return problem.words;
  }

  #show() {
    const { marks, missing } = this.#here;
    const chosen = this.#answer.find(this.#chosen);
    if (!chosen) this.#chosen = null;
    this.#noError.checked = this.#answer.noError;
    this.#marks.draw(marks, { chosen, pending: this.#selected.pending, look: (mark) => this.#lookOf(mark) });
    this.#entries.show(marks, missing, this.#chosen);
    this.#evidence.show();
    this.#missing.show(this.#askedIds);
    this.#palette.showState(this.#problem()?.words ?? this.#page.text("complete"));
  }

  #lookOf(mark) {
    const { color, name } = this.#types.of(mark);
    return { color, label: this.#palette.labelOf(name), isLacking: Boolean(this.#types.lackOf(mark)) };
  }

  // Selecting and marking.

  #readSelection() {
    return this.#selected.read(this.#askedIds);
  }

  #selectionIsNew(pending) {
    if (pending) this.#page.claim();
    this.#marks.drawPending(pending);
    this.#palette.hideMenu();
  }

  #selectedByPointer(pointerType) {
    if (!this.#page.task.isConnected || !this.#readSelection()?.pending) return;
    if (this.#evidence.picksEarlier) this.#takeEarlier(this.#selected.pending);
    else if (pointerType === "mouse") this.#palette.showMenu(getSelection().getRangeAt(0));
  }

  #takeEarlier(pending) {
    if (this.#evidence.takeEarlier(pending)) this.#selected.clear();
  }

  /** A type was chosen: for what is selected, or for the mark that is. */
  #give(type, held = this.#readSelection()) {
    if (this.#evidence.picksEarlier && held?.pending) return this.#takeEarlier(held.pending);
    if (held?.isSeveral) return this.#say("one-text");
    if (held && !held.pending) return this.#say("blank");
    if (held) return this.#mark(type, held.pending);
    const chosen = this.#answer.find(this.#chosen);
    if (chosen && "start" in chosen) return this.#change(chosen.key, { type });
    this.#say("select");
  }

  #mark(type, place) {
    const over = overlapping(this.#answer.marks, place);
    const quote = over.length ? this.#texts.quote(over[0], 40) : "";
    if (over.some((mark) => isTwin(mark, { ...place, type }))) return this.#say("again", { quote });
    if (over.length && !this.#page.settings.overlap) return this.#say("overlap", { quote });
    this.#selected.clear();
    this.#begin(this.#answer.addMark({ ...place, type }), "marked");
  }

  /** A new mark or item: say so, and ask for its evidence. */
  #begin(key, said) {
    this.#chosen = key;
    this.#evidence.stop();
    const entry = this.#answer.find(key);
    this.#say(said, { type: this.#types.titleOf(entry), quote: this.#quoteOf(entry) });
    this.#tabs.show("marks");
    this.#write();
    if (this.#types.evidenceOf(entry) !== "none") this.#evidence.pick(entry);
  }

  /** Other fields for an entry. Evidence of another sort goes with its type. */
  #change(key, fields) {
    const entry = this.#answer.find(key);
    const then = { ...entry, ...fields };
    const isOther = then.type !== entry.type;
    if (isOther && overlapping(this.#answer.marks, entry).some((mark) => isTwin(mark, then))) {
      this.#show();
      return this.#say("again", { quote: this.#texts.quote(entry, 40) });
    }
    if (this.#types.evidenceOf(then) !== this.#types.evidenceOf(entry)) fields = { ...fields, evidence: undefined };
    this.#evidence.stop();
    if (isOther) this.#say("changed", { type: this.#types.titleOf(then), quote: this.#quoteOf(entry) });
    this.#answer.update(key, fields);
    this.#write();
    const now = this.#answer.find(key);
    if (isOther && this.#types.lackOf(now) === "evidence") this.#evidence.pick(now);
  }

  #remove(key) {
    const entry = this.#answer.find(key);
    if (!entry) return;
    const { marks, missing } = this.#here;
    const list = "start" in entry ? marks : missing;
    const place = list.indexOf(entry);
    const beside = list[place + 1] ?? list[place - 1];
    const isFromList = this.#page.places.side.contains(document.activeElement);
    this.#say("deleted", { quote: this.#quoteOf(entry) });
    this.#answer.remove(key);
    this.#evidence.stop();
    this.#write();
    if (isFromList && beside) this.#entries.focus(beside.key);
    else if (isFromList) this.#texts.response(entry.response).element.focus({ preventScroll: true });
  }

  // Going about.

  #choose(key, { reveal = false } = {}) {
    this.#chosen = key;
    this.#evidence.stop();
    this.#show();
    const entry = this.#answer.find(key);
    if (!entry) return;
    if (!this.#evidence.takesSentences(entry)) this.#tabs.show("marks");
    if (reveal && "start" in entry) this.#marks.reveal(entry);
  }

  /** Marks were clicked in the text, or none was. Clicking again goes to the next one there. */
  #clicked(keys) {
    if (this.#selected.pending || this.#evidence.picksEarlier) return;
    this.#choose(keys.length ? keys[(keys.indexOf(this.#chosen) + 1) % keys.length] : null);
  }

  /** To the mark or item before or after; its words are said. */
  #step(by) {
    const { marks, missing } = this.#here;
    const all = [...marks, ...missing];
    if (!all.length) return this.#say("empty");
    const at = all.findIndex(({ key }) => key === this.#chosen);
    const index = at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length;
    const entry = all[index];
    this.#tabs.show("marks");
    this.#choose(entry.key, { reveal: true });
    this.#entries.focus(entry.key);
    const fields = { type: this.#types.titleOf(entry), quote: this.#quoteOf(entry), number: index + 1, count: all.length };
    this.#page.announce(this.#page.text("selected", fields));
  }

  #toCorrection() {
    const here = this.#texts.responses.find(({ element }) => element.contains(document.activeElement));
    const ids = this.#corrections.ids.filter((id) => this.#isAsked(id));
    const wanted = [here?.id, this.#answer.find(this.#chosen)?.response];
    this.#corrections.focus(wanted.find((id) => ids.includes(id)) ?? ids[0]);
  }

  #toMissing() {
    this.#tabs.show("marks");
    this.#missing.focus();
  }

  /** Enter: what is begun is done first. */
  #advance() {
    if (this.#evidence.picksEarlier && this.#readSelection()?.pending) this.#takeEarlier(this.#selected.pending);
    else if (this.#evidence.picksSentences) this.#evidence.done();
    else return false;
    return true;
  }

  #leave() {
    if (this.#evidence.picksEarlier) this.#evidence.stop();
    else if (this.#selected.pending) this.#selected.clear();
    else if (this.#evidence.picksSentences) this.#evidence.done();
    else this.#chosen = null;
    this.#palette.say("");
    this.#show();
  }

  #say(name, fields) {
    this.#palette.say(this.#page.text(name, fields));
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
