/* On a narrow window the project's tabs scroll sideways: the current one begins in the middle.
   Without this script the strip begins at its first tab. */

for (const strip of document.querySelectorAll(".tabs")) {
  const current = strip.querySelector("[aria-current]");
  if (!current) continue;
  const [seen, tab] = [strip.getBoundingClientRect(), current.getBoundingClientRect()];
  strip.scrollBy({ left: (tab.left + tab.right - seen.left - seen.right) / 2, behavior: "instant" });
}
