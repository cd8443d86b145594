import SparrowCore
import SparrowPasses

/// Which elements of a weight stay: one bit an element, row-major, least significant first, set
/// where it is kept; padding bits are 0. The same layout as ``Bitmask/bits``.
public struct WeightMask: Sendable, Equatable {
  public let bits: Bytes
  public let count: Int

  /// Wraps bits; there must be exactly `count` rounded up to bytes.
  public init(bits: Bytes, count: Int) {
    precondition(bits.count == (count + 7) / 8)
    (self.bits, self.count) = (bits, count)
  }

  /// Asks `keeps` about every element in order.
  package init(count: Int, keeping keeps: (Int) -> Bool) {
    let bits = Bytes(count: (count + 7) / 8) { target in
      for byte in target.indices {
        var value: UInt8 = 0
        for bit in 0..<min(8, count - byte * 8) where keeps(byte * 8 + bit) {
          value |= 1 << UInt8(bit)
        }
        target[byte] = value
      }
    }
    self.init(bits: bits, count: count)
  }

  /// Whether element `i` is kept.
  public subscript(i: Int) -> Bool { bits.bit(i) }

  /// The number of kept elements.
  public var keptCount: Int {
    bits.withUnsafeBytes { $0.reduce(0) { $0 + $1.nonzeroBitCount } }
  }

  /// `weight`, dense, with zeros where the mask drops.
  public func applied(to weight: Tensor) -> Tensor {
    precondition(weight.count == count)
    guard let source = weight.dense().denseBytes else { return weight }
    let size = weight.dtype.size
    let result = Bytes(count: source.count) { target in
      guard let base = target.baseAddress else { return }
      if size == 4 {
        copyWords(from: source, to: base)
      } else {
        copyElements(of: size, from: source.pointer, to: base)
      }
    }
    return Tensor(dtype: weight.dtype, shape: weight.shape, bytes: result)
  }

  private func copyElements(
    of size: Int, from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer
  ) {
    for i in 0..<count {
      if self[i] {
        (target + i * size).copyMemory(from: source + i * size, byteCount: size)
      } else {
        (target + i * size).initializeMemory(as: UInt8.self, repeating: 0, count: size)
      }
    }
  }

  /// Four-byte elements, large weights on all cores; each piece writes its own elements only.
  private func copyWords(from source: Bytes, to target: UnsafeMutableRawPointer) {
    nonisolated(unsafe) let target = target
    let pieces = max(1, count / Self.pieceLength)
    _ = Parallel.map(pieces) { piece in
      let start = piece * Self.pieceLength
      let end = piece + 1 == pieces ? count : start + Self.pieceLength
      withExtendedLifetime((source, bits)) {
        copyWords(start..<end, from: source.pointer, to: target)
      }
    }
  }

  /// A multiple of 8, so that pieces start at whole mask bytes.
  private static var pieceLength: Int { 1 << 18 }

  /// Four elements a step: half a mask byte selects the lanes to keep.
  private func copyWords(
    _ range: Range<Int>, from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer
  ) {
    let bits = self.bits.pointer
    let whole = range.upperBound / 8 * 8
    Self.lanes.withUnsafeBufferPointer { lanes in
      for i in stride(from: range.lowerBound, to: whole, by: 8) {
        let byte = Int(bits.load(fromByteOffset: i >> 3, as: UInt8.self))
        let low = source.loadUnaligned(fromByteOffset: i * 4, as: SIMD4<UInt32>.self)
        let high = source.loadUnaligned(fromByteOffset: i * 4 + 16, as: SIMD4<UInt32>.self)
        target.storeBytes(of: low & lanes[byte & 15], toByteOffset: i * 4, as: SIMD4<UInt32>.self)
        target.storeBytes(
          of: high & lanes[byte >> 4], toByteOffset: i * 4 + 16, as: SIMD4<UInt32>.self)
      }
    }
    for i in whole..<range.upperBound {
      let word = source.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self)
      target.storeBytes(of: self[i] ? word : 0, toByteOffset: i * 4, as: UInt32.self)
    }
  }

  /// For each four bits, all ones in the lanes whose bit is set.
  private static let lanes: [SIMD4<UInt32>] = (0..<16).map { bits in
    SIMD4<UInt32>(
      bits & 1 != 0 ? .max : 0, bits & 2 != 0 ? .max : 0, bits & 4 != 0 ? .max : 0,
      bits & 8 != 0 ? .max : 0)
  }
}
