/* Which words differ between two rendered texts, marked without touching them. */

// Edits beyond this mean that the texts have little in common; then all between is marked.
const MAX_EDITS = 1500;

export const isSupported = Boolean(globalThis.CSS?.highlights) && "Segmenter" in Intl;

/** Mark the words of `first` and `second` (elements) that the other lacks; null takes it away. */
export function mark(first, second) {
  CSS.highlights.delete("differs");
  if (!first || !second) return;
  const [a, b] = [words(first), words(second)];
  const kept = common(a.map((word) => word.text), b.map((word) => word.text));
  const ranges = [...differing(a, kept.a), ...differing(b, kept.b)];
  CSS.highlights.set("differs", new Highlight(...ranges));
}

/** The words of an element's text with where they stand. Spaces are no words. */
function words(element) {
  const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const { segment, index } of segmenter.segment(node.data)) {
      if (segment.trim()) found.push({ text: segment, node, start: index });
    }
  }
  return found;
}

function differing(list, kept) {
  return list.flatMap((word, index) => {
    if (kept.has(index)) return [];
    const range = new Range();
    range.setStart(word.node, word.start);
    range.setEnd(word.node, word.start + word.text.length);
    return [range];
  });
}

/** Places in `a` and `b` of a longest common subsequence (Myers 1986, greedy, bounded). */
export function common(a, b) {
  const kept = { a: new Set(), b: new Set() };
  const keep = (i, j) => {
    kept.a.add(i);
    kept.b.add(j);
  };
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) keep(head, head++);
  let tailA = a.length;
  let tailB = b.length;
  while (tailA > head && tailB > head && a[tailA - 1] === b[tailB - 1]) keep(--tailA, --tailB);
  for (const [i, j] of middle(a.slice(head, tailA), b.slice(head, tailB))) keep(head + i, head + j);
  return kept;
}

function middle(a, b) {
  const traces = [];
  const limit = Math.min(a.length + b.length, MAX_EDITS);
  const offset = limit + 1;
  const furthest = new Int32Array(2 * limit + 3);
  for (let edits = 0; edits <= limit; edits++) {
    traces.push(furthest.slice(offset - edits - 1, offset + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = step(furthest, offset, diagonal, edits);
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x++;
      furthest[offset + diagonal] = x;
      if (x >= a.length && x - diagonal >= b.length) return walkBack(traces, a.length, b.length);
    }
  }
  return [];
}

/** The furthest x on a diagonal before its run of equal words: down from above or from the left. */
function step(furthest, offset, diagonal, edits) {
  const fromAbove = furthest[offset + diagonal + 1];
  const fromLeft = furthest[offset + diagonal - 1];
  if (diagonal === -edits || (diagonal !== edits && fromLeft < fromAbove)) return fromAbove;
  return fromLeft + 1;
}

function walkBack(traces, x, y) {
  const pairs = [];
  for (let edits = traces.length - 1; edits >= 0; edits--) {
    const diagonal = x - y;
    const offset = edits + 1; // Where diagonal 0 stands in this trace.
    const furthest = traces[edits];
    const down =
      diagonal === -edits ||
      (diagonal !== edits && furthest[offset + diagonal - 1] < furthest[offset + diagonal + 1]);
    const before = down ? diagonal + 1 : diagonal - 1;
    const startX = edits ? furthest[offset + before] : 0;
    const startY = edits ? startX - before : 0;
    const runStart = edits ? (down ? startX : startX + 1) : 0;
    while (x > runStart) pairs.push([--x, --y]);
    [x, y] = [startX, startY];
  }
  return pairs;
}
