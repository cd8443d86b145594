/// Elements of fewer than 8 bits, several to a byte as in ONNX files: the first in the lowest bits.
extension DType {
  /// Bytes that `count` packed elements take; nil where that overflows.
  public func packedByteCount(_ count: Int) -> Int? {
    let (total, overflow) = count.multipliedReportingOverflow(by: bits)
    guard !overflow, total <= Int.max - 7 else { return nil }
    return (total + 7) / 8
  }
}

extension Tensor {
  /// A tensor of packed elements; `packed` has ``DType/packedByteCount(_:)`` bytes.
  public init(_ dtype: DType, _ shape: [Int], packed: Bytes) {
    let bits = dtype.bits
    guard bits < 8 else {
      self.init(dtype: dtype, shape: shape, bytes: packed)
      return
    }
    let source = packed.array(of: UInt8.self)
    let isSigned = dtype == .int4 || dtype == .int2
    let (mask, sign) = (UInt8(1 << bits) - 1, UInt8(1 << (bits - 1)))
    var codes = [UInt8](repeating: 0, count: shape.elementCount)
    for i in codes.indices {
      let code = source[i * bits / 8] >> UInt8(i * bits % 8) & mask
      codes[i] = isSigned ? (code ^ sign) &- sign : code
    }
    self.init(dtype: dtype, shape: shape, bytes: Bytes(copying: codes))
  }

  /// The elements packed.
  public var packed: Bytes {
    let dense = dense().denseBytes ?? Bytes(copying: [UInt8]())
    let bits = dtype.bits
    guard bits < 8 else { return dense }
    let mask = UInt8(1 << bits) - 1
    var target = [UInt8](repeating: 0, count: (count * bits + 7) / 8)
    for (i, code) in dense.array(of: UInt8.self).enumerated() {
      target[i * bits / 8] |= (code & mask) << UInt8(i * bits % 8)
    }
    return Bytes(copying: target)
  }
}
