/* Rows of the lists beside the responses. */

/** Focus a row's head; where the panel scrolls by itself, the row is brought into view there. */
export function focusHead(row) {
  row.querySelector(".span-head").focus({ preventScroll: true });
  const panel = row.closest(".side");
  if (!panel || panel.scrollHeight <= panel.clientHeight) return;
  const { top, bottom } = row.getBoundingClientRect();
  const edges = panel.getBoundingClientRect();
  if (top < edges.top) panel.scrollTop -= edges.top - top;
  else if (bottom > edges.bottom) panel.scrollTop += Math.min(bottom - edges.bottom, top - edges.top);
}
