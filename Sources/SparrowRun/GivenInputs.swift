import SparrowCore
import SparrowFiles
import SparrowHost

/// The tensors that options name, or else random ones.
enum GivenInputs {
  static func tensors(
    of graph: Graph, _ model: String, _ options: Options
  ) throws(RunFailure) -> [Tensor] {
    let shapes = InputShapes(options.shapes, batch: options.batch)
    if options.inputs.isEmpty {
      return try Attempt.input(model) { () throws(InputError) in
        try graph.randomInputs(try graph.inputShapes(shapes))
      }
    }
    var named: [(name: String, tensor: Tensor, source: String)] = []
    for (name, file) in options.inputs {
      named.append((name, try tensor(name, file, graph, model, options), file))
    }
    return try Attempt.input(model) { () throws(InputError) in try graph.inputs(named: named) }
  }

  private static func tensor(
    _ name: String, _ file: String, _ graph: Graph, _ model: String, _ options: Options
  ) throws(RunFailure) -> Tensor {
    if file == "-" {
      let bytes = try Console.readAll()
      if options.isRaw { return try raw(name, bytes, "standard input", graph, model, options) }
      return try Attempt.file { () throws(FormatError) in
        try NPY.parse(bytes, file: "standard input")
      }
    }
    if let array = try Attempt.file({ () throws(FormatError) in try loadArray(file) }) {
      return array
    }
    let region: Region
    do throws(FileError) {
      region = try Region(mapping: file)
    } catch {
      throw RunFailure(error.message)
    }
    return try raw(name, Bytes(region), file, graph, model, options)
  }

  /// Elements alone: the model says their type and, with --input-shapes, their shape.
  private static func raw(
    _ name: String, _ bytes: Bytes, _ source: String, _ graph: Graph, _ model: String,
    _ options: Options
  ) throws(RunFailure) -> Tensor {
    let given = InputShapes(options.shapes)
    let types = try Attempt.input(model) { () throws(InputError) in try graph.inputTypes() }
    guard let place = types.firstIndex(where: { $0.name == name }) else {
      throw RunFailure("\(model): \(graph.unknownInput(name))")
    }
    let shape = try Attempt.input(model) { () throws(InputError) in
      try graph.inputShapes(given)[place]
    }
    return try raw(TensorType(types[place].type.dtype, shape: shape), name, bytes, source)
  }

  static func raw(
    _ type: TensorType, _ name: String, _ bytes: Bytes, _ source: String
  ) throws(RunFailure) -> Tensor {
    let shape = type.shape ?? []
    let expected = try byteCount(type, name)
    guard bytes.count == expected else {
      throw RunFailure(
        "\(source) has \(bytes.count) bytes, input '\(name)' is \(type.text): \(expected) bytes")
    }
    return Tensor(dtype: type.dtype, shape: shape, bytes: bytes)
  }

  static func byteCount(_ type: TensorType, _ name: String) throws(RunFailure) -> Int {
    guard let count = type.shape?.checkedElementCount, count <= 1 << 40 else {
      throw RunFailure("input '\(name)' is \(type.text): too large, or not known")
    }
    return count * type.dtype.size
  }
}
