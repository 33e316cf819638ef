/* The lists of marks and of missing items beside the responses. The chosen one shows its details. */

import { focusHead } from "./rows.js";

export class Entries {
  #side;
  #template;
  #rows = new Map(); // By the entry's key.
  #shown = new WeakMap(); // By row: the entry as it was shown last, and whether it was the open one.
  #types;
  #hooks;

  /** `hooks` has find, choose, change, write, remove, pick by key; move(key, edge, step); quoteOf,
     evidenceWords, letterOf, originOf by entry; labelOf(type); text(). */
  constructor(side, types, hooks) {
    this.#side = side;
    this.#template = side.querySelector("template[data-entry]");
    this.#types = types;
    this.#hooks = hooks;
  }

  /** Show these; `chosen` is a key or null. */
  show(marks, missing, chosen) {
    const keys = new Set([...marks, ...missing].map(({ key }) => key));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    this.#fill("[data-marks]", marks, chosen);
    this.#fill("[data-missing]", missing, chosen);
    this.#side.querySelector("[data-hint]").hidden = marks.length > 0;
    const count = this.#side.querySelector("[data-count]");
    if (count) count.textContent = marks.length + missing.length || "";
  }

  focus(key) {
    if (this.#rows.has(key)) focusHead(this.#rows.get(key));
  }

  /** Show the place in an entry where something is lacking. */
  focusLack(key, lack) {
    const places = { severity: "[data-severity]", evidence: "[data-pick]", replacement: "[data-replacement]" };
    this.#rows.get(key)?.querySelector(places[lack])?.focus();
  }

  #fill(selector, entries, chosen) {
    const list = this.#side.querySelector(selector);
    if (!list) return;
    entries.forEach((entry, index) => {
      const row = this.#row(entry);
      if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
      this.#update(row, entry, entry.key === chosen);
    });
  }

  #row(entry) {
    const known = this.#rows.get(entry.key);
    if (known) return known;
    const row = this.#template.content.firstElementChild.cloneNode(true);
    this.#rows.set(entry.key, row);
    const { key } = entry;
    const on = (selector, sign, deed) => {
      for (const element of row.querySelectorAll(selector)) element.addEventListener(sign, () => deed(element));
    };
    on(".span-head", "click", () => this.#hooks.choose(key));
    on("[data-kind]", "change", (select) => this.#hooks.change(key, { type: select.value }));
    on("[data-severity]", "click", ({ dataset }) => this.#hooks.change(key, { severity: dataset.severity }));
    on("[data-edge]", "click", ({ dataset }) => this.#hooks.move(key, dataset.edge, Number(dataset.step)));
    on("[data-pick]", "click", () => this.#hooks.pick(key));
    on("[data-note]", "input", ({ value }) => this.#hooks.write(key, { note: value.trim() ? value : undefined }));
    on("[data-replacement]", "input", ({ value }) => this.#hooks.write(key, { replacement: this.#replacement(key, value) }));
    on("[data-leave-out]", "click", () => this.#hooks.change(key, { replacement: "" }));
    on("[data-delete]", "click", () => this.#hooks.remove(key));
    if (!("start" in entry)) for (const element of row.querySelectorAll("[data-for-mark]")) element.remove();
    return row;
  }

  /** Nothing written is nothing to stand there only where something has to be said. */
  #replacement(key, written) {
    return written || this.#types.of(this.#hooks.find(key)).correction ? written : undefined;
  }

  #update(row, entry, isChosen) {
    const { entry: before, isChosen: wasChosen } = this.#shown.get(row) ?? {};
    if (before === entry && !isChosen && !wasChosen) return;
    this.#shown.set(row, { entry, isChosen });
    const { text } = this.#hooks;
    const type = this.#types.of(entry);
    const lack = this.#types.lackOf(entry);
    const tag = row.querySelector("[data-tag]");
    tag.textContent = this.#hooks.labelOf(type);
    if (type.color === undefined) delete tag.dataset.color;
    else tag.dataset.color = type.color;
    row.querySelector("[data-name]").textContent = type.title || type.name;
    row.querySelector("[data-letter]").textContent = this.#hooks.letterOf(entry);
    const quote = row.querySelector("[data-quote]");
    const words = this.#hooks.quoteOf(entry);
    quote.hidden = !words;
    if (quote.textContent !== words) quote.textContent = words;
    const origin = row.querySelector("[data-origin]");
    origin.textContent = this.#hooks.originOf(entry);
    origin.hidden = !origin.textContent;
    const lacks = row.querySelector("[data-lacks]");
    lacks.hidden = !lack;
    lacks.textContent = lack ? text("lacks", { what: text(`lacks-${lack}`) }) : "";
    row.querySelector(".span-head").setAttribute("aria-expanded", isChosen);
    row.toggleAttribute("data-chosen", isChosen);
    const more = row.querySelector("[data-more]");
    more.hidden = !isChosen;
    if (isChosen) this.#updateMore(row, entry, type);
  }

  #updateMore(row, entry, type) {
    const evidence = this.#types.evidenceOf(entry);
    const place = row.querySelector("[data-evidence]");
    place.hidden = evidence === "none";
    if (evidence !== "none") {
      const pick = place.querySelector("[data-pick]");
      pick.textContent = evidence === "earlier_text" ? pick.dataset.earlier : pick.dataset.sentences;
      place.querySelector("[data-evidence-words]").replaceChildren(...this.#hooks.evidenceWords(entry));
    }
    const kind = row.querySelector("[data-kind]");
    if (!kind) return;
    kind.value = entry.type;
    // Before and after lie where they do in the marked words, whichever way the page is read.
    row.querySelector("[data-edges]").dir = getComputedStyle(row.querySelector("[data-quote]")).direction;
    for (const button of row.querySelectorAll("[data-severity]")) {
      button.setAttribute("aria-pressed", button.dataset.severity === entry.severity);
    }
    refill(row.querySelector("[data-note]"), entry.note ?? "");
    const replacement = row.querySelector("[data-replacement]");
    refill(replacement, entry.replacement ?? "");
    const { deleted, optional } = replacement.dataset;
    replacement.placeholder = entry.replacement === "" ? deleted : type.correction ? "" : optional;
  }
}

/** Not while one writes there: the cursor would jump. */
function refill(field, words) {
  if (field !== document.activeElement && field.value !== words) field.value = words;
}
