import SparrowCore
import SparrowHost

/// What a model is given to run on; errors name the model.
extension Model {
  /// See `Graph.inputs(named:)`.
  public func inputs(
    named tensors: [(name: String, tensor: Tensor, source: String)]
  ) throws(SparrowError) -> [Tensor] {
    try named { graph throws(InputError) in try graph.inputs(named: tensors) }
  }

  /// See `Graph.inputShapes(_:)`.
  public func inputShapes(_ given: InputShapes) throws(SparrowError) -> [[Int]] {
    try named { graph throws(InputError) in try graph.inputShapes(given) }
  }

  /// See `Graph.checkShapes(_:)`.
  public func checkShapes(_ shapes: [String: [Int]]) throws(SparrowError) {
    try named { graph throws(InputError) in try graph.checkShapes(shapes) }
  }

  /// See `Graph.randomInputs(_:seed:)`.
  public func randomInputs(_ shapes: [[Int]], seed: UInt64 = 0) throws(SparrowError) -> [Tensor] {
    try named { graph throws(InputError) in try graph.randomInputs(shapes, seed: seed) }
  }

  /// The outputs' names, in order.
  public var outputNames: [String] { graph.outputNames }

  /// Each input's name and type.
  func inputTypes() throws(SparrowError) -> [(name: String, type: TensorType)] {
    try named { graph throws(InputError) in try graph.inputTypes() }
  }

  private func named<T>(_ body: (Graph) throws(InputError) -> T) throws(SparrowError) -> T {
    do throws(InputError) {
      return try body(graph)
    } catch {
      throw SparrowError(error, model: path)
    }
  }
}

extension SparrowError {
  /// The error of inputs, which names the model where it is at fault.
  public init(_ error: InputError, model: String) {
    switch error {
    case .input(let reason): self = .badInput("\(model): \(reason)")
    case .setting(let reason): self = .badSetting(reason)
    }
  }
}
