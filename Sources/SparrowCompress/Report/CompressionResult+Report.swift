import Foundation
import SparrowCore
import SparrowPasses
import SparrowRuntime

extension CompressionResult {
  /// The report of `graph` as it is now: encode weights, fold and fuse first, so that bytes and
  /// layers are those of the file that is written.
  ///
  /// `inputShapes` are the shapes to count multiply-adds for; by default the declared ones at
  /// batch 1.
  public func report(inputShapes: [[Int]]? = nil) -> CompressionReport {
    let shapes = inputShapes ?? graph.assumedInputShapes()
    let work = graph.multiplyAddsByWeight(inputShapes: shapes)
    let uses = graph.weights()
    let layers = Parallel.map(uses.count) { i in layerReport(uses[i], work) }
    return CompressionReport(
      recipe: recipe, layers: layers, targets: targets,
      totals: totals(layers, isWorkKnown: work.count == uses.count),
      channels: channels.isEmpty ? nil : channels)
  }

  private func layerReport(_ use: WeightUse, _ work: [String: Int]) -> LayerReport {
    let value = graph[use.value]
    let tensor = value.constant ?? Tensor([Float]())
    let nonzeros = tensor.nonzeroCount
    let outcome = outcomes[value.name]
    return LayerReport(
      name: value.name, node: graph.nodes[use.node].name, kind: use.kind.name,
      shape: tensor.shape, weights: tensor.count, nonzeros: nonzeros,
      sparsity: Self.fraction(tensor.count - nonzeros, of: tensor.count),
      role: outcome?.role.text ?? "not a weight when it was compressed", pattern: outcome?.pattern,
      storage: tensor.storage.name, bytes: tensor.storedByteCount, multiplyAdds: work[value.name],
      errorBefore: outcome?.errors?.before, errorAfter: outcome?.errors?.after)
  }

  private func totals(_ layers: [LayerReport], isWorkKnown: Bool) -> CompressionTotals {
    let constants = graph.values.compactMap { $0.constant }.filter { $0.dtype.isFloatingPoint }
    let weights = layers.reduce(0) { $0 + $1.weights }
    let nonzeros = layers.reduce(0) { $0 + $1.nonzeros }
    let pruned = layers.filter { $0.pattern != nil }
    let prunable = pruned.reduce(0) { $0 + $1.weights }
    let denseBytes = constants.reduce(0) { $0 + $1.count * $1.dtype.size }
    let weightTensors = graph.weights().compactMap { graph[$0.value].constant }
    let weightBytes = weightTensors.reduce(0) { $0 + $1.count * $1.dtype.size }
    let maskBytes = zip(layers, weightTensors).reduce(0) { sum, pair in
      sum + pair.0.nonzeros * pair.1.dtype.size + (pair.0.weights + 7) / 8
    }
    let dense = layers.reduce(0) { $0 + ($1.multiplyAdds ?? 0) }
    let sparse = layers.reduce(0) { sum, layer in
      // Every weight of a layer is multiplied equally often.
      sum + (layer.multiplyAdds ?? 0) / max(1, layer.weights) * layer.nonzeros
    }
    return CompressionTotals(
      parameters: constants.reduce(0) { $0 + $1.count }, weights: weights, prunable: prunable,
      nonzeros: nonzeros,
      sparsity: Self.fraction(pruned.reduce(0) { $0 + $1.weights - $1.nonzeros }, of: prunable),
      weightSparsity: Self.fraction(weights - nonzeros, of: weights), denseBytes: denseBytes,
      storedBytes: constants.reduce(0) { $0 + $1.storedByteCount },
      bitmaskBytes: denseBytes - weightBytes + maskBytes,
      multiplyAdds: isWorkKnown ? dense : nil, nonzeroMultiplyAdds: isWorkKnown ? sparse : nil,
      theoreticalSpeedup: isWorkKnown && sparse > 0 ? Double(dense) / Double(sparse) : nil)
  }

  private static func fraction(_ part: Int, of whole: Int) -> Double {
    whole == 0 ? 0 : Double(part) / Double(whole)
  }
}

extension CompressionReport {
  /// The report as JSON text, keys sorted: the same report gives the same bytes.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}
