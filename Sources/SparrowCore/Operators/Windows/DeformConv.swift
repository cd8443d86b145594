/// ONNX DeformConv in two dimensions: a convolution whose window's positions are moved by offsets, between
/// pixels where need be; zeros lie around x. Inputs: x `[N, C, H, W]`, weight `[O, C/group, kh, kw]`,
/// offsets `[N, offset groups * kh * kw * 2, oH, oW]` (rows, then columns), bias `[O]`?, mask
/// `[N, offset groups * kh * kw, oH, oW]`?.
public struct DeformConv: Operator {
  public var window = Window()
  public var group = 1
  public var offsetGroup = 1

  public init() {}
  public var name: String { "DeformConv" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...5 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("kernel_shape", &window.kernel)
    try visitor.visit("strides", &window.strides)
    try visitor.visit("pads", &window.pads)
    try visitor.visit("dilations", &window.dilations)
    try visitor.visit("group", &group)
    try visitor.visit("offset_group", &offsetGroup)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    try ShapeRules.require(rank: x.dimensions, 4...4, "x")
    try ShapeRules.require(rank: try context.dimensions(2), 4...4, "offset")
    guard offsetGroup >= 1 else {
      throw InferenceError("offset_group is \(offsetGroup), expected 1 or more")
    }
    var plain = context
    plain.inputs = Array(context.inputs.prefix(2))
    return try Conv(window: window, group: group).inferTypes(plain)
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let shape = try outputShape(x)
    let (input, weight) = (try x.shape(0), try x.shape(1))
    let resolved = try window.concrete(kernel: Array(weight[2...]), input: Array(input[2...]))
    let taps = weight[2] * weight[3]
    let (points, plane) = (shape[2] * shape[3], input[2] * input[3])
    let (channels, outputsEach) = (weight[1], Swift.max(1, weight[0] / group))
    guard input[1] % offsetGroup == 0, offsetGroup <= Swift.max(1, input[1]) else {
      throw ComputeError("\(input[1]) channels do not divide into \(offsetGroup) offset groups")
    }
    let channelsEach = Swift.max(1, input[1] / offsetGroup)
    let planes = [shape[0], offsetGroup * taps]
    let offsets = try numbers(x, 2, [planes[0], planes[1] * 2, shape[2], shape[3]])
    let mask = x.has(4) ? try numbers(x, 4, planes + shape[2...]) : []
    let (data, weights) = (try x.doubles(0), try x.doubles(1))
    var sums = try startingSums(x, shape, biasInput: 3)
    for image in 0..<shape[0] {
      for channel in 0..<input[1] {
        let source = (image * input[1] + channel) * plane
        let first = (image * offsetGroup + channel / channelsEach) * taps
        let (set, own) = (channel / channels, channel % channels)
        for point in 0..<points {
          for t in 0..<taps {
            let row =
              Double(point / shape[3] * resolved.strides[0] - resolved.padsBegin[0])
              + Double(t / weight[3] * resolved.dilations[0])
              + offsets[(first + t) * 2 * points + point]
            let column =
              Double(point % shape[3] * resolved.strides[1] - resolved.padsBegin[1])
              + Double(t % weight[3] * resolved.dilations[1])
              + offsets[((first + t) * 2 + 1) * points + point]
            var value = Self.pixel(row, column, input[2], input[3]) { data[source + $0] }
            if !mask.isEmpty { value *= mask[(first + t) * points + point] }
            for output in set * outputsEach..<(set + 1) * outputsEach {
              sums[(image * shape[1] + output) * points + point] +=
                value * weights[(output * channels + own) * taps + t]
            }
          }
        }
      }
    }
    return [Tensor(try x.dtype(0), shape, doubles: sums)]
  }

  private func numbers(
    _ x: Operands, _ i: Int, _ shape: [Int]
  ) throws(ComputeError) -> [Double] {
    guard try x.shape(i) == shape else {
      throw ComputeError("input \(i) has shape \(try x.shape(i)), expected \(shape)")
    }
    return try x.doubles(i)
  }

  /// A plane's value between pixels, by bilinear interpolation with zeros around it.
  private static func pixel(
    _ row: Double, _ column: Double, _ height: Int, _ width: Int, _ at: (Int) -> Double
  ) -> Double {
    guard row > -1, row < Double(height), column > -1, column < Double(width) else { return 0 }
    let (top, left) = (row.rounded(.down), column.rounded(.down))
    var sum = 0.0
    for (y, v) in [(Int(top), 1 - (row - top)), (Int(top) + 1, row - top)] {
      for (x, h) in [(Int(left), 1 - (column - left)), (Int(left) + 1, column - left)] {
        guard y >= 0, y < height, x >= 0, x < width else { continue }
        sum += v * h * at(y * width + x)
      }
    }
    return sum
  }
}
