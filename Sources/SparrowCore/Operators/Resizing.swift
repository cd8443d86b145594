/// ONNX Resize by nearest neighbour or (bi)linear interpolation. Inputs: x, roi?, scales?, sizes?.
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
    case halfPixel, pytorchHalfPixel, alignCorners, asymmetric, halfPixelSymmetric
    public var name: String {
      switch self {
      case .halfPixel: "half_pixel"
      case .pytorchHalfPixel: "pytorch_half_pixel"
      case .alignCorners: "align_corners"
      case .asymmetric: "asymmetric"
      case .halfPixelSymmetric: "half_pixel_symmetric"
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

  public var mode = Mode.nearest
  public var coordinates = Coordinates.halfPixel
  public var rounding = Rounding.roundPreferFloor

  public init() {}

  public var name: String { "Resize" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...4 }
  public var shapeInputs: [Int] { [1, 2, 3] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("mode", &mode)
    try visitor.visit("coordinate_transformation_mode", &coordinates)
    try visitor.visit("nearest_mode", &rounding)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions else { return [x] }
    let open = [TensorType(x.dtype, input.map { _ in .unknown })]
    if context.has(3) {
      guard let sizes = context.integers(3) else { return open }
      guard sizes.count == input.count, sizes.allSatisfy({ $0 >= 0 }) else {
        throw InferenceError("sizes has \(sizes.count) entries, expected \(input.count)")
      }
      return [TensorType(x.dtype, shape: sizes)]
    }
    guard context.has(2), let scales = context.inputs[2]?.constant?.floats else { return open }
    guard scales.count == input.count else {
      throw InferenceError("scales has \(scales.count) entries, expected \(input.count)")
    }
    var output: [Dimension] = []
    for i in input.indices {
      guard let length = input[i].value else {
        output.append(scales[i] == 1 ? input[i] : .unknown)
        continue
      }
      // Float arithmetic as in ONNX's reference: floor(length * scale).
      guard let scaled = Int(exactly: (Float(length) * scales[i]).rounded(.down)), scaled >= 0
      else { throw InferenceError("scale \(scales[i]) of axis \(i) is not usable") }
      output.append(.known(scaled))
    }
    return [TensorType(x.dtype, output)]
  }
}
