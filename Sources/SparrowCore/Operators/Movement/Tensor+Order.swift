extension Tensor {
  /// A key for each element, ordered as the elements are: equal numbers have equal keys, NaN comes
  /// after everything else.
  var orderKeys: [UInt64] {
    let signBit: UInt64 = 1 << 63
    if dtype.isFloatingPoint {
      return doubles.map { value in
        if value.isNaN { return .max }
        // -0 equals 0.
        let bits = (value == 0 ? 0 : value).bitPattern
        return bits & signBit == 0 ? bits | signBit : ~bits
      }
    }
    switch dtype {
    case .int8, .int16, .int32, .int64:
      let shift = UInt64(64 - 8 * dtype.size)
      return words.map { $0 << shift ^ signBit }
    default: return words
    }
  }
}
