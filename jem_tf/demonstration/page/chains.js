// Chains from noise to pictures, and the slider that walks over their steps.

import { byId, call, fail, make, percent, state } from "./common.js";

const shown = { steps: [], films: [] };

export async function drawChains(event) {
  event.preventDefault();
  const model = byId("model").value, label = byId("label").value;
  const seed = Math.floor(Math.random() * 2 ** 31), begun = Date.now();
  const tell = () => {
    const seconds = Math.round((Date.now() - begun) / 1000);
    byId("status").textContent = `The model draws: ${seconds} s so far`;
  };
  const clock = setInterval(tell, 1000);
  fail("");
  tell();
  byId("draw").disabled = true;
  byId("busy").hidden = false;
  try {
    const answer = await call("/chains", { model, label, seed });
    if (model === byId("model").value) await showChains(answer);
  } catch (error) {
    fail(error.message);
  } finally {
    clearInterval(clock);
    byId("draw").disabled = false;
    byId("busy").hidden = true;
    byId("status").textContent = "";
  }
}

async function showChains({ start, steps, chains }) {
  const films = chains.map(({ film }) => make("img", "", { src: film }));
  await Promise.all(films.map((film) => film.decode()));
  const [width, height] = state.size;
  Object.assign(shown, { steps, films });
  byId("films").replaceChildren(...chains.map((chain) => {
    const figure = make("figure"), known = chain.known ? "known" : "not known";
    const says = `${chain.class}, ${percent(chain.confidence)}, ${known}`;
    figure.append(make("canvas", "", { width, height }), make("figcaption", says));
    return figure;
  }));
  byId("start").textContent =
    `Step 0 is ${start}. Below a picture: what the model says of its last step.`;
  byId("slider").max = steps.length - 1;
  byId("slider").value = steps.length - 1;
  byId("chains").hidden = false;
  walk();
}

export function walk() {
  const place = Number(byId("slider").value), [width, height] = state.size;
  byId("step").textContent = `Step ${shown.steps[place]} of ${shown.steps.at(-1)}`;
  byId("films").querySelectorAll("canvas").forEach((canvas, index) => {
    const area = [width, height];
    canvas.getContext("2d").drawImage(
      shown.films[index], 0, place * height, ...area, 0, 0, ...area);
  });
}
