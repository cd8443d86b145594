import SparrowCore
import SparrowFiles
import SparrowHost
import SparrowRuntime

/// Runs a model once, and shows or writes its outputs.
struct SingleRun {
  private let model: Prepared
  private let inputs: [Tensor]
  private let options: Options
  private let names: [String]

  init(_ graph: Graph, _ name: String, _ options: Options) throws(RunFailure) {
    (self.options, names) = (options, graph.outputNames)
    inputs = try GivenInputs.tensors(of: graph, name, options)
    if let output = options.output, !Array(output.utf8).hasSuffix(".npz"), names.count != 1 {
      throw RunFailure(
        "the model has \(names.count) outputs, '\(output)' can hold one: give -o FILE.npz")
    }
    model = try Prepared(graph, name, options)
  }

  func run() throws(RunFailure) {
    let results = try model.run(inputs)
    if let output = options.output { try write(results, to: output) }
    // What goes to standard output is not mixed with text.
    guard !options.isQuiet, options.output != "-" else { return }
    for (name, tensor) in zip(names, results) { try Console.say(TensorSummary.text(name, tensor)) }
    if options.profiles { try showProfile() }
  }

  private func write(_ results: [Tensor], to output: String) throws(RunFailure) {
    let path = Array(output.utf8)
    if path.hasSuffix(".npz") {
      let named = Array(zip(names, results))
      return try Attempt.file { () throws(FormatError) in
        try NPZ.write(named, to: output, compression: .stored)
      }
    }
    guard let tensor = results.first else { return }
    if output == "-" {
      if !options.isRaw { try Console.write(NPY.header(of: tensor)) }
      return try Console.write(NPY.elements(of: tensor))
    }
    try Attempt.file { () throws(FormatError) in
      if path.hasSuffix(".npy") { return try NPY.write(tensor, to: output) }
      let file = try AtomicFile(output)
      try file.write(NPY.elements(of: tensor))
      try file.commit()
    }
  }

  private func showProfile() throws(RunFailure) {
    let steps = try Attempt.runtime(model.name) { () throws(RuntimeError) in
      try model.session.profile(inputs).steps
    }
    try Console.say("\n" + ProfileText.table(steps) + "\n" + ProfileText.work(steps))
  }
}
