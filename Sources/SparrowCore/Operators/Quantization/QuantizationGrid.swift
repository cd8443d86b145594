/// Which scale and zero point belong to an element of a tensor: one for all, one for each index of an
/// axis, or one for each block along an axis.
struct QuantizationGrid {
  private enum Kind {
    case tensor
    /// Elements inside one index of the axis, and the axis's length.
    case axis(inner: Int, length: Int)
    /// As above, with a scale for every `block` indices.
    case blocks(inner: Int, length: Int, block: Int)
  }

  private let kind: Kind

  /// Throws where a scale of that shape does not fit.
  init(_ shape: [Int], scale: [Int], axis: Int, block: Int) throws(InferenceError) {
    if block == 0, scale.elementCount == 1 {
      kind = .tensor
      return
    }
    let axis = shape.count == 1 ? 0 : try ShapeRules.axis(axis, rank: shape.count)
    guard axis < shape.count else { throw InferenceError("a scalar has one scale") }
    let inner = shape[(axis + 1)...].reduce(1, *)
    if block == 0 {
      guard scale == [shape[axis]] else {
        throw InferenceError(
          "the scale has \(scale.elementCount) elements, expected \(shape[axis])")
      }
      kind = .axis(inner: inner, length: shape[axis])
      return
    }
    var expected = shape
    guard block > 0 else { throw InferenceError("block_size is \(block)") }
    expected[axis] = shape[axis] / block + (shape[axis] % block == 0 ? 0 : 1)
    guard scale == expected else {
      throw InferenceError(
        "the scale has \(scale.elementCount) elements, expected \(expected.elementCount)")
    }
    kind = .blocks(inner: inner, length: shape[axis], block: block)
  }

  /// The scale of element `i`.
  func index(_ i: Int) -> Int {
    switch kind {
    case .tensor: return 0
    case .axis(let inner, let length): return i / inner % length
    case .blocks(let inner, let length, let block):
      let blocks = length / block + (length % block == 0 ? 0 : 1)
      let (outer, rest) = i.quotientAndRemainder(dividingBy: inner * length)
      return (outer * blocks + rest / inner / block) * inner + rest % inner
    }
  }
}

extension DType {
  /// The values of an integer type that numbers are quantised to; nil for other types.
  var quantizedRange: ClosedRange<Double>? {
    switch self {
    case .int8: -128...127
    case .uint8: 0...255
    case .int16: -32768...32767
    case .uint16: 0...65535
    case .int4: -8...7
    case .uint4: 0...15
    case .int2: -2...1
    case .uint2: 0...3
    default: nil
    }
  }

  /// A number rounded to the nearest value of a floating-point type; others are left alone.
  func rounded(_ x: Double) -> Double {
    switch self {
    case .float32: Double(Float(x))
    case .float16: Double(HalfPrecision.float(fromFloat16: HalfPrecision.float16(Float(x))))
    case .bfloat16: Double(HalfPrecision.float(fromBFloat16: HalfPrecision.bfloat16(Float(x))))
    default: x
    }
  }
}

/// `round(x) + zero`, ties to even, bounded to a type's values; NaN gives the zero point.
func quantized(_ x: Double, zero: Double, _ range: ClosedRange<Double>) -> Double {
  let value = x.isNaN ? zero : x.rounded(.toNearestOrEven) + zero
  return Swift.min(Swift.max(value, range.lowerBound), range.upperBound)
}
