/* Marks or passages, in the panel beside the responses. Without passages there are no tabs. */

export class Tabs {
  #side;
  #tabs;

  constructor(side) {
    this.#side = side;
    this.#tabs = [...side.querySelectorAll("[data-tab]")];
    for (const tab of this.#tabs) {
      tab.addEventListener("click", () => this.show(tab.dataset.tab));
      tab.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        event.preventDefault();
        this.toggle();
        this.#open.focus();
      });
    }
  }

  isOpen(name) {
    return this.#open?.dataset.tab === name;
  }

  show(name) {
    if (!this.#tabs.length || this.isOpen(name)) return;
    for (const tab of this.#tabs) {
      const isOpen = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", isOpen);
      tab.tabIndex = isOpen ? 0 : -1;
      this.#side.querySelector(`[data-panel="${tab.dataset.tab}"]`).hidden = !isOpen;
    }
  }

  toggle() {
    this.show(this.isOpen("passages") ? "marks" : "passages");
  }

  get #open() {
    return this.#tabs.find((tab) => tab.getAttribute("aria-selected") === "true");
  }
}
