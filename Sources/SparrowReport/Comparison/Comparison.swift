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
  /// The names of the weights that only one of them has (or has in another shape).
  public var onlyInFirst: [String]
  public var onlyInSecond: [String]

  enum CodingKeys: String, CodingKey, CaseIterable {
    case first, second
    case firstModel = "first_model"
    case secondModel = "second_model"
    case layers
    case onlyInFirst = "only_in_first"
    case onlyInSecond = "only_in_second"
  }

  /// Compares two graphs, which are called `firstModel` and `secondModel`.
  public init(
    _ first: Graph, _ second: Graph, firstModel: String, secondModel: String,
    inputShapes: [String: [Int]] = [:]
  ) {
    let a = Inspection(first, model: firstModel, inputShapes: inputShapes)
    let b = Inspection(second, model: secondModel, inputShapes: inputShapes)
    let others = Dictionary(b.layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let pairs = a.layers.compactMap { layer in
      others[layer.name].flatMap { $0.shape == layer.shape ? (layer, $0) : nil }
    }
    let (left, right) = (first.weightsByName, second.weightsByName)
    layers = Parallel.map(pairs.count) { i in
      let name = pairs[i].0.name
      return LayerDifference(pairs[i].0, pairs[i].1, left[name], right[name])
    }
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

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, shape, weights
    case firstSparsity = "first_sparsity"
    case secondSparsity = "second_sparsity"
    case firstBytes = "first_bytes"
    case secondBytes = "second_bytes"
    case changed
    case largestDifference = "largest_difference"
  }

  init(_ a: LayerFacts, _ b: LayerFacts, _ first: Tensor?, _ second: Tensor?) {
    (name, shape, weights) = (a.name, a.shape, a.weights)
    (firstSparsity, secondSparsity) = (a.sparsity, b.sparsity)
    (firstBytes, secondBytes) = (a.bytes, b.bytes)
    let (x, y) = (first?.floats ?? [], second?.floats ?? [])
    var (changed, largest, isNumber) = (0, Float(0), true)
    for i in 0..<min(x.count, y.count) where x[i] != y[i] {
      changed += 1
      let difference = abs(x[i] - y[i])
      if difference.isFinite { largest = max(largest, difference) } else { isNumber = false }
    }
    self.changed = changed
    largestDifference = isNumber ? Double(largest) : nil
  }
}

extension Graph {
  fileprivate var weightsByName: [String: Tensor] {
    var result: [String: Tensor] = [:]
    for use in weights() { result[self[use.value].name] = self[use.value].constant }
    return result
  }
}
