/* How one likes to work, kept in this browser. */

const STORE = "tandem:preferences";
const values = { oneKey: false, singleKeys: true, ...JSON.parse(localStorage.getItem(STORE) ?? "{}") };

export const oneKey = () => values.oneKey;
export const singleKeys = () => values.singleKeys;

/** Wire the check boxes of the sheet of keys. */
export function listen() {
  for (const box of document.querySelectorAll("[data-preference]")) {
    const name = box.dataset.preference;
    box.checked = values[name];
    box.addEventListener("change", () => {
      values[name] = box.checked;
      localStorage.setItem(STORE, JSON.stringify(values));
    });
  }
}
