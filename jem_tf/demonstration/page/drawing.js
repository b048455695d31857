// The canvas to draw on, in white on black; a drawing is asked about after each stroke.

import { byId } from "./common.js";
import { ask } from "./picture.js";

const BRUSH = 26; // of the canvas's 280 pixels

export function listenForInk() {
  const canvas = byId("canvas"), ink = canvas.getContext("2d");
  let drawing = false;
  const point = (event) => [
    (event.offsetX * canvas.width) / canvas.clientWidth,
    (event.offsetY * canvas.height) / canvas.clientHeight,
  ];
  const line = (event) => {
    ink.lineTo(...point(event));
    ink.stroke();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return; // the first draws
    drawing = true;
    canvas.setPointerCapture(event.pointerId);
    ink.beginPath();
    ink.moveTo(...point(event));
    line(event);
  });
  canvas.addEventListener("pointermove", (event) => drawing && line(event));
  canvas.addEventListener("pointerup", () => {
    if (!drawing) return; // the button was pressed elsewhere
    drawing = false;
    canvas.toBlob((picture) => ask(picture, 1));
  });
  canvas.addEventListener("pointercancel", () => (drawing = false));
  byId("clear").addEventListener("click", wipe);
  Object.assign(ink, { lineWidth: BRUSH, lineCap: "round", lineJoin: "round" });
  ink.strokeStyle = "#fff";
  wipe();
}

export function wipe() {
  const canvas = byId("canvas"), ink = canvas.getContext("2d");
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, canvas.width, canvas.height);
}
