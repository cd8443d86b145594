// Runs models in node and compares their outputs: models.mjs WEB ISA MODEL.sparrow FILE.npz[,NAME=FILE.npy]...
//
// The arrays are a model's inputs and the outputs it should have. Prints what was compared and how fast the last model
// is.
import {readFileSync} from "node:fs";
import {pathToFileURL} from "node:url";
import {readNPY, readNPZ} from "./npz.mjs";

const TOLERANCE = 1e-4;
const [web, isa, ...files] = process.argv.slice(2);
const {Sparrow, SparrowError} = await import(pathToFileURL(`${web}/sparrow.js`));
const sparrow = await Sparrow.load(readFileSync(`${web}/sparrow.wasm`), {isa});

function fail(reason) {
  console.error(`web: ${reason}`);
  process.exit(1);
}

function compare(file, output, expected) {
  if (`${output.shape}` !== `${expected.shape}`) fail(`${file}: ${output.name} is [${output.shape}], not [${expected.shape}]`);
  expected.data.forEach((value, i) => {
    const error = Math.abs(output.data[i] - value) / Math.max(1, Math.abs(value));
    if (!(error <= TOLERANCE)) fail(`${file}: ${output.name}[${i}] is ${output.data[i]}, expected ${value}`);
  });
}

function arraysIn(files) {
  const [first, ...others] = files.split(",");
  const arrays = readNPZ(readFileSync(first));
  for (const [name, file] of others.map((other) => other.split("="))) arrays[name] = readNPY(readFileSync(file));
  return arrays;
}

/** The microseconds of a run. */
function timed(model, inputs) {
  const rounds = 1000;
  for (let i = 0; i < rounds; i++) model.run(inputs);
  const start = performance.now();
  for (let i = 0; i < rounds; i++) model.run(inputs);
  return (performance.now() - start) / rounds * 1000;
}

function refused(what, part, body) {
  try {
    body();
  } catch (error) {
    if (error instanceof SparrowError && error.message.includes(part)) return;
    fail(`${what}: '${error.message}', expected '${part}'`);
  }
  fail(`${what} is accepted`);
}

let time = 0;
for (let i = 0; i < files.length; i += 2) {
  const bytes = readFileSync(files[i]);
  const arrays = arraysIn(files[i + 1]);
  const model = sparrow.open(bytes);
  for (const output of model.run(arrays)) compare(files[i], output, arrays[output.name]);
  if (i + 2 === files.length) time = timed(model, arrays);
  model.close();
  refused("a model that is cut off", "bytes", () => sparrow.open(bytes.subarray(0, bytes.length - 1)));
  refused("a model with a wrong byte", "checksum", () => {
    const damaged = Uint8Array.from(bytes);
    damaged[damaged.length - 1] ^= 1;
    sparrow.open(damaged);
  });
  refused("a model that is closed", "closed", () => model.run(arrays));
}
const model = sparrow.open(readFileSync(files.at(-2)));
refused("too few elements", "found 3 elements", () => model.run([new Float32Array(3)]));
refused("another type", "Float32Array", () => model.run([new Int8Array(64)]));
refused("another shape", "f32[1,64]", () => model.run([{data: new Float32Array(64), shape: [1, 64]}]));
refused("more than memory", "too large", () => model.run([new Float32Array(64 * 100_000)]));
console.log(`${files.length / 2} models agree with ${isa} kernels; the last takes ${time.toFixed(0)} us`);
