/* A button at each piece of code that copies it. It has no text, so marking spans counts none. */

import { text } from "./texts.js";

const SHOWN_FOR = 2000;

export function mount(root) {
  if (!navigator.clipboard) return; // Pages without HTTPS may not write to it.
  for (const code of root.querySelectorAll("pre.code")) {
    if (code.parentElement.matches(".code-box")) continue;
    const box = document.createElement("div");
    box.className = "code-box";
    code.replaceWith(box);
    box.append(code, copyButton(code));
  }
}

function copyButton(code) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  name(button, "copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    button.dataset.done = "";
    name(button, "copied");
    setTimeout(() => {
      delete button.dataset.done;
      name(button, "copy");
    }, SHOWN_FOR);
  });
  return button;
}

function name(button, word) {
  button.title = text(word);
  button.setAttribute("aria-label", text(word));
}
