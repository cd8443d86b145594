import SparrowCore
import SparrowPasses

/// Two models side by side: `inspect --compare`.
public struct Comparison: Codable, Hashable, Sendable {
  /// The two models as a whole.
  public var first: ModelTotals
  public var second: ModelTotals
  public var firstModel: String
  public var secondModel: String
  /// The weights that both have under one name and shape, in the first model's order.
  public var layers: [LayerDifference]
  /// Whether the largest common weights of both stand at the same places.
  public var correlation: WeightCorrelation
  /// The names of the weights that only one of them has (or has in another shape).
  public var onlyInFirst: [String]
  public var onlyInSecond: [String]

  enum CodingKeys: String, CodingKey, CaseIterable {
    case first, second
    case firstModel = "first_model"
    case secondModel = "second_model"
    case layers, correlation
    case onlyInFirst = "only_in_first"
    case onlyInSecond = "only_in_second"
  }

  /// Compares two graphs, which are called `firstModel` and `secondModel`; `fraction`, above 0 and at
  /// most 1, is that of the weights whose places ``correlation`` compares.
  public init(
    _ first: Graph, _ second: Graph, firstModel: String, secondModel: String,
    inputShapes: [String: [Int]] = [:], fraction: Double = WeightCorrelation.usualFraction
  ) {
    let a = Inspection(first, model: firstModel, inputShapes: inputShapes)
    let b = Inspection(second, model: secondModel, inputShapes: inputShapes)
    let others = Dictionary(b.layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let pairs = a.layers.compactMap { layer in
      others[layer.name].flatMap { $0.shape == layer.shape ? (layer, $0) : nil }
    }
    let (left, right) = (first.weightsByName, second.weightsByName)
    let compared = Parallel.map(pairs.count) { i in
      let name = pairs[i].0.name
      let overlap = WeightCorrelation.Overlap(
        left[name]?.floats ?? [], right[name]?.floats ?? [], fraction: fraction)
      return (
        LayerDifference(pairs[i].0, pairs[i].1, left[name], right[name], fraction, overlap), overlap
      )
    }
    layers = compared.map { $0.0 }
    correlation = WeightCorrelation(fraction, compared.map { $0.1 })
    let common = Set(pairs.map { $0.0.name })
    (self.first, self.second) = (a.totals, b.totals)
    (self.firstModel, self.secondModel) = (firstModel, secondModel)
    onlyInFirst = a.layers.map { $0.name }.filter { !common.contains($0) }
    onlyInSecond = b.layers.map { $0.name }.filter { !common.contains($0) }
  }
}

/// One weight in two models.
public struct LayerDifference: Codable, Hashable, Sendable {
  public var name: String
  public var shape: [Int]
  public var weights: Int
  public var firstSparsity: Double
  public var secondSparsity: Double
  public var firstBytes: Int
  public var secondBytes: Int
  /// Elements whose values differ (0 and -0 are equal, NaN differs from everything).
  public var changed: Int
  /// The largest |first - second|; absent where a difference is not a number.
  public var largestDifference: Double?
  /// R_p of this weight alone; absent where no place is kept by both.
  public var correlation: Double?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, shape, weights
    case firstSparsity = "first_sparsity"
    case secondSparsity = "second_sparsity"
    case firstBytes = "first_bytes"
    case secondBytes = "second_bytes"
    case changed, correlation
    case largestDifference = "largest_difference"
  }

  init(
    _ a: LayerFacts, _ b: LayerFacts, _ first: Tensor?, _ second: Tensor?, _ fraction: Double,
    _ overlap: WeightCorrelation.Overlap
  ) {
    correlation = WeightCorrelation(fraction, [overlap]).value
    (name, shape, weights) = (a.name, a.shape, a.weights)
    (firstSparsity, secondSparsity) = (a.sparsity, b.sparsity)
    (firstBytes, secondBytes) = (a.bytes, b.bytes)
    (changed, largestDifference) = Self.differences(first?.floatBytes, second?.floatBytes)
  }

  private static func differences(_ first: Bytes?, _ second: Bytes?) -> (Int, Double?) {
    guard let first, let second else { return (0, 0) }
    var (changed, largest, isNumber) = (0, Float(0), true)
    withExtendedLifetime((first, second)) {
      let (x, y) = (first.pointer, second.pointer)
      for offset in stride(from: 0, to: min(first.count, second.count), by: 4) {
        let a = x.loadUnaligned(fromByteOffset: offset, as: Float.self)
        let b = y.loadUnaligned(fromByteOffset: offset, as: Float.self)
        guard a != b else { continue }
        changed += 1
        let difference = abs(a - b)
        if difference.isFinite { largest = max(largest, difference) } else { isNumber = false }
      }
    }
    return (changed, isNumber ? Double(largest) : nil)
  }
}

extension Tensor {
  /// The elements as float32; those of a dense float32 tensor where they are.
  fileprivate var floatBytes: Bytes? {
    dtype == .float32 ? dense().denseBytes : floats.map { Bytes(copying: $0) }
  }
}

extension Graph {
  fileprivate var weightsByName: [String: Tensor] {
    var result: [String: Tensor] = [:]
    for use in weights() { result[self[use.value].name] = self[use.value].constant }
    return result
  }
}
