/// ONNX Softmax and LogSoftmax (opset 13 on: along one axis).
public struct Softmax: Operator {
  public var isLog: Bool
  public var axis: Int

  public init(axis: Int = -1, isLog: Bool = false) { (self.axis, self.isLog) = (axis, isLog) }

  public var name: String { isLog ? "LogSoftmax" : "Softmax" }
  public static var variants: [Self] { [Self(), Self(isLog: true)] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    if let input = x.dimensions, !(input.isEmpty && (axis == 0 || axis == -1)) {
      _ = try ShapeRules.axis(axis, rank: input.count)
    }
    return [x]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    guard tensor.dtype.isFloatingPoint else {
      throw ComputeError("it does not take \(tensor.dtype.name)")
    }
    let rows = tensor.rank == 0 ? tensor.reshaped([1]) : tensor
    let axis = try ShapeRules.concreteAxis(axis, rank: rows.rank)
    return [rows.mapRuns(axis: axis) { normalize(&$0) }.reshaped(tensor.shape)]
  }

  private func normalize(_ run: inout [Double]) {
    let largest = run.max() ?? 0
    let sum = run.reduce(0) { $0 + Math.exp($1 - largest) }
    let logSum = Math.log(sum)
    for i in run.indices {
      let shifted = run[i] - largest
      run[i] = isLog ? shifted - logSum : Math.exp(shifted) / sum
    }
  }
}
