/// ONNX Pad. Inputs: x, pads, value?, axes?.
public struct Pad: Operator {
  public enum Mode: AttributeChoice {
    case constant, reflect, edge, wrap
    public var name: String {
      switch self {
      case .constant: "constant"
      case .reflect: "reflect"
      case .edge: "edge"
      case .wrap: "wrap"
      }
    }
  }

  public var mode = Mode.constant

  public init() {}

  public var name: String { "Pad" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...4 }
  public var shapeInputs: [Int] { [1, 3] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("mode", &mode)
  }

  /// Pads at the beginning and end of every axis; nil where they are not known.
  public func pads(
    _ context: InferenceContext, rank: Int
  ) throws(InferenceError) -> (begin: [Int], end: [Int])? {
    guard let given = context.integers(1) else { return nil }
    var axes = Array(0..<rank)
    if context.has(3) {
      guard let known = context.integers(3) else { return nil }
      axes = try ShapeRules.axes(known, rank: rank)
    }
    guard given.count == 2 * axes.count else {
      throw InferenceError("pads has \(given.count) entries, expected \(2 * axes.count)")
    }
    var begin = [Int](repeating: 0, count: rank)
    var end = begin
    for (i, axis) in axes.enumerated() {
      (begin[axis], end[axis]) = (given[i], given[axes.count + i])
    }
    return (begin, end)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions else { return [x] }
    guard let pads = try pads(context, rank: input.count) else {
      return [TensorType(x.dtype, input.map { _ in .unknown })]
    }
    var output: [Dimension] = []
    for i in input.indices {
      guard let length = input[i].value else {
        output.append(pads.begin[i] == 0 && pads.end[i] == 0 ? input[i] : .unknown)
        continue
      }
      let (sum, overflowA) = length.addingReportingOverflow(pads.begin[i])
      let (total, overflowB) = sum.addingReportingOverflow(pads.end[i])
      guard !overflowA, !overflowB, total >= 0 else {
        throw InferenceError("padding axis \(i) of length \(length) gives a negative length")
      }
      output.append(.known(total))
    }
    return [TensorType(x.dtype, output)]
  }
}
