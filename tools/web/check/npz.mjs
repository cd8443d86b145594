// The float32 arrays of npy and npz files, by name.
import {inflateRawSync} from "node:zlib";

const DIRECTORY_ENTRY = 0x02014b50;
const DIRECTORY_END = 0x06054b50;

export function readNPY(bytes) {
  const length = bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", 10, 10 + length);
  if (!header.includes("'<f4'")) throw new Error(`not float32: ${header}`);
  const shape = header.match(/'shape': \(([^)]*)\)/)[1].split(",").filter((n) => n.trim()).map(Number);
  return {shape, data: new Float32Array(new Uint8Array(bytes.subarray(10 + length)).buffer)};
}

export function readNPZ(bytes) {
  const end = bytes.lastIndexOf(Buffer.from(Uint32Array.of(DIRECTORY_END).buffer));
  let entry = bytes.readUInt32LE(end + 16);
  const arrays = {};
  while (bytes.readUInt32LE(entry) === DIRECTORY_ENTRY) {
    const [size, nameLength, extra, comment] = [
      bytes.readUInt32LE(entry + 20), ...[28, 30, 32].map((at) => bytes.readUInt16LE(entry + at))];
    const name = bytes.toString("utf8", entry + 46, entry + 46 + nameLength);
    const local = bytes.readUInt32LE(entry + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const stored = bytes.subarray(start, start + size);
    const isPlain = bytes.readUInt16LE(entry + 10) === 0;
    arrays[name.replace(/\.npy$/, "")] = readNPY(Buffer.from(isPlain ? stored : inflateRawSync(stored)));
    entry += 46 + nameLength + extra + comment;
  }
  return arrays;
}
