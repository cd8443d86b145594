import SparrowCore

/// Which sparse kernel suits a weight, if any.
public struct SparsityChoice {
  /// Above this density a dense product is faster: the dense micro-kernel reaches about twice the
  /// multiply-adds a second of the sparse one.
  public static var densityLimit: Double { 0.4 }
  /// As above for entries of four weights.
  public static var quadDensityLimit: Double { 0.6 }
  /// Entries of four weights win over single ones when at least this part of them is not zero.
  private static var quadFill: Double { 0.6 }

  /// nil: dense.
  let kind: SparseMatrix.Kind?
  /// Stored entries of that kind.
  let entries: Int

  /// For a rows x (inputs * positions) matrix.
  init(_ weights: WeightNonzeros, inputs: Int, positions: Int) {
    (kind, entries) = SparsityChoice.best(weights, inputs: inputs, positions: positions)
  }

  /// Whether the product with one vector is faster with the nonzeros alone. It is bound by the memory it
  /// reads, 6 bytes a nonzero and 4 bytes a dense weight.
  static func suitsVectors(_ weights: WeightNonzeros) -> Bool {
    let elements = weights.rows * weights.columns
    return elements >= 256 && Double(weights.count) <= quadDensityLimit * Double(elements)
  }

  private static func best(
    _ weights: WeightNonzeros, inputs: Int, positions: Int
  ) -> (SparseMatrix.Kind?, Int) {
    let elements = weights.rows * weights.columns
    guard elements >= 256 else { return (nil, 0) }
    let density = Double(weights.count) / Double(elements)
    guard density <= quadDensityLimit else { return (nil, 0) }
    let filled = quadFill * 4
    let blocks4x1 = blocks(weights, .block4x1, positions)
    if Double(weights.count) >= filled * Double(blocks4x1) { return (.block4x1, blocks4x1) }
    if inputs % 4 == 0, positions <= 25 {
      let blocks1x4 = blocks(weights, .block1x4, positions)
      if Double(weights.count) >= filled * Double(blocks1x4) { return (.block1x4, blocks1x4) }
    }
    return density <= densityLimit ? (.single, weights.count) : (nil, 0)
  }

  /// Blocks with any weight that is not zero.
  private static func blocks(
    _ weights: WeightNonzeros, _ kind: SparseMatrix.Kind, _ positions: Int
  ) -> Int {
    let entries = SparseEntries(weights, kind: kind, positions: positions)
    var total = 0
    for group in 0..<((weights.rows + kind.groupRows - 1) / kind.groupRows) {
      total += entries.count(group, 0, weights.columns)
    }
    return total
  }
}
