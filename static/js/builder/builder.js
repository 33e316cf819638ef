/* The project builder: the server draws the questions anew after every deed, the preview follows.
   Without this script the same buttons do the same by loading the page. */

const PAUSE = 400; // Milliseconds without a keystroke before the server is asked.
const form = document.querySelector("#project-form");
const showButton = form.querySelector("#show-preview");
let timer = 0;
let asked = 0; // Requests and keystrokes so far: only what is newest gets drawn.
let frames = 0;

function begin() {
  document.documentElement.classList.add("scripted");
  form.addEventListener("input", (event) => event.isComposing || changed(event.target));
  form.addEventListener("compositionend", (event) => changed(event.target));
  form.addEventListener("submit", onSubmit);
}

function onSubmit(event) {
  const { submitter } = event;
  if (submitter?.name === "deed") {
    event.preventDefault();
    act(submitter.value);
  } else if (submitter === showButton && !showButton.formTarget.startsWith("coming-")) {
    event.preventDefault();
    preview();
  }
}

function changed(field) {
  if (!field.matches("#builder *, #sample, #id_guidelines, #id_name")) return;
  clearTimeout(timer);
  asked += 1;
  if (field.matches("[data-redraws]")) act("update");
  else timer = setTimeout(() => follow(field), PAUSE);
}

/** Do a deed and draw what comes of it. */
async function act(deed) {
  clearTimeout(timer);
  const fresh = await fetchBuilder(deed);
  if (!fresh) return;
  const present = document.querySelector("#builder");
  const { id } = document.activeElement;
  fresh.querySelector("#json-view").open ||= present.querySelector("#json-view").open;
  for (const element of fresh.querySelectorAll("[autofocus]")) element.removeAttribute("autofocus");
  present.replaceWith(fresh);
  (attention(fresh, deed) ?? document.getElementById(id))?.focus();
  if ("complete" in fresh.dataset) preview();
}

/** Where the hand goes after a deed: along with what was moved, or into what was added. */
function attention(builder, deed) {
  const [verb] = deed.split(" ");
  const path = builder.dataset.attention;
  if (!path) return null;
  const moves = [verb, "up", "down"].map((name) => `[data-move="${name}"][value="${name} ${path}"]:enabled`);
  const found = moves.map((selector) => builder.querySelector(selector)).find(Boolean);
  const id = path.startsWith("questions.") && path.split(".").length === 2 ? path.replace("questions.", "question-") : `at-${path.replaceAll(".", "-")}`;
  const place = builder.querySelector(`#${id}`);
  const field = place?.querySelector(".fields :is(input, select, textarea)");
  return verb === "add" ? field : (found ?? place?.querySelector("button"));
}

/** Something was typed: the fields stay as they are, what follows from them is drawn. */
async function follow(field) {
  if (!field.closest("#builder")) return preview();
  const fresh = await fetchBuilder("update");
  if (!fresh) return;
  const isComplete = "complete" in fresh.dataset;
  if (field.id === "at-json" && isComplete) takeFields(fresh);
  else for (const live of fresh.querySelectorAll("[data-live]")) takeOver(live, field);
  if (isComplete) preview();
}

/** The JSON was typed: every field follows it, the JSON stays as it was typed. */
function takeFields(fresh) {
  const builder = document.querySelector("#builder");
  const view = builder.querySelector("#json-view");
  view.querySelector("[name=json_stamp]").value = fresh.dataset.sent;
  view.querySelector("[name=fields_stamp]").value = fresh.querySelector("[name=fields_stamp]").value;
  view.querySelector("#at-json").removeAttribute("aria-invalid");
  view.querySelector("#at-json-error").textContent = "";
  for (const old of [...builder.children]) if (old !== view) old.remove();
  view.before(...[...fresh.children].filter((child) => child.id !== "json-view"));
}

/** An error, or the JSON: as the server has it now. */
function takeOver(live, typedIn) {
  const old = document.getElementById(live.id);
  if (!old || old.contains(typedIn)) return;
  old.replaceWith(live);
  if (!live.matches(".error")) return;
  const control = document.getElementById(live.id.replace(/-error$/, ""));
  if (!control?.matches("input, select, textarea")) return;
  if (live.textContent) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

/** The questions as the server draws them after the deed; null if that is out of date. */
async function fetchBuilder(deed) {
  const mine = (asked += 1);
  const body = new FormData(form);
  body.set("deed", deed);
  try {
    const headers = { "HX-Request": "true" };
    const answer = await fetch(location.href, { method: "POST", body, headers });
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    return mine === asked ? template.content.querySelector("#builder") : null;
  } catch (error) {
    if (error instanceof TypeError) return null; // Offline: the fields keep what was typed.
    throw error;
  }
}

/** The page as annotators would see it, in a new frame, so that Back still leaves this page. */
function preview() {
  const place = form.querySelector(".frames");
  const [shown] = place.querySelectorAll("iframe");
  const frame = document.createElement("iframe");
  frame.title = shown.title;
  frame.name = `coming-${(frames += 1)}`;
  frame.className = "coming";
  place.append(frame);
  frame.addEventListener("load", () => {
    while (frame.previousElementSibling) frame.previousElementSibling.remove();
    frame.classList.remove("coming");
  });
  showButton.formTarget = frame.name;
  form.requestSubmit(showButton);
  showButton.formTarget = "preview-frame";
}

begin();
