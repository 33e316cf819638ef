/* Selecting and marking: a type for what is selected or for the mark that is; other fields; away
   with it, and back. */

import { isTwin, overlapping } from "./answer.js";
import { nextEdge } from "./edges.js";

export class Marking {
  #desk;

  constructor(desk) {
    this.#desk = desk;
  }

  readSelection() {
    return this.#desk.selected.read(this.#desk.askedIds);
  }

  selectionIsNew(pending) {
    const { marks, page, palette } = this.#desk;
    if (pending) page.claim();
    marks.drawPending(pending);
    palette.hideMenu();
  }

  /** The pointer has come up, perhaps at the end of a selection. */
  selectedByPointer(pointerType) {
    const { evidence, page, palette, selected } = this.#desk;
    if (!page.task.isConnected || !this.readSelection()?.pending) return;
    if (evidence.picksEarlier) this.takeEarlier(selected.pending);
    else if (pointerType === "mouse") palette.showMenu(getSelection().getRangeAt(0));
  }

  takeEarlier(pending) {
    const { evidence, selected } = this.#desk;
    if (evidence.takeEarlier(pending)) selected.clear();
  }

  /** A type was chosen: for what is selected, or for the mark that is. */
  give(type, held = this.readSelection()) {
    const { chosen, deciding, evidence, offered } = this.#desk;
    if (evidence.picksEarlier && held?.pending) return this.takeEarlier(held.pending);
    if (held?.isSeveral) return this.#desk.say("one-text");
    if (held && !held.pending) return this.#desk.say("blank");
    if (held) return this.#mark(type, held.pending);
    const entry = this.#desk.find(chosen);
    if (entry && "start" in entry) return this.change(chosen, { type });
    if (offered.find(chosen)) return deciding.change(chosen, { type });
    this.#desk.say("select");
  }

  #mark(type, place) {
    const { answer, page, selected, texts } = this.#desk;
    const over = overlapping(answer.marks, place);
    const quote = over.length ? texts.quote(over[0], 40) : "";
    if (over.some((mark) => isTwin(mark, { ...place, type }))) return this.#desk.say("again", { quote });
    if (over.length && !page.settings.overlap) return this.#desk.say("overlap", { quote });
    selected.clear();
    this.#begin(answer.addMark({ ...place, type }), "marked");
  }

  addMissing(type, response) {
    this.#begin(this.#desk.answer.addMissing({ response, type }), "missing-added");
  }

  /** A new mark or item: say so, and ask for its evidence. */
  #begin(key, said) {
    const { evidence, tabs, types } = this.#desk;
    this.#desk.chosen = key;
    evidence.stop();
    const entry = this.#desk.find(key);
    this.#desk.say(said, { type: types.titleOf(entry), quote: this.#desk.quoteOf(entry) });
    tabs.show("marks");
    this.#desk.write();
    if (types.evidenceOf(entry) !== "none") evidence.pick(entry);
  }

  /** Other fields for an entry. Evidence of another sort goes with its type. */
  change(key, fields) {
    const { answer, evidence, types } = this.#desk;
    const entry = this.#desk.find(key);
    const then = { ...entry, ...fields };
    const isOther = then.type !== entry.type;
    if (isOther && this.#isThere(then)) return;
    if (types.evidenceOf(then) !== types.evidenceOf(entry)) fields = { ...fields, evidence: undefined };
    evidence.stop();
    if (isOther) this.#desk.say("changed", { type: types.titleOf(then), quote: this.#desk.quoteOf(entry) });
    answer.update(key, fields);
    this.#desk.write();
    const now = this.#desk.find(key);
    if (isOther && types.lackOf(now) === "evidence") evidence.pick(now);
  }

  /** Move the start or the end of a mark by one of what selections grow to: a word, a sentence. */
  moveEdge(key, edge, step) {
    const { answer, page, texts } = this.#desk;
    const mark = this.#desk.find(key);
    const to = nextEdge(texts.part(mark.response, mark.part).map, mark, { edge, step, ...page.settings });
    if (to === undefined) return this.#desk.say("no-edge");
    const then = { ...mark, [edge]: to };
    if (this.#isThere(then)) return;
    const over = overlapping(answer.marks, then).find((other) => other.key !== key);
    if (over && !page.settings.overlap) return this.#desk.say("overlap", { quote: texts.quote(over, 40) });
    const isCut = mark.evidence?.end > then.start;
    answer.update(key, isCut ? { [edge]: to, evidence: undefined } : { [edge]: to });
    this.#desk.say("moved", { quote: this.#desk.quoteOf(then) });
    this.#desk.write();
  }

  /** Whether another mark says the same already; then that is said and all stays as it is. */
  #isThere(then) {
    const { answer, texts } = this.#desk;
    if (!overlapping(answer.marks, then).some((mark) => isTwin(mark, then))) return false;
    this.#desk.show();
    this.#desk.say("again", { quote: texts.quote(then, 40) });
    return true;
  }

  remove(key) {
    const { answer, deciding, evidence, page } = this.#desk;
    const entry = this.#desk.find(key);
    if (!entry) return deciding.dismiss(key);
    const beside = this.#beside(entry);
    const isFromList = page.places.side.contains(document.activeElement);
    this.#desk.say("deleted", { quote: this.#desk.quoteOf(entry) });
    answer.remove(key);
    evidence.stop();
    this.#desk.write();
    if (isFromList) this.#focusAfter(entry, beside);
  }

  /** The entry after this one in its list, or else the one before. */
  #beside(entry) {
    const { marks, missing } = this.#desk.here;
    const list = "start" in entry ? marks : missing;
    const place = list.indexOf(entry);
    return list[place + 1] ?? list[place - 1];
  }

  #focusAfter({ response }, beside) {
    const { entries, texts } = this.#desk;
    if (beside) entries.focus(beside.key);
    else texts.response(response).element.focus({ preventScroll: true });
  }

  /** Take the last mark back, or (`isAgain`) what was taken back. */
  undo(isAgain) {
    const { answer, evidence } = this.#desk;
    const isDone = isAgain ? answer.redo() : answer.undo();
    evidence.stop();
    this.#desk.say(isDone ? (isAgain ? "redone" : "undone") : "nothing-undone");
    if (isDone) this.#desk.write();
  }
}
