/* Deciding on what judges suggest: accept it, change it, dismiss it, or accept all of it. */

import { isTwin, overlapping } from "./answer.js";

export class Deciding {
  #desk;
  #going;

  constructor(desk, going) {
    this.#desk = desk;
    this.#going = going;
  }

  /** Make it a mark as it is, and go to the next one. */
  accept(key) {
    const next = this.#nextTo(key);
    const mark = this.#desk.offered.find(key);
    if (mark && this.#take(mark, {}, "accepted") !== null) this.#goTo(next);
  }

  /** Make it a mark and open that, with `fields` as they are to be. */
  change(key, fields = {}) {
    const mark = this.#desk.offered.find(key);
    const made = mark ? this.#take(mark, fields, "taken") : null;
    if (made === null) return;
    this.#going.choose(made, { reveal: true });
    this.#desk.entries.focus(made);
  }

  dismiss(key) {
    const next = this.#nextTo(key);
    const mark = this.#desk.offered.find(key);
    if (!mark) return;
    this.#desk.answer.dismiss(mark.suggested);
    this.#desk.say("dismissed", { quote: this.#desk.quoteOf(mark) });
    this.#desk.write();
    this.#goTo(next);
  }

  /** As far as they do not overlap what is marked already, where marks may not. */
  acceptAll() {
    const { answer, offered } = this.#desk;
    const { open } = offered;
    if (!open.length) return this.#desk.say("none-open");
    const marks = [];
    const others = [];
    for (const mark of open) {
      const { twin, isFree } = this.#placeOf(mark, [...answer.marks, ...marks]);
      if (twin && !marks.includes(twin)) others.push([twin.key, linked(twin, mark)]);
      else if (twin) Object.assign(twin, linked(twin, mark));
      else if (isFree) marks.push(asMark(mark));
    }
    if (marks.length || others.length) answer.take(marks, others);
    const left = offered.open.length;
    this.#desk.say(left ? "accepted-some" : "accepted-all", { count: open.length - left, left });
    this.#desk.write();
    this.#goTo(offered.open[0]);
  }

  bringBack() {
    this.#desk.answer.bringBack();
    this.#desk.write();
    this.#goTo(this.#desk.offered.open[0]);
  }

  /** The key of the mark made of it; null where it cannot be one, which is said. */
  #take(mark, fields, said) {
    const { answer, evidence, texts, types } = this.#desk;
    const made = { ...asMark(mark), ...fields };
    const { twin, isFree, over } = this.#placeOf(made, answer.marks);
    if (!twin && !isFree) {
      this.#desk.say("overlap", { quote: texts.quote(over, 40) });
      return null;
    }
    evidence.stop();
    const [added] = answer.take(twin ? [] : [made], twin ? [[twin.key, linked(twin, made)]] : []);
    const key = twin?.key ?? added;
    this.#desk.say(said, { type: types.titleOf(made), quote: this.#desk.quoteOf(made) });
    this.#desk.write();
    return key;
  }

  /** A mark that says the same of the same words, and whether there is room for another one. */
  #placeOf(mark, marks) {
    const all = overlapping(marks, mark);
    const twin = all.find((one) => isTwin({ ...one, key: "there" }, { ...mark, key: "new" }));
    return { twin, over: all[0], isFree: !all.length || this.#desk.page.settings.overlap };
  }

  /** The open one after it, or else the one before. */
  #nextTo(key) {
    const { open } = this.#desk.offered;
    const place = open.findIndex((one) => one.key === key);
    return open[place + 1] ?? open[place - 1];
  }

  /** On to the next open one; the focus goes along where it was in the list. */
  #goTo(next) {
    const { suggestions, texts, page } = this.#desk;
    const { activeElement } = document;
    const wasInList = suggestions.has(activeElement) || activeElement === document.body;
    this.#going.choose(next?.key ?? null, { reveal: true });
    if (!wasInList) return;
    if (next) suggestions.focus(next.key);
    else (texts.responses.find(({ id }) => this.#desk.isAsked(id))?.element ?? page.task).focus({ preventScroll: true });
  }
}

function asMark({ key, judge, ...mark }) {
  return mark;
}

/** What a mark takes over from a suggestion that says the same of the same words. */
function linked(own, { severity, note, suggested }) {
  const all = [...(own.suggested ?? []), ...suggested];
  return { severity: own.severity ?? severity, note: own.note ?? note, suggested: all };
}
