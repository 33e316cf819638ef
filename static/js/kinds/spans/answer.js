/* The answer while it is made: marks, missing items, corrected texts, no error; and the way back.

   Marks and items are as they are stored, with a `key` each that only the page knows. They are
   never changed but replaced, so that what was before can be kept. */

const MARK_FIELDS = ["response", "part", "start", "end", "type", "severity", "evidence", "note", "replacement"];
const ITEM_FIELDS = ["response", "type", "evidence"];

export class Answer {
  marks = [];
  missing = [];
  corrected = {};
  noError = false;
  #past = [];
  #future = [];
  #lastKey = 0;
  #compare;

  /** `stored` may be anything; `is…` tell what of it makes sense here. */
  constructor(stored, { isMark, isItem, isEvidence, isResponse, compare }) {
    this.#compare = compare;
    if (!isObject(stored)) return;
    const read = (list, isEntry, fields) =>
      listOf(list)
        .filter((entry) => isObject(entry) && isEntry(entry))
        .map((entry) => (isObject(entry.evidence) && isEvidence(entry) ? entry : { ...entry, evidence: undefined }))
        .map((entry) => this.#keyed(entry, fields));
    this.marks = read(stored.marks, isMark, MARK_FIELDS).sort(compare);
    this.missing = read(stored.missing, isItem, ITEM_FIELDS);
    const texts = Object.entries(isObject(stored.corrected) ? stored.corrected : {});
    this.corrected = Object.fromEntries(
      texts.filter(([id, text]) => isResponse(Number(id)) && typeof text === "string"),
    );
    this.noError = stored.no_error === true;
  }

  /** The value as it is stored, of these responses alone; null when untouched. */
  value(ids) {
    const those = (entries, fields) =>
      entries.filter(({ response }) => ids.includes(response)).map((entry) => pick(entry, fields));
    const marks = those(this.marks, MARK_FIELDS);
    const missing = those(this.missing, ITEM_FIELDS);
    const texts = Object.entries(this.corrected).filter(([id]) => ids.includes(Number(id)));
    if (!marks.length && !missing.length && !texts.length && !this.noError) return null;
    return { marks, missing, corrected: Object.fromEntries(texts), no_error: this.noError };
  }

  find(key) {
    return this.marks.find((mark) => mark.key === key) ?? this.missing.find((item) => item.key === key);
  }

  addMark(mark) {
    this.#keep();
    const added = this.#keyed(mark, MARK_FIELDS);
    this.marks = [...this.marks, added].sort(this.#compare);
    return added.key;
  }

  addMissing(item) {
    this.#keep();
    const added = this.#keyed(item, ITEM_FIELDS);
    this.missing = [...this.missing, added];
    return added.key;
  }

  /** Give a mark or an item other fields; those that are undefined go. */
  update(key, fields) {
    this.#keep();
    this.write(key, fields);
  }

  /** As `update`, for what is typed, which undo leaves alone. */
  write(key, fields) {
    const change = (entry) => (entry.key === key ? withoutGaps({ ...entry, ...fields }) : entry);
    this.marks = this.marks.map(change).sort(this.#compare);
    this.missing = this.missing.map(change);
  }

  remove(key) {
    this.#keep();
    this.marks = this.marks.filter((mark) => mark.key !== key);
    this.missing = this.missing.filter((item) => item.key !== key);
  }

  setNoError(isTicked) {
    this.#keep();
    this.noError = isTicked;
  }

  correct(id, text) {
    if (text === undefined) delete this.corrected[id];
    else this.corrected[id] = text;
  }

  /** Go one step back (or on again); false when there is none. */
  undo() {
    return this.#go(this.#past, this.#future);
  }

  redo() {
    return this.#go(this.#future, this.#past);
  }

  #keep() {
    this.#past.push(this.#now);
    this.#future = [];
  }

  get #now() {
    return { marks: this.marks, missing: this.missing, noError: this.noError };
  }

  #go(from, to) {
    const then = from.pop();
    if (!then) return false;
    to.push(this.#now);
    this.marks = then.marks.map((mark) => this.#withWords(mark));
    this.missing = then.missing;
    this.noError = then.noError;
    return true;
  }

  /** What was typed since stays. */
  #withWords(mark) {
    const now = this.marks.find(({ key }) => key === mark.key);
    if (!now || (now.note === mark.note && now.replacement === mark.replacement)) return mark;
    return withoutGaps({ ...mark, note: now.note, replacement: now.replacement });
  }

  #keyed(entry, fields) {
    return { ...pick(entry, fields), key: ++this.#lastKey };
  }
}

/** Those of the marks that share a character with a place. */
export function overlapping(marks, { response, part, start, end }) {
  return marks.filter(
    (mark) => mark.response === response && mark.part === part && mark.start < end && start < mark.end,
  );
}

/** Whether two overlapping marks say the same of the same words. */
export function isTwin(a, b) {
  return a.key !== b.key && a.start === b.start && a.end === b.end && a.type === b.type;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value) {
  return Array.isArray(value) ? value : [];
}

function pick(entry, fields) {
  return withoutGaps(Object.fromEntries(fields.map((field) => [field, entry[field]])));
}

function withoutGaps(entry) {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
}
