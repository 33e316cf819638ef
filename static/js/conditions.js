/* When a question of a form is asked, and about which responses: what the page shows and hides.
   The same rules as in annotate/kinds/form.py, which decides. */

/**
 * The ids of the responses that the question is about; null when it is not asked.
 * `earlier` tells by name what was answered before: {value, sides}, or nothing.
 */
export function askedAbout(about, earlier, responseIds) {
  if (about.when) {
    const answer = earlier.get(about.when.question);
    if (!answer || !holds(about.when, answer.value)) return null;
  }
  if (about.responses === "all") return responseIds;
  const side = earlier.get(about.responses.of)?.sides?.[about.responses.side] ?? [];
  const ids = responseIds.filter((id) => side.includes(id));
  return ids.length ? ids : null;
}

/** Whether each field that the condition names has one of its values in the answer. */
export function holds(condition, value) {
  return Object.entries(condition).every(
    ([path, wanted]) => path === "question" || found(value, path).some((one) => wanted.includes(one)),
  );
}

function found(value, path) {
  const at = path.split(".").reduce((inside, step) => inside?.[step], value);
  return Array.isArray(at) ? at : [at];
}
