// The demonstration: a drawing or a sample becomes an image of 8 x 8 pixels, which the network reads.
import {Sparrow} from "./sparrow.js";
import {Drawing} from "./drawing.js";

const find = (id) => document.getElementById(id);
const status = find("status");
const drawing = new Drawing(find("drawing"), () => show(drawing.image()));
let sparrow, model, samples;

/** Reads an image: its scores, and what one run takes. */
function show(pixels) {
  paint(pixels);
  if (!model) return;
  const input = [{data: pixels, shape: [1, 1, 8, 8]}];
  const scores = model.run(input)[0].data;
  // Browsers' clocks are too coarse for one run.
  const rounds = 20;
  const start = performance.now();
  for (let round = 0; round < rounds; round++) model.run(input);
  const milliseconds = (performance.now() - start) / rounds;
  list(scores);
  status.textContent = `${milliseconds.toFixed(2)} ms a run, on one thread. Sparrow ${sparrow.version}.`;
}

function paint(pixels) {
  const context = find("image").getContext("2d");
  const image = context.createImageData(8, 8);
  pixels.forEach((value, i) => image.data.set(Array(3).fill(255 - 230 * value).concat(255), 4 * i));
  context.putImageData(image, 0, 0);
}

/** A bar for each score, as long as its share after softmax. */
function list(scores) {
  const most = Math.max(...scores);
  const shares = Array.from(scores, (score) => Math.exp(score - most));
  const sum = shares.reduce((total, share) => total + share);
  const best = scores.indexOf(most);
  find("scores").replaceChildren(...Array.from(scores, (score, digit) => {
    const item = document.createElement("li");
    item.className = digit === best ? "best" : "";
    item.append(String(digit), bar(shares[digit] / sum), Object.assign(
      document.createElement("span"), {className: "score", textContent: score.toFixed(4)}));
    return item;
  }));
  document.body.dataset.answer = best;
}

function bar(share) {
  const bar = Object.assign(document.createElement("span"), {className: "bar"});
  const filled = document.createElement("i");
  filled.style.width = `${100 * share}%`;
  bar.append(filled);
  return bar;
}

function chooseSample(digit) {
  drawing.clear();
  show(samples.subarray(64 * digit, 64 * digit + 64));
}

function offerSamples() {
  for (let digit = 0; digit < 10; digit++) {
    const button = Object.assign(document.createElement("button"), {type: "button", textContent: digit});
    button.addEventListener("click", () => chooseSample(digit));
    find("samples").append(button);
  }
}

async function bytes(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: status ${response.status}`);
  return response.arrayBuffer();
}

async function start() {
  const [runtime, file, images] = await Promise.all(["sparrow.wasm", "digits.sparrow", "samples.f32"].map(bytes));
  // `?isa=scalar` shows what vectors are worth.
  sparrow = await Sparrow.load(runtime, {isa: new URLSearchParams(location.search).get("isa")});
  model = sparrow.open(file);
  samples = new Float32Array(images);
  offerSamples();
  find("clear").addEventListener("click", () => {
    drawing.clear();
    show(drawing.image());
  });
  chooseSample(Number(location.hash.slice(1)) || 8);
  document.body.dataset.state = "ready";
}

start().catch((error) => {
  status.className = "failed";
  status.textContent = error.message;
});
