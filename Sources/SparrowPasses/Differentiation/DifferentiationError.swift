import SparrowCore

/// Why a graph cannot be differentiated.
public enum DifferentiationError: Error, Equatable {
  /// The value to be differentiated has more than one element, or its shape is open.
  case notScalar(value: String, type: String)
  /// A gradient was asked for of a value that is not of floating point, or does not exist.
  case notDifferentiable(value: String, type: String)
  /// A gradient must flow through an operator that has no rule.
  case noRule(node: String)
  /// A gradient must flow through a node in a way that its operator's rule does not cover.
  case unsupported(node: String, reason: String)
  /// The rule needs lengths that are open.
  case openShape(node: String, value: String, type: String)
  /// A value to be promoted is not a constant.
  case notConstant(value: String)
  /// The graph has no output that a loss can be put on.
  case noScores(String)
  /// A node could not be added.
  case graph(GraphError)

  public var message: String {
    switch self {
    case .notScalar(let value, let type):
      "'\(value)' is \(type), expected one element: sum or average it first"
    case .notDifferentiable(let value, let type):
      "'\(value)' is \(type), expected a floating-point value of the graph"
    case .noRule(let node):
      "\(node) has no gradient; ask for gradients of values after it, or replace it by others"
    case .unsupported(let node, let reason): "\(node) has no gradient: \(reason)"
    case .openShape(let node, let value, let type):
      "the gradient of \(node) needs the shape of '\(value)', which is \(type): give the graph's "
        + "inputs known lengths first"
    case .notConstant(let value): "'\(value)' is not a constant, so it cannot become an input"
    case .noScores(let reason): reason
    case .graph(let error): error.message
    }
  }
}
