/// One operator's attributes, and what follows from them.
///
/// Names, attribute keys, input order and defaults are those of the newest ONNX operator set, the
/// canonical form of every graph; what Sparrow adds (fused activations, a MatMul's bias) is said at
/// the operator. Importers lift older forms to this one.
public protocol Operator: Hashable, Sendable {
  /// The ONNX operator name.
  var name: String { get }

  /// The operator set it belongs to: empty for ONNX's own.
  var domain: String { get }

  /// The operator set of its domain that first has the canonical form, where that is newer than those
  /// of the others.
  var opset: Int { get }

  /// The operator set of its domain that first takes elements of `dtype`, where it is newer than 21.
  func opset(of dtype: DType) -> Int

  /// One of each name the type stands for, with default attributes.
  static var variants: [Self] { get }

  /// How many inputs a node has in an ONNX file, optional ones included. What Sparrow adds (a
  /// convolution's addend, a matrix product's bias) does not count.
  var inputCount: ClosedRange<Int> { get }

  /// The inputs whose values, and not only types, decide the outputs' types: a Reshape's shape.
  var shapeInputs: [Int] { get }

  /// Shows every attribute to `visitor`, which may read or replace it. This one list serves the
  /// text form, the container, and ONNX import and export.
  mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure)

  /// The types of the outputs. Unknown parts stay unknown; contradictions throw.
  func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType]

  /// The output's value where it follows from input types alone (`Shape` of a static input).
  func valueFromTypes(_ context: InferenceContext) -> Tensor?

  /// The outputs for concrete inputs: what the operator means, written to be read. The runtime runs
  /// it where an operator has no faster step (`Op+Prepare.swift`), and wherever the shape of a result
  /// depends on more than shapes and ``shapeInputs``.
  ///
  /// Integers are exact; floating-point numbers are computed in float64 and rounded once.
  func compute(_ x: Operands) throws(ComputeError) -> [Tensor]
}

extension Operator {
  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {}
  public func valueFromTypes(_ context: InferenceContext) -> Tensor? { nil }
  public var domain: String { "" }
  public var opset: Int { 1 }
  public func opset(of dtype: DType) -> Int { dtype == .bfloat16 ? 22 : 1 }
  public var shapeInputs: [Int] { [] }
  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    throw ComputeError("there is no reference implementation")
  }
}

/// A closed set of attribute values with the names ONNX gives them.
public protocol AttributeChoice: CaseIterable, Hashable, Sendable {
  var name: String { get }
}

/// Reads, writes, prints or compares an operator's attributes, one call each.
public protocol AttributeVisitor {
  associatedtype Failure: Error
  mutating func visit(_ key: StaticString, _ value: inout Int) throws(Failure)
  mutating func visit(_ key: StaticString, _ value: inout Float) throws(Failure)
  /// ONNX keeps booleans as integers 0 and 1.
  mutating func visit(_ key: StaticString, _ value: inout Bool) throws(Failure)
  mutating func visit(_ key: StaticString, _ value: inout [Int]) throws(Failure)
  /// An absent attribute is nil.
  mutating func visit(_ key: StaticString, _ value: inout [Int]?) throws(Failure)
  mutating func visit(_ key: StaticString, _ value: inout Int?) throws(Failure)
  mutating func visit(_ key: StaticString, _ value: inout DType) throws(Failure)
  mutating func visit(_ key: StaticString, _ value: inout Scalar) throws(Failure)
  mutating func visit(_ key: StaticString, _ value: inout Float?) throws(Failure)
  mutating func visit(_ key: StaticString, _ value: inout [Float]) throws(Failure)
  mutating func visit(_ key: StaticString, _ value: inout String) throws(Failure)
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout C) throws(Failure)
  /// ONNX keeps a list of choices as strings.
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout [C]) throws(Failure)
  /// A tensor of one axis; an absent one is nil.
  mutating func visit(_ key: StaticString, _ value: inout NumberList?) throws(Failure)
  /// A fused activation: not an ONNX attribute; exporters write it as nodes of its own.
  mutating func visit(_ key: StaticString, _ value: inout Activation) throws(Failure)
  /// A branch or body.
  mutating func visit(_ key: StaticString, _ value: inout Subgraph) throws(Failure)
}

/// One number with its type, kept by bit pattern so that it can be compared and hashed.
public struct Scalar: Hashable, Sendable {
  public var dtype: DType
  /// The element's bytes, little-endian, in the low bits.
  public var bits: UInt64

  public init(dtype: DType, bits: UInt64) { (self.dtype, self.bits) = (dtype, bits) }
  public init(_ value: Float) { self.init(dtype: .float32, bits: UInt64(value.bitPattern)) }
}

/// What one operator instance is given when its types are inferred.
public struct InferenceContext {
  /// What is known of one input.
  public struct Input {
    public var type: TensorType
    /// The value where it is constant.
    public var constant: Tensor?
    public init(type: TensorType, constant: Tensor? = nil) {
      (self.type, self.constant) = (type, constant)
    }
  }

  /// nil where an optional input is left out.
  public var inputs: [Input?]
  public var outputCount: Int

  public init(inputs: [Input?], outputCount: Int) {
    (self.inputs, self.outputCount) = (inputs, outputCount)
  }

  /// Whether input `i` is given.
  public func has(_ i: Int) -> Bool { i < inputs.count && inputs[i] != nil }

  /// The type of a required input.
  public func type(_ i: Int) throws(InferenceError) -> TensorType {
    guard i < inputs.count, let input = inputs[i] else {
      throw InferenceError("input \(i) is missing")
    }
    return input.type
  }

  /// The dimensions of a required input; nil when its rank is unknown.
  public func dimensions(_ i: Int) throws(InferenceError) -> [Dimension]? {
    try type(i).dimensions
  }

  /// The constant integers of input `i`, where they are known.
  public func integers(_ i: Int) -> [Int]? {
    guard i < inputs.count, let constant = inputs[i]?.constant else { return nil }
    return constant.integers
  }
}

/// Why an operator's types contradict each other.
public struct InferenceError: Error, Equatable {
  public var reason: String
  public init(_ reason: String) { self.reason = reason }
}
