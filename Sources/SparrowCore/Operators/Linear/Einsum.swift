/// ONNX Einsum: products of any number of operands, summed over the labels that the output lacks.
public struct Einsum: Operator {
  public var equation = ""

  public init(_ equation: String = "") { self.equation = equation }
  public var name: String { "Einsum" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...Int.max }
  public func opset(of dtype: DType) -> Int { dtype == .bfloat16 ? 28 : 1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("equation", &equation)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let dtype = try context.type(0).dtype
    var shapes: [[Dimension]?] = []
    for i in context.inputs.indices {
      let type = try context.type(i)
      guard type.dtype == dtype else {
        throw InferenceError("input \(i) is \(type.dtype.name), input 0 is \(dtype.name)")
      }
      shapes.append(type.dimensions)
    }
    let labels = try EinsumEquation(equation).labels(shapes.map { $0?.count })
    guard let output = labels.output else { return [TensorType(dtype, nil)] }
    var result = [Dimension?](repeating: nil, count: output.count)
    for (own, shape) in zip(labels.operands, shapes) {
      guard let own, let shape else { continue }
      for (label, length) in zip(own, shape) {
        guard let place = output.firstIndex(of: label) else { continue }
        result[place] = try ShapeRules.broadcast([result[place] ?? length], [length])?[0]
      }
    }
    // An operand of unknown rank may still widen what the others leave at 1.
    let isOpen = labels.operands.contains { $0 == nil }
    return [
      TensorType(
        dtype, result.map { $0 == nil || isOpen && $0 == .known(1) ? .unknown : $0 ?? .unknown })
    ]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let type = try outputTypes(x)[0]
    let loops: EinsumLoops
    do throws(InferenceError) {
      loops = try EinsumLoops(EinsumEquation(equation), x.tensors.map { $0?.shape ?? [] })
      _ = try TensorType(type.dtype, shape: loops.summed).computableShape()
    } catch {
      throw ComputeError(error)
    }
    if type.dtype.isFloatingPoint {
      let values = x.tensors.map { $0?.doubles ?? [] }
      let results = loops.sums(values, zero: 0, add: { $0 + $1 }, multiply: { $0 * $1 })
      return [Tensor(type.dtype, type.shape, doubles: results)]
    }
    let values = x.tensors.map { $0?.wrappedIntegers ?? [] }
    let results = loops.sums(values, zero: 0, add: { $0 &+ $1 }, multiply: { $0 &* $1 })
    return [Tensor(type.dtype, type.shape, integers: results)]
  }
}

extension EinsumLoops {
  fileprivate func sums<T>(
    _ values: [[T]], zero: T, add: (T, T) -> T, multiply: (T, T) -> T
  ) -> [T] {
    let outer = outputStrides.map { Self.places(output, $0) }
    let inner = summedStrides.map { Self.places(summed, $0) }
    var results: [T] = []
    for i in 0..<output.elementCount {
      var sum = zero
      for k in 0..<summed.elementCount {
        var product = values[0][outer[0][i] + inner[0][k]]
        for n in values.indices.dropFirst() {
          product = multiply(product, values[n][outer[n][i] + inner[n][k]])
        }
        sum = add(sum, product)
      }
      results.append(sum)
    }
    return results
  }

  /// Where an operand is at every position of axes, row-major.
  private static func places(_ lengths: [Int], _ strides: [Int]) -> [Int] {
    var places = [0]
    for (length, stride) in zip(lengths, strides) {
      places = places.flatMap { start in (0..<length).map { start + $0 * stride } }
    }
    return places
  }
}
