// Pictures to ask about: test images that came with the model, and noise.

import { byId, make, state } from "./common.js";
import { ask } from "./picture.js";

export function showExamples(examples, grey) {
  const shown = [...examples, { class: "noise", picture: noise(grey) }];
  byId("examples").replaceChildren(...shown.map((one) => {
    const button = make("button", "", { type: "button", title: one.class });
    button.append(make("img", "", { src: one.picture, alt: one.class }));
    button.addEventListener("click", () => ask(toFile(one.picture)));
    return button;
  }));
}

function noise(grey) {
  const [width, height] = state.size;
  const canvas = make("canvas", "", { width, height });
  const ink = canvas.getContext("2d"), data = ink.createImageData(width, height);
  for (let i = 0; i < data.data.length; i += 4) {
    const pixel = [0, 0, 0].map(() => 256 * Math.random());
    data.data.set(grey ? [pixel[0], pixel[0], pixel[0], 255] : [...pixel, 255], i);
  }
  ink.putImageData(data, 0, 0);
  return canvas.toDataURL();
}

function toFile(url) {
  const bytes = atob(url.split(",")[1]);
  return new Blob([Uint8Array.from(bytes, (c) => c.charCodeAt(0))]);
}
