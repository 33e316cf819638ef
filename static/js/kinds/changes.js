/* What has become of a text, by words, for reading: what stays is cut where it is long. */

import { common } from "../diff.js";

// Of what stays, as much is shown around a change.
const AROUND = 60;

/** Pieces in order: {name: "span" | "del" | "ins", text}. */
export function changes(before, after) {
  const [a, b] = [words(before), words(after)];
  const kept = common(a.map(({ word }) => word), b.map(({ word }) => word));
  const pieces = [];
  const add = (name, text) => {
    if (pieces.at(-1)?.name === name) pieces.at(-1).text += text;
    else pieces.push({ name, text });
  };
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && !kept.a.has(i)) add("del", a[i++].text);
    else if (j < b.length && !kept.b.has(j)) add("ins", b[j++].text);
    else {
      add("span", b[j++].text);
      i++;
    }
  }
  return pieces.map((piece, at) => (piece.name === "span" ? shorten(piece, at === 0, at === pieces.length - 1) : piece));
}

function shorten({ name, text }, isFirst, isLast) {
  const head = isFirst ? "" : text.slice(0, AROUND).replace(/\s\S*$/, " ");
  const tail = isLast ? "" : text.slice(-AROUND).replace(/^\S*\s/, " ");
  if (text.length <= head.length + tail.length + AROUND) return { name, text };
  return { name, text: `${whole(head)}…${whole(tail)}` };
}

/** Without the half of a character that a cut leaves. */
function whole(text) {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "");
}

/** Each word with the space behind it. */
function words(text) {
  const found = [];
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: "word" }).segment(text)) {
    if (segment.trim() || !found.length) found.push({ word: segment, text: segment });
    else found.at(-1).text += segment;
  }
  return found;
}
