/// Sparrow's own: x where a mask holds, 0 elsewhere. Inputs: x, and a mask of bool of x's shape.
///
/// In a network under training it stands before a sparse weight: the weight changes from run to run,
/// while a constant mask says, when plans are made, where its zeros are.
public struct Masked: Operator {
  public init() {}

  public var name: String { "Masked" }
  public var domain: String { "sparrow" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {}

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let (x, mask) = (try context.type(0), try context.type(1))
    guard mask.dtype == .bool else {
      throw InferenceError("the mask is \(mask.dtype.name), expected bool")
    }
    try ShapeRules.requireEqualRanks(x.dimensions, mask.dimensions, "x and the mask")
    for (i, (a, b)) in zip(x.dimensions ?? [], mask.dimensions ?? []).enumerated() {
      _ = try ShapeRules.unify(a, b, what: "axis \(i) of x and of the mask")
    }
    return [x]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, mask) = (try x.tensor(0), try x.doubles(1))
    guard mask.count == tensor.count else {
      throw ComputeError("the mask has \(mask.count) elements, expected \(tensor.count)")
    }
    let values = zip(try x.doubles(0), mask).map { $1 == 0 ? 0 : $0 }
    return [Tensor(tensor.dtype, tensor.shape, doubles: values)]
  }
}
