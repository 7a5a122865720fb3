// The answer for one digit: the digit, how sure it is, a bar for each that it could have been, what the model saw.

import { judge, make, percent, sentence } from "./words.js";

const SIDE = 28;

export function drawSeen(canvas, encoded) {
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(SIDE, SIDE);
  const bytes = encoded ? Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0)) : new Uint8Array(SIDE * SIDE);
  bytes.forEach((ink, place) => pixels.data.set([ink, ink, ink, 255], 4 * place));
  context.putImageData(pixels, 0, 0);
}

export class Answer {
  constructor(root, classes, placeholder = "Draw, and the answer appears here.") {
    this.root = root;
    this.placeholder = placeholder;
    this.digit = make("p", { class: "digit" });
    this.verdict = make("p", { class: "verdict" });
    this.bars = make("ol", { class: "bars", "aria-label": "How likely each digit is" });
    this.seen = make("canvas", { width: SIDE, height: SIDE, class: "pixels", role: "img" });
    this.words = make("p");
    const seen = make("figure", { class: "seen" }, this.seen, make("figcaption", {}, make("b", {}, "What the model saw"), this.words));
    root.replaceChildren(make("div", { class: "said" }, this.digit, this.verdict), this.bars, seen);
    this.setClasses(classes);
    this.clear();
  }

  setClasses(classes) {
    if (this.classes?.join() === classes.join()) return;
    this.classes = classes;
    this.fills = classes.map(() => make("i"));
    this.shares = classes.map(() => make("span", { class: "share" }));
    this.bars.replaceChildren(
      ...classes.map((name, place) =>
        make("li", {}, make("span", { class: "of" }, String(name)), make("span", { class: "bar", "aria-hidden": "true" }, this.fills[place]), this.shares[place]),
      ),
    );
  }

  clear() {
    this.root.dataset.kind = "empty";
    this.digit.textContent = "?";
    this.verdict.textContent = this.placeholder;
    this.showBars(null);
    drawSeen(this.seen, null);
    this.seen.setAttribute("aria-label", "Nothing yet");
    this.words.textContent = "28 × 28 pixels, centered and cleaned.";
  }

  fail(message) {
    this.clear();
    this.root.dataset.kind = "none";
    this.digit.textContent = "–";
    this.verdict.textContent = message;
  }

  showBars(found) {
    const best = found?.probabilities ? found.classes.indexOf(found.digit) : -1;
    this.fills.forEach((fill, place) => {
      const share = found?.probabilities?.[place] ?? 0;
      fill.style.transform = `scaleX(${share})`;
      this.shares[place].textContent = found?.probabilities ? percent(share) : "";
      this.bars.children[place].classList.toggle("best", place === best);
    });
  }

  // Returns what a screen reader should say.
  show(found) {
    this.setClasses(found.classes);
    const { kind, words } = judge(found, found.classes);
    this.root.dataset.kind = kind;
    this.digit.textContent = found.digit ?? "–";
    this.verdict.textContent = words;
    this.showBars(found);
    drawSeen(this.seen, found.image);
    this.seen.setAttribute("aria-label", found.image ? "28 by 28 image that the model saw, light ink on dark" : "Nothing");
    this.words.textContent = sentence(found.diagnosis.description) || "Nothing had to be mended.";
    return found.digit === null ? words : `${found.digit}. ${words}. ${this.words.textContent}`;
  }
}
