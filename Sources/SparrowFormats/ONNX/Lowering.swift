import SparrowCore

/// A node as ONNX has it: no fused activation, no extra inputs; values by name.
struct LoweredNode {
  var op: Op
  var name: String
  /// Empty where an optional input is left out.
  var inputs: [String]
  var outputs: [String]
  /// Of the graphs the operator holds, in order.
  var bodies: [LoweredGraph] = []
  /// The element types of its inputs and outputs, as far as they are known.
  var types: Set<DType> = []

  /// The operator set of ONNX that it needs.
  var opset: Int {
    let own = types.reduce(op.opset) { max($0, op.domain.isEmpty ? op.opset(of: $1) : 1, $1.opset) }
    return bodies.reduce(op.domain.isEmpty ? own : 1) { max($0, $1.opset) }
  }
}

/// A graph as ONNX has it.
struct LoweredGraph {
  var name: String
  var nodes: [LoweredNode]
  /// Those that something reads, in the graph's order, then the bounds of Clip nodes made here.
  var constants: [(name: String, tensor: Tensor)]
  var inputs: [(name: String, type: TensorType?)]
  var outputs: [(name: String, type: TensorType?)]

  /// The operator set of ONNX that it needs.
  var opset: Int { nodes.reduce(1) { max($0, $1.opset) } }

  /// The operator sets that its operators are of, apart from ONNX's own.
  var domains: Set<String> {
    var result = Set<String>()
    for node in nodes {
      if !node.op.domain.isEmpty { result.insert(node.op.domain) }
      for body in node.bodies { result.formUnion(body.domains) }
    }
    return result
  }
}

/// Turns what Sparrow adds to ONNX's operators into nodes of their own:
///
/// | in the graph | in the file |
/// |---|---|
/// | Conv with an addend (input 3) | Conv, Add |
/// | MatMul with a bias (input 2) | MatMul, Add |
/// | a fused activation | the node, then the activation's (SiLU: Sigmoid, Mul) |
/// | a captured input of a body | the name that the value has in the graph around |
///
/// An addend or bias is added before the activation. Names are unique in the whole file.
struct Lowering {
  private var nodes: [LoweredNode] = []
  /// The bounds of Clip nodes made here.
  private var constants: [(name: String, tensor: Tensor)] = []
  private let graph: Graph
  /// What each value is called in the file.
  private var fileNames: [String]
  /// All names of the file so far.
  private var names: Set<String>

  static func lower(_ graph: Graph) -> LoweredGraph {
    let fileNames = graph.values.map { $0.name }
    var lowering = Lowering(graph, fileNames, names: Set(fileNames))
    for node in graph.nodes { lowering.lower(node) }
    return lowering.result(inputs: graph.inputs, outputs: graph.outputs.map { graph[$0].name })
  }

  private init(_ graph: Graph, _ fileNames: [String], names: Set<String>) {
    (self.graph, self.fileNames, self.names) = (graph, fileNames, names)
  }

  private func result(inputs: [ValueID], outputs: [String]) -> LoweredGraph {
    var used = [Bool](repeating: false, count: graph.values.count)
    for id in graph.outputs { used[id.index] = true }
    for node in graph.nodes {
      for case let id? in node.inputs { used[id.index] = true }
    }
    var constants: [(name: String, tensor: Tensor)] = []
    for (i, value) in graph.values.enumerated() where used[i] {
      if let tensor = value.constant { constants.append((fileNames[i], tensor)) }
    }
    return LoweredGraph(
      name: graph.name, nodes: nodes, constants: constants + self.constants,
      inputs: inputs.map { (fileNames[$0.index], graph[$0].type) },
      outputs: zip(outputs, graph.outputs).map { ($0, graph[$1].type) })
  }

  /// A body, whose last inputs are the values of those names around it.
  private mutating func lower(_ subgraph: Subgraph, captured: [String]) -> LoweredGraph {
    let inner = subgraph.graph
    let formals = inner.inputs.dropLast(subgraph.captures)
    var known: [ValueID: String] = [:]
    for (id, name) in zip(inner.inputs.suffix(subgraph.captures), captured) { known[id] = name }
    var fileNames: [String] = []
    for (i, value) in inner.values.enumerated() {
      fileNames.append(known[ValueID(i)] ?? freshName(value.name))
    }
    var lowering = Lowering(inner, fileNames, names: names)
    for node in inner.nodes { lowering.lower(node) }
    // A body's outputs must be made by its own nodes, each once.
    var made = Set<ValueID>()
    for node in inner.nodes { made.formUnion(node.outputs) }
    var outputs: [String] = []
    for id in inner.outputs {
      if made.remove(id) != nil {
        outputs.append(fileNames[id.index])
      } else {
        let copy = lowering.freshName(fileNames[id.index] + "_output")
        lowering.append(.identity(Identity()), [fileNames[id.index]], to: copy)
        outputs.append(copy)
      }
    }
    names = lowering.names
    return lowering.result(inputs: Array(formals), outputs: outputs)
  }

  private mutating func lowerControlFlow(_ node: Node) {
    var inputs = node.inputs.map { $0.map { fileNames[$0.index] } ?? "" }
    var bodies: [LoweredGraph] = []
    for subgraph in node.op.subgraphs {
      bodies.append(lower(subgraph, captured: inputs.suffix(subgraph.captures)))
    }
    inputs.removeLast(min(inputs.count, node.op.subgraphs.first?.captures ?? 0))
    // The trip count and the condition may be left out, but not end the list.
    if case .loop = node.op { while inputs.count < 2 { inputs.append("") } }
    nodes.append(
      LoweredNode(
        op: node.op, name: node.name, inputs: inputs,
        outputs: node.outputs.map { fileNames[$0.index] }, bodies: bodies))
  }

  private mutating func freshName(_ base: String) -> String {
    if names.insert(base).inserted { return base }
    var n = 1
    while !names.insert("\(base)_\(n)").inserted { n += 1 }
    return "\(base)_\(n)"
  }

  private mutating func lower(_ node: Node) {
    let first = nodes.count
    let values = node.inputs.compactMap { $0 } + node.outputs
    let types = Set(values.compactMap { graph[$0].type?.dtype })
    defer { for i in first..<nodes.count { nodes[i].types = types } }
    guard node.op.subgraphs.isEmpty else { return lowerControlFlow(node) }
    var op = node.op
    var inputs = node.inputs.map { $0.map { fileNames[$0.index] } ?? "" }
    let outputs = node.outputs.map { fileNames[$0.index] }
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
    default: tensor = Tensor(scalar: value)
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
