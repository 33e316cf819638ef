/* Going about: to a mark, along the marks, to a correction, to what is wrong, on and away. */

export class Going {
  #desk;
  #marking;

  constructor(desk, marking) {
    this.#desk = desk;
    this.#marking = marking;
  }

  /** Open the details of an entry, or (null) of none. */
  choose(key, { reveal = false } = {}) {
    const { evidence, marks, tabs } = this.#desk;
    this.#desk.chosen = key;
    evidence.stop();
    this.#desk.show();
    const entry = this.#desk.find(key) ?? this.#desk.offered.find(key);
    if (!entry) return;
    if (!evidence.takesSentences(entry)) tabs.show("marks");
    if (reveal && "start" in entry) marks.reveal(entry);
  }

  /** Marks were clicked in the text, or none was. Clicking again goes to the next one there. */
  clicked(keys) {
    const { chosen, evidence, selected } = this.#desk;
    if (selected.pending || evidence.picksEarlier) return;
    this.choose(keys.length ? keys[(keys.indexOf(chosen) + 1) % keys.length] : null);
  }

  /** To the suggestion, mark or item before or after; its words are said. */
  step(by) {
    const { chosen, entries, here, offered, page, suggestions, tabs, types } = this.#desk;
    const all = [...offered.open, ...here.marks, ...here.missing];
    if (!all.length) return this.#desk.say("empty");
    const at = all.findIndex(({ key }) => key === chosen);
    const index = at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length;
    const entry = all[index];
    tabs.show("marks");
    this.choose(entry.key, { reveal: true });
    const fields = { type: types.titleOf(entry), quote: this.#desk.quoteOf(entry), number: index + 1, count: all.length };
    if (entry.judge) suggestions.focus(entry.key);
    else entries.focus(entry.key);
    page.announce(page.text(entry.judge ? "suggested" : "selected", { ...fields, judge: entry.judge }));
  }

  toText() {
    this.#desk.texts.responses.find(({ id }) => this.#desk.isAsked(id))?.element.focus();
  }

  toCorrection() {
    const { chosen, corrections, texts } = this.#desk;
    const here = texts.responses.find(({ element }) => element.contains(document.activeElement));
    const ids = corrections.ids.filter((id) => this.#desk.isAsked(id));
    const wanted = [here?.id, this.#desk.find(chosen)?.response];
    corrections.focus(wanted.find((id) => ids.includes(id)) ?? ids[0]);
  }

  toMissing() {
    this.#desk.tabs.show("marks");
    this.#desk.missing.focus();
  }

  /** Say what is wrong and go there; null when nothing is. */
  toProblem() {
    const { confidence, corrections, entries, problem, suggestions, tabs } = this.#desk;
    if (!problem) return confidence.problem();
    const { entry, name, response, suggestion, words } = problem;
    if (suggestion) {
      this.choose(suggestion.key, { reveal: true });
      suggestions.focus(suggestion.key);
    } else if (entry) {
      tabs.show("marks");
      this.choose(entry.key, { reveal: true });
      entries.focusLack(entry.key, { earlier: "evidence", sentences: "evidence" }[name] ?? name);
    } else if (name === "uncorrected") corrections.focus(response.id);
    return words;
  }

  /** Enter: what is begun is done first. */
  advance() {
    const { evidence, selected } = this.#desk;
    if (evidence.picksEarlier && this.#marking.readSelection()?.pending) this.#marking.takeEarlier(selected.pending);
    else if (evidence.picksSentences) evidence.done();
    else return false;
    return true;
  }

  /** Escape: what is begun is left first. */
  leave() {
    const { evidence, palette, selected } = this.#desk;
    if (evidence.picksEarlier) evidence.stop();
    else if (selected.pending) selected.clear();
    else if (evidence.picksSentences) evidence.done();
    else this.#desk.chosen = null;
    palette.say("");
    this.#desk.show();
  }
}
