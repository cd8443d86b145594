/// The tensors that an operator's reference implementation is given.
public struct Operands {
  /// nil where an optional input is left out.
  public let tensors: [Tensor?]
  public let outputCount: Int

  public init(_ tensors: [Tensor?], outputCount: Int = 1) {
    (self.tensors, self.outputCount) = (tensors, outputCount)
  }

  /// Input `i`; nil where it is left out.
  public func optional(_ i: Int) -> Tensor? { i < tensors.count ? tensors[i] : nil }

  /// Whether input `i` is given.
  public func has(_ i: Int) -> Bool { optional(i) != nil }

  /// A required input.
  public func tensor(_ i: Int) throws(ComputeError) -> Tensor {
    guard let tensor = optional(i) else { throw ComputeError("input \(i) is missing") }
    return tensor
  }

  public func shape(_ i: Int) throws(ComputeError) -> [Int] { try tensor(i).shape }
  public func dtype(_ i: Int) throws(ComputeError) -> DType { try tensor(i).dtype }

  /// The elements of a required input as float64, whatever its numeric type; bool is 0 and 1.
  public func doubles(_ i: Int) throws(ComputeError) -> [Double] { try tensor(i).doubles }

  /// The elements of a required integer or bool input.
  public func integers(_ i: Int) throws(ComputeError) -> [Int] {
    let tensor = try tensor(i)
    guard let integers = tensor.integers else {
      throw ComputeError("input \(i) is \(tensor.dtype.name), expected integers within 64 bits")
    }
    return integers
  }

  /// The single integer of a required input.
  public func integer(_ i: Int) throws(ComputeError) -> Int {
    let integers = try integers(i)
    guard integers.count == 1 else {
      throw ComputeError("input \(i) has \(integers.count) elements, expected 1")
    }
    return integers[0]
  }

  /// The single number of a required input as float64.
  public func double(_ i: Int) throws(ComputeError) -> Double {
    let doubles = try doubles(i)
    guard doubles.count == 1 else {
      throw ComputeError("input \(i) has \(doubles.count) elements, expected 1")
    }
    return doubles[0]
  }

  /// What the operands say to type inference: their types and values.
  public var context: InferenceContext {
    InferenceContext(
      inputs: tensors.map { tensor in
        tensor.map {
          InferenceContext.Input(type: TensorType($0.dtype, shape: $0.shape), constant: $0)
        }
      }, outputCount: outputCount)
  }
}

/// Values that an operator is not defined for, such as an index out of range.
public struct ComputeError: Error, Equatable {
  public var reason: String
  public init(_ reason: String) { self.reason = reason }
  public init(_ error: InferenceError) { reason = error.reason }
}
