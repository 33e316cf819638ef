/* How sure the author is: the buttons in the bar, for every kind that asks for nothing else there. */

import { check } from "./rows.js";

export class Confidence {
  #page;
  #place;

  constructor(page) {
    this.#page = page;
    this.#place = page.places.bar?.querySelector("[data-confidence]") ?? null;
  }

  /** The keys, none where it is not asked. */
  get keys() {
    const inputs = [...(this.#place?.querySelectorAll("[data-key]") ?? [])];
    return Object.fromEntries(inputs.map((input) => [input.dataset.key, () => check(input)]));
  }

  /** {confidence}, or {} while it is not said. */
  get value() {
    const checked = this.#place?.querySelector(":checked");
    return checked ? { confidence: checked.value } : {};
  }

  get isMissing() {
    return Boolean(this.#place) && !this.value.confidence;
  }

  problem() {
    const message = this.isMissing ? this.#page.text("confidence") : null;
    const place = this.#place?.querySelector("[data-wrong]");
    if (place) {
      place.textContent = message ?? "";
      place.hidden = !message;
    }
    if (message) this.#place.querySelector("input").focus();
    return message;
  }
}
