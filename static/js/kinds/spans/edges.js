/* Where the start or the end of a mark goes when it is moved by a step. */

/** The next start or end (`edge`) of a word, a sentence or a character, as the project's `snapping` is;
    undefined where there is none, or nothing would be left of the mark. */
export function nextEdge(map, { start, end }, { edge, step, snapping }) {
  const at = edge === "start" ? start : end;
  const places = map.segments(snapping === "none" ? "grapheme" : snapping).map((segment) => segment[edge]);
  const to = step > 0 ? places.find((place) => place > at) : places.findLast((place) => place < at);
  if (to === undefined) return undefined;
  return (edge === "start" ? to < end : start < to) ? to : undefined;
}
