/* A cursor of one's own in the responses, for marking by keyboard: arrows go by characters and
   lines, with Ctrl (or Alt) by words and sentences, with Shift they select. The place of the
   cursor is the page's selection, so that pointer and keyboard go on from each other. */

const MOVES = {
  ArrowLeft: ["left", "character"],
  ArrowRight: ["right", "character"],
  ArrowUp: ["backward", "line"],
  ArrowDown: ["forward", "line"],
  Home: ["backward", "lineboundary"],
  End: ["forward", "lineboundary"],
};
const WIDE_MOVES = { ArrowLeft: ["left", "word"], ArrowRight: ["right", "word"] };

export class Caret {
  #response;
  #parts;
  #mark;

  /** `parts` are those of the response; `hooks` has moved(), isOn(). */
  constructor(response, parts, hooks) {
    this.#response = response;
    this.#parts = parts;
    this.#mark = document.createElement("i");
    this.#mark.className = "span-caret";
    this.#mark.hidden = true;
    const { element } = response;
    element.append(this.#mark);
    element.addEventListener("keydown", (event) => {
      if (event.target !== element || event.defaultPrevented || !hooks.isOn()) return;
      if (!this.#act(event)) return;
      event.preventDefault();
      hooks.moved();
    });
    element.addEventListener("focus", () => hooks.isOn() && this.#begin());
    element.addEventListener("blur", () => (this.#mark.hidden = true));
  }

  /** Draw the cursor where the selection's end is, if this response has the focus. */
  show() {
    const selection = getSelection();
    const place = document.activeElement === this.#response.element && this.#partOf(selection.focusNode);
    const box = place && pointBox(selection.focusNode, selection.focusOffset);
    this.#mark.hidden = !box;
    if (!box) return;
    const { element } = this.#response;
    const { left, top } = element.getBoundingClientRect();
    const { style } = this.#mark;
    style.left = `${box.x - left - element.clientLeft + element.scrollLeft}px`;
    style.top = `${box.top - top - element.clientTop + element.scrollTop}px`;
    style.height = `${box.height}px`;
  }

  #begin() {
    if (this.#partOf(getSelection().focusNode)) return this.show();
    const [first] = this.#parts;
    const run = first?.map.runs[0];
    if (!run) return;
    const [range] = first.map.rangesOf({ start: run.start, end: run.start + 1 });
    if (range) getSelection().collapse(range.startContainer, range.startOffset);
    this.show();
  }

  /** Do what a key says; whether it is one of the cursor's. */
  #act(event) {
    const isWide = event.ctrlKey || event.altKey;
    if (event.metaKey || !MOVES[event.key]) return false;
    if (!this.#partOf(getSelection().focusNode)) this.#begin();
    if (isWide && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      this.#bySentence(event.key === "ArrowDown" ? 1 : -1, event.shiftKey);
    } else if (isWide && (event.key === "Home" || event.key === "End")) {
      this.#toEnd(event.key === "End", event.shiftKey);
    } else {
      this.#move((isWide && WIDE_MOVES[event.key]) || MOVES[event.key], event.shiftKey);
    }
    this.show();
    this.#mark.scrollIntoView({ block: "nearest", inline: "nearest" });
    return true;
  }

  #move([direction, unit], extend) {
    const selection = getSelection();
    const { anchorNode, anchorOffset, focusNode, focusOffset } = selection;
    selection.modify(extend ? "extend" : "move", direction, unit);
    if (this.#partOf(selection.focusNode)) return;
    if (extend) selection.setBaseAndExtent(anchorNode, anchorOffset, focusNode, focusOffset);
    else selection.collapse(focusNode, focusOffset);
  }

  /** To the next sentence, or its end when selecting; back to the beginning of one. */
  #bySentence(step, extend) {
    const selection = getSelection();
    const part = this.#partOf(selection.focusNode);
    const at = sourceOf(part, selection.focusNode, selection.focusOffset);
    const sentences = part.map.segments("sentence");
    const edges = sentences.map(({ start, end }) => (extend && step > 0 ? end : start));
    const to = step > 0 ? edges.find((edge) => edge > at) : edges.findLast((edge) => edge < at);
    if (to === undefined) return this.#toEnd(step > 0, extend, part);
    const isEnd = extend && step > 0;
    const ranges = part.map.rangesOf(isEnd ? { start: to - 1, end: to } : { start: to, end: to + 1 });
    if (isEnd) this.#goTo(ranges.at(-1).endContainer, ranges.at(-1).endOffset, extend);
    else this.#goTo(ranges[0].startContainer, ranges[0].startOffset, extend);
  }

  /** To the end, or the beginning, of a part or of all. */
  #toEnd(isEnd, extend, within = null) {
    const part = within ?? (isEnd ? this.#parts.at(-1) : this.#parts[0]);
    const ranges = part.map.rangesOf({ start: 0, end: part.length });
    if (!ranges.length) return;
    if (isEnd) this.#goTo(ranges.at(-1).endContainer, ranges.at(-1).endOffset, extend);
    else this.#goTo(ranges[0].startContainer, ranges[0].startOffset, extend);
  }

  #goTo(node, offset, extend) {
    if (extend) getSelection().extend(node, offset);
    else getSelection().collapse(node, offset);
  }

  #partOf(node) {
    return this.#parts.find((part) => part.element.contains(node));
  }
}

/** Where a point of the page stands in the part's source. */
function sourceOf(part, node, offset) {
  const range = new Range();
  range.setStart(part.element, 0);
  range.setEnd(node, offset);
  return part.map.intervalOf(range)?.end ?? 0;
}

/** Where a point of the text is seen. */
function pointBox(node, offset) {
  const range = new Range();
  range.setStart(node, offset);
  range.collapse(true);
  const [box] = range.getClientRects();
  if (box?.height) return { x: box.left, top: box.top, height: box.height };
  const around = node.nodeType === Node.TEXT_NODE ? node.parentElement : (node.childNodes[offset] ?? node);
  const found = around.getBoundingClientRect?.();
  return found?.height ? { x: found.left, top: found.top, height: found.height } : null;
}
