/* A lane for each span's line, as annotate/finegrained/layout.py lays them out. */

/** Spans ({start, end}) that share a character never share a lane; the lowest free one is taken. */
export function lanesOf(spans) {
  const order = spans.map((_, index) => index);
  order.sort((a, b) => spans[a].start - spans[b].start || spans[b].end - spans[a].end || a - b);
  const lanes = new Array(spans.length);
  const ends = []; // Where the last span of each lane ends.
  for (const index of order) {
    const { start, end } = spans[index];
    const free = ends.findIndex((taken) => taken <= start);
    lanes[index] = free < 0 ? ends.length : free;
    ends[lanes[index]] = end;
  }
  return lanes;
}
