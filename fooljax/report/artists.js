"use strict";
const pictures = JSON.parse(document.getElementById("pictures").textContent);
const at = (id) => document.getElementById(id);
const CHILDREN = 8;

// Canvases are drawn one after another, so that the page answers in between.
const waiting = [];
let busy = false;
function draw(canvas, genome, view) {
  for (let place = waiting.length - 1; place >= 0; place--) if (waiting[place].canvas === canvas) waiting.splice(place, 1);
  waiting.push({ canvas, genome, view });
  if (!busy) { busy = true; setTimeout(next); }
}
function next() {
  const one = waiting.shift();
  busy = one !== undefined;
  if (!busy) return;
  const side = Math.min(Math.round((one.canvas.clientWidth || 300) * Math.min(window.devicePixelRatio || 1, 2)), 1200);
  const [rows, columns] = one.genome.size, width = side, height = Math.max(1, Math.round(side * rows / columns));
  one.canvas.width = width;
  one.canvas.height = height;
  one.canvas.getContext("2d").putImageData(new ImageData(drawn(one.genome, width, height, one.view), width, height), 0, 0);
  setTimeout(next);
}
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    draw(entry.target, pictures[entry.target.dataset.picture].genome);
  }
}, { rootMargin: "300px" });
for (const canvas of document.querySelectorAll("canvas[data-picture]")) seen.observe(canvas);
// On paper all are in sight, and nothing can be drawn later.
addEventListener("beforeprint", () => {
  seen.disconnect();
  for (const canvas of document.querySelectorAll("canvas[data-picture]")) draw(canvas, pictures[canvas.dataset.picture].genome);
  while (waiting.length) next();
});

function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
const saveGenome = (genome, name) => save(`${name}.json`, new Blob([text(genome)], { type: "application/json" }));
function savePicture(genome, name) {
  const canvas = document.createElement("canvas"), side = 2048;
  [canvas.width, canvas.height] = [side, Math.round(side * genome.size[0] / genome.size[1])];
  const pixels = drawn(genome, canvas.width, canvas.height);
  canvas.getContext("2d").putImageData(new ImageData(pixels, canvas.width, canvas.height), 0, 0);
  canvas.toBlob((blob) => save(`${name}.png`, blob));
}

// The network as a drawing: inputs on the left, outputs on the right, in between each node as far as its longest way.
function network(genome) {
  const order = ordered(genome), used = active(genome, order), depth = new Map(genome.inputs.map((one) => [one.id, 0]));
  for (const node of order) depth.set(node.id, 1 + Math.max(0, ...node.reads.map((one) => depth.get(one.source))));
  const last = Math.max(...depth.values());
  for (const id of genome.outputs) depth.set(id, last);
  const columns = new Map();
  for (const id of depth.keys()) if (used.has(id) || depth.get(id) === 0) columns.set(depth.get(id), [...(columns.get(depth.get(id)) || []), id]);
  const places = new Map(), width = 640, height = 420;
  for (const [column, ids] of columns) ids.forEach((id, row) => places.set(id, [40 + column * (width - 80) / last, (row + 0.5) * height / ids.length]));
  const names = new Map(genome.inputs.map((one) => [one.id, one.name]));
  for (const node of order) names.set(node.id, node.f);
  const parts = [];
  for (const node of order) {
    if (!used.has(node.id)) continue;
    for (const { source, weight } of node.reads) {
      const [x, y] = places.get(source), [u, v] = places.get(node.id), half = (x + u) / 2;
      parts.push(`<path d="M${x} ${y}C${half} ${y} ${half} ${v} ${u} ${v}" class="${weight < 0 ? "less" : "more"}" stroke-width="${(0.4 + Math.abs(weight) / 4).toFixed(2)}"/>`);
    }
  }
  for (const [id, [x, y]] of places) parts.push(`<circle cx="${x}" cy="${y}" r="6"/><text x="${x}" y="${y - 10}">${names.get(id)}</text>`);
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="The network that draws this picture">${parts.join("")}</svg>`;
}

// One picture, near: at any zoom, with its network and its formulas.
const near = { picture: null, view: null };
function look(picture) {
  near.picture = picture;
  near.view = { left: 0, top: 0, width: 1, height: 1 };
  at("near-name").textContent = picture.name;
  at("near-says").textContent = picture.says;
  at("network").innerHTML = network(picture.genome);
  at("formulas").textContent = formulas(picture.genome).join("\n");
  if (!at("near").open) at("near").showModal();
  move(0, 0);
}
function zoom(factor, x = 0.5, y = 0.5) {
  const view = near.view, size = Math.min(1, Math.max(view.width * factor, 1e-3));
  view.left += (view.width - size) * x;
  view.top += (view.height - size) * y;
  view.width = view.height = size;
  move(0, 0);
}
function move(x, y) {
  const view = near.view;
  view.left = Math.min(Math.max(view.left + x * view.width, 0), 1 - view.width);
  view.top = Math.min(Math.max(view.top + y * view.height, 0), 1 - view.height);
  draw(nearCanvas, near.picture.genome, { ...view });
}
const nearCanvas = at("near-canvas"), held = new Map();
const within = (event) => {
  const box = nearCanvas.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
};
nearCanvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(event.deltaY < 0 ? 0.8 : 1.25, ...within(event));
}, { passive: false });
nearCanvas.addEventListener("pointerdown", (event) => {
  nearCanvas.setPointerCapture(event.pointerId);
  held.set(event.pointerId, within(event));
});
nearCanvas.addEventListener("pointermove", (event) => {
  if (!held.has(event.pointerId)) return;
  const [x, y] = held.get(event.pointerId), [u, v] = within(event);
  if (held.size === 2) {
    const [other] = [...held].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    const before = Math.hypot(x - other[0], y - other[1]), after = Math.hypot(u - other[0], v - other[1]);
    if (before > 0.02 && after > 0.02) zoom(before / after, (u + other[0]) / 2, (v + other[1]) / 2);
  } else move(x - u, y - v);
  held.set(event.pointerId, [u, v]);
});
for (const kind of ["pointerup", "pointercancel"]) nearCanvas.addEventListener(kind, (event) => held.delete(event.pointerId));
at("near").addEventListener("keydown", (event) => {
  const steps = { "+": () => zoom(0.8), "-": () => zoom(1.25), 0: () => zoom(1000), ArrowLeft: () => move(-0.1, 0),
    ArrowRight: () => move(0.1, 0), ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1) };
  if (!Object.hasOwn(steps, event.key) || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  steps[event.key]();
});

// Breeding: the visitor chooses, and the choice becomes the parent of the next pictures.
const line = [];
const parent = () => line[line.length - 1];
let family = [], name;
function breed(genome) {
  line.push(genome);
  offspring();
}
function offspring() {
  const rounds = Number(at("change").value);
  family = [parent()];
  for (let child = 0; child < CHILDREN; child++) {
    const random = uniform(crypto.getRandomValues(new Uint32Array(1))[0]);
    let genome = parent();
    for (let round = 0; round < rounds; round++) genome = mutated(genome, random);
    family.push(genome);
  }
  at("family").replaceChildren(...family.map((genome, place) => {
    const button = document.createElement("button"), canvas = document.createElement("canvas"), label = document.createElement("span");
    button.type = "button";
    label.textContent = place ? place + 1 : "1 · parent";
    button.setAttribute("aria-label", place ? `Child ${place + 1}: breed from it` : "The parent: other children of it");
    button.append(canvas, label);
    button.addEventListener("click", () => choose(place));
    return button;
  }));
  at("generation").textContent = line.length - 1;
  at("back").disabled = line.length < 2;
  [...at("family").querySelectorAll("canvas")].forEach((canvas, place) => draw(canvas, family[place]));
}
function choose(place) {
  if (place) breed(family[place]); else offspring();
}
function begin(picture) {
  at("near").close();
  line.length = 0;
  name = picture.file;
  at("breed").hidden = false;
  breed(picture.genome);
  at("breed").scrollIntoView({ behavior: "smooth" });
  at("family").querySelector("button").focus({ preventScroll: true });
}
at("back").addEventListener("click", () => { line.pop(); offspring(); });
at("again").addEventListener("click", offspring);
at("keep").addEventListener("click", () => saveGenome(parent(), `${name}-bred-${line.length - 1}`));
at("print").addEventListener("click", () => savePicture(parent(), `${name}-bred-${line.length - 1}`));
at("nearer").addEventListener("click", () => look({ name: "Bred by you", file: `${name}-bred`, says: `Generation ${line.length - 1}.`, genome: parent() }));
at("open").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  try {
    const genome = JSON.parse(await file.text());
    ordered(genome);
    drawn(genome, 8, 8);
    at("wrong").textContent = "";
    begin({ file: file.name.replace(/\.json$/, ""), genome });
  } catch (error) {
    at("wrong").textContent = `${file.name} cannot be drawn: ${error.message}`;
  }
  event.target.value = "";
});
document.addEventListener("keydown", (event) => {
  if (at("near").open || at("breed").hidden || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
  const place = "123456789".indexOf(event.key);
  if (event.key.length === 1 && place >= 0) choose(place);
  else if (event.key === "Backspace" && !at("back").disabled) at("back").click();
  else if (event.key === "r") offspring();
  else if (event.key === "s") at("keep").click();
  else return;
  event.preventDefault();
});

for (const button of document.querySelectorAll("button[data-picture]")) button.addEventListener("click", () => look(pictures[button.dataset.picture]));
at("close").addEventListener("click", () => at("near").close());
at("in").addEventListener("click", () => zoom(0.7));
at("out").addEventListener("click", () => zoom(1 / 0.7));
at("near-breed").addEventListener("click", () => begin(near.picture));
at("near-keep").addEventListener("click", () => saveGenome(near.picture.genome, near.picture.file));
at("near-print").addEventListener("click", () => savePicture(near.picture.genome, near.picture.file));
if (pictures.length) at("start").addEventListener("click", () => begin(pictures[Math.floor(Math.random() * pictures.length)]));
