// The page: the model is chosen here. web_app.py says what the addresses answer.

import { drawChains, walk } from "./chains.js";
import { byId, call, fail, make, state } from "./common.js";
import { listenForInk, wipe } from "./drawing.js";
import { showExamples } from "./examples.js";
import { forget, listenForFiles } from "./picture.js";

async function choose() {
  state.latestQuestion++;
  for (const id of ["answer", "chains"]) byId(id).hidden = true;
  byId("nearest").replaceChildren();
  fail("");
  byId("about").textContent = "The model is loaded ...";
  const name = byId("model").value;
  try {
    const model = await call(`/model?${new URLSearchParams({ model: name })}`);
    if (name === byId("model").value) showModel(model);
  } catch (error) {
    byId("about").textContent = "";
    fail(error.message);
  }
}

function showModel(model) {
  state.size = model.size;
  const count = model.class_names.length, size = model.size.join(" x ");
  byId("about").textContent =
    `It was trained on ${model.data}: ${count} classes, pictures of ${size} pixels.`;
  byId("input").className = model.grey ? "grey" : "";
  byId("what").textContent = model.grey ? "" : "; it was not trained on drawings";
  byId("waiting").textContent = "Nothing yet.";
  byId("waiting").hidden = false;
  byId("label").replaceChildren(...model.class_names.map((name) => make("option", name, { value: name })));
  wipe();
  showExamples(model.examples, model.grey);
}

async function begin() {
  listenForFiles();
  listenForInk();
  byId("clear").addEventListener("click", () => {
    state.latestQuestion++;
    forget();
    fail("");
  });
  byId("ask").addEventListener("submit", drawChains);
  byId("slider").addEventListener("input", walk);
  byId("model").addEventListener("change", choose);
  try {
    const { names, first, most_bytes } = await call("/models");
    state.mostBytes = most_bytes;
    byId("model").replaceChildren(...names.map((name) => make("option", name, { value: name })));
    byId("model").value = first;
    await choose();
  } catch (error) {
    fail(error.message);
  }
}

begin();
