/* Spans: select words in a response, one key gives the type; evidence, what is missing, a
   corrected text. The whole answer is kept as JSON in one hidden field. */

import { Confidence } from "./confidence.js";
import { Caret } from "./spans/caret.js";
import { Corrections } from "./spans/corrections.js";
import { Deciding } from "./spans/deciding.js";
import { Desk } from "./spans/desk.js";
import { Entries } from "./spans/entries.js";
import { Evidence } from "./spans/evidence.js";
import { Going } from "./spans/going.js";
import { Marking } from "./spans/marking.js";
import { Marks } from "./spans/marks.js";
import { Missing } from "./spans/missing.js";
import { Palette } from "./spans/palette.js";
import { Selected } from "./spans/selection.js";
import { Suggestions } from "./spans/suggestions.js";

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
  #desk;
  #marking;
  #going;

  constructor(page) {
    this.#desk = new Desk(page);
    this.#marking = new Marking(this.#desk);
    this.#going = new Going(this.#desk, this.#marking);
    layOut(this.#desk, this.#marking, this.#going);
    this.#listen();
    this.#desk.show();
  }

  get hooks() {
    return {
      keys: this.#keys,
      problem: () => this.#going.toProblem(),
      value: () => this.#desk.value,
      advance: () => this.#going.advance(),
      focus: () => this.#going.toText(),
      refresh: () => this.#desk.refresh(),
    };
  }

  get #keys() {
    const remove = () => this.#marking.remove(this.#desk.chosen);
    return {
      ...this.#desk.palette.keys,
      ...this.#desk.confidence.keys,
      0: () => this.#desk.noError.click(),
      c: () => this.#going.toCorrection(),
      v: () => this.#desk.tabs.toggle(),
      m: () => this.#going.toMissing(),
      "[": () => this.#going.step(-1),
      "]": () => this.#going.step(1),
      "+": () => this.#desk.deciding.accept(this.#desk.chosen),
      "*": () => this.#desk.deciding.acceptAll(),
      Delete: remove,
      Backspace: remove,
      Escape: () => this.#going.leave(),
    };
  }

  /** The selection of the page has become another. */
  selectionChanged() {
    this.#marking.readSelection();
    for (const caret of this.#desk.carets) caret.show();
  }

  /** Ctrl+Z takes back the last mark; what is typed has its own. */
  keyPressed(event) {
    const { places, task } = this.#desk.page;
    const isUndo = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z";
    const isOther = task.querySelector("[data-question][data-current]") && !places.bar.matches("[data-current]");
    if (!isUndo || isOther || places.bar.disabled || event.target.matches(TYPING)) return;
    event.preventDefault();
    this.#marking.undo(event.shiftKey);
  }

  #listen() {
    const { answer, noError, page, selected } = this.#desk;
    page.task.addEventListener("mousedown", (event) => selected.press(event));
    page.task.addEventListener("click", (event) => selected.release(event));
    page.task.addEventListener("pointerup", ({ pointerType }) => {
      requestAnimationFrame(() => this.#marking.selectedByPointer(pointerType));
    });
    noError.addEventListener("change", ({ target }) => {
      answer.setNoError(target.checked);
      this.#desk.write();
    });
    new MutationObserver(() => this.#desk.show()).observe(page.places.bar, { attributeFilter: ["hidden"] });
  }
}

/** Lay the parts on the desk and take up the answer, which is checked with the evidence there is. */
export function layOut(desk, marking, going) {
  const { page, texts } = desk;
  const { side, bar } = page.places;
  desk.evidence = evidence(desk, marking, going);
  desk.restore();
  desk.corrections = corrections(desk);
  desk.confidence = new Confidence(page);
  desk.entries = entries(desk, marking, going);
  desk.deciding = new Deciding(desk, going);
  desk.suggestions = suggestions(desk, going);
  desk.missing = new Missing(side, (type, response) => marking.addMissing(type, response));
  desk.palette = new Palette(bar, {
    choose: (type, held) => marking.give(type, held),
    selected: () => marking.readSelection(),
  });
  desk.selected = new Selected(texts, page.settings.snapping, (pending) => marking.selectionIsNew(pending));
  desk.marks = new Marks(texts, (keys) => going.clicked(keys));
  desk.carets = texts.responses.map((response) => caret(desk, response));
}

function evidence(desk, marking, going) {
  const { page, texts, types, tabs } = desk;
  return new Evidence(page.places.side, { texts, types, tabs }, {
    find: (key) => desk.find(key),
    chosen: () => desk.chosen,
    lacking: () => (desk.problem?.name === "sentences" ? desk.problem.entry.key : null),
    open: (key) => going.choose(key),
    take: (key, found) => marking.change(key, { evidence: found }),
    quoteOf: (entry) => desk.quoteOf(entry),
    say: (name, fields) => desk.say(name, fields),
    text: page.text,
    focus: (key) => desk.entries.focus(key),
  });
}

function corrections(desk) {
  return new Corrections(desk.page.places.responses, desk.answer.corrected, (id, text) => {
    desk.answer.correct(id, text);
    desk.write();
  });
}

function entries(desk, marking, going) {
  const { page, texts, types } = desk;
  return new Entries(page.places.side, types, {
    text: page.text,
    find: (key) => desk.find(key),
    labelOf: (type) => desk.palette.labelOf(type.name),
    letterOf: ({ response }) => (texts.responses.length > 1 ? texts.response(response).letter : ""),
    quoteOf: (entry) => ("start" in entry ? texts.quote(entry, 90) : ""),
    originOf: (entry) => (entry.suggested ? page.text("origin", { judge: desk.offered.judgesOf(entry).join(", ") }) : ""),
    evidenceWords: (entry) => desk.evidence.words(entry),
    choose: (key) => going.choose(key === desk.chosen ? null : key, { reveal: true }),
    change: (key, fields) => marking.change(key, fields),
    write: (key, fields) => {
      desk.answer.write(key, fields);
      desk.write();
    },
    remove: (key) => marking.remove(key),
    move: (key, edge, step) => marking.moveEdge(key, edge, step),
    pick: (key) => desk.evidence.pick(desk.find(key)),
  });
}

function suggestions(desk, going) {
  const { deciding, page, texts, types } = desk;
  return new Suggestions(page.places.side, {
    text: page.text,
    typeOf: (mark) => types.of(mark),
    labelOf: (type) => desk.palette.labelOf(type.name),
    letterOf: ({ response }) => (texts.responses.length > 1 ? texts.response(response).letter : ""),
    quoteOf: (mark) => texts.quote(mark, 90),
    choose: (key) => going.choose(key === desk.chosen ? null : key, { reveal: true }),
    accept: (key) => deciding.accept(key),
    change: (key) => deciding.change(key),
    dismiss: (key) => deciding.dismiss(key),
    acceptAll: () => deciding.acceptAll(),
    bringBack: () => deciding.bringBack(),
  });
}

function caret(desk, response) {
  const isOn = () => desk.isAsked(response.id);
  return new Caret(response, desk.texts.partsOf(response.id), { isOn, moved: () => desk.page.claim() });
}
