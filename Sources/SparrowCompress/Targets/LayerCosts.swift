import SparrowCore
import SparrowRuntime

/// What a network costs, by the number of weights that each of its pruned layers loses.
public struct LayerCosts: Sendable {
  public let kind: TargetKind
  /// What no choice about the layers changes.
  public var rest: Double
  /// One falling curve a layer.
  public var layers: [DropCurve]

  public init(kind: TargetKind, rest: Double, layers: [DropCurve]) {
    (self.kind, self.rest, self.layers) = (kind, rest, layers)
  }

  /// The whole network's cost with so many weights of each layer gone.
  public func total(_ dropped: [Int]) -> Double {
    zip(layers, dropped).reduce(rest) { $0 + $1.0.value(at: $1.1) }
  }

  /// The cost with every layer at the end of its curve.
  public var least: Double { layers.reduce(rest) { $0 + $1.last } }
}

extension LayerCosts {
  /// The weights that stay.
  static func weightsKept(_ layers: [ScoredLayer]) -> LayerCosts {
    LayerCosts(
      kind: .sparsity, rest: 0,
      layers: layers.map { DropCurve.linear(of: $0.layer.count, nonzeros: $0.layer.count, each: 1) }
    )
  }

  /// Multiply-adds on weights that are not zero, of all of the graph's layers for `inputShapes`.
  /// Weights that are zero already are taken to be the first to go.
  static func multiplyAdds(
    _ layers: [ScoredLayer], of graph: Graph, inputShapes: [[Int]]?
  ) throws(CompressError) -> LayerCosts {
    let work = graph.multiplyAddsByWeight(inputShapes: inputShapes)
    let pruned = Set(layers.map { $0.layer.name })
    var rest = 0.0
    for use in graph.weights() where !pruned.contains(graph[use.value].name) {
      guard let tensor = graph[use.value].constant, tensor.count > 0 else { continue }
      let each = try positions(graph[use.value].name, tensor.count, work)
      rest += each * Double(tensor.nonzeroCount)
    }
    var curves: [DropCurve] = []
    for layer in layers.map({ $0.layer }) {
      let each = try positions(layer.name, layer.count, work)
      curves.append(.linear(of: layer.count, nonzeros: layer.weight.nonzeroCount, each: each))
    }
    return LayerCosts(kind: .multiplyAdds, rest: rest, layers: curves)
  }

  /// How often each weight is multiplied.
  private static func positions(
    _ name: String, _ count: Int, _ work: [String: Int]
  ) throws(CompressError) -> Double {
    guard let all = work[name] else {
      throw .conflict(
        "the multiply-adds of weight '\(name)' are unknown while input shapes are open; give them")
    }
    return Double(all) / Double(max(1, count))
  }
}

extension DropCurve {
  /// `each` for every weight that is not zero; zeros go first.
  static func linear(of count: Int, nonzeros: Int, each: Double) -> DropCurve {
    DropCurve(falling: [
      Point(dropped: 0, value: Double(nonzeros) * each),
      Point(dropped: count - nonzeros, value: Double(nonzeros) * each),
      Point(dropped: count, value: 0),
    ])
  }
}
