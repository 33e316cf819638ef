"""A page with one part whose text is mapped, and what tests ask of it."""

SCRIPT = """
import { SourceMap, staticRange } from "/static/js/text/offsets.js";
window.staticRange = staticRange;
const part = document.querySelector(".part");
window.map = new SourceMap(part);

// The text nodes of the part, and where each begins, in code points of all its text.
const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
const nodes = [];
let total = 0;
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  nodes.push({ node, at: total });
  total += [...node.data].length;
}
window.shownText = () => part.textContent;

window.place = (index, after) => {
  const found = nodes.findLast(({ node, at }) => (after ? at < index : at <= index) && node.length);
  const units = [...found.node.data].slice(0, index - found.at).join("").length;
  return [found.node, units];
};
window.rangeOf = (first, last) => {
  const range = new Range();
  range.setStart(...place(first, false));
  range.setEnd(...place(last + 1, true));
  return range;
};
window.indexOf = (container, offset) => {
  const range = new Range();
  range.setStart(part, 0);
  range.setEnd(container, offset);
  return [...range.toString()].length;
};
window.covered = (interval) => map.rangesOf(interval).map((range) => [
  indexOf(range.startContainer, range.startOffset), indexOf(range.endContainer, range.endOffset),
]);
window.box = (index) => rangeOf(index, index).getBoundingClientRect().toJSON();
"""
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Part</title>
<link rel="stylesheet" href="/static/css/tokens.css">
<link rel="stylesheet" href="/static/css/prose.css">
<style>body { font: 20px/1.6 sans-serif; margin: 20px; width: 900px }</style>
<div class="prose written">%s</div><script type="module" src="/test.js"></script></html>"""
