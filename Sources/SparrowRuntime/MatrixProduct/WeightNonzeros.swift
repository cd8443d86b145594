import CKernels
import SparrowCore

/// The nonzeros of a float32 matrix: a bit for each element, and their values in row-major order.
///
/// What sparse streams are made from. A weight stored as a bitmask is read where it is.
struct WeightNonzeros {
  let rows: Int
  let columns: Int
  private let bits: Bytes
  /// The bit of the first element.
  private let firstBit: Int
  private let values: Bytes
  private let startsRegion: Region
  /// Where each row's values begin; one more for the end.
  private let starts: UnsafeMutablePointer<Int>

  /// The most bits that ``bits(_:_:_:)`` gives at once.
  static var chunk: Int { 56 }

  /// Rows of a float32 tensor from element `first` on.
  init(
    _ kernels: UnsafePointer<sp_kernel_table>, _ tensor: Tensor, first: Int, rows: Int,
    columns: Int
  ) {
    guard case .bitmask(let mask) = tensor.storage else {
      self = tensor.withElements(of: Float.self) { all in
        WeightNonzeros(
          kernels, all.baseAddress.map { $0 + first }, rows: rows, columns: columns)
      }
      return
    }
    let before = WeightNonzeros.count(mask.bits, 0, first) * MemoryLayout<Float>.size
    self.init(
      bits: mask.bits, firstBit: first,
      values: mask.values.slice(before, mask.values.count - before), rows: rows, columns: columns)
  }

  /// A row-major matrix; all zeros where there is none. Values are left out where they are more than
  /// ``SparsityChoice`` ever takes.
  init(
    _ kernels: UnsafePointer<sp_kernel_table>, _ dense: UnsafePointer<Float>?, rows: Int,
    columns: Int
  ) {
    let count = rows * columns
    let bits = Bytes(count: (count + 7) / 8) { target in
      guard let dense, let base = target.baseAddress else { return }
      // Magnitudes of at least the smallest there is.
      kernels.pointee.f32_mask_below(
        count, dense, 1, base.assumingMemoryBound(to: UInt8.self))
    }
    let kept = dense == nil ? 0 : WeightNonzeros.count(bits, 0, count)
    // Too many to run sparse: nobody asks for their values.
    let isSparse = Double(kept) <= SparsityChoice.densityLimit * Double(count)
    let values = Bytes(count: isSparse ? kept * MemoryLayout<Float>.size : 0) { target in
      guard isSparse, let dense, let base = target.baseAddress else { return }
      _ = kernels.pointee.f32_compress(
        count, dense, bits.pointer.assumingMemoryBound(to: UInt8.self),
        base.assumingMemoryBound(to: Float.self))
    }
    self.init(bits: bits, firstBit: 0, values: values, rows: rows, columns: columns)
  }

  private init(bits: Bytes, firstBit: Int, values: Bytes, rows: Int, columns: Int) {
    (self.bits, self.firstBit, self.values) = (bits, firstBit, values)
    (self.rows, self.columns) = (rows, columns)
    startsRegion = Region(count: (rows + 1) * MemoryLayout<Int>.size)
    starts = startsRegion.base.bindMemory(to: Int.self, capacity: rows + 1)
    starts[0] = 0
    for row in 0..<rows {
      starts[row + 1] =
        starts[row] &+ WeightNonzeros.count(bits, firstBit &+ row &* columns, columns)
    }
  }

  /// How many there are.
  var count: Int { starts[rows] }

  /// Where a row's values begin.
  @inline(__always)
  func start(_ row: Int) -> Int { starts[row] }

  @inline(__always)
  func value(_ i: Int) -> Float {
    values.pointer.loadUnaligned(fromByteOffset: i &* 4, as: Float.self)
  }

  /// Copies `count` values from the `i`th on.
  @inline(__always)
  func copyValues(_ i: Int, _ count: Int, to target: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(target).copyMemory(
      from: values.pointer + i &* 4, byteCount: count &* 4)
  }

  /// The bits of `n` elements of a row (at most ``chunk``), lowest first.
  @inline(__always)
  func bits(_ row: Int, _ column: Int, _ n: Int) -> UInt64 {
    WeightNonzeros.bits(bits, firstBit &+ row &* columns &+ column, n)
  }

  /// The number of nonzeros of a row in columns `start ..< end`.
  @inline(__always)
  func count(_ row: Int, _ start: Int, _ end: Int) -> Int {
    WeightNonzeros.count(bits, firstBit &+ row &* columns &+ start, end &- start)
  }

  @inline(__always)
  private static func count(_ bits: Bytes, _ first: Int, _ n: Int) -> Int {
    var (total, done) = (0, 0)
    while done < n {
      let length = min(chunk, n &- done)
      total &+= self.bits(bits, first &+ done, length).nonzeroBitCount
      done &+= length
    }
    return total
  }

  @inline(__always)
  private static func bits(_ bits: Bytes, _ first: Int, _ n: Int) -> UInt64 {
    let byte = first >> 3
    var word: UInt64 = 0
    if byte &+ 8 <= bits.count {
      word = UInt64(
        littleEndian: bits.pointer.loadUnaligned(fromByteOffset: byte, as: UInt64.self))
    } else {
      for i in byte..<max(byte, bits.count) {
        let part = UInt64(bits.pointer.load(fromByteOffset: i, as: UInt8.self))
        word |= part << UInt64((i &- byte) &* 8)
      }
    }
    return word >> UInt64(first & 7) & (1 << UInt64(n) &- 1)
  }
}
