import SparrowCore

extension Graph {
  /// The constants that training may change, in the order of their first use: weights and biases of
  /// convolutions and matrix products, scales and shifts of normalisations, embeddings, and vectors
  /// that are added to, or multiply, what depends on one of these (biases and positions of
  /// transformers). Constants of preprocessing, bounds, exponents and single factors are none.
  func trainableConstants() -> [ValueID] {
    var isLearned = [Bool](repeating: false, count: values.count)
    var result: [ValueID] = []
    for node in nodes {
      for slot in parameterSlots(of: node, isLearned) {
        guard let id = node.input(slot), let constant = self[id].constant,
          constant.dtype.isFloatingPoint, constant.count > 0, !isLearned[id.index]
        else { continue }
        isLearned[id.index] = true
        result.append(id)
      }
      if node.inputs.contains(where: { $0.map { isLearned[$0.index] } ?? false }) {
        for id in node.outputs { isLearned[id.index] = true }
      }
    }
    return result
  }

  /// The inputs of a node at which a constant is a parameter.
  private func parameterSlots(of node: Node, _ isLearned: [Bool]) -> [Int] {
    switch node.op {
    case .conv, .convTranspose, .batchNormalization, .layerNormalization, .groupNormalization:
      return [1, 2]
    case .rmsNormalization: return [1]
    case .gemm, .matMul: return [0, 1, 2]
    case .gather:
      let rank = node.input(0).flatMap { self[$0].constant?.rank } ?? 0
      return rank >= 2 ? [0] : []
    case .binary(let op):
      guard op.function == .add || op.function == .mul || op.function == .prelu else { return [] }
      return [0, 1].filter { slot in
        guard let other = node.input(1 - slot), let own = node.input(slot) else { return false }
        return isLearned[other.index] && (self[own].constant?.count ?? 0) > 1
      }
    default: return []
    }
  }

  /// Gives each normalisation running statistics that nobody else uses.
  mutating func separateRunningStatistics() {
    var uses = [Int](repeating: 0, count: values.count)
    for node in nodes {
      for case let id? in node.inputs { uses[id.index] += 1 }
    }
    for i in nodes.indices {
      guard case .batchNormalization = nodes[i].op else { continue }
      for slot in [3, 4] {
        guard let id = nodes[i].input(slot), let constant = self[id].constant else { continue }
        guard uses[id.index] > 1 else { continue }
        nodes[i].inputs[slot] = addConstant(unusedName(self[id].name), constant)
        uses[id.index] -= 1
      }
    }
  }

  /// Puts batch normalisations with known statistics in training mode: they use the batch's own mean
  /// and variance, and the given ones, moved towards these by the node's momentum, become outputs.
  ///
  /// Returns the statistics and what they become, in the same order.
  mutating func trainBatchNormalization(
    where isStatistic: (ValueID) -> Bool
  ) -> [(old: ValueID, new: ValueID)] {
    var result: [(old: ValueID, new: ValueID)] = []
    for i in nodes.indices {
      guard case .batchNormalization(var op) = nodes[i].op, !op.isTraining,
        let mean = nodes[i].input(3), let variance = nodes[i].input(4),
        isStatistic(mean), isStatistic(variance)
      else { continue }
      op.isTraining = true
      nodes[i].op = .batchNormalization(op)
      for old in [mean, variance] {
        let new = addValue(unusedName("\(self[old].name).running"), self[old].type)
        nodes[i].outputs.append(new)
        result.append((old, new))
      }
    }
    return result
  }

  /// The constants that hold running statistics of batch normalisations, mean before variance.
  func runningStatistics() -> [ValueID] {
    nodes.flatMap { node -> [ValueID] in
      guard case .batchNormalization(let op) = node.op, !op.isTraining,
        let mean = node.input(3), let variance = node.input(4),
        self[mean].constant != nil, self[variance].constant != nil
      else { return [] }
      return [mean, variance]
    }
  }
}
