/// ONNX TfIdfVectorizer of integer sequences: counts n-grams of a pool. Input: x `[C]` or `[B, C]`. Output:
/// float32 `[size]` or `[B, size]`. Pools of strings are not supported.
public struct TfIdfVectorizer: Operator {
  public enum Mode: AttributeChoice {
    /// How often, whether, and how often times the weight.
    case tf, idf, tfidf
    public var name: String {
      switch self {
      case .tf: "TF"
      case .idf: "IDF"
      case .tfidf: "TFIDF"
      }
    }
  }

  public var mode = Mode.tf
  public var shortest = 1
  public var longest = 1
  /// How many items at most may lie between neighbours of an n-gram.
  public var longestSkip = 0
  /// Where in the pool the n-grams of each length begin.
  public var starts: [Int] = []
  /// The output position of each n-gram of the pool.
  public var positions: [Int] = []
  public var pool: [Int] = []
  public var weights: [Float]

  public init() { weights = [] }
  public var name: String { "TfIdfVectorizer" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("mode", &mode)
    try visitor.visit("min_gram_length", &shortest)
    try visitor.visit("max_gram_length", &longest)
    try visitor.visit("max_skip_count", &longestSkip)
    try visitor.visit("ngram_counts", &starts)
    try visitor.visit("ngram_indexes", &positions)
    try visitor.visit("pool_int64s", &pool)
    try visitor.visit("weights", &weights)
  }

  private var size: Int { (positions.max() ?? -1) + 1 }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    try ShapeRules.require(rank: try context.dimensions(0), 1...2, "x")
    guard positions.allSatisfy({ $0 >= 0 && $0 < TensorType.longestAxis }) else {
      throw InferenceError("ngram_indexes has an entry that is negative or too large")
    }
    guard weights.isEmpty || weights.count >= size else {
      throw InferenceError("there are \(weights.count) weights, expected \(size)")
    }
    let rows = try context.dimensions(0)?.dropLast()
    return [TensorType(.float32, rows.map { $0 + [.known(size)] })]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (shape, items) = (try outputShape(x), try x.integers(0))
    let grams = try grams()
    let columns = try x.shape(0).last ?? 0
    let size = self.size
    var counts = [Double](repeating: 0, count: shape.elementCount)
    for row in 0..<shape.dropLast().elementCount {
      let own = items[row * columns..<(row + 1) * columns]
      for (length, positions) in grams where length <= columns {
        // Items of single ones do not depend on what lies between.
        for skip in 1...(length == 1 ? 1 : Swift.min(longestSkip + 1, columns)) {
          let span = skip * (length - 1)
          guard span < columns else { break }
          for start in own.startIndex..<own.endIndex - span {
            let gram = (0..<length).map { own[start + $0 * skip] }
            if let position = positions[gram] { counts[row * size + position] += 1 }
          }
        }
      }
    }
    for i in counts.indices {
      let weight = weights.isEmpty ? 1 : Double(weights[i % size])
      switch mode {
      case .tf: break
      case .idf: counts[i] = counts[i] > 0 ? weight : 0
      case .tfidf: counts[i] *= weight
      }
    }
    return [Tensor(.float32, shape, doubles: counts)]
  }

  /// The pool's n-grams of the wanted lengths, with their output positions.
  private func grams() throws(ComputeError) -> [(length: Int, positions: [[Int]: Int])] {
    guard longestSkip >= 0, longestSkip < Int.max else {
      throw ComputeError("max_skip_count is \(longestSkip)")
    }
    var result: [(length: Int, positions: [[Int]: Int])] = []
    var gram = 0
    for (i, start) in starts.enumerated() {
      let end = i + 1 < starts.count ? starts[i + 1] : pool.count
      guard start >= 0, start <= end, end <= pool.count else {
        throw ComputeError("ngram_counts does not rise from 0 to \(pool.count)")
      }
      let length = i + 1
      var found: [[Int]: Int] = [:]
      for first in stride(from: start, to: end - length + 1, by: length) {
        guard gram < positions.count else {
          throw ComputeError("ngram_indexes has \(positions.count) entries, the pool has more")
        }
        found[Array(pool[first..<first + length])] = positions[gram]
        gram += 1
      }
      if length >= shortest, length <= longest, !found.isEmpty { result.append((length, found)) }
    }
    return result
  }
}
