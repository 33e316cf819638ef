/* One box that ticks all of a table, where the page has scripts. */

for (const all of document.querySelectorAll("[data-choose-all]")) {
  const boxes = [...all.closest("table").querySelectorAll("tbody [type=checkbox]")];
  const show = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
  });
  for (const box of boxes) box.addEventListener("change", show);
  show();
}
