// The square to draw in: mouse, pen, finger or keyboard. Strokes are kept as points of a square of side 1.

const STEP = 0.04;
const SENT = 224; // pixels of a side of what is sent
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad extends EventTarget {
  constructor(canvas) {
    super();
    this.canvas = canvas;
    this.strokes = [];
    this.current = null;
    this.cursor = null; // of the keyboard
    this.width = 0.08;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.end(event));
    canvas.addEventListener("keydown", (event) => this.press(event));
    canvas.addEventListener("blur", () => this.leave());
    new ResizeObserver(() => this.fit()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
  }

  get empty() {
    return !this.strokes.length;
  }

  undo() {
    this.current = null;
    if (this.strokes.pop()) this.change(true);
  }

  clear() {
    this.current = null;
    this.strokes = [];
    this.change(true);
  }

  // The drawing as a picture, black on white whatever the page looks like.
  async toBlob() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SENT;
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SENT, SENT);
    trace(context, SENT, this.strokes, "#000");
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  begin(event) {
    if (event.button !== 0 || this.current) return;
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.cursor = null;
    this.start(this.place(event));
  }

  move(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.current.points.push(this.place(each));
    this.change(false);
  }

  end(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    this.current = null;
    this.change(true);
  }

  start(point) {
    this.current = { points: [point], width: this.width };
    this.strokes.push(this.current);
    this.change(false);
  }

  press(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") this.undo();
    else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else if (event.key === " ") this.toggle();
    else if (ARROWS[event.key]) this.step(ARROWS[event.key]);
    else return;
    event.preventDefault();
  }

  toggle() {
    this.cursor ??= [0.5, 0.5];
    if (this.current) {
      this.current = null;
      this.change(true);
    } else {
      this.start([...this.cursor]);
    }
  }

  step([x, y]) {
    const limit = (value) => Math.min(0.96, Math.max(0.04, value));
    const [left, top] = this.cursor ?? [0.5, 0.5];
    this.cursor = [limit(left + STEP * x), limit(top + STEP * y)];
    this.current?.points.push([...this.cursor]);
    if (this.current) this.change(false);
    else this.paint();
  }

  leave() {
    if (!this.cursor) return;
    this.cursor = null;
    if (this.current) {
      this.current = null;
      this.change(true);
    } else {
      this.paint();
    }
  }

  change(done) {
    this.paint();
    this.dispatchEvent(new CustomEvent("change", { detail: { done } }));
  }

  fit() {
    const side = Math.max(1, Math.round(this.canvas.clientWidth * devicePixelRatio));
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    this.paint();
  }

  paint() {
    const context = this.canvas.getContext("2d");
    const side = this.canvas.width;
    const style = getComputedStyle(this.canvas);
    context.clearRect(0, 0, side, side);
    trace(context, side, this.strokes, style.color);
    if (!this.cursor) return;
    context.beginPath();
    context.arc(this.cursor[0] * side, this.cursor[1] * side, (this.width * side) / 2 + 2, 0, 2 * Math.PI);
    context.lineWidth = side / 140;
    context.strokeStyle = style.outlineColor;
    context.stroke();
  }
}

// Round strokes through the middles of the points, so that a quick hand leaves no corners.
function trace(context, side, strokes, color) {
  context.strokeStyle = color;
  context.lineCap = context.lineJoin = "round";
  for (const { points, width } of strokes) {
    const at = points.map(([x, y]) => [x * side, y * side]);
    context.lineWidth = width * side;
    context.beginPath();
    context.moveTo(...at[0]);
    for (let place = 1; place < at.length - 1; place++) {
      const [x, y] = at[place];
      context.quadraticCurveTo(x, y, (x + at[place + 1][0]) / 2, (y + at[place + 1][1]) / 2);
    }
    context.lineTo(...at.at(-1));
    context.stroke();
  }
}
