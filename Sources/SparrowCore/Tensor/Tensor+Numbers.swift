/// Elements as plain Swift numbers, for reference implementations.
extension Tensor {
  /// The elements as float64, whatever their numeric type; bool is 0 and 1. 64-bit integers beyond
  /// 2^53 are rounded.
  @inline(never)
  public var doubles: [Double] {
    switch dtype {
    case .float64: array(of: Double.self)
    case .float32: array(of: Float.self).map { Double($0) }
    case .float16, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz,
      .float8e8m0, .float4e2m1:
      (floats ?? []).map { Double($0) }
    case .int64: array(of: Int64.self).map { Double($0) }
    case .uint32: array(of: UInt32.self).map { Double($0) }
    case .uint64: array(of: UInt64.self).map { Double($0) }
    case .int8, .int16, .int32, .uint8, .uint16, .bool, .int4, .uint4, .int2, .uint2:
      (integers ?? []).map { Double($0) }
    }
  }

  /// The elements' bytes, each in the low bits of a word: for operators that only move elements.
  public var words: [UInt64] {
    guard let bytes = dense().denseBytes else { return [] }
    switch dtype.size {
    case 1: return bytes.array(of: UInt8.self).map { UInt64($0) }
    case 2: return bytes.array(of: UInt16.self).map { UInt64($0) }
    case 4: return bytes.array(of: UInt32.self).map { UInt64($0) }
    default: return bytes.array(of: UInt64.self)
    }
  }

  /// A tensor of ``words``.
  public init(_ dtype: DType, _ shape: [Int], words: [UInt64]) {
    precondition(words.count == shape.elementCount)
    let bytes =
      switch dtype.size {
      case 1: Bytes(copying: words.map { UInt8(truncatingIfNeeded: $0) })
      case 2: Bytes(copying: words.map { UInt16(truncatingIfNeeded: $0) })
      case 4: Bytes(copying: words.map { UInt32(truncatingIfNeeded: $0) })
      default: Bytes(copying: words)
      }
    self.init(dtype: dtype, shape: shape, bytes: bytes)
  }

  /// A tensor of integers, which wrap around where `dtype` is narrower; for bool all but 0 is true,
  /// and floating-point types round.
  public init(_ dtype: DType, _ shape: [Int], integers: [Int]) {
    switch dtype {
    case .bool: self.init(dtype, shape, words: integers.map { $0 == 0 ? 0 : 1 })
    case .float32, .float64, .float16, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2,
      .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      self.init(dtype, shape, doubles: integers.map { Double($0) })
    case .int4, .int2, .uint4, .uint2:
      self.init(dtype, shape, words: integers.map { dtype.lowBits($0) })
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
      self.init(dtype, shape, words: integers.map { UInt64(truncatingIfNeeded: $0) })
    }
  }

  /// A tensor of numbers rounded to the nearest value of a floating-point `dtype`; for integers they
  /// are truncated towards 0 and then to the type's range, NaN to 0; for bool all but 0 is true.
  public init(_ dtype: DType, _ shape: [Int], doubles: [Double]) {
    precondition(doubles.count == shape.elementCount)
    switch dtype {
    case .float64: self.init(doubles, shape: shape)
    case .float32: self.init(doubles.map { Float($0) }, shape: shape)
    case .float16:
      self.init(dtype, shape, words: doubles.map { UInt64(HalfPrecision.float16(Float($0))) })
    case .bfloat16:
      self.init(dtype, shape, words: doubles.map { UInt64(HalfPrecision.bfloat16(Float($0))) })
    case .bool: self.init(dtype, shape, words: doubles.map { $0 == 0 ? 0 : 1 })
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      let format = dtype.minifloat
      self.init(
        dtype, shape,
        words: doubles.map { UInt64(format?.code($0, saturates: true) ?? 0) })
    case .int4, .int2, .uint4, .uint2:
      let bounds = dtype.wholeBounds
      self.init(
        dtype, shape,
        words: doubles.map { value in
          let whole = Tensor.saturated(value, Int.self)
          return dtype.lowBits(Swift.min(Swift.max(whole, bounds.low), bounds.high))
        })
    case .int8: self.init(dtype, shape, words: Tensor.words(doubles, Int8.self))
    case .int16: self.init(dtype, shape, words: Tensor.words(doubles, Int16.self))
    case .int32: self.init(dtype, shape, words: Tensor.words(doubles, Int32.self))
    case .int64: self.init(dtype, shape, words: Tensor.words(doubles, Int64.self))
    case .uint8: self.init(dtype, shape, words: Tensor.words(doubles, UInt8.self))
    case .uint16: self.init(dtype, shape, words: Tensor.words(doubles, UInt16.self))
    case .uint32: self.init(dtype, shape, words: Tensor.words(doubles, UInt32.self))
    case .uint64: self.init(dtype, shape, words: Tensor.words(doubles, UInt64.self))
    }
  }

  private static func words<I: FixedWidthInteger>(_ values: [Double], _ type: I.Type) -> [UInt64] {
    values.map { UInt64(truncatingIfNeeded: saturated($0, type)) }
  }

  private static func saturated<I: FixedWidthInteger>(_ value: Double, _ type: I.Type) -> I {
    if value.isNaN { return 0 }
    let whole = value.rounded(.towardZero)
    // The bounds as float64 may be one too far: the exact conversion then says no.
    if let exact = I(exactly: whole) { return exact }
    return whole < 0 ? .min : .max
  }
}

extension DType {
  /// An integer's low bits as an element of a type of fewer than 8 bits, sign-extended to a byte.
  fileprivate func lowBits(_ value: Int) -> UInt64 {
    let shift = Int.bitWidth - bits
    let moved = value << shift
    let isSigned = self == .int4 || self == .int2
    return UInt64(
      truncatingIfNeeded: isSigned
        ? moved >> shift : Int(bitPattern: UInt(bitPattern: moved) >> shift))
  }
}
