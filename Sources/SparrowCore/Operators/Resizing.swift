/// ONNX Resize by nearest neighbours, linear or cubic interpolation. Inputs: x, region? (for
/// ``Coordinates/cropAndResize``: starts, then ends; all of x where left out), scales? (float), sizes?; one of the last two is
/// given. An empty tensor stands for one that is left out.
public struct Resize: Operator {
  public enum Mode: AttributeChoice {
    case nearest, linear, cubic
    public var name: String {
      switch self {
      case .nearest: "nearest"
      case .linear: "linear"
      case .cubic: "cubic"
      }
    }
  }

  /// ONNX `coordinate_transformation_mode`.
  public enum Coordinates: AttributeChoice {
    case halfPixel, pytorchHalfPixel, alignCorners, asymmetric, halfPixelSymmetric, cropAndResize
    public var name: String {
      switch self {
      case .halfPixel: "half_pixel"
      case .pytorchHalfPixel: "pytorch_half_pixel"
      case .alignCorners: "align_corners"
      case .asymmetric: "asymmetric"
      case .halfPixelSymmetric: "half_pixel_symmetric"
      case .cropAndResize: "tf_crop_and_resize"
      }
    }
  }

  public enum Rounding: AttributeChoice {
    case roundPreferFloor, roundPreferCeil, floor, ceil
    public var name: String {
      switch self {
      case .roundPreferFloor: "round_prefer_floor"
      case .roundPreferCeil: "round_prefer_ceil"
      case .floor: "floor"
      case .ceil: "ceil"
      }
    }
  }

  /// What sizes mean: exactly these, or the largest or smallest of the input's own proportions.
  public enum AspectRatio: AttributeChoice {
    case stretch, notLarger, notSmaller
    public var name: String {
      switch self {
      case .stretch: "stretch"
      case .notLarger: "not_larger"
      case .notSmaller: "not_smaller"
      }
    }
  }

  public var mode = Mode.nearest
  public var coordinates = Coordinates.halfPixel
  public var rounding = Rounding.roundPreferFloor
  /// The axes that region, scales and sizes are given for; nil: all of them.
  public var axes: [Int]?
  /// Widens the filter of linear and cubic interpolation when shrinking.
  public var antialiases = false
  /// Pixels outside x have weight 0 instead of showing its border.
  public var excludesOutside = false
  public var cubicCoefficient: Float = -0.75
  /// What ``Coordinates/cropAndResize`` shows outside x.
  public var extrapolationValue: Float = 0
  public var aspectRatio = AspectRatio.stretch

  public init() {}

  public var name: String { "Resize" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...4 }
  public var shapeInputs: [Int] { [1, 2, 3] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("mode", &mode)
    try visitor.visit("coordinate_transformation_mode", &coordinates)
    try visitor.visit("nearest_mode", &rounding)
    try visitor.visit("axes", &axes)
    try visitor.visit("antialias", &antialiases)
    try visitor.visit("exclude_outside", &excludesOutside)
    try visitor.visit("cubic_coeff_a", &cubicCoefficient)
    try visitor.visit("extrapolation_value", &extrapolationValue)
    try visitor.visit("keep_aspect_ratio_policy", &aspectRatio)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions else { return [x] }
    return [TensorType(x.dtype, try targets(context, input: input).map { $0.output })]
  }

  /// What an axis becomes.
  struct Target {
    var output: Dimension
    /// nil where it follows from the lengths.
    var scale: Float?
    var region: (start: Float, end: Float) = (0, 1)
  }

  /// What every axis becomes; unknown where the inputs are.
  func targets(
    _ context: InferenceContext, input: [Dimension]
  ) throws(InferenceError) -> [Target] {
    let axes = try ShapeRules.axes(self.axes ?? Array(input.indices), rank: input.count)
    var targets = input.map { Target(output: $0, scale: 1) }
    for axis in axes { targets[axis] = Target(output: .unknown) }
    if coordinates == .cropAndResize, let region = Self.given(context, 1) {
      guard let region = region.constant?.floats, region.count == 2 * axes.count else {
        if region.constant == nil { return targets }
        throw InferenceError("roi must be \(2 * axes.count) floating-point numbers")
      }
      for (i, axis) in axes.enumerated() {
        targets[axis].region = (region[i], region[axes.count + i])
      }
    }
    if let sizes = Self.given(context, 3) {
      guard sizes.constant != nil else { return targets }
      guard let sizes = context.integers(3), sizes.count == axes.count,
        sizes.allSatisfy({ $0 >= 0 && $0 <= TensorType.longestAxis })
      else { throw InferenceError("sizes must be \(axes.count) lengths") }
      try fit(&targets, input, axes, sizes)
    } else if let scales = Self.given(context, 2), scales.constant != nil {
      guard let scales = scales.constant?.floats, scales.count == axes.count else {
        throw InferenceError("scales must be \(axes.count) floating-point numbers")
      }
      for (axis, scale) in zip(axes, scales) {
        try stretch(&targets[axis], input[axis], by: scale, axis: axis)
      }
    }
    return targets
  }

  /// An optional input, unless it is known to be empty.
  private static func given(_ context: InferenceContext, _ i: Int) -> InferenceContext.Input? {
    guard context.has(i), let input = context.inputs[i] else { return nil }
    return input.type.shape?.contains(0) == true ? nil : input
  }

  private func stretch(
    _ target: inout Target, _ input: Dimension, by scale: Float, axis: Int
  ) throws(InferenceError) {
    target.scale = scale
    guard let length = input.value else {
      target.output = scale == 1 && coordinates != .cropAndResize ? input : .unknown
      return
    }
    let part = coordinates == .cropAndResize ? target.region.end - target.region.start : 1
    // Float arithmetic as in ONNX's reference: floor(length * scale).
    guard let scaled = Int(exactly: (Float(length) * part * scale).rounded(.down)), scaled >= 0,
      scale > 0
    else { throw InferenceError("scale \(scale) of axis \(axis) is not usable") }
    target.output = .known(scaled)
  }

  private func fit(
    _ targets: inout [Target], _ input: [Dimension], _ axes: [Int], _ sizes: [Int]
  ) throws(InferenceError) {
    guard aspectRatio != .stretch else {
      for (axis, size) in zip(axes, sizes) { targets[axis].output = .known(size) }
      return
    }
    var ratios: [Double] = []
    for (axis, size) in zip(axes, sizes) {
      guard let length = input[axis].value else { return }
      guard length > 0 else { throw InferenceError("axis \(axis) has no elements to scale") }
      ratios.append(Double(size) / Double(length))
    }
    guard let ratio = aspectRatio == .notLarger ? ratios.min() : ratios.max() else { return }
    for axis in axes {
      // At most as long as the longest of the axes' lengths allow, so that it fits.
      let length = Double(input[axis].value ?? 0) * ratio + 0.5
      guard length <= Double(TensorType.longestAxis) else {
        throw InferenceError("axis \(axis) would be too long")
      }
      targets[axis].output = .known(Int(length))
      targets[axis].scale = Float(ratio)
    }
  }

  /// How each axis of concrete operands is resized.
  public func resizedAxes(
    _ context: InferenceContext, input: [Int]
  ) throws(InferenceError) -> [Axis] {
    var result: [Axis] = []
    for (target, length) in zip(
      try targets(context, input: input.map { .known($0) }), input)
    {
      guard let output = target.output.value else {
        throw InferenceError("its scales, sizes or region are not known")
      }
      let axis = Axis(
        op: self, input: length, output: output, givenScale: target.scale, region: target.region)
      guard mode == .nearest || output <= (1 << 30) / axis.tapCount else {
        throw InferenceError("\(output) sums of \(axis.tapCount) elements each")
      }
      result.append(axis)
    }
    return result
  }
}
