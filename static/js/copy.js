/* Buttons that copy the value of a field: data-copy names its id. Without HTTPS a page may not write
   to the clipboard; then the field is selected, ready to be copied by hand. */

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    if (!navigator.clipboard) return;
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      return; // Refused by the browser; the field is selected.
    }
    document.querySelector("[data-copy-status]").textContent = button.dataset.textCopied;
    button.textContent = button.dataset.textCopied;
  });
}
