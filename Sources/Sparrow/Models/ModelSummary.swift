import SparrowCore
import SparrowPasses
import SparrowRuntime

/// Where a model's weights and work are, in sums.
public struct ModelSummary: Sendable {
  /// Elements of all weights of convolutions and matrix products.
  public let weights: Int
  /// Those that are not zero.
  public let nonzeros: Int
  /// Of one inference at batch 1; nil where input shapes are open.
  public let multiplyAdds: Int?
  /// Those on weights that are not zero.
  public let nonzeroMultiplyAdds: Int?

  public init(_ model: Model) {
    let graph = model.withComputedWeights().graph
    let work = graph.multiplyAddsByWeight(inputShapes: graph.assumedInputShapes())
    var (weights, nonzeros, dense, sparse) = (0, 0, 0, 0)
    var isWorkKnown = true
    for use in graph.weights() {
      guard let tensor = graph[use.value].constant, tensor.count > 0 else { continue }
      let kept = tensor.nonzeroCount
      weights += tensor.count
      nonzeros += kept
      guard let multiplied = work[graph[use.value].name] else {
        isWorkKnown = false
        continue
      }
      dense += multiplied
      sparse += multiplied / tensor.count * kept
    }
    (self.weights, self.nonzeros) = (weights, nonzeros)
    multiplyAdds = isWorkKnown ? dense : nil
    nonzeroMultiplyAdds = isWorkKnown ? sparse : nil
  }
}

extension Model {
  /// The model with weights that it computes from smaller constants (int8 through Cast and Mul) in
  /// place, as they are multiplied; itself where there are none or where it cannot be rewritten.
  public func withComputedWeights() -> Model {
    var expanded = graph
    let folding = try? PassDriver(pipeline: [ConstantFolding(expandsWeights: true)])
    guard let folding, (try? folding.run(&expanded)) != nil,
      expanded.weights().count > graph.weights().count
    else { return self }
    expanded.removeUnusedValues()
    return Model(graph: expanded, path: path)
  }
}
