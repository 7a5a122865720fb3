// The server's answers. What goes wrong becomes an Error whose message is one plain sentence.

async function ask(path, body, signal) {
  let response;
  try {
    response = await fetch(path, body ? { method: "POST", body, signal } : { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is it still running?");
  }
  const told = await response.json().catch(() => null);
  if (!response.ok || !told) throw new Error(told?.error ?? `The server answered ${response.status}.`);
  return told;
}

function toForm(file) {
  const form = new FormData();
  form.append("file", file, file.name || "picture");
  return form;
}

// One digit: { classes, ...what was read }.
export async function predict(file, signal) {
  const told = await ask("/api/v1/predict", toForm(file), signal);
  return { classes: told.classes, ...told.results[0] };
}

// A page: { classes, lines, others, text, ... }.
export async function read(file) {
  const told = await ask("/api/v1/read", toForm(file));
  return { classes: told.classes, ...told.results[0] };
}

export const describeModel = () => ask("/api/v1/model");
