import SparrowCore

extension Graph {
  /// Takes the fused activation out of every node between `sources` and `result`: its own node follows.
  ///
  /// Pattern: conv(x, w){relu} -> relu(conv(x, w))
  mutating func splitActivations(
    between sources: [ValueID], and result: ValueID
  ) throws(DifferentiationError) {
    let (dependent, needed) = dependencies(from: sources, to: result)
    var split: [Node] = []
    split.reserveCapacity(nodes.count)
    for node in nodes {
      guard node.op.activation != .none, let output = node.outputs.first,
        dependent[output.index], needed[output.index], let type = self[output].type
      else {
        split.append(node)
        continue
      }
      let inner = addValue(unusedName("\(self[output].name).linear"), type)
      var plain = node
      plain.op.activation = .none
      plain.outputs[0] = inner
      let (op, bounds) = activationNode(node.op.activation, type.dtype)
      split += [
        plain, Node(name: node.name, op: op, inputs: [inner] + bounds, outputs: [output]),
      ]
    }
    nodes = split
  }

  /// An activation as an operator, and the inputs that follow the first.
  private mutating func activationNode(
    _ activation: Activation, _ dtype: DType
  ) -> (Op, [ValueID?]) {
    switch activation {
    case .none: return (.identity(Identity()), [])
    case .relu: return (.unary(Unary(.relu)), [])
    case .sigmoid: return (.unary(Unary(.sigmoid)), [])
    case .silu: return (.unary(Unary(.swish)), [])
    case .tanh: return (.unary(Unary(.tanh)), [])
    case .gelu: return (.unary(Unary(.gelu)), [])
    case .hardSwish: return (.unary(Unary(.hardSwish)), [])
    case .hardSigmoid(let alpha, let beta):
      var op = Unary(.hardSigmoid)
      (op.alpha, op.beta) = (alpha, beta)
      return (.unary(op), [])
    case .clip(let low, let high):
      let bounds = [low, high].map { bound in
        addConstant(unusedName("bound"), Tensor(dtype, [], doubles: [Double(bound)]))
      }
      return (.clip(Clip()), bounds)
    }
  }
}
