// The model's card: how well it reads, what it takes for what, what it learned from, where it fails.

import { describeModel } from "./api.js";
import { count, make } from "./words.js";

const main = document.getElementById("model");
const exact = (share) => `${(100 * share).toFixed(2)} %`;

function makeTable(caption, heads, rows) {
  return make(
    "div",
    { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    make(
      "table",
      {},
      make("caption", { class: "unseen" }, caption),
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, ...rows.map(([name, ...cells]) => make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", {}, cell))))),
    ),
  );
}

function makeConfusion({ classes, counts, pictures }) {
  const most = Math.max(...counts.flatMap((row, place) => row.filter((_, other) => other !== place)));
  const cells = counts.map((row, place) =>
    row.map((number, other) => {
      const cell = make("td", { class: place === other ? "right" : number ? "mixed" : "zero" }, number ? number.toLocaleString("en") : "·");
      if (place !== other && number) cell.style.setProperty("--share", `${Math.round(12 + (30 * number) / most)}%`);
      return cell;
    }),
  );
  const head = make("tr", {}, make("th", { scope: "col" }, "written"), ...classes.map((name) => make("th", { scope: "col" }, String(name))));
  const rows = cells.map((row, place) => make("tr", {}, make("th", { scope: "row" }, String(classes[place])), ...row));
  const table = make("table", { class: "confusion" }, make("caption", {}, `${pictures}: rows are what was written, columns what was read.`), make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Confusion matrix" }, table);
}

const card = (heading, ...inside) => make("section", { class: "card" }, make("h2", {}, heading), ...inside);

function describe({ name, version, classes, threshold, card: known }) {
  const [first, ...others] = known.measured ?? [];
  const parts = [];
  const facts = [
    ["Model", name],
    known.n_weights && ["Weights", known.n_weights.toLocaleString("en")],
    ["Reads", classes.join(" ")],
    ["Sure from", `${Math.round(100 * threshold)} %`],
    known.trained && ["Trained", known.trained],
    ["jaxdigits", version],
  ];
  const list = make("dl", { class: "facts" }, ...facts.filter(Boolean).map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))));
  const score = first ? [make("p", { class: "score" }, make("strong", {}, exact(first.n_right / first.n)), ` of ${count(first.n, "image")} read right (${first.pictures})`)] : [];
  parts.push(make("section", { class: "card", "aria-label": "In short" }, ...score, list));
  if (known.confusion) parts.push(card("What it takes for what", makeConfusion(known.confusion)));
  if (first) {
    const rows = [first, ...others].map((each) => [each.pictures, each.n.toLocaleString("en"), exact(each.n_right / each.n), exact(each.calibration_error), exact(each.refused)]);
    parts.push(
      card(
        "How well it reads",
        makeTable("Measured", ["pictures", "number", "read right", "calibration error", "refused"], rows),
        make("p", { class: "soft" }, "Measured once, after all was chosen. The calibration error is how far what it says of itself is from how often it is right. Refused is what it holds for no digit."),
      ),
    );
  }
  if (known.data) parts.push(card("What it learned from", make("p", {}, known.data)));
  if (known.limits) parts.push(card("What it can't do", make("p", {}, known.limits)));
  if (!first) parts.push(card("Nothing measured", make("p", {}, "The file of this model tells nothing of how well it reads.")));
  if (known.purpose) document.getElementById("purpose").textContent = `“${name}”, ${known.purpose}.`;
  return parts;
}

try {
  main.append(...describe(await describeModel()));
} catch (error) {
  main.append(card("No answer", make("p", { class: "wrong", role: "alert" }, error.message)));
} finally {
  main.removeAttribute("aria-busy");
}
