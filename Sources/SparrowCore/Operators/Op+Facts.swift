extension Op {
  /// The ONNX operator name.
  public var name: String {
    var copy = self
    var visitor = NameVisitor()
    return copy.accept(&visitor)
  }

  /// The operator set it belongs to: empty for ONNX's own.
  public var domain: String {
    var copy = self
    var visitor = DomainVisitor()
    return copy.accept(&visitor)
  }

  /// The operator set that first has it, where newer than others'; see ``Operator/opset``.
  public var opset: Int {
    var copy = self
    var visitor = OpsetVisitor()
    return copy.accept(&visitor)
  }

  /// The operator set that first takes elements of `dtype`; see ``Operator/opset(of:)``.
  public func opset(of dtype: DType) -> Int {
    var copy = self
    var visitor = TypeOpsetVisitor(dtype: dtype)
    return copy.accept(&visitor)
  }

  /// How many inputs a node has in an ONNX file; see ``Operator/inputCount``.
  public var inputCount: ClosedRange<Int> {
    var copy = self
    var visitor = InputCountVisitor()
    return copy.accept(&visitor)
  }

  /// The inputs whose values decide the outputs' types; see ``Operator/shapeInputs``.
  public var shapeInputs: [Int] {
    var copy = self
    var visitor = ShapeInputsVisitor()
    return copy.accept(&visitor)
  }

  /// The outputs for concrete inputs; see ``Operator/compute(_:)``.
  public func compute(_ operands: Operands) throws(ComputeError) -> [Tensor] {
    var copy = self
    var visitor = ComputeVisitor(operands: operands)
    return try copy.accept(&visitor)
  }

  /// The operator of that name with default attributes; nil when there is none.
  public init?(named name: String) {
    for op in Op.catalogue where op.name == name {
      self = op
      return
    }
    return nil
  }

  /// Shows every attribute to `visitor`.
  public mutating func visitAttributes<V: AttributeVisitor>(
    _ visitor: inout V
  ) throws(V.Failure) {
    var outer = AttributesVisitor(inner: visitor)
    defer { visitor = outer.inner }
    try accept(&outer)
  }

  /// The types of the outputs; see ``Operator/inferTypes(_:)``.
  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    var copy = self
    var visitor = InferenceVisitor(context: context)
    return try copy.accept(&visitor)
  }

  /// The output's value where it follows from input types alone.
  public func valueFromTypes(_ context: InferenceContext) -> Tensor? {
    var copy = self
    var visitor = TypeValueVisitor(context: context)
    return copy.accept(&visitor)
  }

  /// The activation fused into the operator; setting it on one that takes none is ignored.
  public var activation: Activation {
    get {
      switch self {
      case .conv(let op): op.activation
      case .convTranspose(let op): op.activation
      case .gemm(let op): op.activation
      case .matMul(let op): op.activation
      case .binary(let op): op.activation
      default: .none
      }
    }
    set {
      switch self {
      case .conv(var op):
        op.activation = newValue
        self = .conv(op)
      case .convTranspose(var op):
        op.activation = newValue
        self = .convTranspose(op)
      case .gemm(var op):
        op.activation = newValue
        self = .gemm(op)
      case .matMul(var op):
        op.activation = newValue
        self = .matMul(op)
      case .binary(var op):
        op.activation = newValue
        self = .binary(op)
      default: break
      }
    }
  }

  /// Whether an activation can be fused into the operator.
  public var takesActivation: Bool {
    switch self {
    case .conv, .convTranspose, .gemm, .matMul: true
    case .binary(let op): !op.function.compares
    default: false
    }
  }
}

private struct NameVisitor: OperatorVisitor {
  mutating func visit<O: Operator>(_ op: inout O) throws(Never) -> String { op.name }
}

private struct DomainVisitor: OperatorVisitor {
  mutating func visit<O: Operator>(_ op: inout O) throws(Never) -> String { op.domain }
}

private struct OpsetVisitor: OperatorVisitor {
  mutating func visit<O: Operator>(_ op: inout O) throws(Never) -> Int { op.opset }
}

private struct TypeOpsetVisitor: OperatorVisitor {
  let dtype: DType
  mutating func visit<O: Operator>(_ op: inout O) throws(Never) -> Int { op.opset(of: dtype) }
}

private struct InputCountVisitor: OperatorVisitor {
  mutating func visit<O: Operator>(_ op: inout O) throws(Never) -> ClosedRange<Int> {
    op.inputCount
  }
}

private struct ShapeInputsVisitor: OperatorVisitor {
  mutating func visit<O: Operator>(_ op: inout O) throws(Never) -> [Int] { op.shapeInputs }
}

private struct ComputeVisitor: OperatorVisitor {
  var operands: Operands
  mutating func visit<O: Operator>(_ op: inout O) throws(ComputeError) -> [Tensor] {
    try op.compute(operands)
  }
}

private struct AttributesVisitor<V: AttributeVisitor>: OperatorVisitor {
  var inner: V
  mutating func visit<O: Operator>(_ op: inout O) throws(V.Failure) { try op.visit(&inner) }
}

private struct InferenceVisitor: OperatorVisitor {
  var context: InferenceContext
  mutating func visit<O: Operator>(_ op: inout O) throws(InferenceError) -> [TensorType] {
    try op.inferTypes(context)
  }
}

private struct TypeValueVisitor: OperatorVisitor {
  var context: InferenceContext
  mutating func visit<O: Operator>(_ op: inout O) throws(Never) -> Tensor? {
    op.valueFromTypes(context)
  }
}
