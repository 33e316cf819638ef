/* The types of marks and of missing items, as the project has set them. */

import { evidenceOf, lackOf } from "./checks.js";

export class Types {
  #settings;

  constructor(settings, hasPassages) {
    this.#settings = { ...settings, hasPassages };
  }

  get settings() {
    return this.#settings;
  }

  of(entry) {
    const { types, missing_types: missingTypes } = this.#settings;
    return ("start" in entry ? types : missingTypes).find(({ name }) => name === entry.type);
  }

  titleOf(entry) {
    const { title, name } = this.of(entry);
    return title || name;
  }

  /** The place in the order of priority; -1 for what is no type of marks. */
  place(name) {
    return this.#settings.types.findIndex((type) => type.name === name);
  }

  /** "none", "earlier_text" or "passage_sentences". */
  evidenceOf(entry) {
    return evidenceOf(this.of(entry), this.#settings.hasPassages);
  }

  lackOf(entry) {
    return lackOf(entry, this.of(entry), this.#settings);
  }
}
