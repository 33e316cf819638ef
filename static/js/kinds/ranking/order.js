/* An order of responses with ties, kept in the form's own selects: a place, UNRANKABLE, or "". */

export const UNRANKABLE = "unrankable";

export class Order {
  #selects;
  #ties;

  /** `selects` is a Map from response id, in the order shown. */
  constructor(selects, { ties }) {
    this.#selects = selects;
    this.#ties = ties;
  }

  /** Those asked about. */
  get ids() {
    return [...this.#selects].filter(([, select]) => !select.disabled).map(([id]) => id);
  }

  /** From best to worst; the members of a tier are ties. */
  get tiers() {
    const tiers = new Map();
    for (const id of this.ids) {
      const place = Number(this.#place(id));
      if (place > 0) tiers.set(place, [...(tiers.get(place) ?? []), id]);
    }
    return [...tiers].sort(([a], [b]) => a - b).map(([, tier]) => tier);
  }

  /** Those that have no place yet. */
  get open() {
    return this.ids.filter((id) => this.#place(id) === "");
  }

  get apart() {
    return this.ids.filter((id) => this.#place(id) === UNRANKABLE);
  }

  get isUntouched() {
    return this.open.length === this.ids.length;
  }

  get canTie() {
    return this.#ties;
  }

  /** The order shown is right: those without a place follow in it. */
  accept() {
    this.#write([...this.tiers, ...this.open.map((id) => [id])]);
  }

  clear() {
    for (const id of this.ids) this.#selects.get(id).value = "";
  }

  /** Place it after all that have a place. */
  append(id) {
    this.#write([...this.#without(id), [id]]);
  }

  /** Take its place away. */
  remove(id) {
    const rest = this.#without(id);
    this.#selects.get(id).value = "";
    this.#write(rest);
  }

  /** It cannot be ranked; once more, it is without a place again. */
  setApart(id) {
    const wasApart = this.#place(id) === UNRANKABLE;
    this.remove(id);
    if (!wasApart) this.#selects.get(id).value = UNRANKABLE;
  }

  /** One step better: out of a tie, or past those before it. */
  better(id) {
    this.#step(id, -1);
  }

  worse(id) {
    this.#step(id, 1);
  }

  /** Join those before it (the first, those after it); out of a tie, behind the others. */
  tie(id) {
    if (!this.#ties) return;
    this.#begin(id);
    const tiers = this.tiers;
    const at = tiers.findIndex((tier) => tier.includes(id));
    if (tiers[at].length > 1) return this.moveNextTo(id, tiers[at].find((other) => other !== id), "after");
    const other = tiers[at - 1] ?? tiers[at + 1];
    if (other) this.moveNextTo(id, other[0], "tie");
  }

  /** Put it "before", "after", or in a "tie" with the tier in which `other` stands. */
  moveNextTo(id, other, side) {
    this.#begin(id);
    if (id === other) return;
    const tiers = this.#without(id);
    const at = tiers.findIndex((tier) => tier.includes(other));
    if (side === "tie" && this.#ties) tiers[at].push(id);
    else tiers.splice(side === "after" ? at + 1 : at, 0, [id]);
    this.#write(tiers);
  }

  #step(id, by) {
    this.#begin(id);
    const tiers = this.tiers;
    const at = tiers.findIndex((tier) => tier.includes(id));
    const fellow = tiers[at].find((other) => other !== id);
    const other = fellow ?? tiers[at + by]?.[0];
    if (other !== undefined) this.moveNextTo(id, other, by < 0 ? "before" : "after");
  }

  /** Before a move: the first one takes over the order shown, later ones place what has no place. */
  #begin(id) {
    if (this.isUntouched) this.accept();
    else if (Number.isNaN(Number.parseInt(this.#place(id), 10))) this.append(id);
  }

  #without(id) {
    return this.tiers.map((tier) => tier.filter((other) => other !== id)).filter((tier) => tier.length);
  }

  #place(id) {
    return this.#selects.get(id).value;
  }

  #write(tiers) {
    tiers.forEach((tier, index) => {
      for (const id of tier) this.#selects.get(id).value = String(index + 1);
    });
  }
}
