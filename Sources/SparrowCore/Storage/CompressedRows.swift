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

  package static func split(_ shape: [Int]) -> (rows: Int, columns: Int) {
    let rows = shape.first ?? 1
    return (rows, rows == 0 ? 0 : shape.dropFirst().reduce(1, *))
  }

  package static func wide(_ columns: Int) -> Bool { columns > 65_536 }

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

  /// Encodes dense bytes; nil where the indices do not fit (2^32 or more elements).
  public init?(encoding dense: Bytes, dtype: DType, shape: [Int]) {
    let (rows, width) = Self.split(shape)
    guard rows < UInt32.max, rows * width <= UInt32.max else { return nil }
    switch dtype.size {
    case 1: self.init(encoding: dense, dtype, rows, width, as: UInt8.self)
    case 2: self.init(encoding: dense, dtype, rows, width, as: UInt16.self)
    case 4: self.init(encoding: dense, dtype, rows, width, as: UInt32.self)
    default: self.init(encoding: dense, dtype, rows, width, as: UInt64.self)
    }
  }

  private init<W: Word>(
    encoding dense: Bytes, _ dtype: DType, _ rows: Int, _ width: Int, as word: W.Type
  ) {
    let elements = ElementScan<W>(dense.pointer, dtype)
    var kept = 0
    starts = Bytes(count: (rows + 1) * 4) { target in
      guard let base = target.baseAddress else { return }
      base.store(UInt32(0), element: 0)
      for row in 0..<rows {
        kept &+= elements.nonzeros(row &* width, width)
        base.store(UInt32(truncatingIfNeeded: kept), element: row &+ 1)
      }
    }
    values = Bytes(count: kept * MemoryLayout<W>.size) { target in
      guard let base = target.baseAddress else { return }
      var next = 0
      for i in 0..<(rows &* width) where elements.isNonzero(i) {
        base.store(elements[i], element: next)
        next &+= 1
      }
    }
    columns =
      Self.wide(width)
      ? Self.columns(elements, rows, width, kept, as: UInt32.self)
      : Self.columns(elements, rows, width, kept, as: UInt16.self)
    withExtendedLifetime(dense) {}
  }

  private static func columns<W: Word, Index: Word>(
    _ elements: ElementScan<W>, _ rows: Int, _ width: Int, _ kept: Int, as index: Index.Type
  ) -> Bytes {
    Bytes(count: kept * MemoryLayout<Index>.size) { target in
      guard let base = target.baseAddress else { return }
      var next = 0
      for row in 0..<rows {
        for column in 0..<width where elements.isNonzero(row &* width &+ column) {
          base.store(Index(truncatingIfNeeded: column), element: next)
          next &+= 1
        }
      }
    }
  }

  @inline(__always)
  public func start(_ row: Int) -> Int {
    Int(clamping: starts.pointer.loadUnaligned(fromByteOffset: row * 4, as: UInt32.self))
  }

  @inline(__always)
  func column(_ i: Int, wide: Bool) -> Int {
    wide
      ? Int(clamping: columns.pointer.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self))
      : Int(columns.pointer.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self))
  }

  @inline(never)
  func decoded(_ dtype: DType, _ shape: [Int]) -> Bytes {
    switch dtype.size {
    case 1: decoded(dtype, shape, as: UInt8.self)
    case 2: decoded(dtype, shape, as: UInt16.self)
    case 4: decoded(dtype, shape, as: UInt32.self)
    default: decoded(dtype, shape, as: UInt64.self)
    }
  }

  @inline(never)
  private func decoded<W: Word>(_ dtype: DType, _ shape: [Int], as word: W.Type) -> Bytes {
    let (rows, width) = Self.split(shape)
    let isWide = Self.wide(width)
    let elements = ElementScan<W>(values.pointer, dtype)
    defer { withExtendedLifetime(self) {} }
    return Bytes(count: rows * width * MemoryLayout<W>.size) { target in
      target.zero()
      guard let base = target.baseAddress else { return }
      for row in 0..<rows {
        for i in start(row)..<start(row + 1) {
          base.store(elements[i], element: row &* width &+ column(i, wide: isWide))
        }
      }
    }
  }
}
