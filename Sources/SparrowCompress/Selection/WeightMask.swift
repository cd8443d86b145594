import CKernels
import SparrowCore

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
  init(count: Int, keeping keeps: (Int) -> Bool) {
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
        copyWords(from: source.pointer, to: base)
      } else {
        for i in 0..<count {
          let to = base + i * size
          if self[i] {
            to.copyMemory(from: source.pointer + i * size, byteCount: size)
          } else {
            to.initializeMemory(as: UInt8.self, repeating: 0, count: size)
          }
        }
      }
    }
    return Tensor(dtype: weight.dtype, shape: weight.shape, bytes: result)
  }

  /// Eight elements a mask byte, without branches.
  private func copyWords(from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
    let lanes = SIMD8<UInt32>(1, 2, 4, 8, 16, 32, 64, 128)
    let bits = self.bits.pointer
    for byte in 0..<(count / 8) {
      let mask = SIMD8<UInt32>(repeating: UInt32(bits.load(fromByteOffset: byte, as: UInt8.self)))
      let words = source.loadUnaligned(fromByteOffset: byte * 32, as: SIMD8<UInt32>.self)
      let kept = words.replacing(with: 0, where: (mask & lanes) .== 0)
      target.storeBytes(of: kept, toByteOffset: byte * 32, as: SIMD8<UInt32>.self)
    }
    for i in (count / 8 * 8)..<count {
      let word = source.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self)
      target.storeBytes(of: self[i] ? word : 0, toByteOffset: i * 4, as: UInt32.self)
    }
  }
}
