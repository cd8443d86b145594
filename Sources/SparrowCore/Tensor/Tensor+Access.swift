extension Tensor {
  /// Row-major elements in place where storage, type and alignment allow; else of a decoded copy.
  /// `T` must be the tensor's own element type.
  public func withElements<T: Element, R, E: Error>(
    of type: T.Type, _ body: (UnsafeBufferPointer<T>) throws(E) -> R
  ) throws(E) -> R {
    precondition(T.dtype == dtype)
    var bytes = dense().denseBytes ?? Bytes(copying: [UInt8]())
    if !bytes.isAligned(for: T.self) {
      let source = bytes
      bytes = Bytes(count: source.count) { target in
        target.copyMemory(from: UnsafeRawBufferPointer(start: source.pointer, count: source.count))
      }
    }
    let typed = bytes.pointer.assumingMemoryBound(to: T.self)
    let result = try body(UnsafeBufferPointer(start: typed, count: count))
    withExtendedLifetime(bytes) {}
    return result
  }

  /// The elements as an array. `T` must be the tensor's own element type.
  public func array<T: Element>(of type: T.Type) -> [T] {
    precondition(T.dtype == dtype)
    return dense().denseBytes?.array(of: T.self) ?? []
  }

  /// The elements of an integer or bool tensor; nil for other types and for uint64 beyond `Int`. Where
  /// that has 32 bits, int64 and uint32 beyond it become its limits: as positions and lengths they
  /// mean the same, the end of every axis.
  @inline(never)
  public var integers: [Int]? {
    switch dtype {
    case .int64: array(of: Int64.self).map { Int(clamping: $0) }
    case .int32: array(of: Int32.self).map { Int($0) }
    case .int16: array(of: Int16.self).map { Int($0) }
    case .int8: array(of: Int8.self).map { Int($0) }
    case .uint8: array(of: UInt8.self).map { Int($0) }
    case .uint16: array(of: UInt16.self).map { Int($0) }
    case .uint32: array(of: UInt32.self).map { Int(clamping: $0) }
    case .bool: array(of: UInt8.self, as: .bool).map { $0 == 0 ? 0 : 1 }
    case .uint64: Tensor.narrowed(array(of: UInt64.self))
    case .int4, .int2: array(of: Int8.self, as: dtype).map { Int($0) }
    case .uint4, .uint2: array(of: UInt8.self, as: dtype).map { Int($0) }
    case .float32, .float64, .float16, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2,
      .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      nil
    }
  }

  /// The elements of a floating-point tensor as float32; nil for other types.
  @inline(never)
  public var floats: [Float]? {
    switch dtype {
    case .float32: array(of: Float.self)
    case .float64: array(of: Double.self).map { Float($0) }
    case .float16: array(of: UInt16.self, as: .float16).map { HalfPrecision.float(fromFloat16: $0) }
    case .bfloat16:
      array(of: UInt16.self, as: .bfloat16).map { HalfPrecision.float(fromBFloat16: $0) }
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      dtype.minifloat.map { format in
        array(of: UInt8.self, as: dtype).map { Float(format.value($0)) }
      }
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool, .int4, .uint4,
      .int2, .uint2:
      nil
    }
  }

  /// The single value of a one-element tensor as float32, whatever its numeric type.
  public var scalarFloat: Float? {
    guard count == 1 else { return nil }
    return floats?.first ?? integers?.first.map { Float($0) }
  }

  private func array<T: BitwiseCopyable>(of type: T.Type, as expected: DType) -> [T] {
    precondition(dtype == expected)
    return dense().denseBytes?.array(of: T.self) ?? []
  }

  private static func narrowed(_ values: [UInt64]) -> [Int]? {
    var result: [Int] = []
    result.reserveCapacity(values.count)
    for value in values {
      guard let narrow = Int(exactly: value) else { return nil }
      result.append(narrow)
    }
    return result
  }
}

extension Tensor: Equatable {
  /// Equal type, shape and decoded bytes (so NaNs of equal bits are equal, and 0 differs from -0).
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.dtype == b.dtype, a.shape == b.shape else { return false }
    return a.dense().denseBytes == b.dense().denseBytes
  }
}
