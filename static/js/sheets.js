/* Sheets over the page: the press that closes one presses nothing that lies under it. */

export function listen() {
  let isSwallowed = false;
  document.addEventListener(
    "pointerdown",
    ({ target }) => {
      const sheet = document.querySelector(".sheet:popover-open");
      isSwallowed = Boolean(sheet) && !sheet.contains(target) && !target.closest("[popovertarget]");
    },
    { capture: true },
  );
  document.addEventListener(
    "click",
    (event) => {
      const isOfKeyboard = event.detail === 0;
      if (!isSwallowed || isOfKeyboard) return;
      isSwallowed = false;
      event.preventDefault();
      event.stopPropagation();
    },
    { capture: true },
  );
}
