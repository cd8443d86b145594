import SparrowCore
import SparrowRuntime

/// How far two models' outputs are from each other.
public struct Verification: Sendable {
  /// One output.
  public struct Output: Sendable {
    public var name: String
    /// The largest difference of any element.
    public var difference: Double
    /// The first model's largest magnitude.
    public var magnitude: Double

    /// The difference as a fraction of the magnitude: infinite where either is not a number.
    public var relative: Double {
      if difference == 0 { return 0 }
      let ratio = difference / magnitude
      return ratio.isNaN ? .infinity : ratio
    }
  }

  /// The worst of all runs, in the order of the outputs.
  public var outputs: [Output]
  public var runs: Int

  public var worst: Double { outputs.map { $0.relative }.max() ?? 0 }
}

extension Model {
  /// Runs both models on the same inputs, each as it was read, and compares their outputs one by one,
  /// in order.
  ///
  /// Throws when the models take other inputs or give other outputs, in number, type or shape.
  public func compare(
    with other: Model, inputs: [[Tensor]], threads: Int = 1
  ) throws(SparrowError) -> Verification {
    try checkInterface(other)
    let sessions = (
      try session(threads: threads, optimizes: false),
      try other.session(threads: threads, optimizes: false)
    )
    var outputs = outputNames.map { Verification.Output(name: $0, difference: 0, magnitude: 0) }
    for tensors in inputs {
      let expected = try run(sessions.0, tensors)
      let found = try other.run(sessions.1, tensors)
      for i in outputs.indices {
        try outputs[i].include(expected[i], found[i], files: (path, other.path))
      }
    }
    return Verification(outputs: outputs, runs: inputs.count)
  }

  private func checkInterface(_ other: Model) throws(SparrowError) {
    let (mine, theirs) = (try inputTypes(), try other.inputTypes())
    guard mine.count == theirs.count, outputNames.count == other.outputNames.count else {
      throw .badInput(
        "\(path) has \(mine.count) inputs and \(outputNames.count) outputs, \(other.path) has "
          + "\(theirs.count) and \(other.outputNames.count): they cannot be compared")
    }
    for (a, b) in zip(mine, theirs)
    where a.type.dtype != b.type.dtype
      || a.type.dimensions?.count != b.type.dimensions?.count
    {
      throw .badInput(
        "input '\(a.name)' of \(path) is \(a.type.text), input '\(b.name)' of \(other.path) is "
          + "\(b.type.text): they cannot be compared")
    }
  }
}

extension Verification.Output {
  mutating func include(
    _ expected: Tensor, _ found: Tensor, files: (String, String)
  ) throws(SparrowError) {
    guard expected.dtype == found.dtype, expected.shape == found.shape else {
      throw .badInput(
        "output '\(name)' of \(files.0) is \(TensorType(expected.dtype, shape: expected.shape).text)"
          + ", of \(files.1) \(TensorType(found.dtype, shape: found.shape).text)")
    }
    let (a, b) = (expected.doubles, found.doubles)
    for i in a.indices where a[i] != b[i] {
      if a[i].isNaN && b[i].isNaN { continue }
      let gap = abs(a[i] - b[i])
      difference = gap.isNaN ? .infinity : max(difference, gap)
    }
    for value in a where !value.isNaN { magnitude = max(magnitude, abs(value)) }
  }
}

extension Tensor {
  /// The elements of any numeric type.
  var doubles: [Double] {
    if dtype == .float64 { return array(of: Double.self) }
    return floats?.map { Double($0) } ?? integers?.map { Double($0) } ?? []
  }
}
