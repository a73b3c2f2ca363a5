"use strict";
const form = document.querySelector("form");
const rows = Array.from(document.querySelectorAll("main > .row[data-layer]"));
function filter() {
  const layers = new Set(Array.from(form.querySelectorAll("[name=layer]:checked"), (box) => box.value));
  const channel = form.elements.channel.value;
  const who = form.elements.who.value;
  const troubles = form.elements.troubles.checked;
  const acks = form.elements.acks.checked;
  let shown = 0;
  for (const row of rows) {
    const fits = layers.has(row.dataset.layer)
      && (channel === "" || row.dataset.channel === channel)
      && (who === "" || row.dataset.who === who)
      && (acks || !row.matches(".ack"))
      && (!troubles || row.matches(".error, .reconnect"));
    row.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  form.querySelector("output").textContent = `${shown} of ${rows.length} shown`;
}
form.addEventListener("input", filter);
// A part of the address chooses too: page.html#layer=sync&channel=CH%231
for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
  if (name === "layer") {
    for (const box of form.querySelectorAll("[name=layer]")) box.checked = value.split(",").includes(box.value);
  } else if (name === "troubles" || name === "acks") {
    form.elements[name].checked = value !== "0";
  } else if (name === "open") {
    rows[Number(value)]?.querySelector("details")?.setAttribute("open", "");
  } else if (form.elements[name]) {
    form.elements[name].value = value;
  }
}
filter();
document.body.dataset.ready = "yes";
