extension DType {
  /// The bits of an element, as an unsigned integer of its size, that are all 0 exactly in zeros:
  /// everything but the sign of floating-point types.
  var significantBits: UInt64 {
    switch self {
    case .float32: 0x7fff_ffff
    case .float16, .bfloat16: 0x7fff
    case .float64: 0x7fff_ffff_ffff_ffff
    case .int8, .uint8, .bool, .int4, .uint4, .int2, .uint2: 0xff
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      UInt64(minifloat?.significantBits ?? 0xff)
    case .int16, .uint16: 0xffff
    case .int32, .uint32: 0xffff_ffff
    case .int64, .uint64: 0xffff_ffff_ffff_ffff
    }
  }
}

/// An element as an unsigned integer of its size: the loops of sparse encodings move and compare
/// elements without knowing their type.
typealias Word = FixedWidthInteger & UnsignedInteger & BitwiseCopyable

/// Elements somewhere in memory, aligned or not.
struct ElementScan<W: Word> {
  let base: UnsafeRawPointer
  let significant: W

  init(_ base: UnsafeRawPointer, _ dtype: DType) {
    (self.base, significant) = (base, W(truncatingIfNeeded: dtype.significantBits))
  }

  @inline(__always)
  subscript(_ i: Int) -> W {
    base.loadUnaligned(fromByteOffset: i &* MemoryLayout<W>.size, as: W.self)
  }

  @inline(__always)
  func isNonzero(_ i: Int) -> Bool { self[i] & significant != 0 }

  /// The number of nonzeros among `count` elements from `start` on.
  func nonzeros(_ start: Int, _ count: Int) -> Int {
    var total = 0
    for i in start..<(start &+ count) { total &+= isNonzero(i) ? 1 : 0 }
    return total
  }

  /// One bit an element, least significant first; returns how many are set.
  func writeMask(_ count: Int, to bits: UnsafeMutablePointer<UInt8>) -> Int {
    var kept = 0
    var i = 0
    while i < count {
      let lanes = min(8, count &- i)
      var byte: UInt8 = 0
      for lane in 0..<lanes { byte |= isNonzero(i &+ lane) ? 1 << UInt8(lane) : 0 }
      bits[i >> 3] = byte
      kept &+= byte.nonzeroBitCount
      i &+= 8
    }
    return kept
  }
}

extension UnsafeMutableRawPointer {
  @inline(__always)
  func store<W: Word>(_ value: W, element i: Int) {
    storeBytes(of: value, toByteOffset: i &* MemoryLayout<W>.size, as: W.self)
  }
}

extension Bytes {
  /// Calls `body` with each set bit's index, ascending.
  @inline(__always)
  func forEachSetBit(_ body: (Int) -> Void) {
    let base = pointer
    var byte = 0
    while byte < count {
      var word: UInt64 = 0
      if count &- byte >= 8 {
        word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: byte, as: UInt64.self))
      } else {
        for i in byte..<count {
          let part = UInt64(base.load(fromByteOffset: i, as: UInt8.self))
          word |= part << UInt64((i &- byte) &* 8)
        }
      }
      let first = byte &* 8
      while word != 0 {
        body(first &+ word.trailingZeroBitCount)
        word &= word &- 1
      }
      byte &+= 8
    }
    withExtendedLifetime(self) {}
  }

  /// The number of set bits.
  var setBitCount: Int {
    let base = pointer
    var total = 0
    let words = count >> 3
    for i in 0..<words {
      total &+= base.loadUnaligned(fromByteOffset: i &* 8, as: UInt64.self).nonzeroBitCount
    }
    for i in (words &* 8)..<count {
      total &+= base.load(fromByteOffset: i, as: UInt8.self).nonzeroBitCount
    }
    withExtendedLifetime(self) {}
    return total
  }

  /// The number of elements of `dtype` that are neither positive nor negative zero.
  func nonzeroCount(_ dtype: DType) -> Int {
    defer { withExtendedLifetime(self) {} }
    return switch dtype.size {
    case 1: ElementScan<UInt8>(pointer, dtype).nonzeros(0, count)
    case 2: ElementScan<UInt16>(pointer, dtype).nonzeros(0, count / 2)
    case 4: ElementScan<UInt32>(pointer, dtype).nonzeros(0, count / 4)
    default: ElementScan<UInt64>(pointer, dtype).nonzeros(0, count / 8)
    }
  }
}

extension Tensor {
  /// The number of elements that are neither positive nor negative zero.
  public var nonzeroCount: Int {
    switch storage {
    case .dense(let bytes): bytes.nonzeroCount(dtype)
    case .bitmask(let mask): mask.values.nonzeroCount(dtype)
    case .compressedRows(let rows): rows.values.nonzeroCount(dtype)
    case .blocks(let blocks): blocks.values.nonzeroCount(dtype)
    }
  }
}
