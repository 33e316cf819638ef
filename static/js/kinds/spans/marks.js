/* The marks as they stand in the texts: drawn, clicked, brought into view. */

import { Drawing } from "./drawing.js";
import { lanesOf } from "./lanes.js";

const STILL = 4; // A pointer that moved less has clicked.

export class Marks {
  #texts;
  #drawings = new Map(); // By response id.
  #shapes = new Map();
  #pending = null;

  /** `clicked(keys)` gets the marks under a click into a text, the shortest first. */
  constructor(texts, clicked) {
    this.#texts = texts;
    for (const { id, element } of texts.responses) {
      const drawing = new Drawing(element);
      this.#drawings.set(id, drawing);
      let down = null;
      element.addEventListener("pointerdown", (event) => (down = event));
      element.addEventListener("click", (event) => {
        const hasMoved = down && Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > STILL;
        if (!hasMoved && !event.target.closest("a, summary")) clicked(drawing.at(event.clientX, event.clientY));
      });
    }
  }

  /** Draw the marks; `look(mark)` gives {color, label, isLacking, isSuggested}. */
  draw(marks, { chosen, pending, look }) {
    this.#pending = pending;
    for (const { id } of this.#texts.responses) {
      const shapes = this.#texts.partsOf(id).flatMap((part) => {
        const here = marks.filter((mark) => mark.response === id && mark.part === part.index);
        return this.#shapesOf(part, here, { chosen, look });
      });
      this.#shapes.set(id, shapes);
      this.#drawOne(id);
    }
  }

  /** Draw what is selected and would be marked; null takes it away. */
  drawPending(pending) {
    const before = this.#pending;
    this.#pending = pending;
    for (const id of new Set([before?.response, pending?.response])) if (id !== undefined) this.#drawOne(id);
  }

  reveal({ response, part, start, end }) {
    const { element } = this.#texts.response(response);
    element.closest(".column").scrollIntoView({ block: "nearest", inline: "nearest" });
    this.#drawings.get(response).reveal({ part: this.#texts.part(response, part), start, end });
  }

  #shapesOf(part, marks, { chosen, look }) {
    const lanes = lanesOf(marks);
    const depth = Math.max(0, ...lanes) + 1;
    const shapes = marks.map(({ key, start, end, ...mark }, index) => {
      const { color, label, isLacking, isSuggested } = look({ start, end, ...mark });
      const looks = [key === chosen?.key && "is-chosen", isLacking && "is-lacking", isSuggested && "is-suggested"];
      return { key, part, start, end, color, label, lane: lanes[index], depth, look: looks.filter(Boolean).join(" ") };
    });
    const own = chosen && marks.find(({ key }) => key === chosen.key);
    if (own?.evidence && "start" in own.evidence) {
      shapes.push({ part, ...own.evidence, color: look(own).color, lane: 0, depth: 1, look: "is-evidence" });
    }
    return shapes;
  }

  #drawOne(id) {
    const pending = this.#pending?.response === id ? this.#pending : null;
    const shapes = this.#shapes.get(id) ?? [];
    const part = pending && this.#texts.part(id, pending.part);
    const { start, end } = pending ?? {};
    this.#drawings.get(id).draw(part ? [...shapes, { part, start, end, lane: 0, depth: 1, look: "is-pending" }] : shapes);
  }
}
