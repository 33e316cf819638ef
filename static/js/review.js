/* The keyboard of the review page; without it everything works by pointer and Tab. */

import { listen } from "./keys.js";
import * as preferences from "./preferences.js";

const form = document.querySelector("#deciding");
const follow = (rel) => () => document.querySelector(`a[rel=${rel}]`)?.click();
const press = (decision) => () => form.querySelector(`button[value=${decision}]`)?.click();
const deeds = {
  j: follow("next"),
  k: follow("prev"),
  a: press("accept"),
  e: press("amend"),
  r: press("return"),
  d: press("dismiss"),
  o: () => form.querySelector("[name=dismiss_others]")?.click(),
  n: () => form.querySelector("#note")?.focus(),
};

function choose(key) {
  if (!/^[1-9]$/.test(key)) return null;
  const radio = form.querySelectorAll("[name=judgement]")[Number(key) - 1];
  return radio && !radio.disabled ? () => radio.click() : null;
}

listen((key) => (Object.hasOwn(deeds, key) ? deeds[key] : choose(key)), {
  isOn: preferences.singleKeys,
  submit: press("accept"),
  next: () => {},
});
document.documentElement.dataset.ready = "";
