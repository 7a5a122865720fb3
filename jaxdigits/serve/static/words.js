// Words and small pieces of page.

export function percent(share) {
  if (share < 1 && share >= 0.9995) return ">99.9 %";
  return `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`.replace("100 %", share < 1 ? "99.9 %" : "100 %");
}

export const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

export function sentence(words) {
  return words ? `${words[0].toUpperCase()}${words.slice(1)}.` : "";
}

// make("p", { class: "soft" }, "text", node, ...)
export function make(tag, attributes = {}, ...inside) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) node.setAttribute(name, value);
  }
  node.append(...inside);
  return node;
}

export function say(text) {
  const said = document.getElementById("said");
  if (said && said.textContent !== text) said.textContent = text;
}

// What is sure, what is not, and what is none, in words. `found` is a digit as the server tells it.
export function judge(found, classes) {
  if (found.digit === null) {
    return { kind: "none", words: found.diagnosis.blank ? "Nothing to read" : "No stroke stands out" };
  }
  if (!found.looks_like_digit) {
    return { kind: "none", words: `This doesn't look like a digit. Best guess: ${found.digit}` };
  }
  if (found.sure) return { kind: "sure", words: `${percent(found.probability)} sure` };
  const order = found.probabilities.map((share, place) => [share, place]).sort((a, b) => b[0] - a[0]);
  return { kind: "doubt", words: `Not sure: perhaps ${classes[order[1][1]]} (${percent(order[1][0])})` };
}
