// A page: boxes over the picture, the digits as text to copy, and of each digit what the model saw.

import { Answer } from "./answer.js";
import { count, make, say, sentence } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

function draw(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export class Sheet {
  constructor(view, found, page) {
    this.page = page;
    this.digits = [...page.lines.flat(), ...page.others];
    this.answer = new Answer(make("div", { class: "answer" }), page.classes);
    view.append(this.drawBoxes());
    const unsure = page.lines.flat().filter((digit) => !digit.sure).length;
    const remarks = [sentence(page.diagnosis.description.replace(/^\d+ digits(; )?/, ""))]; // counted below, after cutting
    if (unsure) remarks.push(`Not sure of ${unsure}, in dashed boxes.`);
    if (page.others.length) remarks.push(`${count(page.others.length, "thing")} left out, dotted: no digit by its looks.`);
    const copy = make("button", { type: "button" }, "Copy");
    const text = make("pre", { tabindex: "0", "aria-label": "The digits as text" }, page.text);
    copy.addEventListener("click", () => this.copy(text, copy));
    found.replaceChildren(
      make("div", { class: "text" }, make("h3", {}, `${count(this.digits.length - page.others.length, "digit")} in ${count(page.lines.length, "line")}`), copy),
      text,
      make("p", { class: "soft" }, remarks.filter(Boolean).join(" ")),
      this.answer.root,
    );
    this.choose(0, false);
  }

  drawBoxes() {
    const [width, height] = this.page.size;
    const label = "Boxes around the digits; arrow keys go from one to the next";
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "application", "aria-label": label });
    const lines = new Map(this.page.lines.flatMap((line) => line.map((digit) => [digit, true])));
    this.boxes = this.digits.map((digit, place) => {
      const [left, top, right, bottom] = digit.box;
      const kind = !lines.has(digit) ? "none" : digit.sure ? "sure" : "doubt";
      const box = draw("rect", { x: left, y: top, width: right - left, height: bottom - top, class: `box ${kind}` });
      box.addEventListener("click", () => this.choose(place, true));
      return box;
    });
    svg.append(...this.boxes);
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.choose((this.chosen + step + this.digits.length) % this.digits.length, true);
    });
    return svg;
  }

  choose(place, aloud) {
    this.boxes[this.chosen]?.classList.remove("chosen");
    this.chosen = place;
    this.boxes[place].classList.add("chosen");
    const words = this.answer.show({ ...this.digits[place], classes: this.page.classes });
    if (aloud) say(words);
  }

  async copy(text, button) {
    try {
      await navigator.clipboard.writeText(this.page.text);
    } catch {
      getSelection().selectAllChildren(text); // pages without a secure address may only do it this way
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    say("Copied.");
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }
}
