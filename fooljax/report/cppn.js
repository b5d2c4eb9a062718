// Draws, writes and varies genomes of docs/genome-format.md. Everything here is pure, so that tests run it without a page.
"use strict";
const MOST_WEIGHT = 10, MOST_NODES = 64, MOST_CONNECTIONS = 96;
const third = (p) => p / 3;
const sigmoid = (p) => 2 / (1 + Math.exp(-p)) - 1;
const FUNCTIONS = {
  sine: Math.sin,
  sigmoid,
  gaussian: (p) => Math.exp(-p * p),
  linear: (p) => third(Math.max(-3, Math.min(p, 3))),
  tanh5: (p) => sigmoid(10 * p),
  abs: (p) => third(Math.min(Math.abs(p), 3)),
  cos: Math.cos,
  tanh: (p) => sigmoid(2 * p),
  relu: (p) => third(Math.max(0, Math.min(p, 3))),
  step: (p) => (p > 0 ? 1 : 0),
  square: (p) => Math.min(p * p, 9) / 9,
};

// A genome's nodes, each after all that it reads. Throws where there is no such order, or a field is missing.
function ordered(genome) {
  if (genome.format !== "fooljax-cppn" || genome.version !== 1) throw new Error("This file is no genome of fooljax.");
  const placed = new Set(genome.inputs.map((one) => one.id)), order = [];
  const left = new Map(genome.nodes.map((one) => [one.id, one]));
  const reads = new Map(genome.nodes.map((one) => [one.id, []]));
  for (const one of genome.nodes) if (!Object.hasOwn(FUNCTIONS, one.function)) throw new Error(`No function is called ${one.function}.`);
  for (const one of genome.inputs) if (!["x", "y", "distance", "bias"].includes(one.name)) throw new Error(`No input is called ${one.name}.`);
  for (const one of genome.connections) {
    if (!reads.has(one.target) || !(placed.has(one.source) || left.has(one.source))) throw new Error("A connection ends nowhere.");
    if (!(Math.abs(one.weight) <= MOST_WEIGHT)) throw new Error("A weight is not between -10 and 10.");
    reads.get(one.target).push(one);
  }
  if (!genome.outputs.every((id) => left.has(id))) throw new Error("An output is no node.");
  while (left.size) {
    const ready = [...left.keys()].filter((id) => reads.get(id).every((one) => placed.has(one.source)));
    if (!ready.length) throw new Error("The connections make a circle.");
    for (const id of ready) {
      order.push({ id, f: left.get(id).function, reads: reads.get(id) });
      left.delete(id);
    }
    for (const id of ready) placed.add(id);
  }
  return order;
}

// The nodes that an output reads, directly or through others.
function active(genome, order = ordered(genome)) {
  const used = new Set(genome.outputs);
  for (const node of [...order].reverse()) if (used.has(node.id)) for (const one of node.reads) used.add(one.source);
  return used;
}

function byte(value) {
  return Math.min(Math.floor(Math.abs(value) * 255), 255);
}

function colours(kind, a, b, c) {
  if (kind === "rgb") return [a, b, c];
  if (kind === "grey") return [a, a, a];
  const degrees = 2 * a, second = b / 255, last = c / 255;
  const at = kind === "hls"
    ? (n) => {
      const k = (n + degrees / 30) % 12, reach = last * Math.min(second, 1 - second);
      return second - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    }
    : (n) => {
      const k = (n + degrees / 60) % 6;
      return last - last * second * Math.max(0, Math.min(k, 4 - k, 1));
    };
  const [red, green, blue] = kind === "hls" ? [0, 8, 4] : [5, 3, 1];
  return [at(red), at(green), at(blue)].map((value) => Math.round(255 * value));
}

// RGBA bytes of a genome at any size. The view is the part of the image that is drawn, in parts of its sides.
function drawn(genome, width, height, view = { left: 0, top: 0, width: 1, height: 1 }) {
  const [rows, columns] = genome.size, count = width * height, scaled = genome.coordinates === "scaled";
  const values = new Map(genome.inputs.map((one) => [one.id, new Float32Array(count)]));
  const inputs = genome.inputs.map((one) => [one.name, values.get(one.id)]);
  for (let r = 0, at = 0; r < height; r++) {
    const y = (view.top + view.height * (r + 0.5) / height) * rows - 0.5;
    const Y = rows > 1 ? -1 + 2 * y / (rows - 1) : 2 * y;
    for (let c = 0; c < width; c++, at++) {
      const x = (view.left + view.width * (c + 0.5) / width) * columns - 0.5;
      const X = columns > 1 ? -1 + 2 * x / (columns - 1) : 2 * x;
      for (const [name, plane] of inputs) {
        plane[at] = name === "x" ? (scaled ? X : x) : name === "y" ? (scaled ? Y : y) : name === "bias" ? 1 : Math.hypot(X, Y);
      }
    }
  }
  const order = ordered(genome), used = active(genome, order);
  for (const node of order) {
    if (!used.has(node.id)) continue;
    const plane = new Float32Array(count), f = FUNCTIONS[node.f];
    for (const { source, weight } of node.reads) {
      const read = values.get(source), w = Math.fround(weight);
      for (let at = 0; at < count; at++) plane[at] += w * read[at];
    }
    for (let at = 0; at < count; at++) plane[at] = f(plane[at]);
    values.set(node.id, plane);
  }
  const [a, b, c] = [0, 1, 2].map((place) => values.get(genome.outputs[Math.min(place, genome.outputs.length - 1)]));
  const pixels = new Uint8ClampedArray(4 * count);
  for (let at = 0; at < count; at++) {
    pixels.set(colours(genome.colour, byte(a[at]), byte(b[at]), byte(c[at])), 4 * at);
    pixels[4 * at + 3] = 255;
  }
  return pixels;
}

// Uniform numbers from a seed, so that a child can be made again (mulberry32).
function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// A child: the six steps of fooljax, in its order and with the rates of the paper's authors.
function mutated(genome, random) {
  const child = structuredClone(genome), pick = (list) => list[Math.floor(random() * list.length)];
  const rows = () => child.inputs.length + child.nodes.length;
  for (const one of child.connections) {
    if (random() >= 0.1) continue;
    const u = random(), power = 1 / 16;
    const move = u < 0.5 ? (2 * u) ** power - 1 : 1 - (2 * (1 - u)) ** power;
    one.weight = Math.fround(Math.max(-MOST_WEIGHT, Math.min(one.weight + move * 2 * MOST_WEIGHT, MOST_WEIGHT)));
  }
  for (const one of child.nodes) if (random() < 0.1) one.function = pick(child.functions);
  if (random() < 0.5 && child.connections.length < MOST_CONNECTIONS) {
    const outputs = new Set(child.outputs);
    const source = pick([...child.inputs, ...child.nodes.filter((one) => !outputs.has(one.id))]).id;
    const above = new Set([source]);
    for (const node of ordered(child).reverse()) if (above.has(node.id)) for (const one of node.reads) above.add(one.source);
    const targets = child.nodes.filter((one) => !above.has(one.id));
    if (targets.length) {
      const target = pick(targets).id;
      child.connections.push({ source, target, weight: Math.fround((2 * random() - 1) * MOST_WEIGHT) });
    }
  }
  if (random() < 0.3 && child.connections.length) child.connections.splice(Math.floor(random() * child.connections.length), 1);
  if (random() < 0.5 && child.connections.length && child.connections.length < MOST_CONNECTIONS && rows() < MOST_NODES) {
    const split = pick(child.connections), id = 1 + Math.max(...child.inputs.map((one) => one.id), ...child.nodes.map((one) => one.id));
    child.nodes.unshift({ id, function: pick(child.functions) });
    child.connections.push({ source: id, target: split.target, weight: split.weight });
    split.target = id;
  }
  const hidden = child.nodes.filter((one) => !child.outputs.includes(one.id));
  if (random() < 0.2 && hidden.length) {
    const { id } = pick(hidden);
    child.nodes = child.nodes.filter((one) => one.id !== id);
    child.connections = child.connections.filter((one) => one.source !== id && one.target !== id);
  }
  return child;
}

// The text of a genome's file, which fooljax reads.
function text(genome) {
  return JSON.stringify(genome, null, 1) + "\n";
}

// What the nodes that count compute, a line each; outputs come last and bear the names of their channels.
function formulas(genome) {
  const order = ordered(genome), used = active(genome, order), names = new Map(genome.inputs.map((one) => [one.id, one.name]));
  const channels = { grey: ["grey"], rgb: ["red", "green", "blue"], hls: ["hue", "lightness", "saturation"], hsv: ["hue", "saturation", "value"] }[genome.colour];
  genome.outputs.forEach((id, place) => names.set(id, channels[place]));
  const nodes = order.filter((node) => used.has(node.id)).sort((one, other) => genome.outputs.indexOf(one.id) - genome.outputs.indexOf(other.id));
  let number = 0;
  for (const node of nodes) if (!names.has(node.id)) names.set(node.id, `v${++number}`);
  return nodes.map((node) => {
    const terms = node.reads.map((one) => {
      const name = names.get(one.source), size = Math.abs(one.weight).toFixed(2);
      return `${one.weight < 0 ? "−" : "+"} ${name === "bias" ? size : `${size} ${name}`}`;
    });
    return `${names.get(node.id)} = ${node.f}(${terms.join(" ").replace(/^\+ /, "") || "0"})`;
  });
}
