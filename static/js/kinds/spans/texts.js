/* The texts that marks are made in: the parts of the responses, and what is selected in them. */

import { SourceMap } from "../../text/offsets.js";

/** A part of a response that has text. */
class Part {
  #map = null;

  constructor(response, element) {
    this.response = response;
    this.element = element;
    this.index = Number(element.dataset.part);
    this.length = Number(element.dataset.length);
  }

  get map() {
    this.#map ??= new SourceMap(this.element);
    return this.#map;
  }
}

export class Texts {
  #parts;

  constructor(task) {
    this.responses = [...task.querySelectorAll(".response")].map((element, place) => ({
      id: Number(element.dataset.response),
      letter: element.dataset.letter,
      place,
      element,
    }));
    this.#parts = this.responses.flatMap((response) =>
      [...response.element.querySelectorAll("[data-part][data-length]")].map((part) => new Part(response, part)),
    );
  }

  response(id) {
    return this.responses.find((response) => response.id === id);
  }

  part(id, index) {
    return this.#parts.find((part) => part.response.id === id && part.index === index);
  }

  partsOf(id) {
    return this.#parts.filter((part) => part.response.id === id);
  }

  /** Whether a range is one of a text here. */
  has({ response, part, start, end }) {
    const text = this.part(response, part);
    return Boolean(text) && [start, end].every(Number.isInteger) && 0 <= start && start < end && end <= text.length;
  }

  /** The text of a range in one line, shortened in its middle. */
  quote({ response, part, start, end }, most = 120) {
    const quote = this.part(response, part).map.quote({ start, end }).replaceAll(/\s+/g, " ").trim();
    const characters = [...quote];
    if (characters.length <= most) return quote;
    const half = Math.floor(most / 2);
    return `${characters.slice(0, half).join("")} … ${characters.slice(-half).join("")}`;
  }

  /** What is selected within these responses: a list of {part, interval}, by part. */
  selected(ids) {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return [];
    const range = selection.getRangeAt(0);
    return this.#parts
      .filter((part) => ids.includes(part.response.id) && range.intersectsNode(part.element))
      .map((part) => ({ part, interval: part.map.selected(selection) }))
      .filter(({ interval }) => interval);
  }

  /** The order of marks: as the texts stand on the page. */
  compare(a, b, order) {
    return (
      this.response(a.response).place - this.response(b.response).place ||
      a.part - b.part ||
      a.start - b.start ||
      a.end - b.end ||
      order(a.type) - order(b.type)
    );
  }
}
