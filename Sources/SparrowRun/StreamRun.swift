import SparrowCore
import SparrowFiles
import SparrowHost
import SparrowRuntime

/// Runs a model for every set of inputs that standard input brings, until it ends.
struct StreamRun {
  private let model: Prepared
  private let options: Options
  private let types: [(name: String, type: TensorType)]

  init(_ graph: Graph, _ name: String, _ options: Options) throws(RunFailure) {
    self.options = options
    types = try Attempt.input(name) { () throws(InputError) in try graph.inputTypes() }
    guard !types.isEmpty else {
      throw RunFailure("\(name): the model takes no inputs: nothing could be streamed to it")
    }
    model = try Prepared(graph, name, options)
  }

  func run() throws(RunFailure) { try options.isRaw ? runRaw() : runArrays() }

  /// npy arrays in and out.
  private func runArrays() throws(RunFailure) {
    var stream = NPYStream(name: "standard input")
    var frame = 0
    while true {
      var inputs: [Tensor] = []
      for (name, type) in types {
        guard let tensor = try next(&stream) else {
          if inputs.isEmpty { return }
          throw RunFailure(
            "standard input ends in set \(frame), before input '\(name)' (\(type.text))")
        }
        inputs.append(tensor)
      }
      let named = zip(types, inputs).map { (name: $0.name, tensor: $1, source: "set \(frame)") }
      let checked = try Attempt.input(model.name) { () throws(InputError) in
        try model.graph.inputs(named: named)
      }
      for tensor in try model.run(checked) {
        try Console.write(NPY.header(of: tensor))
        try Console.write(NPY.elements(of: tensor))
      }
      frame += 1
    }
  }

  private func next(_ stream: inout NPYStream) throws(RunFailure) -> Tensor? {
    var failure: RunFailure?
    let tensor = try Attempt.file { () throws(FormatError) in
      try stream.next { buffer in
        do throws(RunFailure) {
          return try Console.read(buffer)
        } catch {
          failure = error
          return 0
        }
      }
    }
    if let failure { throw failure }
    return tensor
  }

  /// Elements alone, of the shapes that the model or --input-shapes and --batch say.
  private func runRaw() throws(RunFailure) {
    let shapes = try Attempt.input(model.name) { () throws(InputError) in
      try model.graph.inputShapes(InputShapes(options.shapes, batch: options.batch))
    }
    var frame = 0
    while true {
      var inputs: [Tensor] = []
      for ((name, type), shape) in zip(types, shapes) {
        let full = TensorType(type.dtype, shape: shape)
        let count = try GivenInputs.byteCount(full, name)
        var found = 0
        let bytes = try Bytes(count: count) { target throws(RunFailure) in
          found = try Console.read(target)
        }
        if found == 0, count > 0, inputs.isEmpty { return }
        guard found == count else {
          throw RunFailure(
            "standard input ends in set \(frame): input '\(name)' is \(full.text), \(count) bytes, "
              + "found \(found)")
        }
        inputs.append(Tensor(dtype: type.dtype, shape: shape, bytes: bytes))
      }
      for tensor in try model.run(inputs) { try Console.write(NPY.elements(of: tensor)) }
      frame += 1
    }
  }
}
