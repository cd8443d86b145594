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
  init(_ weights: UnsafePointer<Float>, rows: Int, inputs: Int, positions: Int) {
    (kind, entries) = SparsityChoice.best(
      weights, rows: rows, inputs: inputs, positions: positions)
  }

  private static func best(
    _ weights: UnsafePointer<Float>, rows: Int, inputs: Int, positions: Int
  ) -> (SparseMatrix.Kind?, Int) {
    let k = inputs * positions
    guard rows * k >= 256 else { return (nil, 0) }
    var nonzeros = 0
    for i in 0..<(rows * k) where weights[i] != 0 { nonzeros += 1 }
    let density = Double(nonzeros) / Double(rows * k)
    guard density <= quadDensityLimit else { return (nil, 0) }
    let blocks4x1 = quads4x1(weights, rows: rows, k: k)
    if Double(nonzeros) >= quadFill * Double(4 * blocks4x1) { return (.block4x1, blocks4x1) }
    if inputs % 4 == 0, positions <= 25 {
      let blocks1x4 = quads1x4(weights, rows: rows, inputs: inputs, positions: positions)
      if Double(nonzeros) >= quadFill * Double(4 * blocks1x4) { return (.block1x4, blocks1x4) }
    }
    return density <= densityLimit ? (.single, nonzeros) : (nil, 0)
  }

  private static func quads4x1(_ weights: UnsafePointer<Float>, rows: Int, k: Int) -> Int {
    var quads = 0
    var row = 0
    while row < rows {
      let count = min(4, rows - row)
      for column in 0..<k {
        var any = false
        for i in 0..<count { any = any || weights[(row + i) * k + column] != 0 }
        if any { quads += 1 }
      }
      row += 4
    }
    return quads
  }

  private static func quads1x4(
    _ weights: UnsafePointer<Float>, rows: Int, inputs: Int, positions: Int
  ) -> Int {
    var quads = 0
    for row in 0..<rows {
      let base = weights + row * inputs * positions
      var input = 0
      while input < inputs {
        for position in 0..<positions {
          var any = false
          for j in 0..<4 { any = any || base[(input + j) * positions + position] != 0 }
          if any { quads += 1 }
        }
        input += 4
      }
    }
    return quads
  }
}
