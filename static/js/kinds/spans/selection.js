/* What is selected and would be marked: grown to the project's snapping. */

const STILL = 4;

export class Selected {
  pending = null; // {response, part, start, end}
  #texts;
  #snapping;
  #changed;
  #down = null; // Where the mouse went down: {x, y, place}.

  /** `changed(pending)` is called whenever it has become another. */
  constructor(texts, snapping, changed) {
    this.#texts = texts;
    this.#snapping = snapping;
    this.#changed = changed;
  }

  /** What is selected just now in these responses: null for nothing, else {pending, isSeveral};
     pending is null for what cannot be marked. */
  read(ids) {
    const found = this.#texts.selected(ids);
    this.#set(found.length === 1 ? this.#grown(found[0]) : null);
    return found.length ? { pending: this.pending, isSeveral: found.length > 1 } : null;
  }

  /** The mouse goes down, and has come up again. Chromium forgets where it went down within a line from
     right to left: nothing is selected then, though the mouse has moved. */
  press(event) {
    this.#down = { x: event.clientX, y: event.clientY, place: placeAt(event) };
  }

  release(event) {
    const { x, y, place: from } = this.#down ?? {};
    this.#down = null;
    const to = placeAt(event);
    const selection = getSelection();
    if (!from || !to || !selection.isCollapsed || Math.hypot(event.clientX - x, event.clientY - y) <= STILL) return;
    selection.setBaseAndExtent(from.offsetNode, from.offset, to.offsetNode, to.offset);
  }

  clear() {
    if (getSelection().rangeCount) getSelection().collapseToEnd();
    this.#set(null);
  }

  #set(pending) {
    const isNew = JSON.stringify(pending) !== JSON.stringify(this.pending);
    this.pending = pending;
    if (isNew) this.#changed(pending);
  }

  #grown({ part, interval }) {
    const grown = part.map.snap(interval, this.#snapping);
    const isBlank = !grown || !part.map.quote(grown).trim();
    return isBlank ? null : { response: part.response.id, part: part.index, ...grown };
  }
}

function placeAt({ clientX, clientY, target }) {
  return target.closest(".response [data-part]") ? document.caretPositionFromPoint?.(clientX, clientY) : null;
}
