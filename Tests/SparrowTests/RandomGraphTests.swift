import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// Random graphs in every form they can take, against what onnxruntime makes of them. Run by
/// `tools/random-graphs`, which makes the graphs and names their folder.
@Suite struct RandomGraphTests {
  static let folder = ProcessInfo.processInfo.environment["SPARROW_RANDOM_GRAPHS"]
  static let shares = 4

  @Test(
    .enabled(if: folder != nil, "no random graphs: run tools/random-graphs"), arguments: 0..<shares)
  func everyFormAgreesWithTheReference(share: Int) throws {
    let folder = URL(fileURLWithPath: try #require(Self.folder))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }.sorted()
    var (failures, passes) = ("", "")
    for index in stride(from: share, to: names.count, by: Self.shares) {
      // Read where the process ends early.
      let current = folder.appendingPathComponent("current-\(share).txt")
      try names[index].write(to: current, atomically: false, encoding: .utf8)
      var check = try RandomGraphCheck(folder, names[index])
      for failure in check.failures() {
        failures += "\(names[index]): \(failure)\n"
        Issue.record("graph \(names[index]): \(failure)")
      }
      passes += check.passes.joined(separator: " ") + "\n"
      try FileManager.default.removeItem(at: current)
    }
    for (name, text) in [("passes", passes), ("failures", failures)] {
      let file = folder.appendingPathComponent("\(name)-\(share).txt")
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
  }
}

/// One graph: its file, inputs, and expected outputs.
private struct RandomGraphCheck {
  /// Of an output's largest magnitude. The generator keeps what rounding may add up to below a
  /// tenth (float32) and a quarter (float16) of this.
  static let tolerance: Float = 1e-4
  static let halfTolerance: Float = 2e-2

  let folder: URL
  let name: String
  /// The passes that changed the graph, in order.
  private(set) var passes: [String] = []
  private let arrays: [String: Tensor]

  init(_ folder: URL, _ name: String) throws {
    (self.folder, self.name) = (folder, name)
    let archive = try NPZArchive(path: folder.appendingPathComponent("\(name).npz").path)
    var arrays: [String: Tensor] = [:]
    for name in archive.names { arrays[name] = try archive.tensor(named: name) }
    self.arrays = arrays
  }

  /// What is wrong with which form, a line each.
  mutating func failures() -> [String] {
    var failures: [String] = []
    func attempt(_ form: String, _ body: () throws(SparrowError) -> String?) {
      do throws(SparrowError) {
        if let problem = try body() { failures.append("\(form): \(problem)") }
      } catch {
        failures.append("\(form): \(error.message)")
      }
    }
    let path = folder.appendingPathComponent("\(name).onnx").path
    var model: Model?
    attempt("as read") { () throws(SparrowError) in
      let read = try Model.load(path: path)
      model = read
      return try problem(read)
    }
    guard let model, failures.isEmpty else { return failures }
    var optimized = model
    for round in 1...16 {
      var changes = 0
      for pass in [any Pass].deployment where failures.isEmpty {
        let form = "after \(type(of: pass).name), round \(round)"
        attempt(form) { () throws(SparrowError) in
          let made = try apply(pass, to: &optimized)
          changes += made
          guard made > 0 else { return nil }
          passes.append(type(of: pass).name)
          return try problem(optimized)
        }
      }
      if changes == 0 || !failures.isEmpty { break }
    }
    attempt("container") { () throws(SparrowError) in try problem(throughContainer(model)) }
    attempt("exported") { () throws(SparrowError) in try problem(exported(model, "read")) }
    attempt("exported after all passes") { () throws(SparrowError) in
      try problem(exported(optimized, "optimized"))
    }
    return failures
  }

  private func apply(_ pass: any Pass, to model: inout Model) throws(SparrowError) -> Int {
    do throws(PassError) {
      let driver = try PassDriver(pipeline: [pass], options: PassOptions(maximumRounds: 1))
      return try driver.run(&model.graph).reduce(0) { $0 + $1.changes }
    } catch {
      throw .passes(model: name, error)
    }
  }

  private func throughContainer(_ model: Model) throws(SparrowError) -> Model {
    let path = folder.appendingPathComponent("\(name).sparrow").path
    try model.deployable().model.save(to: path)
    return try Model.load(path: path)
  }

  /// Written as ONNX, where onnxruntime takes it up later, and read back.
  private func exported(_ model: Model, _ form: String) throws(SparrowError) -> Model {
    let path = folder.appendingPathComponent("\(form)/\(name).onnx").path
    try model.save(to: path)
    return try Model.load(path: path)
  }

  /// What is wrong with the model's outputs; nil where they are as expected.
  private func problem(_ model: Model) throws(SparrowError) -> String? {
    let inputs = model.graph.inputs.map { model.graph[$0].name }
    let session = try model.session(optimizes: false)
    let found = try model.run(session, inputs.compactMap { arrays[$0] })
    for (name, tensor) in zip(model.outputNames, found) {
      guard let expected = arrays[name] else { return "there is no output '\(name)'" }
      guard tensor.dtype == expected.dtype, tensor.shape == expected.shape else {
        return "output '\(name)' is \(tensor.dtype.name)\(tensor.shape), "
          + "expected \(expected.dtype.name)\(expected.shape)"
      }
      if let text = difference(tensor, expected) { return "output '\(name)' \(text)" }
    }
    return nil
  }

  private func difference(_ found: Tensor, _ expected: Tensor) -> String? {
    guard let a = expected.floats, let b = found.floats else {
      return found == expected ? nil : "differs"
    }
    let tolerance = expected.dtype == .float16 ? Self.halfTolerance : Self.tolerance
    let largest = a.reduce(0) { max($0, abs($1)) }
    let gap = zip(a, b).reduce(0) { $1.1.isFinite ? max($0, abs($1.0 - $1.1)) : .infinity }
    return gap <= tolerance * largest ? nil : "differs by \(gap), its largest value is \(largest)"
  }
}
