/* The corrected text under each response, and what was changed in it. */

import { changes } from "../changes.js";

const PAUSE_MS = 80;

export class Corrections {
  #boxes = new Map(); // By response id.

  /** `changed(id, text)` is called when a text was edited; undefined is the original. */
  constructor(places, corrected, changed) {
    for (const [id, place] of places) {
      const root = place.querySelector("[data-correction]");
      if (root) this.#boxes.set(id, new Box(root, corrected[id], (text) => changed(id, text)));
    }
  }

  focus(id) {
    this.#boxes.get(id)?.focus();
  }

  get ids() {
    return [...this.#boxes.keys()];
  }
}

class Box {
  #field;
  #change;
  #diff;
  #changed;
  #timer = 0;

  constructor(root, corrected, changed) {
    this.#field = root.querySelector("textarea");
    this.#change = root.querySelector(".correction-change");
    this.#diff = root.querySelector("[data-diff]");
    this.#changed = changed;
    if (corrected !== undefined) this.#field.value = corrected;
    this.#field.addEventListener("input", () => this.#edited());
    root.querySelector("[data-restore]").addEventListener("click", () => {
      this.#field.value = this.#original;
      this.#field.focus();
      this.#field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    this.#show();
  }

  focus() {
    this.#field.focus();
    this.#field.scrollIntoView({ block: "nearest" });
  }

  get #original() {
    return this.#field.defaultValue;
  }

  #edited() {
    const isSame = this.#field.value === this.#original;
    this.#changed(isSame ? undefined : this.#field.value);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#show(), PAUSE_MS);
  }

  #show() {
    const isSame = this.#field.value === this.#original;
    this.#change.hidden = isSame;
    const pieces = isSame ? [] : changes(this.#original, this.#field.value);
    const element = ({ name, text }) => Object.assign(document.createElement(name), { textContent: text });
    this.#diff.replaceChildren(...pieces.map(element));
  }
}
