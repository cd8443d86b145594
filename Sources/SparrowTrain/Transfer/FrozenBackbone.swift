import SparrowCore

/// A network cut in two before its last linear layer: what computes features, and what is trained on
/// them.
public struct FrozenBackbone: Sendable {
  /// The whole network.
  public let network: Graph
  /// From the network's inputs to the features, its only output.
  public let backbone: Graph
  /// From the features, its only input, to the network's first output. Values have the numbers that
  /// they have in the network.
  public let head: Graph

  /// Throws where no linear layer ends the network, or what follows it needs more than the features.
  public init(_ network: Graph) throws(TrainError) {
    let features = try network.lastLinearLayer().features
    self.network = network
    var backbone = network
    backbone.outputs = [features]
    backbone.removeDeadNodes()
    backbone.removeUnusedValues()
    self.backbone = backbone
    head = try network.head(from: features)
  }

  /// The network with the constants of a head that was trained.
  public func network(with trained: Graph) -> Graph {
    var result = network
    for i in result.values.indices where result.values[i].constant != nil {
      guard i < trained.values.count, let tensor = trained.values[i].constant else { continue }
      result.values[i].constant = tensor
    }
    return result
  }
}

extension Graph {
  /// The part of the graph that makes the first output of `features`.
  fileprivate func head(from features: ValueID) throws(TrainError) -> Graph {
    var result = self
    result.inputs = [features]
    result.outputs = Array(outputs.prefix(1))
    var isNeeded = [Bool](repeating: false, count: values.count)
    for id in result.outputs { isNeeded[id.index] = true }
    var kept: [Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: { isNeeded[$0.index] }) {
      guard !node.outputs.contains(features) else { continue }
      for case let id? in node.inputs { isNeeded[id.index] = true }
      kept.append(node)
    }
    result.nodes = kept.reversed()
    if let input = inputs.first(where: { isNeeded[$0.index] && $0 != features }) {
      throw .network(
        "what follows the features '\(self[features].name)' also reads the input "
          + "'\(self[input].name)': a frozen backbone needs a head that reads features alone; put a new "
          + "one in its place")
    }
    return result
  }
}
