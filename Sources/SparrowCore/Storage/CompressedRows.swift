/// Sparse storage by rows (CSR) of a tensor seen as `shape[0]` rows of all its other elements.
///
/// ```
/// starts   rows + 1 x uint32   the values of row r are starts[r] ..< starts[r + 1]
/// columns  nonzeros x uint16 or uint32 (uint16 where a row has at most 65,536 columns), ascending
/// values   nonzeros x element
/// ```
/// Smaller than a bitmask above about 94 % (uint16) sparsity of float32 rows.
public struct CompressedRows: Sendable {
  public let starts: Bytes
  public let columns: Bytes
  public let values: Bytes

  static func split(_ shape: [Int]) -> (rows: Int, columns: Int) {
    let rows = shape.first ?? 1
    return (rows, rows == 0 ? 0 : shape.dropFirst().reduce(1, *))
  }

  static func wide(_ columns: Int) -> Bool { columns > 65_536 }

  /// Wraps parts read from a file. Throws when they do not describe a tensor of `shape`.
  public init(
    starts: Bytes, columns: Bytes, values: Bytes, dtype: DType, shape: [Int]
  ) throws(StorageError) {
    let (rows, width) = Self.split(shape)
    let count = values.count / dtype.size
    guard values.count == count * dtype.size else {
      throw .wrongSize(part: "values", found: values.count, expected: count * dtype.size)
    }
    guard starts.count == (rows + 1) * 4 else {
      throw .wrongSize(part: "row starts", found: starts.count, expected: (rows + 1) * 4)
    }
    let columnSize = Self.wide(width) ? 4 : 2
    guard columns.count == count * columnSize else {
      throw .wrongSize(
        part: "column indices", found: columns.count, expected: count * columnSize)
    }
    (self.starts, self.columns, self.values) = (starts, columns, values)
    guard start(0) == 0 else { throw .badRowStarts(row: 0) }
    guard start(rows) == count else { throw .badRowStarts(row: rows) }
    for row in 0..<rows {
      guard start(row) <= start(row + 1), start(row + 1) <= count else {
        throw .badRowStarts(row: row)
      }
      var previous = -1
      for i in start(row)..<start(row + 1) {
        let column = self.column(i, wide: columnSize == 4)
        guard column > previous, column < width else {
          throw .badColumn(row: row, column: column)
        }
        previous = column
      }
    }
  }

  /// Encodes dense bytes; nil where the indices do not fit (over 2^32 values or columns).
  public init?(encoding dense: Bytes, dtype: DType, shape: [Int]) {
    let (rows, width) = Self.split(shape)
    let size = dtype.size
    guard rows * width <= Int(UInt32.max) else { return nil }
    var starts: [UInt32] = [0]
    var kept: [Int] = []
    for row in 0..<rows {
      for column in 0..<width where dense.isNonzero(row * width + column, dtype) {
        kept.append(row * width + column)
      }
      starts.append(UInt32(kept.count))
    }
    self.starts = Bytes(copying: starts)
    if Self.wide(width) {
      columns = Bytes(copying: kept.map { UInt32($0 % width) })
    } else {
      columns = Bytes(copying: kept.map { UInt16($0 % width) })
    }
    values = Bytes(count: kept.count * size) { target in
      for (i, element) in kept.enumerated() {
        target.baseAddress?.advanced(by: i * size)
          .copyMemory(from: dense.pointer + element * size, byteCount: size)
      }
    }
  }

  @inline(__always)
  public func start(_ row: Int) -> Int {
    Int(starts.pointer.loadUnaligned(fromByteOffset: row * 4, as: UInt32.self))
  }

  @inline(__always)
  func column(_ i: Int, wide: Bool) -> Int {
    wide
      ? Int(columns.pointer.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self))
      : Int(columns.pointer.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self))
  }

  func decoded(_ dtype: DType, _ shape: [Int]) -> Bytes {
    let (rows, width) = Self.split(shape)
    let size = dtype.size
    let wide = Self.wide(width)
    return Bytes(count: rows * width * size) { target in
      target.zero()
      guard let base = target.baseAddress else { return }
      for row in 0..<rows {
        for i in start(row)..<start(row + 1) {
          base.advanced(by: (row * width + column(i, wide: wide)) * size)
            .copyMemory(from: values.pointer + i * size, byteCount: size)
        }
      }
    }
  }
}
