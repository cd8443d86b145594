/// What a compression did, weight by weight: `compress --report`. Schemas/report.schema.json
/// describes its JSON form.
public struct CompressionReport: Codable, Hashable, Sendable {
  public static var currentVersion: Int { 1 }

  public var version = CompressionReport.currentVersion
  public var recipe: Recipe
  public var layers: [LayerReport]
  /// How steps met targets of multiply-adds, file size or latency, in their order.
  public var targets: [TargetOutcome]
  public var totals: CompressionTotals
  /// What was cut of each group of channels; absent where no step cuts channels.
  public var channels: [ChannelReport]?
}

/// One weight after compression.
public struct LayerReport: Codable, Hashable, Sendable {
  public var name: String
  /// The first node that uses the weight.
  public var node: String
  /// `convolution`, `depthwise` or `linear`.
  public var kind: String
  public var shape: [Int]
  /// The number of elements.
  public var weights: Int
  /// Elements that are not zero.
  public var nonzeros: Int
  /// Zeros as a fraction of `weights`.
  public var sparsity: Double
  /// `pruned`, `kept dense`, `own sparsity 0.5`, or `excluded: ` and why.
  public var role: String
  /// The pattern it was pruned by; absent where it was left alone.
  public var pattern: String?
  /// How it is kept: `dense`, `bitmask`, `compressed rows`, `blocks 1x4`.
  public var storage: String
  public var bytes: Int
  /// Of one inference at batch 1; absent where input shapes are open.
  public var multiplyAdds: Int?
  /// The squared error of its outputs on calibration data, over the energy of the whole network's
  /// about their means: with the surviving weights as they were, and after repair. Absent where no
  /// data was looked at.
  public var errorBefore: Double?
  public var errorAfter: Double?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, node, kind, shape, weights, nonzeros, sparsity, role, pattern, storage, bytes
    case multiplyAdds = "multiply_adds"
    case errorBefore = "error_before"
    case errorAfter = "error_after"
  }
}

/// Sums over a compressed model.
public struct CompressionTotals: Codable, Hashable, Sendable {
  /// Elements of all floating-point constants: weights, biases, normalisation parameters.
  public var parameters: Int
  /// Elements of all weights of convolutions and matrix products.
  public var weights: Int
  /// Elements of the weights that were pruned.
  public var prunable: Int
  /// Weights that are not zero.
  public var nonzeros: Int
  /// Zeros in pruned weights, as a fraction of `prunable`.
  public var sparsity: Double
  /// Zeros in all weights, as a fraction of `weights`.
  public var weightSparsity: Double
  /// Bytes of all parameters kept dense.
  public var denseBytes: Int
  /// Bytes of all parameters as they are kept.
  public var storedBytes: Int
  /// Bytes with every weight as a bitmask and its nonzeros, and the other parameters dense.
  public var bitmaskBytes: Int
  /// Of one inference at batch 1; absent where input shapes are open.
  public var multiplyAdds: Int?
  /// Multiply-adds on nonzero weights.
  public var nonzeroMultiplyAdds: Int?
  /// The ratio of the two: the most that skipping zeros can give.
  public var theoreticalSpeedup: Double?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case parameters, weights, prunable, nonzeros, sparsity
    case weightSparsity = "weight_sparsity"
    case denseBytes = "dense_bytes"
    case storedBytes = "stored_bytes"
    case bitmaskBytes = "bitmask_bytes"
    case multiplyAdds = "multiply_adds"
    case nonzeroMultiplyAdds = "nonzero_multiply_adds"
    case theoreticalSpeedup = "theoretical_speedup"
  }
}
