import SparrowCore

/// One weight of a graph, as criteria, allocations, patterns and repairs see it.
public struct Layer: Sendable {
  /// The name of the weight.
  public var name: String
  /// The name of the first node that uses it.
  public var node: String
  /// Where the weight is in the graph, its kind, and how it is read as outputs x inputs x positions.
  public var use: WeightUse
  /// The weight itself, dense.
  public var weight: Tensor
  /// Whether it is the first or the last weight of the whole graph, excluded ones counted.
  public var isFirst: Bool
  public var isLast: Bool

  public init(
    name: String, node: String, use: WeightUse, weight: Tensor, isFirst: Bool, isLast: Bool
  ) {
    (self.name, self.node, self.use, self.weight) = (name, node, use, weight)
    (self.isFirst, self.isLast) = (isFirst, isLast)
  }

  /// The number of weights.
  public var count: Int { use.view.count }
}

/// What is decided about a weight before any sparsity is allocated.
public enum LayerRole: Hashable, Sendable {
  /// It takes its share of the target.
  case prunable
  /// It has a sparsity of its own, outside the target; 0 keeps it dense.
  case fixed(sparsity: Double)
  /// It is left alone, for the reason given.
  case excluded(reason: String)

  /// For reports: `pruned`, `own sparsity 0.5`, `excluded: depthwise`.
  public var text: String {
    switch self {
    case .prunable: "pruned"
    case .fixed(let sparsity): sparsity == 0 ? "kept dense" : "own sparsity \(sparsity)"
    case .excluded(let reason): "excluded: \(reason)"
    }
  }
}
