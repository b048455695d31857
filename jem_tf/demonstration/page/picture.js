// A picture is sent to the server, and what the model says of it is shown.

import { byId, call, fail, make, percent, state } from "./common.js";

export async function ask(picture, drawn = 0) {
  const question = ++state.latestQuestion, model = byId("model").value;
  let answered = false;
  fail("");
  try {
    if (picture.size > state.mostBytes) {
      const most = state.mostBytes >> 20;
      throw new Error(`This picture is too large; give one of ${most} MB at most.`);
    }
    byId("waiting").textContent = "It looks at the picture ...";
    byId("waiting").hidden = false;
    const fields = { model, drawn, picture };
    const answer = await call("/classify", fields);
    if (question !== state.latestQuestion) return;
    showAnswer(answer);
    answered = true;
    if (!drawn) byId("answer").scrollIntoView({ block: "nearest" });
    byId("waiting").textContent =
      "It looks for the nearest pictures. The first time it reads all of them ...";
    const nearest = await call("/nearest", fields);
    if (question === state.latestQuestion) showNearest(nearest.galleries);
  } catch (error) {
    if (question !== state.latestQuestion) return;
    if (answered) forgetNearest();
    else forget();
    fail(error.message);
  }
}

function showAnswer(answer) {
  const known = answer.known;
  byId("answer").hidden = false;
  byId("answer").className = known ? "known" : "unknown";
  byId("seen").src = answer.picture;
  byId("verdict").textContent = known ? "I know this." : "I don’t know this.";
  byId("warning").textContent = answer.warning;
  byId("judge").textContent = answer.judge;
  const sure = `${answer.class}, with confidence ${percent(answer.confidence)}`;
  byId("choice").textContent = known
    ? `Its class: ${sure}.`
    : `If it had to choose: ${sure}. That means nothing here.`;
  byId("reason").textContent = answer.reason;
  byId("bars").replaceChildren(...answer.classes.map(bar));
}

function bar({ name, probability }) {
  const row = make("div", "", { className: "bar" });
  const back = make("div"), front = make("i");
  front.style.width = `${100 * probability}%`;
  back.append(front);
  row.append(make("span", name), back, make("span", percent(probability)));
  return row;
}

function showNearest(galleries) {
  forgetNearest();
  for (const { about, pictures } of galleries) {
    const row = make("div", "", { className: "row" });
    for (const one of pictures) {
      const figure = make("figure", "", { title: `distance ${one.distance.toFixed(3)}` });
      figure.append(make("img", "", { src: one.picture, alt: one.class }));
      figure.append(make("figcaption", one.class));
      row.append(figure);
    }
    byId("nearest").append(make("h3", `Nearest by the model, of ${about}`), row);
  }
}

export function forget() {
  byId("answer").hidden = true;
  forgetNearest();
}

function forgetNearest() {
  byId("waiting").hidden = true;
  byId("nearest").replaceChildren();
}

export function listenForFiles() {
  const drop = byId("drop");
  byId("file").addEventListener("change", (event) => {
    if (event.target.files.length) ask(event.target.files[0]);
    event.target.value = "";
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) ask(event.dataTransfer.files[0]);
    else fail("Drop the file of a picture; links and texts are not read.");
  });
}
