// Chains from noise to pictures, and the slider that walks over their steps.

import { at, call, fail, make, percent, state } from "./common.js";

const shown = { steps: [], films: [] };

export async function drawChains(event) {
  event.preventDefault();
  const model = at("model").value, label = at("label").value;
  const seed = Math.floor(Math.random() * 2 ** 31), begun = Date.now();
  const tell = () => {
    const seconds = Math.round((Date.now() - begun) / 1000);
    at("status").textContent = `The model draws: ${seconds} s so far`;
  };
  const clock = setInterval(tell, 1000);
  fail("");
  tell();
  at("draw").disabled = true;
  at("busy").hidden = false;
  try {
    const answer = await call("/chains", { model, label, seed });
    if (model === at("model").value) await showChains(answer);
  } catch (error) {
    fail(error.message);
  } finally {
    clearInterval(clock);
    at("draw").disabled = false;
    at("busy").hidden = true;
    at("status").textContent = "";
  }
}

async function showChains({ start, steps, chains }) {
  const films = chains.map(({ film }) => make("img", "", { src: film }));
  await Promise.all(films.map((film) => film.decode()));
  const [width, height] = state.size;
  Object.assign(shown, { steps, films });
  at("films").replaceChildren(...chains.map((chain) => {
    const figure = make("figure"), known = chain.known ? "known" : "not known";
    const says = `${chain.class}, ${percent(chain.confidence)}, ${known}`;
    figure.append(make("canvas", "", { width, height }), make("figcaption", says));
    return figure;
  }));
  at("start").textContent =
    `Step 0 is ${start}. Below a picture: what the model says of its last step.`;
  at("slider").max = steps.length - 1;
  at("slider").value = steps.length - 1;
  at("chains").hidden = false;
  walk();
}

export function walk() {
  const place = Number(at("slider").value), [width, height] = state.size;
  at("step").textContent = `Step ${shown.steps[place]} of ${shown.steps.at(-1)}`;
  at("films").querySelectorAll("canvas").forEach((canvas, index) => {
    const area = [width, height];
    canvas.getContext("2d").drawImage(
      shown.films[index], 0, place * height, ...area, 0, 0, ...area);
  });
}
