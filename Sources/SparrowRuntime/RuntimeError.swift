import SparrowCore

/// Why a graph cannot be planned or run.
public enum RuntimeError: Error, Equatable {
  /// The graph breaks a rule.
  case graph(GraphError)
  /// An operator, type or shape that the runtime does not compute.
  case unsupported(node: String, reason: String)
  /// A value whose shape is still open once every input's shape is known.
  case unresolvedShape(value: String, type: String)
  /// An input that is not what the model takes.
  case badInput(String)
  /// An operator met values it is not defined for, such as an index out of range.
  case badValue(node: String, reason: String)
  /// The system has no memory left for the model's activations.
  case outOfMemory(bytes: Int)

  public var message: String {
    switch self {
    case .graph(let error): error.message
    case .unsupported(let node, let reason): "\(node) is not supported: \(reason)"
    case .unresolvedShape(let value, let type):
      "the shape of '\(value)' (\(type)) is not known: it depends on the input's values"
    case .badInput(let reason): reason
    case .badValue(let node, let reason): "\(node): \(reason)"
    case .outOfMemory(let bytes):
      "there is no memory for \(bytes >> 20) MiB of activations: use a smaller input"
    }
  }
}
