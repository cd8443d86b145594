import SparrowCore

/// A node as ONNX has it: no fused activation, no extra inputs; values by name.
struct LoweredNode {
  var op: Op
  var name: String
  /// Empty where an optional input is left out.
  var inputs: [String]
  var outputs: [String]
}

/// Turns what Sparrow adds to ONNX's operators into nodes of their own:
///
/// | in the graph | in the file |
/// |---|---|
/// | Conv with an addend (input 3) | Conv, Add |
/// | MatMul with a bias (input 2) | MatMul, Add |
/// | a fused activation | the node, then the activation's (SiLU: Sigmoid, Mul) |
///
/// An addend or bias is added before the activation.
struct Lowering {
  private(set) var nodes: [LoweredNode] = []
  /// The bounds of Clip nodes made here.
  private(set) var constants: [(name: String, tensor: Tensor)] = []
  private let graph: Graph
  private var names: Set<String>

  init(_ graph: Graph) {
    self.graph = graph
    names = Set(graph.values.map { $0.name })
    for node in graph.nodes { lower(node) }
  }

  private mutating func freshName(_ base: String) -> String {
    if names.insert(base).inserted { return base }
    var n = 1
    while !names.insert("\(base)_\(n)").inserted { n += 1 }
    return "\(base)_\(n)"
  }

  private mutating func lower(_ node: Node) {
    var op = node.op
    var inputs = node.inputs.map { $0.map { graph[$0].name } ?? "" }
    let outputs = node.outputs.map { graph[$0].name }
    let activation = op.activation
    op.activation = .none
    if case .split(var split) = op, inputs.count < 2 {
      split.outputs = outputs.count  // the file must say it one way or the other
      op = .split(split)
    }
    let addend = op.addendInput.flatMap { $0 < inputs.count ? inputs.remove(at: $0) : nil }
    while inputs.last == "" { inputs.removeLast() }
    guard addend != nil || activation != .none, let output = outputs.first else {
      nodes.append(LoweredNode(op: op, name: node.name, inputs: inputs, outputs: outputs))
      return
    }
    var result = freshName(output + "_linear")
    nodes.append(LoweredNode(op: op, name: node.name, inputs: inputs, outputs: [result]))
    if let addend {
      let sum = activation == .none ? output : freshName(output + "_sum")
      append(.binary(Binary(.add)), [result, addend], to: sum)
      result = sum
    }
    let dtype = node.outputs.first.flatMap { graph[$0].type?.dtype } ?? .float32
    append(activation, of: result, to: output, dtype)
  }

  private mutating func append(_ op: Op, _ inputs: [String], to output: String) {
    nodes.append(LoweredNode(op: op, name: output, inputs: inputs, outputs: [output]))
  }

  private mutating func append(
    _ activation: Activation, of x: String, to output: String, _ dtype: DType
  ) {
    switch activation {
    case .none: break
    case .relu: append(.unary(Unary(.relu)), [x], to: output)
    case .sigmoid: append(.unary(Unary(.sigmoid)), [x], to: output)
    case .tanh: append(.unary(Unary(.tanh)), [x], to: output)
    case .gelu: append(.unary(Unary(.gelu)), [x], to: output)
    case .hardSwish: append(.unary(Unary(.hardSwish)), [x], to: output)
    case .hardSigmoid(let alpha, let beta):
      var unary = Unary(.hardSigmoid)
      (unary.alpha, unary.beta) = (alpha, beta)
      append(.unary(unary), [x], to: output)
    case .silu:
      let gate = freshName(output + "_sigmoid")
      append(.unary(Unary(.sigmoid)), [x], to: gate)
      append(.binary(Binary(.mul)), [x, gate], to: output)
    case .clip(let low, let high):
      let bounds = [
        bound(low, unless: -.infinity, output + "_min", dtype),
        bound(high, unless: .infinity, output + "_max", dtype),
      ]
      append(.clip(Clip()), [x] + (bounds[1].isEmpty ? [bounds[0]] : bounds), to: output)
      while nodes[nodes.count - 1].inputs.last == "" { nodes[nodes.count - 1].inputs.removeLast() }
    }
  }

  /// A Clip bound as a scalar of the operand's type; no name where it does not bound.
  private mutating func bound(
    _ value: Float, unless open: Float, _ base: String, _ dtype: DType
  ) -> String {
    guard value != open else { return "" }
    let name = freshName(base)
    let tensor: Tensor
    switch dtype {
    case .float16:
      let bits = HalfPrecision.float16(value)
      tensor = Tensor(dtype: dtype, shape: [], bytes: Bytes(copying: [bits]))
    case .bfloat16:
      let bits = HalfPrecision.bfloat16(value)
      tensor = Tensor(dtype: dtype, shape: [], bytes: Bytes(copying: [bits]))
    case .float64: tensor = Tensor(scalar: Double(value))
    case .float32, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool:
      tensor = Tensor(scalar: value)
    }
    constants.append((name, tensor))
    return name
  }
}

extension Op {
  /// The input that Sparrow adds to the operator before its activation.
  fileprivate var addendInput: Int? {
    switch self {
    case .conv: 3
    case .matMul: 2
    default: nil
    }
  }
}
