import SparrowCore

extension Graph {
  /// Deterministic inputs of the given shapes (one an input, in order): standard normal numbers,
  /// indices below the size of the table they look up (1,000 where that is not known), true for
  /// bool, ones for masks and zeros for token types.
  public func randomInputs(_ shapes: [[Int]], seed: UInt64 = 0) throws(InputError) -> [Tensor] {
    var result: [Tensor] = []
    for (i, (input, shape)) in zip(try inputTypes(), shapes).enumerated() {
      guard let count = shape.checkedElementCount, count <= 1 << 32 else {
        throw .input("input '\(input.name)' of shape \(shape) is too large")
      }
      var random = SplitMix64(seed: seed &+ UInt64(i) &* 0x1_0000_0001)
      let dtype = input.type.dtype
      if dtype.isFloatingPoint {
        result.append(Self.normal(dtype, shape, &random))
      } else {
        let limit = integerLimit(inputs[i], dtype)
        let fixed: Int? = dtype == .bool ? 1 : Self.fixedInteger(input.name)
        result.append(Self.integers(dtype, shape) { fixed ?? Int(random.next() % UInt64(limit)) })
      }
    }
    return result
  }

  /// What inputs of conventional names always hold.
  private static func fixedInteger(_ name: String) -> Int? {
    // Letters of ASCII alone: `lowercased()` brings Unicode's tables along.
    let name = name.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
    if name.contains("mask".utf8) { return 1 }
    return name.contains("token_type".utf8) || name.contains("segment".utf8) ? 0 : nil
  }

  /// One more than the largest value an integer input should hold.
  private func integerLimit(_ input: ValueID, _ dtype: DType) -> Int {
    var limit = dtype.size == 1 ? 128 : 1000
    var reached: Set<ValueID> = [input]
    for node in nodes {
      switch node.op {
      case .gather(let op):
        guard let indices = node.input(1), reached.contains(indices),
          let table = node.input(0).flatMap({ self[$0].type?.shape }), !table.isEmpty
        else { continue }
        let axis = op.axis < 0 ? op.axis + table.count : op.axis
        if table.indices.contains(axis) { limit = min(limit, max(1, table[axis])) }
      case .cast, .identity, .reshape, .unsqueeze, .squeeze, .transpose:
        if let source = node.input(0), reached.contains(source) {
          reached.formUnion(node.outputs)
        }
      default: continue
      }
    }
    return limit
  }

  private static func normal(
    _ dtype: DType, _ shape: [Int], _ random: inout SplitMix64
  ) -> Tensor {
    var values = [Float](repeating: 0, count: shape.elementCount)
    for i in values.indices { values[i] = random.normal() }
    switch dtype {
    case .float64: return Tensor(values.map { Double($0) }, shape: shape)
    case .float16: return bits(values.map { HalfPrecision.float16($0) }, .float16, shape)
    case .bfloat16: return bits(values.map { HalfPrecision.bfloat16($0) }, .bfloat16, shape)
    default: return Tensor(values, shape: shape)
    }
  }

  private static func bits(_ values: [UInt16], _ dtype: DType, _ shape: [Int]) -> Tensor {
    Tensor(dtype: dtype, shape: shape, bytes: Bytes(copying: values))
  }

  private static func integers(_ dtype: DType, _ shape: [Int], _ next: () -> Int) -> Tensor {
    let values = (0..<shape.elementCount).map { _ in next() }
    func tensor<T: FixedWidthInteger & Element>(_ type: T.Type) -> Tensor {
      Tensor(values.map { T(truncatingIfNeeded: $0) }, shape: shape)
    }
    switch dtype {
    case .int8: return tensor(Int8.self)
    case .int16: return tensor(Int16.self)
    case .int32: return tensor(Int32.self)
    case .uint8: return tensor(UInt8.self)
    case .uint16: return tensor(UInt16.self)
    case .uint32: return tensor(UInt32.self)
    case .uint64: return tensor(UInt64.self)
    case .bool: return Tensor(values.map { $0 != 0 }, shape: shape)
    case .int64: return tensor(Int64.self)
    default: return Tensor(dtype, shape, integers: values)
    }
  }
}

// The sequence is part of the interface: the same seed, the same inputs.
extension SplitMix64 {
  /// A sum of twelve uniform numbers less six: close to standard normal, and the same on every
  /// platform, which no logarithm promises.
  mutating func normal() -> Float {
    var sum: Float = -6
    for _ in 0..<3 {
      let word = next()
      for shift in [0, 16, 32, 48] as [UInt64] {
        sum += Float((word >> shift) & 0xffff) * 0x1p-16
      }
    }
    return sum
  }
}

extension [UInt8] {
  fileprivate func contains(_ part: String.UTF8View) -> Bool {
    indices.contains { self[$0...].starts(with: part) }
  }
}
