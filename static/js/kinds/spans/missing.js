/* The buttons that add what a response lacks, and which response that is. */

export class Missing {
  #side;
  #radios;
  #ids = [];

  /** `add(type, response)` is called with the type's name and the response's id. */
  constructor(side, add) {
    this.#side = side;
    this.#radios = [...side.querySelectorAll("[data-whose-response]")];
    for (const radio of this.#radios) {
      radio.addEventListener("click", () => {
        for (const other of this.#radios) other.checked = other === radio;
      });
    }
    for (const button of side.querySelectorAll("[data-add]")) {
      button.addEventListener("click", () => add(button.dataset.add, this.#response));
    }
  }

  /** The responses with these ids are asked about. */
  show(ids) {
    this.#ids = ids;
    for (const radio of this.#radios) radio.closest("label").hidden = !ids.includes(Number(radio.value));
    const asked = this.#radios.filter(({ value }) => ids.includes(Number(value)));
    for (const radio of this.#radios) if (!asked.includes(radio)) radio.checked = false;
    if (asked.length && !asked.some(({ checked }) => checked)) asked[0].checked = true;
    const all = this.#side.querySelector("[data-whose]");
    if (all) all.hidden = asked.length < 2;
  }

  focus() {
    this.#side.querySelector("[data-add]")?.focus();
  }

  get #response() {
    const checked = this.#radios.find((radio) => radio.checked);
    return checked ? Number(checked.value) : this.#ids[0];
  }
}
