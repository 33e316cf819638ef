/* What a mark or an item points at: sentences of a passage, clicked there, or an earlier stretch
   of the same text, selected there. */

import { Passages } from "./passages.js";

export class Evidence {
  #side;
  #texts;
  #types;
  #tabs;
  #hooks;
  #passages;
  #earlierFor = null; // The key of the mark whose earlier text is being selected.

  /** `hooks` has find(key), chosen(), the key of the open entry, lacking(), the key of the one that is
     told to lack sentences, open(key), take(key, evidence), quoteOf(entry), say(name, fields), text()
     and focus(key). */
  constructor(side, { texts, types, tabs }, hooks) {
    this.#side = side;
    this.#texts = texts;
    this.#types = types;
    this.#tabs = tabs;
    this.#hooks = hooks;
    this.#passages = new Passages(side.querySelector("[data-passages]"), {
      evidence: () => this.#sentencesOf(hooks.find(hooks.chosen())),
      begin: () => hooks.lacking() && hooks.open(hooks.lacking()),
      isWanted: () => Boolean(hooks.lacking()),
      choose: (evidence, isOther) => {
        if (isOther) hooks.say("other-passage");
        hooks.take(hooks.chosen(), evidence);
      },
      text: hooks.text,
    });
    side.querySelector("[data-picked]")?.addEventListener("click", () => this.done());
  }

  /** Whether an entry's evidence is such as its type takes. */
  isRight({ evidence, ...entry }) {
    const wanted = this.#types.evidenceOf(entry);
    if (wanted === "earlier_text") return this.#texts.has({ ...entry, ...evidence }) && evidence.end <= entry.start;
    return wanted === "passage_sentences" && this.#passages.has(evidence);
  }

  /** The evidence as elements. */
  words({ evidence, ...entry }) {
    const quote = (words) => Object.assign(document.createElement("q"), { textContent: words });
    if (!evidence) return [];
    if ("start" in evidence) return [quote(this.#texts.quote({ ...entry, ...evidence }, 160))];
    const { title, quotes } = this.#passages.words(evidence);
    return [Object.assign(document.createElement("b"), { textContent: title }), ...quotes.map(quote)];
  }

  /** Show what the open entry points at, and that sentences may be chosen for it. */
  show() {
    this.#passages.update();
    const banner = this.#side.querySelector("[data-picking]");
    if (!banner) return;
    const entry = this.#hooks.find(this.#hooks.chosen());
    banner.hidden = this.#sentencesOf(entry) === undefined;
    if (banner.hidden) return;
    const quote = "start" in entry ? this.#hooks.quoteOf(entry) : "";
    banner.querySelector("[data-for]").textContent = this.#hooks.text("picking", { type: this.#types.titleOf(entry), quote });
  }

  /** Let evidence be chosen for the open entry. */
  pick(entry) {
    if (this.#types.evidenceOf(entry) === "earlier_text") {
      this.#earlierFor = entry.key;
      this.#hooks.say("earlier", { quote: this.#hooks.quoteOf(entry) });
      const { element } = this.#texts.response(entry.response);
      if (!element.contains(document.activeElement)) element.focus({ preventScroll: true });
    } else {
      this.#tabs.show("passages");
      this.show();
      this.#passages.focus();
    }
  }

  get picksEarlier() {
    return this.#earlierFor !== null;
  }

  stop() {
    this.#earlierFor = null;
  }

  /** Whether passages are open for an entry that takes their sentences. */
  get picksSentences() {
    return this.takesSentences(this.#hooks.find(this.#hooks.chosen())) && this.#tabs.isOpen("passages");
  }

  takesSentences(entry) {
    return this.#sentencesOf(entry) !== undefined;
  }

  /** What is selected is the earlier text; whether it can be. */
  takeEarlier({ response, part, start, end }) {
    const mark = this.#hooks.find(this.#earlierFor);
    if (response !== mark.response || part !== mark.part || end > mark.start) {
      this.#hooks.say("not-earlier");
      return false;
    }
    this.#earlierFor = null;
    this.#hooks.say("evidence-taken", { quote: `“${this.#texts.quote({ response, part, start, end }, 60)}”` });
    this.#hooks.take(mark.key, { start, end });
    return true;
  }

  /** Back from the passages. */
  done() {
    this.#tabs.show("marks");
    this.#hooks.focus(this.#hooks.chosen());
  }

  /** The entry's evidence if it takes sentences: null for none yet, undefined if it takes none. */
  #sentencesOf(entry) {
    if (!entry || this.#types.evidenceOf(entry) !== "passage_sentences") return undefined;
    return entry.evidence ?? null;
  }
}
