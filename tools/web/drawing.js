// Strokes on a canvas, and the image of 8 x 8 pixels that the data set would make of them.

// The data set's images are 32 x 32 bits that a digit fills; a pixel is the share of a block of 4 x 4.
const BITS = 32;
const BLOCK = 4;
const PIXELS = BITS / BLOCK;
const LINE = 5.5;

export class Drawing {
  #canvas;
  #strokes = [];

  /** `changed` is called after every change by hand. */
  constructor(canvas, changed) {
    this.#canvas = canvas;
    canvas.addEventListener("pointerdown", (event) => {
      this.#strokes.push([this.#place(event)]);
      this.#paint();
      changed();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!event.buttons || !this.#strokes.length) return;
      this.#strokes.at(-1).push(this.#place(event));
      this.#paint();
      changed();
    });
  }

  clear() {
    this.#strokes = [];
    this.#paint();
  }

  /** Row by row from 0 (paper) to 1; the digit is moved to the middle and made as large as it can be. */
  image() {
    const bits = this.#bits();
    const pixels = new Float32Array(PIXELS * PIXELS);
    for (let y = 0; y < BITS; y++) {
      for (let x = 0; x < BITS; x++) {
        const place = Math.floor(y / BLOCK) * PIXELS + Math.floor(x / BLOCK);
        pixels[place] += bits[y * BITS + x] / (BLOCK * BLOCK);
      }
    }
    return pixels;
  }

  #bits() {
    const context = new OffscreenCanvas(BITS, BITS).getContext("2d");
    const points = this.#strokes.flat();
    if (points.length) {
      const [left, right] = [Math.min(...points.map((p) => p.x)), Math.max(...points.map((p) => p.x))];
      const [top, bottom] = [Math.min(...points.map((p) => p.y)), Math.max(...points.map((p) => p.y))];
      const scale = (BITS - LINE) / Math.max(right - left, bottom - top, this.#canvas.width / 8);
      context.translate(BITS / 2, BITS / 2);
      context.scale(scale, scale);
      context.translate(-(left + right) / 2, -(top + bottom) / 2);
      this.#draw(context, LINE / scale);
    }
    const {data} = context.getImageData(0, 0, BITS, BITS);
    return Uint8Array.from({length: BITS * BITS}, (_, i) => data[4 * i + 3] > 127);
  }

  #paint() {
    const context = this.#canvas.getContext("2d");
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#draw(context, this.#canvas.width / 14);
  }

  #draw(context, width) {
    Object.assign(context, {lineWidth: width, lineCap: "round", lineJoin: "round", strokeStyle: "#1c2733"});
    for (const stroke of this.#strokes) {
      context.beginPath();
      context.moveTo(stroke[0].x, stroke[0].y);
      // A point alone is a line of no length.
      for (const point of stroke) context.lineTo(point.x, point.y);
      context.stroke();
    }
  }

  /** Where an event is on the canvas, whatever size that is shown in. */
  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    const scale = this.#canvas.width / box.width;
    return {x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale};
  }
}
