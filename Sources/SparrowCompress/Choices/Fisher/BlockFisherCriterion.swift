import SparrowCore
import SparrowPasses

/// w_q^2 / (2 [F^-1]_qq) with the damped empirical Fisher matrix F of blocks of neighbouring weights:
/// what the loss grows by if a weight goes and the others of its block make up for it. WoodFisher
/// (Singh and Alistarh, arXiv 2004.14340) and, with small blocks, oBERT (Kurtic et al., arXiv 2203.07259).
///
/// The update of the survivors is the exact one for all dropped weights of a block together, not the
/// sum of their single ones.
public struct BlockFisherCriterion: GradientCriterion, UpdatingCriterion {
  public var gradientSettings: GradientSettings
  /// lambda, what is added to the Fisher matrix's diagonal, as a multiple of the mean of the diagonal
  /// over all layers: gradients of networks that fit their data well are small.
  public var damping: Double

  /// Gradients of single samples keep more of the curvature than averages do.
  public static let defaultSettings = GradientSettings(
    count: 1024, groupSize: 1, blockSize: 50, temperature: 4)

  public init(
    gradientSettings: GradientSettings = BlockFisherCriterion.defaultSettings,
    damping: Double = 0.3
  ) {
    (self.gradientSettings, self.damping) = (gradientSettings, damping)
  }

  public var name: String { "block-fisher" }
  public var requiredStatistics: Set<CalibrationStatistic> { [.fisherBlocks, .fisherScale] }
  public var defaultRepair: [String] { [OBSRepair().name] }

  public func scores(
    of layer: Layer, statistics: LayerStatistics
  ) throws(CompressError) -> Scores {
    let parts = try map(layer, statistics) { block, weights, _ in
      block.inverseDiagonal().map { diagonal in
        zip(weights, diagonal).map { $0 * $0 / (2 * $1) }
      }
    }
    return Scores(parts.joined().map { Float($0) })
  }

  public func updated(
    _ layer: Layer, mask: WeightMask, statistics: LayerStatistics
  ) throws(CompressError) -> Tensor {
    let parts = try map(layer, statistics) { block, weights, first in
      let kept = weights.indices.filter { mask[first + $0] }
      let dropped = weights.indices.filter { !mask[first + $0] && weights[$0] != 0 }
      return block.change(of: weights, kept: kept, dropped: dropped).map { change in
        var result = [Double](repeating: 0, count: weights.count)
        for (i, change) in zip(kept, change) { result[i] = weights[i] + change }
        return result
      }
    }
    return Tensor(layer.weight.dtype, layer.weight.shape, doubles: Array(parts.joined()))
  }

  /// One number a weight, block by block on all cores. `body` is given a block, its weights and the
  /// index of their first, and returns nil where the block cannot be factored.
  private func map(
    _ layer: Layer, _ statistics: LayerStatistics,
    _ body: @Sendable (FisherBlock, [Double], Int) -> [Double]?
  ) throws(CompressError) -> [[Double]] {
    try LinearAlgebra.load()
    let blocks = try statistics.tensor(.fisherBlocks, for: name)
    let count = layer.count
    guard blocks.dtype == .float32, blocks.rank == 3, blocks.shape[1] == blocks.shape[2],
      blocks.shape[1] > 0, blocks.shape[0] * blocks.shape[1] >= count
    else {
      throw .unsupportedLayer(
        name: layer.name, reason: "its Fisher blocks are \(blocks.shape) for \(count) weights")
    }
    let size = blocks.shape[1]
    let weights = layer.weight.doubles
    let damping = try statistics.damping(damping, for: name)
    let parts = Parallel.map((count + size - 1) / size) { i -> [Double]? in
      let range = i * size..<min(count, (i + 1) * size)
      let block = FisherBlock(blocks, index: i, length: range.count, damping: damping)
      return body(block, Array(weights[range]), range.lowerBound)
    }
    var result: [[Double]] = []
    for part in parts {
      guard let part else {
        throw .unsupportedLayer(
          name: layer.name,
          reason: "its Fisher matrix is not positive definite; use more damping than \(damping)")
      }
      result.append(part)
    }
    return result
  }
}
