/* What an answer still lacks, in the order of the page. The server checks all of it again. */

/** What must be pointed at for a type: "earlier_text", "passage_sentences", or "none". */
export function evidenceOf(type, hasPassages) {
  return type.evidence === "passage_sentences" && !hasPassages ? "none" : type.evidence;
}

/** What a mark or an item lacks: "severity", "evidence", "replacement", or null. */
export function lackOf(entry, type, { severities, hasPassages }) {
  if ("start" in entry && severities.length && !severities.includes(entry.severity)) return "severity";
  if (evidenceOf(type, hasPassages) !== "none" && !entry.evidence) return "evidence";
  if (type.correction && entry.replacement === undefined) return "replacement";
  return null;
}

/**
 * What is wrong: {name, response?, entry?}, `name` of the words to be said, or null.
 * `types` are the project's, with its settings; `responses` those asked about.
 */
export function problemOf({ marks, missing, corrected, no_error: noError }, responses, types) {
  const entries = [...marks, ...missing];
  const changed = Object.keys(corrected).map(Number);
  if (noError) {
    if (entries.length) return { name: "both" };
    return changed.length ? { name: "both-corrected" } : null;
  }
  if (!entries.length && !changed.length) return { name: "empty" };
  for (const entry of entries) {
    const lack = types.lackOf(entry);
    if (lack === "evidence") {
      return { name: types.evidenceOf(entry) === "earlier_text" ? "earlier" : "sentences", entry };
    }
    if (lack) return { name: lack, entry };
  }
  const seen = new Set();
  const twice = entries.find((entry) => seen.size === seen.add(about(entry)).size);
  if (twice) return { name: "twice", entry: twice };
  if (!types.settings.correction || !types.settings.submit_gate) return null;
  for (const response of responses) {
    const isMarked = entries.some((entry) => entry.response === response.id);
    if (isMarked && !changed.includes(response.id)) return { name: "uncorrected", response };
    if (!isMarked && changed.includes(response.id)) return { name: "unmarked", response };
  }
  return null;
}

/** What makes two of them the same: the place and type of marks, the evidence of items. */
function about(entry) {
  if ("start" in entry) return `${entry.response} ${entry.part} ${entry.start} ${entry.end} ${entry.type}`;
  return `${entry.response} ${entry.type} ${entry.evidence?.passage} ${entry.evidence?.sentences}`;
}
