/* Where shown text stands in its source, in code points; ends are exclusive.

   A part comes from `render_marked_part` (annotate/rendering): its runs say where they stand.
   Shown text is counted in UTF-16 units from the part's start, with a line end between blocks. */

const BLOCKS = "p, li, td, th, h1, h2, h3, h4, h5, h6, pre, blockquote, .display";
const OBJECT = "\ufffc"; // Stands for what is no text, such as a formula.

export class SourceMap {
  /** `part` is an element with `data-length`. Make a new map when its content changes. */
  constructor(part) {
    this.part = part;
    this.runs = [];
    this.blocks = [];
    const texts = [];
    let at = 0;
    for (const element of part.querySelectorAll("[data-s]")) {
      const block = element.closest(BLOCKS) ?? part;
      if (this.blocks.at(-1)?.element !== block) {
        if (this.blocks.length) at = endBlock(this.blocks.at(-1), at, texts);
        this.blocks.push({ element: block, at });
      }
      const run = readRun(element, at, this.blocks.at(-1));
      this.runs.push(run);
      texts.push(run.text);
      at += run.text.length;
    }
    if (this.blocks.length) this.blocks.at(-1).end = at;
    this.text = texts.join("");
  }

  /** The interval of the source that a DOM Range (or StaticRange) covers; null for nothing. */
  intervalOf(range) {
    const live = range instanceof Range ? range : liveRange(range);
    let start = null;
    let end = null;
    for (const run of this.runs) {
      if (!live.intersectsNode(run.element)) {
        if (start !== null) break;
        continue;
      }
      const clipped = clip(run, live);
      if (!clipped) continue;
      start ??= run.at + clipped.from;
      end = run.at + clipped.to;
    }
    return start === null ? null : this.#toSource(start, end);
  }

  /** As `intervalOf`, for what is selected, in whichever direction. */
  selected(selection = getSelection()) {
    let found = null;
    for (let index = 0; index < selection.rangeCount; index++) {
      const next = this.intervalOf(selection.getRangeAt(index));
      found = found && next ? union(found, next) : (found ?? next);
    }
    return found;
  }

  /** DOM Ranges, one a block, of what is shown for an interval of the source; may be none.

     `make` makes one of four edges: `liveRange` to measure boxes, `staticRange`, which costs the
     page nothing afterwards, to draw with the CSS Custom Highlight API. */
  rangesOf({ start, end }, make = liveRange) {
    const found = [];
    for (let index = this.#firstAfter(start); index < this.runs.length; index++) {
      const run = this.runs[index];
      if (run.start >= end) break;
      const { from, to } = within(run, start, end);
      if (found.at(-1)?.block === run.block) Object.assign(found.at(-1), { last: run, to });
      else found.push({ block: run.block, first: run, from, last: run, to });
    }
    return found.map(({ first, from, last, to }) => {
      const [startContainer, startOffset] = edge(first, from, false);
      const [endContainer, endOffset] = edge(last, to, true);
      return make({ startContainer, startOffset, endContainer, endOffset });
    });
  }

  /** What is shown for an interval, as text. */
  quote(interval) {
    const shown = this.#toShown(interval);
    return shown ? this.text.slice(shown.from, shown.to) : "";
  }

  /** The interval with its ends moved outwards to those of graphemes, words or sentences.

     Space at the ends of words and sentences is left out; null where nothing else is in it.
     "none" gives the interval of what is shown of it. */
  snap(interval, granularity) {
    const shown = this.#toShown(interval);
    if (!shown) return null;
    if (granularity === "none") return this.#toSource(shown.from, shown.to);
    const first = this.#segmentAt(shown.from, granularity);
    const last = this.#segmentAt(shown.to - 1, granularity);
    if (granularity === "grapheme") return this.#toSource(first.from, last.to);
    return this.#trimmed(first.from, last.to);
  }

  /** All words, sentences or graphemes, in order: where the keyboard steps. */
  segments(granularity) {
    return this.blocks.flatMap((block) =>
      [...this.#segmentsIn(block, granularity)].flatMap(({ index, segment }) => {
        const from = block.at + index;
        return this.#trimmed(from, from + segment.length) ?? [];
      }),
    );
  }

  #segmentsIn(block, granularity) {
    block.segments ??= {};
    block.segments[granularity] ??= new Intl.Segmenter(language(block.element), {
      granularity,
    }).segment(this.text.slice(block.at, block.end));
    return block.segments[granularity];
  }

  /** The segment that the character at a place of the shown text belongs to. */
  #segmentAt(place, granularity) {
    const block = this.blocks[lastWhere(this.blocks, (block) => block.at <= place)];
    const found = this.#segmentsIn(block, granularity).containing(place - block.at);
    if (!found) return { from: place, to: place + 1 }; // The line end between two blocks.
    const from = block.at + found.index;
    return { from, to: from + found.segment.length };
  }

  #trimmed(from, to) {
    while (from < to && /\s/.test(this.text[from])) from++;
    while (from < to && /\s/.test(this.text[to - 1])) to--;
    return from < to ? this.#toSource(from, to) : null;
  }

  /** The index of the first run that ends after a position of the source. */
  #firstAfter(position) {
    return lastWhere(this.runs, (run) => run.end <= position) + 1;
  }

  #toSource(from, to) {
    const first = this.runs[lastWhere(this.runs, (run) => run.at + run.text.length <= from) + 1];
    const last = this.runs[lastWhere(this.runs, (run) => run.at < to)];
    return { start: sourceStart(first, from - first.at), end: sourceEnd(last, to - last.at) };
  }

  #toShown({ start, end }) {
    const first = this.runs[this.#firstAfter(start)];
    if (!first || first.start >= end) return null;
    const last = this.runs[lastWhere(this.runs, (run) => run.start < end)];
    return {
      from: first.at + within(first, start, end).from,
      to: last.at + within(last, start, end).to,
    };
  }
}

/** A block has ended; a line end stands between it and the next. */
function endBlock(block, at, texts) {
  block.end = at;
  texts.push("\n");
  return at + 1;
}

/** A run of the page. The nth code point of one that is no atom stands at `start` + n. */
function readRun(element, at, block) {
  const start = Number(element.dataset.s);
  const atom = "e" in element.dataset;
  const nodes = textNodes(element);
  const written = nodes.map((node) => node.data).join("");
  const shown = isLineEnd(element) ? written : written.replaceAll("\n", " ");
  const text = atom && (element.querySelector("math") || !shown) ? OBJECT : shown;
  const end = atom ? Number(element.dataset.e) : start + codePoints(text);
  return { element, nodes, start, end, atom, text, at, block };
}

/** Where line ends are shown: in boxes of code and plain text, and after a <br>. */
function isLineEnd(element) {
  return element.closest("pre") || element.previousSibling?.nodeName === "BR";
}

function textNodes(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) found.push(node);
  return found;
}

/** What of a run's text a Range covers, or null. Of an atom, all. */
function clip(run, range) {
  let from = null;
  let to = null;
  let before = 0;
  for (const node of run.nodes) {
    const a = startIn(node, range);
    const b = endIn(node, range);
    if (a < b) {
      from ??= before + a;
      to = before + b;
    }
    before += node.length;
  }
  if (from === null) return null;
  return run.atom ? { from: 0, to: run.text.length } : { from, to };
}

function startIn(node, range) {
  if (node === range.startContainer) return range.startOffset;
  return range.comparePoint(node, 0) < 0 ? node.length : 0;
}

function endIn(node, range) {
  if (node === range.endContainer) return range.endOffset;
  return range.comparePoint(node, node.length) > 0 ? 0 : node.length;
}

/** What of a run's text shows an interval of the source that it has a share in. */
function within(run, start, end) {
  if (run.atom) return { from: 0, to: run.text.length };
  return {
    from: start <= run.start ? 0 : unitsOf(run, start - run.start),
    to: end >= run.end ? run.text.length : unitsOf(run, end - run.start),
  };
}

function sourceStart(run, units) {
  if (run.atom || units <= 0) return run.start;
  const cut = splitsPair(run.text, units) ? units - 1 : units;
  return run.start + codePoints(run.text.slice(0, cut));
}

function sourceEnd(run, units) {
  if (run.atom || units >= run.text.length) return run.end;
  const cut = splitsPair(run.text, units) ? units + 1 : units;
  return run.start + codePoints(run.text.slice(0, cut));
}

function splitsPair(text, units) {
  return /[\udc00-\udfff]/.test(text[units]) && /[\ud800-\udbff]/.test(text[units - 1]);
}

function codePoints(text) {
  return /[\ud800-\udfff]/.test(text) ? [...text].length : text.length;
}

/** How many UTF-16 units the first code points of a run's text take. */
function unitsOf(run, count) {
  if (run.end - run.start === run.text.length) return count;
  let units = 0;
  for (; count > 0; count--) units += run.text.codePointAt(units) > 0xffff ? 2 : 1;
  return units;
}

/** A place in a run's text as node and offset. */
function edge(run, units, isEnd) {
  if (run.atom && run.nodes.length) units = isEnd ? Infinity : 0;
  else if (run.atom) return [run.element, isEnd ? run.element.childNodes.length : 0];
  let index = 0;
  while (index < run.nodes.length - 1 && units > run.nodes[index].length) {
    units -= run.nodes[index++].length;
  }
  return [run.nodes[index], Math.min(units, run.nodes[index].length)];
}

function union(a, b) {
  return { start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}

export function liveRange({ startContainer, startOffset, endContainer, endOffset }) {
  const range = new Range();
  range.setStart(startContainer, startOffset);
  range.setEnd(endContainer, endOffset);
  return range;
}

export function staticRange(edges) {
  return new StaticRange(edges);
}

function language(element) {
  return element.closest("[lang]")?.lang || undefined;
}

/** The last index for which `test` holds, which holds for a first stretch of `list`; or -1. */
function lastWhere(list, test) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(list[middle])) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
