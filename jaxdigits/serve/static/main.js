// The page: the pad and its answer, and the pictures.

import { describeModel, predict } from "./api.js";
import { Answer } from "./answer.js";
import { Pad } from "./pad.js";
import { listen, Pictures } from "./pictures.js";
import { say } from "./words.js";

const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const find = (id) => document.getElementById(id);

const pad = new Pad(find("pad"));
const answer = new Answer(find("drawn"), DIGITS);
const width = find("width");

// One request at a time, and always the latest drawing next.
let busy = false;
let wanted = null;

async function readDrawing(done) {
  wanted = { done: done || wanted?.done };
  if (busy) return;
  busy = true;
  while (wanted) {
    const aloud = wanted.done;
    wanted = null;
    try {
      const found = pad.empty ? null : await predict(new File([await pad.toBlob()], "drawing.png", { type: "image/png" }));
      if (pad.empty) answer.clear();
      else if (found) announce(answer.show(found), aloud);
    } catch (error) {
      answer.fail(error.message);
      announce(error.message, aloud);
    }
  }
  busy = false;
}

function announce(words, aloud) {
  if (aloud) say(words);
}

pad.addEventListener("change", ({ detail }) => {
  find("pad-hint").hidden = !pad.empty;
  find("undo").disabled = find("clear").disabled = pad.empty;
  if (pad.empty) {
    answer.clear();
    say("Cleared.");
  } else {
    readDrawing(detail.done);
  }
});

function keepFocus(change) {
  change();
  if (document.activeElement === document.body || document.activeElement?.disabled) pad.canvas.focus();
}

find("undo").addEventListener("click", () => keepFocus(() => pad.undo()));
find("clear").addEventListener("click", () => keepFocus(() => pad.clear()));
width.addEventListener("input", () => (pad.width = width.value / 280));
pad.width = width.value / 280;

const pictures = new Pictures(find("pictures"));
listen(find("drop"), [find("files"), find("camera")], (files) => pictures.add(files));

describeModel()
  .then((model) => {
    answer.setClasses(model.classes);
    if (pad.empty) answer.clear();
    find("model-name").textContent = `the model ${model.name}`;
  })
  .catch((error) => say(error.message));
