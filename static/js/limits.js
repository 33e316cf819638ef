/* Fields with a limit: what does not fit is told, which browsers cut off without a word. */

import { announce, setProblem, text } from "./status.js";

// With more, to find the direction of each line apart takes time by the square of its length.
const LONG = 20_000;

export function listen(area) {
  area.addEventListener("beforeinput", onBeforeInput);
}

/** Fields that hold long texts already. */
export function attach(task) {
  for (const field of task.querySelectorAll("textarea")) note(field, field.value.length);
}

function onBeforeInput({ target, data, isComposing }) {
  if (isComposing || !data || !("maxLength" in target)) return;
  const replaced = target.selectionEnd - target.selectionStart;
  const length = target.value.length - replaced + data.replaceAll("\r\n", "\n").length;
  note(target, length);
  const { maxLength: most } = target;
  target.parentElement.querySelector("[data-limit]")?.remove();
  // Once it is entered, which takes away what was wrong before.
  if (most >= 0 && length > most) setTimeout(() => tell(target, most, length - most));
}

function note(field, length) {
  field.toggleAttribute("data-long", length > LONG);
}

/** At the field where it lies over the page, else at the foot of the task. */
function tell(field, most, left) {
  const [limit, cut] = [most, left].map((count) => count.toLocaleString(document.documentElement.lang));
  const said = text("cut", { most: limit, left: cut });
  const task = field.closest("#task");
  if (task && !field.closest("[popover]")) return void setProblem(task, said);
  const line = Object.assign(document.createElement("p"), { className: "wrong", textContent: said });
  line.dataset.limit = "";
  field.after(line);
  announce(said);
}
