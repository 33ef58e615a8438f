// Offers what begins as typed: products, categories and vendors; lets no more be ticked than are compared. Without it the
// forms work all the same.
"use strict";
const field = document.querySelector("[data-completions]");
const list = document.getElementById("completions");
let waiting = 0;

async function complete() {
  const typed = field.value.trim();
  if (typed.length < 2) return;
  const answer = await fetch(`${field.dataset.completions}?q=${encodeURIComponent(typed)}&limit=8`);
  if (!answer.ok || field.value.trim() !== typed) return;
  const found = await answer.json();
  const named = [
    ...found.products.map((one) => [one.name, "product"]),
    ...found.categories.map((one) => [one.name, "category"]),
    ...found.vendors.map((one) => [one.name, "vendor"]),
  ];
  list.replaceChildren(...named.map(([name, kind]) => Object.assign(document.createElement("option"), { value: name, label: kind })));
}

field?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => complete().catch(() => {}), 150);
});

const most = Number(document.getElementById("compare")?.dataset.most);
const boxes = [...document.querySelectorAll("input[form=compare]")];

function full() {
  const enough = boxes.filter((one) => one.checked).length >= most;
  for (const one of boxes) one.disabled = enough && !one.checked;
}

for (const one of boxes) one.addEventListener("change", full);
full();
