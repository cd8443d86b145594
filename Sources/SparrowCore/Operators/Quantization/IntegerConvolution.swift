/// ONNX ConvInteger and QLinearConv: convolutions of 8-bit integers less their zero points, with
/// padding of zeros after that.
///
/// ConvInteger: x, w, x's zero point?, w's zero point? (one, or `[O]`); the int32 sums.
/// QLinearConv: x, x_scale, x_zero_point, w, w_scale, w_zero_point (one, or `[O]` each), y_scale,
/// y_zero_point, bias? (int32 `[O]`); the sums times x_scale * w_scale / y_scale, quantised.
public struct IntegerConvolution: Operator {
  /// Whether the result is quantised.
  public let isQuantized: Bool
  public var window = Window()
  public var group = 1

  public init(isQuantized: Bool = false) { self.isQuantized = isQuantized }
  public var name: String { isQuantized ? "QLinearConv" : "ConvInteger" }
  public static var variants: [Self] { [Self(), Self(isQuantized: true)] }
  public var inputCount: ClosedRange<Int> { isQuantized ? 8...9 : 2...4 }

  /// Where the operands are among the inputs.
  private var places: (w: Int, xZero: Int, wZero: Int) { isQuantized ? (3, 2, 5) : (1, 2, 3) }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try window.visit(&visitor)
    try visitor.visit("group", &group)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    var inputs: [InferenceContext.Input?] = []
    for i in [0, places.w] {
      let type = try context.type(i)
      guard type.dtype == .int8 || type.dtype == .uint8 else {
        throw InferenceError("input \(i) is \(type.dtype.name), expected i8 or u8")
      }
      inputs.append(InferenceContext.Input(type: TensorType(.int32, type.dimensions)))
    }
    let plain = Conv(window: window, group: group)
    let sums = try plain.inferTypes(InferenceContext(inputs: inputs, outputCount: 1))[0]
    guard isQuantized else { return [sums] }
    let dtype = try context.type(7).dtype
    guard dtype.quantizedRange != nil else {
      throw InferenceError("y_zero_point is \(dtype.name), expected i8 or u8")
    }
    return [TensorType(dtype, sums.dimensions)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (input, weight) = (try x.tensor(0), try x.tensor(places.w))
    let (type, resolved): (TensorType, Window.Resolved)
    do throws(InferenceError) {
      type = try inferTypes(x.context)[0]
      resolved = try window.resolved(
        kernel: Array(weight.shape.dropFirst(2)),
        input: input.shape.dropFirst(2).map { .known($0) })
    } catch {
      throw ComputeError(error)
    }
    guard let shape = type.shape else { throw ComputeError("the shapes are not known") }
    let outputs = weight.shape[0]
    func each(_ i: Int) throws(ComputeError) -> [Double] {
      guard let values = x.optional(i)?.doubles else {
        return [Double](repeating: 0, count: outputs)
      }
      if values.count == 1 { return [Double](repeating: values[0], count: outputs) }
      guard values.count == outputs else {
        throw ComputeError("input \(i) has \(values.count) elements, expected \(outputs)")
      }
      return values
    }
    let xZero = x.has(places.xZero) ? try x.integer(places.xZero) : 0
    let wZero = try each(places.wZero)
    let sums = self.sums(
      try x.integers(0).map { $0 - xZero }, try x.integers(places.w), input.shape, weight.shape,
      shape, resolved, zeros: wZero.map { Int($0) })
    guard isQuantized, let range = type.dtype.quantizedRange else {
      return [Tensor(.int32, shape, integers: sums)]
    }
    let (wScale, bias) = (try each(4), try each(8))
    let (xScale, yScale) = (Float(try x.double(1)), Float(try x.double(6)))
    let yZero = try x.double(7)
    let inner = Swift.max(shape.dropFirst(2).reduce(1, *), 1)
    let values = sums.indices.map { i in
      let channel = i / inner % outputs
      let factor = xScale * Float(wScale[channel]) / yScale
      return quantized((Double(sums[i]) + bias[channel]) * Double(factor), zero: yZero, range)
    }
    return [Tensor(type.dtype, shape, doubles: values)]
  }

  private func sums(
    _ x: [Int], _ w: [Int], _ input: [Int], _ weight: [Int], _ output: [Int],
    _ window: Window.Resolved, zeros: [Int]
  ) -> [Int] {
    let (lengths, kernel) = (Array(input.dropFirst(2)), Array(weight.dropFirst(2)))
    let places = Array(output.dropFirst(2))
    let (positions, taps) = (places.elementCount, kernel.elementCount)
    let plane = lengths.elementCount
    let perGroup = weight[1]
    let groupOutputs = Swift.max(weight[0] / group, 1)
    // For each output position, the input position under each tap; -1 outside.
    var under: [Int] = []
    for position in 0..<positions {
      for tap in 0..<taps {
        var (rest, kernelRest, index, stride) = (position, tap, 0, 1)
        for axis in lengths.indices.reversed() {
          let at =
            rest % places[axis] * window.strides[axis]
            + kernelRest % kernel[axis] * window.dilations[axis] - window.padsBegin[axis]
          rest /= places[axis]
          kernelRest /= kernel[axis]
          if at < 0 || at >= lengths[axis] { index = -1 }
          if index >= 0 { index += at * stride }
          stride *= lengths[axis]
        }
        under.append(index)
      }
    }
    var y: [Int] = []
    for item in 0..<input[0] {
      for channel in 0..<weight[0] {
        let first = item * input[1] + channel / groupOutputs * perGroup
        for position in 0..<positions {
          var sum = 0
          for c in 0..<perGroup {
            for tap in 0..<taps {
              let at = under[position * taps + tap]
              guard at >= 0 else { continue }
              let value = w[(channel * perGroup + c) * taps + tap] - zeros[channel]
              sum &+= x[(first + c) * plane + at] &* value
            }
          }
          y.append(sum)
        }
      }
    }
    return y
  }
}
