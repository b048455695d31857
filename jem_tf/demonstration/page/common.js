// What the page's parts share: its state, its elements, and calls of the server.

// latestQuestion: the number of the last one; answers to earlier ones are not shown.
export const state = { mostBytes: 0, size: [1, 1], latestQuestion: 0 };
export const byId = (id) => document.getElementById(id);
export const percent = (share) => `${(100 * share).toFixed(1)}%`;

export function make(tag, text = "", more = {}) {
  const element = Object.assign(document.createElement(tag), more);
  if (text) element.textContent = text;
  return element;
}

export function fail(sentence) {
  byId("failure").textContent = sentence;
  byId("failure").hidden = !sentence;
}

// The JSON that an address answers; an Error with a sentence if it refuses.
export async function call(address, fields = null) {
  let response, answer;
  try {
    const body = fields && new FormData();
    for (const [name, value] of Object.entries(fields || {})) body.append(name, value);
    response = await fetch(address, fields ? { method: "POST", body } : {});
    answer = await response.json();
  } catch {
    throw new Error("The server does not answer. Is jem-tf demo still running?");
  }
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
