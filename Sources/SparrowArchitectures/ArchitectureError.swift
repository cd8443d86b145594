import SparrowCore

/// Why a network cannot be built as asked.
public enum ArchitectureError: Error, Equatable {
  /// A sample's shape that the architecture does not take.
  case inputShape(architecture: String, found: [Int], expected: String)
  /// A setting that is out of range, or that the architecture does not have.
  case setting(architecture: String, reason: String)
  /// More parameters than can be held.
  case tooLarge(architecture: String, reason: String)
  /// Layers that do not fit each other: the input is too small for the network's strides.
  case layers(architecture: String, GraphError)

  /// What was found, what was expected, and what to do.
  public var message: String {
    switch self {
    case .inputShape(let name, let found, let expected):
      "\(name): a sample of shape \(Self.text(found)) is not what it takes, expected \(expected)"
    case .setting(let name, let reason), .tooLarge(let name, let reason): "\(name): \(reason)"
    case .layers(let name, let error):
      "\(name): its layers do not fit: \(error.message); give a larger input shape"
    }
  }

  private static func text(_ shape: [Int]) -> String {
    shape.map { "\($0)" }.joined(separator: ",")
  }
}
