/* The answer while it is made: marks, missing items, corrected texts, no error; and the way back.

   Marks and items are as they are stored, with a `key` each that only the page knows. They are
   never changed but replaced, so that what was before can be kept. A mark that was made of
   judges' marks names them, [{id, mark}], as `dismissed` does those that are not to be marks. */

const PLACE_FIELDS = ["response", "part", "start", "end"];
const MARK_FIELDS = [...PLACE_FIELDS, "type", "severity", "evidence", "note", "replacement", "suggested"];
const ITEM_FIELDS = ["response", "type", "evidence"];

export class Answer {
  marks = [];
  missing = [];
  corrected = {};
  noError = false;
  dismissed = [];
  #offered;
  #past = [];
  #future = [];
  #lastKey = 0;
  #compare;

  /** `stored` may be anything; `is…` tell what of it makes sense here. `offered` (ids, on(ids))
     has the suggestions on the page; null where there cannot be any. */
  constructor(stored, { isMark, isItem, isEvidence, isResponse, compare, offered }) {
    this.#compare = compare;
    this.#offered = offered;
    if (!isObject(stored)) return;
    const read = (list, isEntry, fields) =>
      listOf(list)
        .filter((entry) => isObject(entry) && isEntry(entry))
        .map((entry) => (isObject(entry.evidence) && isEvidence(entry) ? entry : { ...entry, evidence: undefined }))
        .map((entry) => this.#keyed(entry, fields));
    this.marks = read(stored.marks, isMark, MARK_FIELDS)
      .map((mark) => withoutGaps({ ...mark, suggested: offered ? refsOf(mark.suggested) : undefined }))
      .sort(compare);
    this.missing = read(stored.missing, isItem, ITEM_FIELDS);
    const texts = Object.entries(isObject(stored.corrected) ? stored.corrected : {});
    this.corrected = Object.fromEntries(
      texts.filter(([id, text]) => isResponse(Number(id)) && typeof text === "string"),
    );
    this.noError = stored.no_error === true;
    this.dismissed = listOf(stored.suggestions)
      .filter((entry) => isObject(entry) && offered?.ids.includes(entry.id))
      .flatMap(({ id, dismissed }) => listOf(dismissed).map((mark) => ({ id, mark })));
  }

  /** The value as it is stored, of these responses alone; null when untouched. */
  value(ids) {
    const those = (entries, fields) =>
      entries.filter(({ response }) => ids.includes(response)).map((entry) => pick(entry, fields));
    const marks = those(this.marks, MARK_FIELDS);
    const missing = those(this.missing, ITEM_FIELDS);
    const texts = Object.entries(this.corrected).filter(([id]) => ids.includes(Number(id)));
    const suggestions = this.#suggestions(ids);
    const isDismissed = suggestions.some(({ dismissed }) => dismissed.length);
    if (!marks.length && !missing.length && !texts.length && !this.noError && !isDismissed) return null;
    const told = suggestions.length ? { suggestions } : {};
    return { marks, missing, corrected: Object.fromEntries(texts), no_error: this.noError, ...told };
  }

  /** What has been seen, and dismissed, at these responses, as the server wants it told. */
  #suggestions(ids) {
    const dismissed = (places, id) =>
      this.dismissed.filter((ref) => ref.id === id && places.includes(ref.mark)).map(({ mark }) => mark);
    const here = this.#offered?.on(ids) ?? [];
    return here.map(({ id, places }) => ({ id, dismissed: dismissed(places, id) }));
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

  /** Take up suggested marks: new ones, and `others`, further fields for marks by their key. */
  take(marks, others = []) {
    this.#keep();
    const added = marks.map((mark) => this.#keyed(mark, MARK_FIELDS));
    this.marks = [...this.marks, ...added].sort(this.#compare);
    for (const [key, fields] of others) this.write(key, fields);
    return added.map(({ key }) => key);
  }

  dismiss(refs) {
    this.#keep();
    this.dismissed = [...this.dismissed, ...refs];
  }

  /** Nothing is dismissed any more. */
  bringBack() {
    this.#keep();
    this.dismissed = [];
  }

  /** What was suggested is dismissed with its mark. */
  remove(key) {
    this.#keep();
    const { suggested } = this.find(key) ?? {};
    if (suggested) this.dismissed = [...this.dismissed, ...suggested];
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
    const { marks, missing, noError, dismissed } = this;
    return { marks, missing, noError, dismissed };
  }

  #go(from, to) {
    const then = from.pop();
    if (!then) return false;
    to.push(this.#now);
    this.marks = then.marks.map((mark) => this.#withWords(mark));
    this.missing = then.missing;
    this.noError = then.noError;
    this.dismissed = then.dismissed;
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

/** What of it names marks that were suggested; undefined for none. */
function refsOf(suggested) {
  const refs = listOf(suggested).filter(isObject);
  return refs.length ? refs : undefined;
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
