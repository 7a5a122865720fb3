// Pictures that were dropped, pasted, chosen or taken: each is read and shown with what was found.

import { predict, read } from "./api.js";
import { Answer } from "./answer.js";
import { Sheet } from "./sheet.js";
import { count, make, say } from "./words.js";

export class Pictures {
  constructor(root) {
    this.root = root;
    this.line = Promise.resolve(); // one after the other, in order
  }

  add(files) {
    const cards = [...files].map((file) => [file, this.makeCard(file)]);
    this.root.prepend(...cards.map(([, card]) => card));
    cards[0]?.[1].scrollIntoView({ block: "nearest" });
    for (const [file, card] of cards) this.line = this.line.then(() => this.show(file, card));
    return this.line;
  }

  makeCard(file) {
    const name = file.name || "Pasted picture";
    const remove = make("button", { type: "button", "aria-label": `Remove ${name}` }, "Remove");
    const picture = make("img", { alt: name, src: URL.createObjectURL(file) });
    const card = make(
      "article",
      { class: "card picture", "aria-label": name, "aria-busy": "true" },
      make("header", {}, make("h2", {}, name), make("button", { type: "button", class: "again", hidden: "" }), remove),
      make("div", { class: "view" }, picture),
      make("div", { class: "found" }, make("p", { class: "soft" }, "Reading…")),
    );
    picture.addEventListener("error", () => picture.replaceWith(make("p", { class: "soft" }, "This browser can't show it.")));
    remove.addEventListener("click", () => {
      URL.revokeObjectURL(picture.src);
      const next = card.nextElementSibling ?? card.previousElementSibling;
      card.remove();
      (next?.querySelector("header button:last-child") ?? document.getElementById("files")).focus();
      say(`Removed ${name}.`);
    });
    return card;
  }

  // As one digit or as a page, whichever it seems to be, or as it was asked for.
  async show(file, card, wanted = null) {
    if (!card.isConnected) return;
    card.setAttribute("aria-busy", "true");
    try {
      const one = wanted === "page" ? null : await predict(file);
      const doubtful = one && (one.diagnosis.n_digits > 1 || !one.sure);
      const page = wanted === "page" || (!wanted && doubtful) ? await read(file) : null;
      const n_digits = page?.lines.flat().length ?? 0;
      if (!one || n_digits > 1) this.showPage(file, card, page, n_digits);
      else this.showOne(file, card, one);
    } catch (error) {
      this.renew(card, "found").append(make("p", { class: "wrong" }, error.message));
      say(`${card.ariaLabel}: ${error.message}`);
    } finally {
      card.removeAttribute("aria-busy");
    }
  }

  showOne(file, card, one) {
    const words = new Answer(this.renew(card, "found answer"), one.classes).show(one);
    this.offer(file, card, "page");
    say(`${card.ariaLabel}: ${words}`);
  }

  showPage(file, card, page, n_digits) {
    const found = this.renew(card, "found");
    this.offer(file, card, "digit");
    if (!n_digits) {
      found.append(make("p", { class: "wrong" }, "No digits found. Take it from closer up, or in more light."));
      say(`${card.ariaLabel}: no digits found.`);
      return;
    }
    card.classList.add("page");
    new Sheet(card.querySelector(".view"), found, page);
    say(`${card.ariaLabel}: ${count(n_digits, "digit")} in ${count(page.lines.length, "line")}: ${page.text}`);
  }

  renew(card, name) {
    card.classList.remove("page");
    card.querySelector(".view svg")?.remove();
    const found = make("div", { class: name });
    card.querySelector(".found").replaceWith(found);
    return found;
  }

  // It may be the other thing after all.
  offer(file, card, other) {
    const again = card.querySelector(".again");
    again.textContent = other === "page" ? "Read as a page" : "Read as one digit";
    again.hidden = false;
    again.onclick = () => this.show(file, card, other);
  }
}

// Where pictures come from. `take` gets a list of files.
export function listen(drop, inputs, take) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.files.length) take([...input.files]);
      input.value = "";
    });
  }
  let inside = 0; // the whole page takes what is dropped
  const light = (on) => drop.classList.toggle("over", on);
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => carries(event) && light(++inside > 0));
  document.addEventListener("dragleave", (event) => carries(event) && light(--inside > 0));
  document.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    light((inside = 0) > 0);
    take([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) take(files);
  });
}
