/* The keyboard: one table from key to deed, silent while one types or a sheet is open. */

const EDITABLE = "textarea, select, input:not([type=radio], [type=checkbox])";

/** `deeds` maps a key to a function; `options.isOn()` says whether single keys are wanted. */
export function listen(deeds, options) {
  addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    const typing = event.target.closest?.(EDITABLE);
    if (typing) return inText(event, typing, options);
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector(":popover-open")) {
      return;
    }
    const key = latin(event);
    if (isNative(key, event.target) || (key.length === 1 && !options.isOn())) return;
    const deed = deeds[key] ?? (/^\d$/.test(key) ? () => deeds.digit(key) : null);
    if (!deed || event.repeat) return;
    event.preventDefault();
    deed();
  });
}

function inText(event, field, options) {
  if (event.key === "Escape" && !field.closest("[popover]")) field.blur();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    options.submit();
  }
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
  return key === "Enter" && Boolean(target.closest?.("a, button, summary, label"));
}
