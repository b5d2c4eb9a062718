"use strict";
const at = id => document.getElementById(id);
const task = JSON.parse(at("task").textContent);
const place = "fooljax-label-" + task.task;
const search = at("search"), found = at("found"), choices = at("choices");
const TOO_SOON = 200; // milliseconds after a new image in which a key or a tap is still meant for the last one
let state = kept() || blank(), shownAt = 0, active = -1;

function blank() {
  return {labeller: "", begun: new Date().toISOString(), current: 0, answers: {}};
}

function kept() {
  try {
    const text = localStorage.getItem(place);
    return text && JSON.parse(text);
  } catch {
    return null;
  }
}

function keep() {
  try {
    localStorage.setItem(place, JSON.stringify(state));
    return true;
  } catch {
    return false;
  }
}

function forget() {
  if (Object.keys(state.answers).length && !confirm("The answers in this browser will be lost. Go on?")) return;
  try { localStorage.removeItem(place); } catch { /* there was nothing */ }
  state = blank();
  at("labeller").value = "";
  show("start");
}

function show(id) {
  for (const one of ["start", "question", "end"]) at(one).hidden = one !== id;
  document.querySelector("header").hidden = id === "question";
  const done = Object.keys(state.answers).length, all = task.images.length;
  if (id === "start") {
    at("begin").textContent = done ? `Go on (${done} of ${all} answered)` : "Begin";
    at("anew").hidden = !done;
    at("kept-nowhere").hidden = keep();
  }
  if (id === "end") {
    at("done").textContent = done < all ? `You have answered ${done} of ${all} images` : `You have answered all ${all} images`;
    at("return").textContent = done < all ? "Go on with the images" : "Look at the images again";
    at("text").value = content();
    at("saved").textContent = "";
    at("done").focus();
  }
}

function ask(index) {
  state.current = index;
  keep();
  show("question");
  const image = task.images[index], answer = answered(index);
  at("where").textContent = `Image ${index + 1} of ${task.images.length}`;
  at("image").alt = `Image ${index + 1}, which you are asked to name`;
  at("image").src = image.source;
  at("back").disabled = index === 0;
  at("next").disabled = answer === undefined;
  at("progress").value = Object.keys(state.answers).length;
  press(at("nothing"), answer === task.nothing);
  press(at("else"), answer === task.somethingElse);
  if (choices) [...choices.children].forEach((button, number) => press(button, answer === number));
  else {
    search.value = "";
    list();
    at("chosen").textContent = Number.isInteger(answer) ? `You said: ${task.classes[answer]}` : "";
  }
  window.scrollTo(0, 0);
  // On a phone the keyboard would cover the image: it comes when the field is touched.
  (choices || matchMedia("(pointer: coarse)").matches ? at("where") : search).focus();
  shownAt = performance.now();
}

const answered = index => state.answers[task.images[index].name]?.answer;
const press = (button, on) => button.setAttribute("aria-pressed", on);

function answer(value) {
  const waited = performance.now() - shownAt;
  if (waited < TOO_SOON) return;
  state.answers[task.images[state.current].name] =
    {answer: value, seconds: Math.round(waited / 100) / 10, at: new Date().toISOString()};
  keep();
  forward();
}

function forward() {
  if (state.current + 1 < task.images.length) return ask(state.current + 1);
  const left = task.images.findIndex((_, index) => answered(index) === undefined);
  if (left >= 0) ask(left);
  else show("end");
}

function fit() {
  const image = at("image"), {naturalWidth: width, naturalHeight: height} = image;
  if (!width) return;
  const room = Math.min(at("frame").clientWidth - 20, 448, Math.max(160, innerHeight * .5));
  const times = Math.floor(room / Math.max(width, height));
  const shown = times ? width * times : width * room / Math.max(width, height);
  image.classList.toggle("large", !times);
  image.style.width = shown + "px";
}

function list() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = task.classes.map((name, number) => ({name, number, text: " " + name.toLowerCase()}))
    .filter(({name, number}) => task.classes.indexOf(name) === number)
    .filter(({text}) => words.every(word => text.includes(word)));
  // Names in which what was typed begins a word come first; otherwise the order of the classes stays.
  const begins = ({text}) => words.every(word => text.includes(" " + word));
  fits.sort((a, b) => begins(b) - begins(a));
  found.replaceChildren(...fits.map(({name, number}, row) => {
    const item = document.createElement("li");
    item.id = "found-" + row;
    item.role = "option";
    item.textContent = name;
    item.dataset.number = number;
    return item;
  }));
  mark(fits.length === 1 ? 0 : -1);
}

function mark(row) {
  active = row;
  [...found.children].forEach((item, index) => item.setAttribute("aria-selected", index === row));
  if (row < 0) return search.removeAttribute("aria-activedescendant");
  search.setAttribute("aria-activedescendant", "found-" + row);
  found.children[row].scrollIntoView({block: "nearest"});
}

function content() {
  const answers = task.images.filter(image => state.answers[image.name])
    .map(image => ({image: image.name, ...state.answers[image.name]}));
  const head = {kind: task.kind, task: task.task, labeller: state.labeller, begun: state.begun};
  return JSON.stringify({...head, saved: new Date().toISOString(), answers}, null, 1) + "\n";
}

function save() {
  const link = document.createElement("a");
  const who = state.labeller.replace(/[^\p{L}\p{N}_-]+/gu, "-").replace(/^-+|-+$/g, "");
  link.download = `answers-${who || state.begun.replace(/\D/g, "").slice(0, 14)}.json`;
  link.href = URL.createObjectURL(new Blob([content()], {type: "application/json"}));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  at("saved").textContent = `Saved as ${link.download}, where this browser keeps its downloads.`;
}

if (choices) {
  task.classes.forEach((name, number) => {
    const button = document.createElement("button"), key = document.createElement("kbd");
    button.type = "button";
    button.textContent = name;
    key.textContent = task.keys[number].toUpperCase();
    key.setAttribute("aria-hidden", "true");
    if (key.textContent.toLowerCase() !== name.toLowerCase()) button.append(key);
    button.addEventListener("click", () => answer(number));
    choices.append(button);
  });
} else {
  search.addEventListener("input", list);
  search.addEventListener("keydown", event => {
    const count = found.children.length;
    if (event.key === "ArrowDown" && count) mark((active + 1) % count);
    else if (event.key === "ArrowUp" && count) mark((active + count - (active < 0 ? 0 : 1)) % count);
    else if (event.key === "Enter" && active >= 0) answer(Number(found.children[active].dataset.number));
    else return;
    event.preventDefault();
  });
  found.addEventListener("click", event => {
    const item = event.target.closest("li");
    if (item) answer(Number(item.dataset.number));
  });
}

function key(event) {
  if (at("question").hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (!choices || !at("by-keys").checked) return;
  const pressed = event.key.toLowerCase(), number = task.keys.indexOf(pressed);
  if (number >= 0) answer(number);
  else if (pressed === "n") answer(task.nothing);
  else if (pressed === "e") answer(task.somethingElse);
  else if (["b", "backspace", "arrowleft"].includes(pressed)) at("back").click();
  else if (pressed === "arrowright") at("next").click();
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", key);
addEventListener("resize", fit);
at("image").addEventListener("load", fit);
at("begin").addEventListener("click", () => { state.labeller = at("labeller").value.trim(); ask(state.current); });
at("labeller").addEventListener("keydown", event => { if (event.key === "Enter") at("begin").click(); });
at("nothing").addEventListener("click", () => answer(task.nothing));
at("else").addEventListener("click", () => answer(task.somethingElse));
at("back").addEventListener("click", () => ask(state.current - 1));
at("next").addEventListener("click", forward);
at("pause").addEventListener("click", () => show("end"));
at("return").addEventListener("click", () => ask(state.current));
at("save").addEventListener("click", save);
for (const id of ["anew", "another"]) at(id).addEventListener("click", forget);
at("labeller").value = state.labeller;
show("start");
