/* The keyboard: one table from key to deed, silent while one types or a sheet is open. */

const EDITABLE =
  "textarea, select, [contenteditable=true], input:not([type=radio], [type=checkbox], [type=range])";

/**
 * `find(key)` gives the function of a key, as "x", "1", "Enter", "Shift+A", or nothing.
 * `options` has isOn(), whether single keys are wanted, submit() and next().
 */
export function listen(find, options) {
  addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    const typing = event.target.closest?.(EDITABLE);
    if (typing) return inText(event, typing, options);
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector(":popover-open")) {
      return;
    }
    const key = latin(event);
    if (isNative(key, event.target) || (key.length === 1 && !options.isOn())) return;
    const deed = (event.shiftKey && find(`Shift+${shifted(event)}`)) || find(key);
    if (!deed || event.repeat) return;
    event.preventDefault();
    deed();
  });
}

function inText(event, field, options) {
  if (event.key === "Escape" && !field.closest("[popover]")) field.blur();
  if (event.key !== "Enter") return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    options.submit();
  } else if (field.matches("input") && field.form?.id === "answer") {
    event.preventDefault();
    options.next();
  }
}

/** A shifted key by its place, "A" or "1": what it types differs from keyboard to keyboard. */
function shifted(event) {
  return /^(Key|Digit)/.test(event.code) ? event.code.at(-1) : event.key;
}

/** The key's letter, also on keyboards of other scripts, where it is known by its place. */
function latin(event) {
  if (event.key.length > 1 || event.key < "\u0080") {
    return event.key.length === 1 ? event.key.toLowerCase() : event.key;
  }
  return event.code.replace(/^Key|^Digit/, "").toLowerCase();
}

/** Keys that the focused element acts on by itself. */
function isNative(key, target) {
  const arrow = key === "ArrowLeft" || key === "ArrowRight";
  if (target.matches?.("input[type=radio]")) return arrow;
  if (target.matches?.("pre")) return arrow;
  if (target.matches?.("input[type=range]")) return key.startsWith("Arrow") || key === "Home" || key === "End";
  if (target.matches?.("input")) return false;
  return key === "Enter" && Boolean(target.closest?.("a, button, summary, label"));
}
