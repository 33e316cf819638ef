/* The types: buttons in the bar, the same beside what the pointer has selected, and what is said. */

const GAP = 8;

export class Palette {
  #buttons;
  #menu;
  #said;
  #state;
  #held = null; // What was selected when a button was pressed, which may take the selection away.
  #hooks;

  /** `hooks` has choose(type, selected) and selected(). */
  constructor(bar, hooks) {
    this.#hooks = hooks;
    this.#buttons = [...bar.querySelectorAll(".span-types [data-type]")];
    this.#menu = bar.querySelector("[data-menu]");
    this.#said = bar.querySelector("[data-said]");
    this.#state = bar.querySelector("[data-state]");
    for (const button of this.#buttons) {
      const copy = button.cloneNode(true);
      copy.tabIndex = -1;
      this.#menu.append(copy);
      this.#wire(button);
      this.#wire(copy);
    }
    addEventListener("scroll", () => this.hideMenu(), { capture: true, passive: true });
  }

  get keys() {
    const keyed = this.#buttons.filter(({ dataset }) => dataset.key);
    return Object.fromEntries(keyed.map(({ dataset }) => [dataset.key, () => this.#hooks.choose(dataset.type)]));
  }

  /** What stands on the marks of a type beside their colour; nothing for what is missing. */
  labelOf(name) {
    return this.#buttons.find(({ dataset }) => dataset.type === name)?.dataset.label ?? "+";
  }

  /** Say what has just happened, until something else does. */
  say(words) {
    this.#said.textContent = words;
  }

  /** What the answer still needs, or that it is complete. */
  showState(words) {
    if (this.#state.textContent !== words) this.#state.textContent = words;
  }

  /** The buttons beside what is selected. */
  showMenu(range) {
    const boxes = range.getClientRects();
    if (!boxes.length) return;
    const box = boxes[boxes.length - 1];
    this.#menu.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.#menu;
    const below = box.bottom + GAP;
    const top = below + height < innerHeight - GAP ? below : boxes[0].top - height - GAP;
    this.#menu.style.left = `${Math.max(GAP, Math.min(box.right - width / 2, innerWidth - width - GAP))}px`;
    this.#menu.style.top = `${Math.max(GAP, top)}px`;
  }

  hideMenu() {
    this.#menu.hidden = true;
  }

  #wire(button) {
    button.addEventListener("pointerdown", () => (this.#held = this.#hooks.selected()));
    button.addEventListener("mousedown", (event) => event.preventDefault()); // Keeps what is selected.
    button.addEventListener("click", () => {
      this.#hooks.choose(button.dataset.type, this.#held ?? this.#hooks.selected());
      this.#held = null;
    });
  }
}
