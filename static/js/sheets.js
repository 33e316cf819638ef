/* Sheets over the page: the press that closes one presses nothing that lies under it, and the
   guidelines are those of the task that is shown. */

import { formOf } from "./task.js";

const guidelines = new Map(); // What the sheet shows, by the version of the form.

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

/** Show the guidelines of this task's form: a manager may have changed them since the page came. */
export function follow(task) {
  const place = document.querySelector("#guidelines .prose");
  const version = formOf(task);
  const brought = task.querySelector("template[data-guidelines]");
  if (!guidelines.size) guidelines.set(version, [...place.childNodes]);
  if (brought && !guidelines.has(version)) guidelines.set(version, [...document.importNode(brought.content, true).childNodes]);
  if (!guidelines.has(version)) return;
  place.replaceChildren(...guidelines.get(version));
  document.querySelector("nav [popovertarget=guidelines]").hidden = !place.textContent.trim();
}
