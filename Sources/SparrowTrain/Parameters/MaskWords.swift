import SparrowCompress
import SparrowCore

/// A mask as it is applied in every step: a word an element, all ones where it is kept.
public final class MaskWords {
  public let mask: WeightMask
  private let region: Region

  public init(_ mask: WeightMask) {
    self.mask = mask
    region = Region(count: mask.count * 4)
    let words = region.base.bindMemory(to: UInt32.self, capacity: mask.count)
    mask.bits.withUnsafeBytes { bits in
      for i in 0..<mask.count { words[i] = bits[i >> 3] >> UInt8(i & 7) & 1 == 0 ? 0 : .max }
    }
  }

  /// Zeroes what the mask drops, to +0.
  public func apply(to x: UnsafeMutableBufferPointer<Float>) { apply(from: x, to: x) }

  /// Writes `source`, with zeros where the mask drops, to `target`.
  public func apply(
    from source: UnsafeMutableBufferPointer<Float>, to target: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(source.count == mask.count && target.count == mask.count)
    let words = UnsafePointer(region.base.assumingMemoryBound(to: UInt32.self))
    source.withMemoryRebound(to: UInt32.self) { source in
      target.withMemoryRebound(to: UInt32.self) { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        for i in 0..<source.count { to[i] = from[i] & words[i] }
      }
    }
  }
}

extension WeightMask {
  /// The mask that keeps every element but the zeros.
  static func keepingNonzeros(_ x: UnsafeMutableBufferPointer<Float>) -> WeightMask {
    WeightMask(count: x.count) { x[$0] != 0 }
  }
}
