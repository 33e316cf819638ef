/* The list of what AI judges suggest and nobody has decided on yet, beside the responses. */

import { focusHead } from "./rows.js";

export class Suggestions {
  #place;
  #template;
  #rows = new Map(); // By the suggestion's key.
  #hooks;

  /** `hooks` has choose, accept, change, dismiss by key; acceptAll(), bringBack(); quoteOf, letterOf
     by mark; typeOf(mark), labelOf(type), text(). */
  constructor(side, hooks) {
    this.#place = side.querySelector("[data-suggested]");
    this.#template = side.querySelector("template[data-suggestion]");
    this.#hooks = hooks;
    this.#place?.querySelector("[data-accept-all]").addEventListener("click", hooks.acceptAll);
    this.#place?.querySelector("[data-bring-back]").addEventListener("click", hooks.bringBack);
  }

  /** Show the open ones; `chosen` is a key or null. */
  show(open, dismissed, chosen) {
    if (!this.#place) return;
    const list = this.#place.querySelector("[data-open]");
    const keys = open.map(({ key }) => key);
    for (const [key, row] of this.#rows) if (!keys.includes(key)) row.remove();
    for (const [index, mark] of open.entries()) {
      const { key } = mark;
      const row = this.#row(mark);
      if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
      row.toggleAttribute("data-chosen", key === chosen);
      row.querySelector(".span-head").setAttribute("aria-pressed", key === chosen);
    }
    this.#place.querySelector("[data-left]").textContent = open.length || "";
    this.#place.querySelector("[data-accept-all]").hidden = open.length === 0;
    const back = this.#place.querySelector("[data-bring-back]");
    back.hidden = dismissed === 0;
    back.textContent = this.#hooks.text("bring-back", { count: dismissed });
  }

  focus(key) {
    if (this.#rows.has(key)) focusHead(this.#rows.get(key));
  }

  has(element) {
    return Boolean(this.#place?.contains(element));
  }

  #row(mark) {
    const known = this.#rows.get(mark.key);
    if (known) return known;
    const row = this.#template.content.firstElementChild.cloneNode(true);
    this.#rows.set(mark.key, row);
    const { text, typeOf, labelOf, quoteOf, letterOf } = this.#hooks;
    const type = typeOf(mark);
    const named = { type: type.title || type.name, quote: quoteOf(mark), judge: mark.judge };
    const tag = row.querySelector("[data-tag]");
    tag.textContent = `${labelOf(type)}?`;
    tag.dataset.color = type.color;
    row.querySelector("[data-name]").textContent = named.type;
    row.querySelector("[data-letter]").textContent = letterOf(mark);
    row.querySelector("[data-quote]").textContent = named.quote;
    row.querySelector("[data-judge]").textContent = mark.judge;
    const note = row.querySelector("[data-note]");
    note.textContent = [mark.severity, mark.note].filter(Boolean).join(" · ");
    note.hidden = !note.textContent;
    row.querySelector(".span-head").addEventListener("click", () => this.#hooks.choose(mark.key));
    for (const deed of ["accept", "change", "dismiss"]) {
      const button = row.querySelector(`[data-${deed}]`);
      button.setAttribute("aria-label", text(`${deed}-named`, named));
      button.addEventListener("click", () => this.#hooks[deed](mark.key));
    }
    return row;
  }
}
