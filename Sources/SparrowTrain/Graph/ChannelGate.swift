import SparrowCore

/// A place where a network chooses, sample by sample, which channels it computes.
///
/// ```
/// open  = logits >= 0                     [N, C, 1, 1]
/// gated = where(open, hidden, 0)          [N, C, H, W]
/// ```
struct ChannelGate {
  /// The index of the node that makes `gated`.
  var node: Int
  var logits: ValueID
  var open: ValueID
  var hidden: ValueID
  var gated: ValueID
  var channels: Int
}

extension Graph {
  /// Whether some channels are computed or not by `where(logits >= 0, channels, 0)`, logits of shape
  /// `[N, C, 1, 1]`.
  public var hasChannelGates: Bool { !channelGates().isEmpty }

  /// The channel gates in the order of their nodes.
  func channelGates() -> [ChannelGate] {
    let producers = producers()
    return nodes.indices.compactMap { channelGate(at: $0, producers) }
  }

  private func channelGate(at i: Int, _ producers: [Int?]) -> ChannelGate? {
    guard case .where = nodes[i].op, let open = nodes[i].input(0), let hidden = nodes[i].input(1),
      isZero(nodes[i].input(2)), let maker = producers[open.index],
      case .binary(let comparison) = nodes[maker].op, comparison.function == .greaterOrEqual,
      let logits = nodes[maker].input(0), isZero(nodes[maker].input(1)),
      let gated = nodes[i].outputs.first,
      let lengths = self[logits].type?.dimensions?.dropFirst().map({ $0.value }),
      lengths.count >= 2, let channels = lengths[0], lengths.dropFirst().allSatisfy({ $0 == 1 })
    else { return nil }
    return ChannelGate(
      node: i, logits: logits, open: open, hidden: hidden, gated: gated, channels: channels)
  }

  private func isZero(_ id: ValueID?) -> Bool {
    guard let constant = id.flatMap({ self[$0].constant }), constant.count == 1 else {
      return false
    }
    return constant.doubles[0] == 0
  }

  /// The network with all gates open for good: what decides on them goes.
  func withoutGates() -> Graph {
    var graph = self
    for gate in channelGates() { graph.replaceUses(of: gate.gated, with: gate.hidden) }
    graph.removeDeadNodes()
    graph.removeUnusedValues()
    return graph
  }

  /// How much of the multiply-adds of all convolutions each gate decides on: those of the convolution
  /// that makes its channels and of those that read them, by their kernels' shapes. What only gates need
  /// does not count, nor what the first output does not need. Shapes must be known.
  func costShares(of gates: [ChannelGate]) -> [Double] {
    let (producers, consumers) = (producers(), consumers())
    var total = 0.0
    for i in nodesWithoutGates() { total += multiplyAdds(i) }
    return gates.map { gate in
      var readers = consumers[gate.gated.index]
      var maker = producers[gate.hidden.index]
      while let i = maker, multiplyAdds(i) == 0 {
        maker = nodes[i].input(0).flatMap { producers[$0.index] }
      }
      if let maker { readers.append(maker) }
      let sum = readers.reduce(0) { $0 + multiplyAdds($1) }
      return total > 0 ? sum / total : 0
    }
  }

  /// The nodes that the first output needs where all gates are open.
  private func nodesWithoutGates() -> [Int] {
    var dense = self
    for gate in channelGates() { dense.replaceUses(of: gate.gated, with: gate.hidden) }
    var live = [Bool](repeating: false, count: values.count)
    for id in dense.outputs.prefix(1) { live[id.index] = true }
    var found: [Int] = []
    for (i, node) in dense.nodes.enumerated().reversed()
    where node.outputs.contains(where: { live[$0.index] }) {
      found.append(i)
      for case let id? in node.inputs { live[id.index] = true }
    }
    return found
  }

  /// Of a convolution, all samples together; 0 of other nodes.
  private func multiplyAdds(_ i: Int) -> Double {
    guard case .conv = nodes[i].op,
      let weight = nodes[i].input(1).flatMap({ self[$0].type?.shape }),
      let output = nodes[i].outputs.first.flatMap({ self[$0].type?.shape }), output.count > 2
    else { return 0 }
    let lengths = weight + [output[0]] + output[2...]
    return lengths.reduce(1) { $0 * Double($1) }
  }
}
