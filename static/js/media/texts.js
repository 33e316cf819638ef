/* The words of the page: see templates/annotate/media_texts.html. */

/** The word of that name; `values` fill its {places}. */
export function text(name, values = {}) {
  const said = document.querySelector("[data-media-texts]")?.dataset[name] ?? name;
  return said.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

/** A new button with a name that is read out and, where there is one, a key that is shown. */
export function button(label, { shown = label, key = "", ...options } = {}) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button quiet";
  made.append(shown);
  if (shown !== label) {
    made.setAttribute("aria-label", label);
    made.title = label;
  }
  if (key) {
    const hint = document.createElement("kbd");
    hint.textContent = key;
    hint.setAttribute("aria-hidden", "true");
    made.append(" ", hint);
    made.setAttribute("aria-keyshortcuts", key);
  }
  return Object.assign(made, options);
}
