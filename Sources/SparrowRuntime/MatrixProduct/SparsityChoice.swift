import SparrowCore

/// Which sparse kernel suits a weight, if any.
public enum SparsityChoice {
  /// Above this density a dense product is faster: the dense micro-kernel reaches about four times
  /// the multiply-adds a second of the sparse one.
  public static var densityLimit: Double { 0.3 }
  /// As above for entries of four weights.
  public static var quadDensityLimit: Double { 0.45 }
  /// Entries of four weights win over single ones when at least this part of them is not zero.
  static var quadFill: Double { 0.6 }

  /// The kind of stream for a rows x (inputs * positions) matrix; nil: dense.
  static func kind(
    _ weights: UnsafePointer<Float>, rows: Int, inputs: Int, positions: Int
  ) -> SparseMatrix.Kind? {
    let k = inputs * positions
    guard rows * k >= 256 else { return nil }
    var nonzeros = 0
    for i in 0..<(rows * k) where weights[i] != 0 { nonzeros += 1 }
    let density = Double(nonzeros) / Double(rows * k)
    guard density <= quadDensityLimit else { return nil }
    if fill(nonzeros, quads4x1(weights, rows: rows, k: k)) >= quadFill { return .quads4x1 }
    if inputs % 4 == 0, positions <= 25,
      fill(nonzeros, quads1x4(weights, rows: rows, inputs: inputs, positions: positions))
        >= quadFill
    {
      return .quads1x4
    }
    return density <= densityLimit ? .pairs : nil
  }

  private static func fill(_ nonzeros: Int, _ quads: Int) -> Double {
    quads == 0 ? 0 : Double(nonzeros) / Double(4 * quads)
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
