/* Marks drawn over a response: boxes over its lines of text, with an underline in its lane and a
   label each. They lie above the text, take no pointer, and leave the text's own elements alone. */

const LANE = 4; // From one underline to the next, while there is room for that.
const ROOM = 10; // Between two lines of text.
const TOUCHING = 2;

export class Drawing {
  #article;
  #layer;
  #measured = new Map(); // Boxes by part, start and end.
  #shapes = [];
  #drawn = new Map(); // Elements by what they show.
  #waiting = 0;

  constructor(article) {
    this.#article = article;
    this.#layer = document.createElement("div");
    this.#layer.className = "span-layer";
    this.#layer.setAttribute("aria-hidden", "true");
    article.classList.add("span-article");
    article.append(this.#layer);
    const again = () => this.#measureAgain();
    new ResizeObserver(again).observe(article.querySelector(".prose"));
    article.addEventListener("toggle", again, true);
    article.addEventListener("scroll", ({ target }) => target !== article && again(), true);
  }

  /** Show these: {key, part, start, end, color, label, lane, depth, look}; look is a class. */
  draw(shapes) {
    this.#shapes = shapes;
    const origin = this.#origin();
    const boxes = shapes.map((shape) => this.#boxesOf(shape, origin)); // All reading first.
    const before = this.#drawn;
    this.#drawn = new Map();
    shapes.forEach((shape, index) => {
      const { key, part, start, end, color, label, lane, depth, look } = shape;
      const name = [key, part.index, start, end, color, label, lane, depth, look].join();
      const known = before.get(name);
      before.delete(name);
      this.#drawn.set(name, known ?? this.#elements(shape, boxes[index]));
      if (!known) this.#layer.append(...this.#drawn.get(name));
    });
    for (const elements of before.values()) for (const element of elements) element.remove();
  }

  /** The keys of the marks under a point of the window, the shortest first. */
  at(x, y) {
    const { left, top } = this.#origin();
    const isIn = (box) =>
      box.left <= x - left && x - left <= box.left + box.width && box.top <= y - top && y - top <= box.top + box.height;
    return this.#shapes
      .filter((shape) => shape.key && this.#boxesOf(shape, { left, top }).some(isIn))
      .sort((a, b) => a.end - a.start - (b.end - b.start))
      .map(({ key }) => key);
  }

  /** Bring a place of the text into view. */
  reveal(shape) {
    const [range] = shape.part.map.rangesOf(shape);
    const box = range?.getBoundingClientRect();
    if (!box) return;
    const { top, bottom } = this.#article.getBoundingClientRect();
    const scrolls = this.#article.scrollHeight > this.#article.clientHeight + 1;
    if (scrolls && (box.top < top + 40 || box.bottom > bottom - 10)) {
      this.#article.scrollTop += box.top - top - this.#article.clientHeight / 3;
    }
    const free = innerHeight - (document.querySelector(".bar")?.offsetHeight ?? 0);
    if (box.top < 0 || box.bottom > free) {
      if (!scrolls) scrollBy(0, box.top - free / 3);
      else this.#article.scrollIntoView({ block: "nearest" });
    }
  }

  /** The boxes of a range, or of what `range` gives, in the layer's coordinates. */
  #boxesOf({ part, start, end }, origin) {
    const name = `${part.index}:${start}:${end}`;
    if (!this.#measured.has(name)) {
      const boxes = part.map.rangesOf({ start, end }).flatMap((range) => linesOf(range, origin));
      this.#measured.set(name, boxes);
    }
    return this.#measured.get(name);
  }

  #origin() {
    const { left, top } = this.#article.getBoundingClientRect();
    return {
      left: left + this.#article.clientLeft - this.#article.scrollLeft,
      top: top + this.#article.clientTop - this.#article.scrollTop,
    };
  }

  #elements(shape, boxes) {
    const pitch = Math.min(LANE, ROOM / Math.max(1, shape.depth));
    return boxes.map((box, index) => {
      const element = document.createElement("i");
      element.className = `span-box ${shape.look ?? ""}`;
      if (shape.color !== undefined) element.dataset.color = shape.color;
      const { style } = element;
      style.left = `${box.left}px`;
      style.top = `${box.top}px`;
      style.width = `${box.width}px`;
      style.height = `${box.height}px`;
      style.setProperty("--below", `${shape.lane * pitch}px`);
      if (index === 0 && shape.label) {
        const label = document.createElement("b");
        label.textContent = shape.label;
        label.style.setProperty("--beside", shape.lane);
        label.classList.toggle("at-end", box.isRightToLeft);
        element.append(label);
      }
      return element;
    });
  }

  #measureAgain() {
    this.#measured.clear();
    if (this.#waiting) return;
    this.#waiting = requestAnimationFrame(() => {
      this.#waiting = 0;
      this.#layer.replaceChildren();
      this.#drawn.clear();
      this.draw(this.#shapes);
    });
  }
}

/** The boxes of a range's lines: what touches in one line is one; what is scrolled away is cut. */
function linesOf(range, { left, top }) {
  const scroller = range.startContainer.parentElement.closest("pre:not(.plain), .table, .display");
  const window = scroller?.getBoundingClientRect();
  const isRightToLeft = directionAt(range) === "rtl";
  const boxes = [];
  for (const rect of range.getClientRects()) {
    const from = window ? Math.max(rect.left, window.left) : rect.left;
    const to = window ? Math.min(rect.right, window.right) : rect.right;
    if (to - from <= 0 || rect.height === 0) continue;
    const next = { left: from, right: to, top: rect.top, bottom: rect.bottom };
    const last = boxes.findLast((box) => isBeside(box, next));
    if (!last) boxes.push(next);
    else {
      last.left = Math.min(last.left, next.left);
      last.right = Math.max(last.right, next.right);
      last.top = Math.min(last.top, next.top);
      last.bottom = Math.max(last.bottom, next.bottom);
    }
  }
  return boxes.map((box) => ({
    left: box.left - left,
    top: box.top - top,
    width: box.right - box.left,
    height: box.bottom - box.top,
    isRightToLeft,
  }));
}

function isBeside(box, next) {
  const middle = (next.top + next.bottom) / 2;
  const isInLine = box.top < middle && middle < box.bottom;
  return isInLine && next.left <= box.right + TOUCHING && box.left <= next.right + TOUCHING;
}

/** The direction that the first strong letter of a range has. */
function directionAt(range) {
  const letter = range.toString().match(/\p{L}/u)?.[0] ?? "";
  return /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u.test(letter) ? "rtl" : "ltr";
}
