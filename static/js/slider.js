/* A slider beside each number that wants one (data-slider): both tell the same. Without this script
   there is the number alone. */

function addSlider(number) {
  if (number.dataset.slider === "there") return;
  number.dataset.slider = "there";
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = number.min;
  slider.max = number.max;
  slider.step = "1";
  slider.value = number.value;
  slider.setAttribute("aria-label", number.labels[0]?.textContent ?? number.name);
  slider.addEventListener("input", () => {
    number.value = slider.value;
    number.dispatchEvent(new Event("change", { bubbles: true }));
  });
  number.addEventListener("input", () => {
    slider.value = number.value;
  });
  number.after(slider);
}

for (const number of document.querySelectorAll("input[data-slider]")) addSlider(number);
