/// How a tensor's elements are kept. Every variant decodes to the same dense row-major array.
///
/// Sparse variants keep values of the tensor's own element type; a zero is an element whose bytes
/// compare equal to positive or negative zero (negative zeros decode as positive ones).
public enum Storage: Sendable {
  /// Row-major elements.
  case dense(Bytes)
  /// One bit an element, and the kept values in order.
  case bitmask(Bitmask)
  /// Row starts, column indices and values of the tensor seen as `shape[0]` rows.
  case compressedRows(CompressedRows)
  /// Kept rectangles of neighbouring outputs x inputs.
  case blocks(Blocks)

  /// The bytes kept.
  public var byteCount: Int {
    switch self {
    case .dense(let bytes): bytes.count
    case .bitmask(let mask): mask.bits.count + mask.values.count
    case .compressedRows(let rows): rows.starts.count + rows.columns.count + rows.values.count
    case .blocks(let blocks): blocks.bits.count + blocks.values.count
    }
  }

  /// The name used by the command line and reports.
  public var name: String {
    switch self {
    case .dense: "dense"
    case .bitmask: "bitmask"
    case .compressedRows: "compressed rows"
    case .blocks(let blocks): "blocks \(blocks.outputs)x\(blocks.inputs)"
    }
  }
}

extension Tensor {
  /// Lets go of the memory behind a mapped file's bytes: for who has copied what it needs.
  public func releasePages() {
    switch storage {
    case .dense(let bytes): bytes.releasePages()
    case .bitmask(let mask):
      mask.bits.releasePages()
      mask.values.releasePages()
    case .compressedRows(let rows):
      rows.starts.releasePages()
      rows.columns.releasePages()
      rows.values.releasePages()
    case .blocks(let blocks):
      blocks.bits.releasePages()
      blocks.values.releasePages()
    }
  }

  /// The same tensor with dense storage; itself where it is dense already.
  @inline(never)
  public func dense() -> Tensor {
    switch storage {
    case .dense: self
    case .bitmask(let mask): Tensor(dtype: dtype, shape: shape, bytes: mask.decoded(dtype, count))
    case .compressedRows(let rows):
      Tensor(dtype: dtype, shape: shape, bytes: rows.decoded(dtype, shape))
    case .blocks(let blocks):
      Tensor(dtype: dtype, shape: shape, bytes: blocks.decoded(dtype, count))
    }
  }
}

/// A sparse encoding that does not describe its tensor.
public enum StorageError: Error, Equatable {
  /// A part has the wrong number of bytes.
  case wrongSize(part: String, found: Int, expected: Int)
  /// A bit beyond the last element or block is set.
  case paddingBit
  /// The number of set mask bits is not the number of values.
  case wrongPopulation(found: Int, expected: Int)
  /// Row starts that decrease or end elsewhere than at the last value.
  case badRowStarts(row: Int)
  /// A column index outside the row, or not above its predecessor.
  case badColumn(row: Int, column: Int)
  /// A block shape or view that does not fit the tensor.
  case badBlock(String)

  public var message: String {
    switch self {
    case .wrongSize(let part, let found, let expected):
      "its \(part) take \(found) bytes, expected \(expected)"
    case .paddingBit: "a padding bit of its mask is set"
    case .wrongPopulation(let found, let expected):
      "its mask keeps \(found) elements, but there are values for \(expected)"
    case .badRowStarts(let row): "its row starts are out of order at row \(row)"
    case .badColumn(let row, let column):
      "column index \(column) in row \(row) is out of range or out of order"
    case .badBlock(let reason): reason
    }
  }
}
