/* What the keys of the page itself do, while one works and in a preview alike. */

/**
 * The function that finds a key's deed: the page's own, then those of the question at hand.
 * `shown` gives the task in view.
 */
export function keysOf(shown) {
  const press = (selector) => () => document.querySelector(selector)?.click();
  const focus = (selector) => () => shown().querySelector(selector)?.focus();
  const deeds = {
    Enter: () => shown().questions.next(),
    n: () => shown().questions.step(1),
    p: () => shown().questions.step(-1),
    r: focus("#rationale"),
    a: focus("#response-A"),
    b: focus("#response-B"),
    s: press("[popovertarget=skip]"),
    f: press("[popovertarget=flag]"),
    u: press("[data-undo]"),
    d: press("[data-toggle=differences]:not([hidden])"),
    l: press("[data-toggle=together]:not([hidden])"),
    g: press("[popovertarget=guidelines]:not([hidden])"),
    "?": press("[popovertarget=keys]"),
  };
  for (const letter of "ABCDEFGHIJ") deeds[`Shift+${letter}`] = focus(`#response-${letter}`);
  return (key) => (Object.hasOwn(deeds, key) ? deeds[key] : shown().questions.key(key));
}
