// The page: the model is chosen here. web_app.py says what the addresses answer.

import { drawChains, walk } from "./chains.js";
import { at, call, fail, make, state } from "./common.js";
import { listenForInk, wipe } from "./drawing.js";
import { showExamples } from "./examples.js";
import { forget, listenForFiles } from "./picture.js";

async function choose() {
  state.asked++;
  for (const id of ["answer", "chains"]) at(id).hidden = true;
  at("nearest").replaceChildren();
  fail("");
  at("about").textContent = "The model is loaded ...";
  const name = at("model").value;
  try {
    const model = await call(`/model?${new URLSearchParams({ model: name })}`);
    if (name === at("model").value) showModel(model);
  } catch (error) {
    at("about").textContent = "";
    fail(error.message);
  }
}

function showModel(model) {
  state.size = model.size;
  const count = model.class_names.length, size = model.size.join(" x ");
  at("about").textContent =
    `It was trained on ${model.data}: ${count} classes, pictures of ${size} pixels.`;
  at("input").className = model.grey ? "grey" : "";
  at("what").textContent = model.grey ? "" : "; it was not trained on drawings";
  at("waiting").textContent = "Nothing yet.";
  at("waiting").hidden = false;
  at("label").replaceChildren(...model.class_names.map((name) => make("option", name)));
  wipe();
  showExamples(model.examples, model.grey);
}

async function begin() {
  listenForFiles();
  listenForInk();
  at("clear").addEventListener("click", () => { state.asked++; forget(); fail(""); });
  at("ask").addEventListener("submit", drawChains);
  at("slider").addEventListener("input", walk);
  at("model").addEventListener("change", choose);
  try {
    const { names, first, most_bytes } = await call("/models");
    state.mostBytes = most_bytes;
    at("model").replaceChildren(...names.map((name) => make("option", name)));
    at("model").value = first;
    await choose();
  } catch (error) {
    fail(error.message);
  }
}

begin();
