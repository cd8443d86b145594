// Runs .sparrow models in browsers and in node, by sparrow.wasm.
//
//   const sparrow = await Sparrow.load(fetch("sparrow.wasm"));
//   const model = sparrow.open(await (await fetch("digits.sparrow")).arrayBuffer());
//   model.inputs                                // [{name: "image", type: "float32", shape: [-1, 1, 8, 8]}]
//   const [scores] = model.run([{data: pixels, shape: [1, 1, 8, 8]}]);
//   scores.data                                 // a Float32Array
//   model.close();
//
// Models lie in the module's memory until they are closed. What fails throws a SparrowError that says why.

// Where the fields of sparrow.h's structs are: pointers and sizes take 4 bytes.
const ERROR = {size: 1024, message: 4};
const TENSOR = {size: 20, type: 0, rank: 4, shape: 8, data: 12, bytes: 16};
const INFO = {size: 16, name: 0, type: 4, rank: 8, shape: 12};
const OPTIONS = {size: 4};

// By sparrow_type. Those that JavaScript has no arrays of are in arrays of their bits.
const TYPES = {
  1: {name: "float32", array: Float32Array},
  2: {name: "uint8", array: Uint8Array},
  3: {name: "int8", array: Int8Array},
  4: {name: "uint16", array: Uint16Array},
  5: {name: "int16", array: Int16Array},
  6: {name: "int32", array: Int32Array},
  7: {name: "int64", array: BigInt64Array},
  9: {name: "bool", array: Uint8Array},
  10: {name: "float16", array: Uint16Array},
  11: {name: "float64", array: Float64Array},
  12: {name: "uint32", array: Uint32Array},
  13: {name: "uint64", array: BigUint64Array},
  16: {name: "bfloat16", array: Uint16Array},
};
const OTHER_TYPE = {name: "other", array: Uint8Array};

export class SparrowError extends Error {
  name = "SparrowError";
}

/** The runtime in a module of its own. */
export class Sparrow {
  #instance;

  /**
   * Loads the runtime from a Response, the promise of one, or bytes. `isa: "scalar"` keeps it from using vectors.
   */
  static async load(source, {isa} = {}) {
    const sparrow = new Sparrow();
    const imports = {wasi_snapshot_preview1: system(() => sparrow.#instance.exports.memory.buffer, isa)};
    const given = await source;
    const bytes = given instanceof Response ? await given.arrayBuffer() : given;
    if (given instanceof Response && !given.ok) throw new SparrowError(`${given.url}: status ${given.status}`);
    sparrow.#instance = (await WebAssembly.instantiate(bytes, imports)).instance;
    sparrow.#instance.exports._initialize();
    return sparrow;
  }

  get version() {
    return this.text(this.call("sparrow_version"));
  }

  /** Opens a model of bytes, which are copied. */
  open(bytes) {
    return new Model(this, ArrayBuffer.isView(bytes) ? bytesOf(bytes) : new Uint8Array(bytes));
  }

  // What Model needs. Memory that grows is another buffer, so that views are made anew for each use.

  get view() {
    return new DataView(this.#instance.exports.memory.buffer);
  }

  bytes(address, count) {
    return new Uint8Array(this.#instance.exports.memory.buffer, address, count);
  }

  text(address) {
    const memory = this.bytes(address);
    return new TextDecoder().decode(memory.subarray(0, memory.indexOf(0)));
  }

  call(name, ...values) {
    try {
      return this.#instance.exports[name](...values);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      throw new SparrowError(`the runtime stopped in ${name} and must be loaded again, memory is short: ${error.message}`);
    }
  }

  /** Calls a function that returns a status, with a sparrow_error behind its other arguments. */
  attempt(name, ...values) {
    this.borrow(ERROR.size, (error) => {
      if (this.call(name, ...values, error)) throw new SparrowError(this.text(error + ERROR.message));
    });
  }

  allocate(count) {
    const address = this.call("malloc", Math.max(count, 1)) >>> 0;
    if (!address) throw new SparrowError(`there is no memory for ${count} bytes`);
    return address;
  }

  free(address) {
    this.call("free", address);
  }

  /** The result of `body` with the address of `count` bytes, which are freed after it. */
  borrow(count, body) {
    const address = this.allocate(count);
    try {
      return body(address);
    } finally {
      this.free(address);
    }
  }
}

/** A model and the memory that it runs in. */
class Model {
  #sparrow;
  #file = 0;
  #model = 0;
  #context = 0;

  constructor(sparrow, bytes) {
    this.#sparrow = sparrow;
    try {
      this.#file = sparrow.allocate(bytes.length);
      sparrow.bytes(this.#file, bytes.length).set(bytes);
      this.#model = this.#made((to) => sparrow.attempt("sparrow_model_open_memory", this.#file, bytes.length, to));
      this.#context = this.#made((to) => sparrow.attempt("sparrow_context_create", this.#model, 0, to));
      /** What it takes and gives, in order: names, types and shapes; -1 is an open length. */
      this.inputs = this.#infos("input");
      this.outputs = this.#infos("output");
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Runs on one {data, shape} an input, in order or by name, data being a typed array; without a shape it is the
   * model's with its open length as the data's length says. Returns {name, type, shape, data} for each output.
   */
  run(given) {
    if (!this.#context) throw new SparrowError("the model is closed");
    const inputs = this.inputs.map((info, i) => checked(info, Array.isArray(given) ? given[i] : given[info.name]));
    const sparrow = this.#sparrow;
    const count = this.outputs.length;
    const sizes = inputs.map((input) => input.shape.length * 8 + input.data.byteLength + 16);
    const room = inputs.length * TENSOR.size + sizes.reduce((sum, size) => sum + size, 0);
    return sparrow.borrow(room + 8, (start) =>
      sparrow.borrow(count * TENSOR.size, (results) => {
        this.#store(inputs, start);
        sparrow.attempt("sparrow_run", this.#context, start, inputs.length, results, count);
        return this.outputs.map((info, i) => ({name: info.name, ...this.#tensor(results + i * TENSOR.size)}));
      }));
  }

  /** Frees all that the model holds. */
  close() {
    const [context, model, file] = [this.#context, this.#model, this.#file];
    this.#context = this.#model = this.#file = 0;
    if (context) this.#sparrow.call("sparrow_context_destroy", context);
    if (model) this.#sparrow.call("sparrow_model_close", model);
    if (file) this.#sparrow.free(file);
  }

  /** The pointer that `make` is given an address for. */
  #made(make) {
    return this.#sparrow.borrow(4, (to) => {
      make(to);
      return this.#sparrow.view.getUint32(to, true);
    });
  }

  #infos(kind) {
    const sparrow = this.#sparrow;
    const count = sparrow.call(`sparrow_model_${kind}_count`, this.#model);
    return Array.from({length: count}, (_, i) => sparrow.borrow(INFO.size, (info) => {
      sparrow.attempt(`sparrow_model_${kind}`, this.#model, i, info);
      const view = sparrow.view;
      const rank = view.getInt32(info + INFO.rank, true);
      return {
        name: sparrow.text(view.getUint32(info + INFO.name, true)),
        type: typeOf(view.getInt32(info + INFO.type, true)).name,
        shape: rank < 0 ? null : this.#lengths(view.getUint32(info + INFO.shape, true), rank),
      };
    }));
  }

  #lengths(address, rank) {
    const view = this.#sparrow.view;
    return Array.from({length: rank}, (_, axis) => Number(view.getBigInt64(address + axis * 8, true)));
  }

  /** Puts inputs behind their sparrow_tensors, at multiples of 8. */
  #store(inputs, start) {
    const view = this.#sparrow.view;
    let next = align(start + inputs.length * TENSOR.size);
    inputs.forEach(({code, shape, data}, i) => {
      const tensor = start + i * TENSOR.size;
      const elements = next + shape.length * 8;
      shape.forEach((length, axis) => view.setBigInt64(next + axis * 8, BigInt(length), true));
      this.#sparrow.bytes(elements, data.byteLength).set(bytesOf(data));
      view.setInt32(tensor + TENSOR.type, code, true);
      view.setInt32(tensor + TENSOR.rank, shape.length, true);
      view.setUint32(tensor + TENSOR.shape, next, true);
      view.setUint32(tensor + TENSOR.data, elements, true);
      view.setUint32(tensor + TENSOR.bytes, data.byteLength, true);
      next = align(elements + data.byteLength);
    });
  }

  /** A copy of an output. */
  #tensor(address) {
    const view = this.#sparrow.view;
    const type = typeOf(view.getInt32(address + TENSOR.type, true));
    const rank = view.getInt32(address + TENSOR.rank, true);
    const size = view.getUint32(address + TENSOR.bytes, true);
    const bytes = this.#sparrow.bytes(view.getUint32(address + TENSOR.data, true), size).slice();
    return {
      type: type.name,
      shape: this.#lengths(view.getUint32(address + TENSOR.shape, true), rank),
      data: new type.array(bytes.buffer),
    };
  }
}

/** An input as the model takes it: its type's code, its whole shape and its data. */
function checked(info, given) {
  const wanted = `input '${info.name}' is ${info.type}[${info.shape ?? "*"}]`;
  const data = ArrayBuffer.isView(given) ? given : given?.data;
  const code = Object.keys(TYPES).find((code) => TYPES[code].name === info.type);
  if (!code) throw new SparrowError(`${wanted}, which cannot be given`);
  if (!(data instanceof TYPES[code].array)) {
    throw new SparrowError(`${wanted}: expected a ${TYPES[code].array.name}, found ${data?.constructor.name}`);
  }
  const shape = given.shape ?? completed(info.shape, data.length);
  const count = shape?.reduce((product, length) => product * length, 1);
  if (count !== data.length || !shape.every(Number.isInteger)) {
    throw new SparrowError(`${wanted}: found ${data.length} elements${given.shape ? ` and [${given.shape}]` : ""}`);
  }
  return {code: Number(code), shape, data};
}

/** A shape whose one open length follows from the number of elements. */
function completed(shape, count) {
  const known = shape?.filter((length) => length >= 0);
  const rest = count / known?.reduce((product, length) => product * length, 1);
  return known && known.length >= shape.length - 1 ? shape.map((length) => (length < 0 ? rest : length)) : null;
}

const typeOf = (code) => TYPES[code] ?? OTHER_TYPE;
const align = (address) => (address + 7) & ~7;
const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** What the module asks of the system: time, random numbers, SPARROW_ISA, and an end that should never come. */
function system(memory, isa) {
  const variables = isa ? new TextEncoder().encode(`SPARROW_ISA=${isa}\0`) : new Uint8Array();
  const store = (...numbers) => {
    const view = new DataView(memory());
    for (const [address, number] of numbers) view.setUint32(address, number, true);
    return 0;
  };
  return {
    environ_sizes_get: (count, size) => store([count, isa ? 1 : 0], [size, variables.length]),
    environ_get(addresses, text) {
      new Uint8Array(memory(), text, variables.length).set(variables);
      return isa ? store([addresses, text]) : 0;
    },
    clock_time_get(_clock, _precision, time) {
      new DataView(memory()).setBigUint64(time, BigInt(Math.round(performance.now() * 1e6)), true);
      return 0;
    },
    random_get(address, count) {
      crypto.getRandomValues(new Uint8Array(memory(), address, count));
      return 0;
    },
    proc_exit(code) {
      throw new SparrowError(`the runtime ended with status ${code}`);
    },
  };
}
