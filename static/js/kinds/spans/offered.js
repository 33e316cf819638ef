/* The marks that AI judges suggest for this task, as the page has brought them, and which of them
   are open: neither a mark of the answer nor dismissed. */

export class Offered {
  ids = []; // Of all suggestions on the page, also of those without a mark.
  #all = [];
  #places = new Map(); // By suggestion id: its marks, [{mark, response}].
  #judges = new Map(); // By suggestion id.
  #desk;

  constructor(bar, desk) {
    this.#desk = desk;
    const { suggestions } = bar.querySelector("[data-suggestions]")?.dataset ?? {};
    for (const { id, judge, marks } of suggestions ? JSON.parse(suggestions) : []) {
      this.ids.push(id);
      this.#judges.set(id, judge);
      this.#places.set(id, marks);
      for (const { mark, ...fields } of marks) {
        this.#all.push({ ...fields, key: `suggestion ${id} ${mark}`, judge, suggested: [{ id, mark }] });
      }
    }
    const { types, texts } = desk;
    this.#all = this.#all.filter((mark) => types.place(mark.type) >= 0 && texts.has(mark));
    this.#all.sort((a, b) => texts.compare(a, b, (name) => types.place(name)));
  }

  /** The suggestions that say anything of these responses, with the places of those marks in the
      judge's list; and those without any mark. */
  on(responses) {
    const found = [...this.#places].map(([id, marks]) => {
      const places = marks.filter(({ response }) => responses.includes(response)).map(({ mark }) => mark);
      return { id, places, isSilent: !marks.length };
    });
    return found.filter(({ places, isSilent }) => places.length || isSilent);
  }

  get open() {
    if (!this.#all.length) return [];
    const { answer } = this.#desk;
    const decided = [...answer.marks.flatMap(({ suggested }) => suggested ?? []), ...answer.dismissed];
    const isDecided = ({ suggested: [{ id, mark }] }) => decided.some((ref) => ref.id === id && ref.mark === mark);
    return this.#all.filter((one) => this.#desk.isAsked(one.response) && !isDecided(one));
  }

  find(key) {
    return this.open.find((one) => one.key === key);
  }

  /** Whose suggestions a mark was made of; those that are not known here have no name. */
  judgesOf({ suggested }) {
    return [...new Set(suggested.map(({ id }) => this.#judges.get(id)))].filter(Boolean);
  }
}
