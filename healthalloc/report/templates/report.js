"use strict";
// Tables: sort by a heading, filter by words, show only the rows that change.
for (const sheet of document.querySelectorAll(".sheet")) {
  const body = sheet.querySelector("tbody");
  const rows = [...body.rows];
  const search = sheet.querySelector(".filter");
  const changed = sheet.querySelector("input.changed");
  const count = sheet.querySelector(".count");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const show = () => {
    const words = search ? search.value.toLowerCase().split(/\s+/).filter(Boolean) : [];
    let n = 0;
    rows.forEach((row, k) => {
      const wanted = words.every((word) => texts[k].includes(word));
      row.hidden = !wanted || (changed && changed.checked && !row.classList.contains("changed"));
      n += row.hidden ? 0 : 1;
    });
    if (count) count.textContent = `${n} / ${rows.length}`;
  };
  if (search) search.addEventListener("input", show);
  if (changed) changed.addEventListener("change", show);
  show();
  const heads = [...sheet.querySelectorAll("th")];
  heads.forEach((head, column) => {
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") head.click(); });
    head.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const numeric = head.classList.contains("number");
      const key = (row) => (numeric ? row.cells[column].dataset.key : row.cells[column].textContent);
      const order = (a, b) => (numeric ? a - b : a.localeCompare(b, document.documentElement.lang, { numeric: true }));
      const known = rows.filter((row) => key(row) !== "").sort((a, b) => order(key(a), key(b)) * (up ? 1 : -1));
      body.append(...known, ...rows.filter((row) => key(row) === ""));
    });
  });
}

// Figures: each in its place.
const figures = JSON.parse(document.getElementById("figures").textContent);
const views = {};
Bokeh.set_log_level("warn");
async function draw(name) {
  views[name] = await Bokeh.embed.embed_item(figures[name], `figure-${name}`);
  if (name === "map") {
    update();
    watchNames();
    performance.mark("map");
  }
}

// Map: layers on and off.
function update() {
  const service = document.getElementById("map-service").value;
  const on = (layer) => {
    const box = document.querySelector(`[data-layer=${layer}]`);
    return box !== null && box.checked;
  };
  const change = document.querySelector("[data-layer=change]");
  for (const renderer of views.map.roots[0].model.renderers) {
    const [layer, k] = (renderer.name || "").split("-");
    if (layer === "circle" || layer === "flow") renderer.visible = on(layer) && k === service;
    else if (layer === "plain") renderer.visible = change === null || !change.checked;
    else if (layer === "change" || layer === "facility" || layer === "label") renderer.visible = on(layer);
  }
  document.getElementById("figure-map").dataset.shown = views.map.roots[0].model.renderers
    .filter((renderer) => renderer.visible && renderer.name).map((renderer) => renderer.name).join(" ");
}
// Map: as many names of places as there is room for, those of most residents first.
function namePlaces(view, source) {
  const { x_range: across, y_range: up } = view.model;
  const { width, height } = view.frame.bbox;
  const columns = source.data;
  const taken = [];
  const texts = [...columns.name].map((name, k) => {
    const x = (columns.x[k] - across.start) / (across.end - across.start) * width;
    const y = (columns.y[k] - up.start) / (up.end - up.start) * height;
    const half = [...name].reduce((sum, c) => sum + (c > "\u2e80" ? 6.5 : 3.7), 4);
    const room = x > half && x < width - half && y > 0 && y < height - 30
      && taken.every((t) => Math.abs(t.x - x) > t.half + half || Math.abs(t.y - y) > 20);
    if (room) taken.push({ x, y, half });
    return room ? name : "";
  });
  if (texts.some((text, k) => text !== columns.text[k])) source.data = { ...columns, text: texts };
}
function watchNames() {
  const view = views.map.roots[0];
  const labels = view.model.renderers.find((renderer) => renderer.name === "label");
  let asked = false;
  const later = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; namePlaces(view, labels.data_source); });
  };
  for (const range of [view.model.x_range, view.model.y_range]) {
    for (const side of ["start", "end"]) range.properties[side].change.connect(later);
  }
  later();
}
for (const control of document.querySelectorAll("#map-service, [data-layer]")) {
  control.addEventListener("change", () => { if (views.map) update(); });
}

// The map is what people look for first; each figure after it leaves the page time to answer.
async function drawAll() {
  for (const name of Object.keys(figures).sort((a, b) => (b === "map") - (a === "map"))) {
    await draw(name);
    await new Promise((done) => setTimeout(done, 0));
  }
  performance.mark("drawn");
  document.body.dataset.drawn = "yes";
}
drawAll();

// Print: figures as pictures that fit the paper, and as many rows as a meeting reads.
window.addEventListener("beforeprint", () => {
  shorten();
  document.querySelectorAll(".printed").forEach((old) => old.remove());
  for (const name of Object.keys(figures)) {
    const place = document.getElementById(`figure-${name}`);
    if (views[name] === undefined) {
      place.insertAdjacentHTML("afterend", "<p class='printed note'></p>");
      place.nextSibling.textContent = document.body.dataset.undrawn;
      continue;
    }
    const picture = document.createElement("img");
    picture.className = "printed";
    picture.alt = name;
    picture.src = views[name].roots[0].export("png", false).canvas.toDataURL();
    place.after(picture);
  }
});
function shorten() {
  const whole = document.getElementById("whole").checked;
  for (const sheet of document.querySelectorAll(".sheet[data-print]")) {
    const most = whole ? Infinity : Number(sheet.dataset.print);
    const rows = [...sheet.querySelectorAll("tbody tr")].filter((row) => !row.hidden);
    rows.forEach((row, k) => row.classList.toggle("beyond", k >= most));
    const rest = sheet.querySelector(".rest");
    rest.hidden = rows.length <= most;
    rest.textContent = rest.dataset.text.replace("{n}", rows.length - most);
  }
}
