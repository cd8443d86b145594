/// Where a model's weights, multiply-adds and zeros are: what `inspect` shows.
public struct Inspection: Codable, Hashable, Sendable {
  /// What the model is called: usually its path.
  public var model: String
  public var inputs: [PortFacts]
  public var outputs: [PortFacts]
  public var totals: ModelTotals
  /// One entry a weight, in execution order.
  public var layers: [LayerFacts]
  /// How many nodes there are of each operator, most frequent first.
  public var operators: [OperatorCount]
  /// How floating-point constants are kept, most bytes first.
  public var storage: [StorageCount]
}

/// A graph input or output.
public struct PortFacts: Codable, Hashable, Sendable {
  public var name: String
  /// Element type and shape, open dimensions by name: `f32[n,3,224,224]`.
  public var type: String
}

/// Sums over a model.
public struct ModelTotals: Codable, Hashable, Sendable {
  public var nodes: Int
  /// Elements of all floating-point constants: weights, biases, normalisation parameters.
  public var parameters: Int
  /// Elements of all weights of convolutions and matrix products.
  public var weights: Int
  /// Weights that are not zero.
  public var nonzeros: Int
  /// Zeros as a fraction of `weights`.
  public var sparsity: Double
  /// Bytes of all floating-point constants kept dense, and as they are kept.
  public var denseBytes: Int
  public var storedBytes: Int
  /// The input shapes multiply-adds are counted for; absent where they are open.
  public var inputShapes: [[Int]]?
  /// Of convolutions and matrix products in one inference; absent where shapes are open.
  public var multiplyAdds: Int?
  /// Those on nonzero weights.
  public var nonzeroMultiplyAdds: Int?
  /// The ratio of the two: the most that skipping zeros can give.
  public var theoreticalSpeedup: Double?
  /// Multiply-adds on channels that gates leave open, zeros in weights counted: the mean over
  /// ``samples``. Absent where no samples were run.
  public var realisedMultiplyAdds: Int?
  public var samples: Int?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case nodes, parameters, weights, nonzeros, sparsity
    case denseBytes = "dense_bytes"
    case storedBytes = "stored_bytes"
    case inputShapes = "input_shapes"
    case multiplyAdds = "multiply_adds"
    case nonzeroMultiplyAdds = "nonzero_multiply_adds"
    case theoreticalSpeedup = "theoretical_speedup"
    case realisedMultiplyAdds = "realised_multiply_adds"
    case samples
  }
}

/// One weight.
public struct LayerFacts: Codable, Hashable, Sendable {
  public var name: String
  /// The first node that uses it, and its operator.
  public var node: String
  public var op: String
  /// `convolution`, `depthwise` or `linear`.
  public var kind: String
  public var shape: [Int]
  public var weights: Int
  public var nonzeros: Int
  public var sparsity: Double
  /// Absent where shapes are open.
  public var multiplyAdds: Int?
  public var nonzeroMultiplyAdds: Int?
  /// Those on channels that gates leave open; see ``ModelTotals/realisedMultiplyAdds``.
  public var realisedMultiplyAdds: Int?
  public var storage: String
  public var bytes: Int
  /// The pattern its zeros keep to: `1x4`, `4x1`, `2:4`, ...; absent where there is none.
  public var structure: String?
  /// Why it does, or does not, run faster than dense.
  public var note: String

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, node, op, kind, shape, weights, nonzeros, sparsity
    case multiplyAdds = "multiply_adds"
    case nonzeroMultiplyAdds = "nonzero_multiply_adds"
    case realisedMultiplyAdds = "realised_multiply_adds"
    case storage, bytes, structure, note
  }
}

public struct OperatorCount: Codable, Hashable, Sendable {
  public var op: String
  public var nodes: Int
}

public struct StorageCount: Codable, Hashable, Sendable {
  /// `f32 dense`, `f32 bitmask`, ...
  public var storage: String
  public var tensors: Int
  public var bytes: Int
}
