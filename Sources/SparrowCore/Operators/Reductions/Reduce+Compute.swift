extension Reduce {
  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    let reduced: [Int]
    do throws(InferenceError) {
      guard let known = try axes(x.context, rank: tensor.rank) else {
        throw InferenceError("the axes are not integers")
      }
      reduced = known
    } catch {
      throw ComputeError(error)
    }
    // The output with its reduced axes kept, and the output position of every input element.
    let kept = tensor.shape.indices.map { reduced.contains($0) ? 1 : tensor.shape[$0] }
    let places = kept.positions(broadcastTo: tensor.shape)
    let shape =
      keepsDimensions ? kept : kept.indices.filter { !reduced.contains($0) }.map { kept[$0] }
    if tensor.dtype.isFloatingPoint || usesReals {
      let results = reals(tensor.doubles, places, count: kept.elementCount)
      return [Tensor(tensor.dtype, shape, doubles: results)]
    }
    let results = try whole(tensor, places, count: kept.elementCount)
    return [Tensor(tensor.dtype, shape, integers: results)]
  }

  /// Whether integers are reduced as real numbers too.
  private var usesReals: Bool { kind == .l2 || kind == .logSum || kind == .logSumExp }

  private func reals(_ values: [Double], _ places: [Int], count: Int) -> [Double] {
    let start: Double =
      switch kind {
      case .sum, .mean, .l1, .l2, .sumSquare, .logSum, .logSumExp: 0
      case .max: -Double.infinity
      case .min: Double.infinity
      case .product: 1
      }
    let extremes = kind == .logSumExp ? Reduce(.max).reals(values, places, count: count) : []
    // Infinities are their own logarithms: nothing is subtracted from them.
    let shifts = extremes.map { $0.isFinite ? $0 : 0 }
    var results = [Double](repeating: start, count: count)
    for (i, value) in values.enumerated() {
      let place = places[i]
      switch kind {
      case .sum, .mean, .logSum: results[place] += value
      case .l1: results[place] += Swift.abs(value)
      case .l2, .sumSquare: results[place] += value * value
      case .product: results[place] *= value
      case .logSumExp: results[place] += Math.exp(value - shifts[place])
      case .max: if value > results[place] || value.isNaN { results[place] = value }
      case .min: if value < results[place] || value.isNaN { results[place] = value }
      }
    }
    switch kind {
    case .mean:
      let depth = count == 0 ? 0 : Double(values.count) / Double(count)
      return results.map { $0 / depth }
    case .l2: return results.map { $0.squareRoot() }
    case .logSum: return results.map { Math.log($0) }
    case .logSumExp: return results.indices.map { Math.log(results[$0]) + shifts[$0] }
    case .sum, .l1, .sumSquare, .max, .min, .product: return results
    }
  }

  private func whole(
    _ tensor: Tensor, _ places: [Int], count: Int
  ) throws(ComputeError) -> [Int] {
    // Flipping the sign bit of unsigned 64-bit numbers keeps their order among signed ones.
    let isExtreme = kind == .max || kind == .min
    let flip = tensor.dtype == .uint64 && isExtreme ? Int.min : 0
    let bounds = tensor.dtype.wholeBounds
    let start: Int =
      switch kind {
      case .max: bounds.low ^ flip
      case .min: bounds.high ^ flip
      case .product: 1
      case .sum, .mean, .l1, .sumSquare, .l2, .logSum, .logSumExp: 0
      }
    guard tensor.dtype != .bool || isExtreme else { throw ComputeError("it does not take bool") }
    var results = [Int](repeating: start, count: count)
    for (i, value) in tensor.wrappedIntegers.enumerated() {
      let place = places[i]
      switch kind {
      case .max: results[place] = Swift.max(results[place], value ^ flip)
      case .min: results[place] = Swift.min(results[place], value ^ flip)
      case .product: results[place] = results[place] &* value
      case .l1:
        results[place] =
          results[place] &+ (value < 0 && tensor.dtype != .uint64 ? 0 &- value : value)
      case .sumSquare: results[place] = results[place] &+ value &* value
      case .sum, .mean, .l2, .logSum, .logSumExp: results[place] = results[place] &+ value
      }
    }
    if kind == .mean, count > 0 {
      let depth = tensor.count / count
      results = results.map { depth == 0 ? 0 : quotient($0, depth, tensor.dtype) }
    }
    return results.map { $0 ^ flip }
  }

  /// The quotient of the low bits that `dtype` keeps of a sum.
  private func quotient(_ sum: Int, _ depth: Int, _ dtype: DType) -> Int {
    let kept = Tensor(dtype, [], integers: [sum]).wrappedIntegers[0]
    if dtype == .uint64 { return Int(truncatingIfNeeded: UInt(bitPattern: kept) / UInt(depth)) }
    return kept / depth
  }
}

extension DType {
  /// The least and the greatest value of an integer type or bool, unsigned 64-bit ones wrapped around.
  package var wholeBounds: (low: Int, high: Int) {
    switch self {
    case .bool: (0, 1)
    case .int8: (Int(Int8.min), Int(Int8.max))
    case .int16: (Int(Int16.min), Int(Int16.max))
    case .int32: (Int(Int32.min), Int(Int32.max))
    case .int64: (Int.min, Int.max)
    case .uint8: (0, Int(UInt8.max))
    case .uint16: (0, Int(UInt16.max))
    case .uint32: (0, Int(clamping: UInt32.max))
    case .uint64: (0, -1)
    case .int4: (-8, 7)
    case .uint4: (0, 15)
    case .int2: (-2, 1)
    case .uint2: (0, 3)
    default: (0, 0)
    }
  }
}
