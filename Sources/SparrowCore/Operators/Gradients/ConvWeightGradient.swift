/// Sparrow's own: the gradient of a convolution with respect to its weight. Inputs: x `[N, C, ...]`, the
/// gradient of the convolution's output `[N, O, ...]` and, optionally, a mask of bool of the output's shape,
/// outside of which the result is 0. Output `[O, C/group, kernel...]`.
///
/// ```
/// dW[o, c, t] = sum over n, p of gradient[n, o, p] * x[n, c, p * stride - pad + t * dilation]
/// ```
///
/// The window's kernel must be given. Elements of x outside its plane count as zeros, so that with x
/// and the gradient exchanged this is a transposed convolution's weight gradient too.
public struct ConvWeightGradient: Operator {
  public var window: Window
  public var group: Int

  public init(window: Window = Window(), group: Int = 1) {
    (self.window, self.group) = (window, group)
  }

  public var name: String { "ConvWeightGradient" }
  public var domain: String { "sparrow" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try window.visit(&visitor)
    try visitor.visit("group", &group)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let (x, gradient) = (try context.type(0), try context.type(1))
    guard x.dtype == gradient.dtype else {
      throw InferenceError("x is \(x.dtype.name), the gradient \(gradient.dtype.name)")
    }
    guard let kernel = window.kernel else { throw InferenceError("kernel_shape is not given") }
    try ShapeRules.require(rank: x.dimensions, 3...5, "x")
    try ShapeRules.requireEqualRanks(x.dimensions, gradient.dimensions, "x and the gradient")
    guard group > 0 else { throw InferenceError("group is \(group), expected 1 or more") }
    guard let input = x.dimensions, let output = gradient.dimensions else {
      let open = [Dimension](repeating: .unknown, count: 2)
      return [TensorType(x.dtype, open + kernel.map { .known($0) })]
    }
    _ = try window.resolved(kernel: nil, input: Array(input.dropFirst(2)))
    _ = try ShapeRules.unify(input[0], output[0], what: "samples of x and of the gradient")
    var channels = Dimension.unknown
    if let all = input[1].value {
      guard all % group == 0 else {
        throw InferenceError("\(all) channels do not divide into \(group) groups")
      }
      channels = .known(all / group)
    }
    if let outputs = output[1].value, outputs % group != 0 {
      throw InferenceError("\(outputs) output channels do not divide into \(group) groups")
    }
    let result = [output[1], channels] + kernel.map { Dimension.known($0) }
    if context.has(2) {
      guard try context.type(2).dtype == .bool else {
        throw InferenceError("the mask is \(try context.type(2).dtype.name), expected bool")
      }
      try ShapeRules.requireEqualRanks(try context.dimensions(2), result, "the mask and the weight")
      for (i, (a, b)) in zip(try context.dimensions(2) ?? result, result).enumerated() {
        _ = try ShapeRules.unify(a, b, what: "axis \(i) of the mask and of the weight")
      }
    }
    return [TensorType(x.dtype, result)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let shape = try outputShape(x)
    let (input, output) = (try x.shape(0), try x.shape(1))
    let spatial = Array(input[2...])
    let table = try WindowTable(
      try window.concrete(kernel: nil, input: spatial), input: spatial, output: Array(output[2...]))
    let (data, gradients) = (try x.doubles(0), try x.doubles(1))
    let (outputs, channels, plane) = (shape[0], shape[1], spatial.elementCount)
    let outputsEach = max(1, outputs / group)
    var sums = [Double](repeating: 0, count: shape.elementCount)
    for unit in 0..<output[0] * outputs {
      let (image, o) = (unit / outputs, unit % outputs)
      for c in 0..<channels {
        let source = (image * input[1] + o / outputsEach * channels + c) * plane
        let first = (o * channels + c) * table.taps
        for position in 0..<table.outputs {
          let gradient = gradients[unit * table.outputs + position]
          for t in 0..<table.taps {
            let entry = table.entries[position * table.taps + t]
            if entry >= 0 { sums[first + t] += gradient * data[source + entry] }
          }
        }
      }
    }
    if x.has(2) {
      for (i, flag) in try x.doubles(2).enumerated() where flag == 0 { sums[i] = 0 }
    }
    return [Tensor(try x.dtype(0), shape, doubles: sums)]
  }
}
