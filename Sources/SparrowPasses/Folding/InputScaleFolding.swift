import SparrowCore

/// Folds a multiplication and an addition by constants per channel into the weight and bias of the
/// convolution after them, as far as padding allows: zeros that pad the input are not shifted, so an
/// addition before a padded convolution stays. The weight keeps its zeros and its kind of storage.
public struct InputScaleFolding: Pass {
  public static let name = "input-scale-folding"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    graph.rewriteNodes(limit: limit, rewrite)
  }

  private func rewrite(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    let node = rewriter.node(i)
    guard case .conv(let op) = node.op, let x = node.input(0), rewriter.isPrivate(x),
      rewriter.isFloat32(x), let maker = rewriter.maker(x),
      let weight = rewriter.constant(node.input(1)), weight.dtype == .float32, weight.rank >= 3,
      weight.count > 0, op.group > 0, weight.shape[0] % op.group == 0
    else { return false }
    let convolution = Convolution(node: i, op: op, weight: weight)
    switch rewriter.binary(maker) {
    case .mul: return foldScale(maker, convolution, &rewriter)
    case .add where convolution.isPadded: return exchange(maker, convolution, &rewriter)
    case .add: return foldShift(maker, convolution, &rewriter)
    default: return false
    }
  }

  /// A convolution whose weight is known.
  private struct Convolution {
    var node: Int
    var op: Conv
    var weight: Tensor

    var channels: Int { weight.shape[1] * op.group }
    var positions: Int { weight.shape.dropFirst(2).reduce(1, *) }

    var isPadded: Bool {
      switch op.window.autoPad {
      case .valid: false
      case .notSet: (op.window.pads ?? []).contains { $0 != 0 }
      case .sameUpper, .sameLower: true
      }
    }

    /// The input channel that input `j` of output `o` reads.
    func channel(output o: Int, input j: Int) -> Int {
      o / (weight.shape[0] / op.group) * weight.shape[1] + j
    }
  }

  // Pattern: conv(mul(x, s), W) -> conv(x, W * s), s constant per input channel
  private func foldScale(
    _ maker: Int, _ convolution: Convolution, _ rewriter: inout Rewriter
  ) -> Bool {
    guard let (x, scale) = operands(of: maker, convolution, rewriter) else { return false }
    let scaled = scaledWeight(convolution, by: scale)
    var node = rewriter.node(convolution.node)
    node.inputs[0] = x
    node.inputs[1] = rewriter.setConstant(
      node.input(1), of: convolution.node, to: scaled, name: node.name + ".weight")
    rewriter.replace(convolution.node, node.op, node.inputs)
    return true
  }

  // Pattern: conv(add(x, t), W, b) -> conv(x, W, b + sum(W * t)), t constant per input channel,
  //          the convolution not padded
  private func foldShift(
    _ maker: Int, _ convolution: Convolution, _ rewriter: inout Rewriter
  ) -> Bool {
    var node = rewriter.node(convolution.node)
    guard let (x, shift) = operands(of: maker, convolution, rewriter) else { return false }
    let outputs = convolution.weight.shape[0]
    var bias = [Double](repeating: 0, count: outputs)
    if let id = node.input(2) {
      guard let given = rewriter.constant(id), given.dtype == .float32, given.shape == [outputs]
      else { return false }
      bias = given.array(of: Float.self).map { Double($0) }
    }
    let weights = convolution.weight.array(of: Float.self)
    var element = 0
    for output in 0..<outputs {
      for input in 0..<convolution.weight.shape[1] {
        let t = shift[convolution.channel(output: output, input: input)]
        for _ in 0..<convolution.positions {
          bias[output] += Double(weights[element]) * t
          element += 1
        }
      }
    }
    guard bias.allSatisfy({ Float($0).isFinite }) else { return false }
    while node.inputs.count < 3 { node.inputs.append(nil) }
    node.inputs[0] = x
    node.inputs[2] = rewriter.setConstant(
      node.input(2), of: convolution.node, to: Tensor(bias.map { Float($0) }),
      name: node.name + ".bias")
    rewriter.replace(convolution.node, node.op, node.inputs)
    return true
  }

  // Pattern: conv(add(mul(x, s), t), W) -> conv(add(x, t / s), W * s), s and t constant per channel
  private func exchange(
    _ maker: Int, _ convolution: Convolution, _ rewriter: inout Rewriter
  ) -> Bool {
    guard let (scaled, shift) = operands(of: maker, convolution, rewriter),
      rewriter.isPrivate(scaled), let product = rewriter.maker(scaled, .mul),
      let (x, scale) = operands(of: product, convolution, rewriter)
    else { return false }
    let shape = [convolution.channels] + convolution.weight.shape.dropFirst(2).map { _ in 1 }
    let quotients = zip(shift, scale).map { Float($0 / $1) }
    guard quotients.allSatisfy({ $0.isFinite }) else { return false }
    let name = rewriter.node(maker).name + ".shift"
    let constant = rewriter.addConstant(name, Tensor(quotients, shape: shape))
    let weight = scaledWeight(convolution, by: scale)
    var node = rewriter.node(convolution.node)
    node.inputs[1] = rewriter.setConstant(
      node.input(1), of: convolution.node, to: weight, name: node.name + ".weight")
    rewriter.replace(maker, rewriter.node(maker).op, [x, constant])
    rewriter.replace(convolution.node, node.op, node.inputs)
    return true
  }

  /// What node `i` adds to or multiplies with constants per input channel, and these.
  private func operands(
    of i: Int, _ convolution: Convolution, _ rewriter: Rewriter
  ) -> (x: ValueID, constants: [Double])? {
    let node = rewriter.node(i)
    for (x, constant) in [(0, 1), (1, 0)] {
      guard let x = node.input(x), rewriter.constant(x) == nil,
        let tensor = rewriter.constant(node.input(constant)),
        rewriter.broadcasts(tensor, into: x), let values = perChannel(tensor, convolution)
      else { continue }
      return (x, values)
    }
    return nil
  }

  private func perChannel(_ tensor: Tensor, _ convolution: Convolution) -> [Double]? {
    let rank = convolution.weight.rank
    guard tensor.dtype == .float32, tensor.rank <= rank else { return nil }
    for (fromEnd, length) in tensor.shape.reversed().enumerated() where length != 1 {
      guard fromEnd == rank - 2, length == convolution.channels else { return nil }
    }
    let values = tensor.array(of: Float.self).map { Double($0) }
    guard values.allSatisfy({ $0.isFinite }) else { return nil }
    if values.count == convolution.channels { return values }
    return values.count == 1 ? [Double](repeating: values[0], count: convolution.channels) : nil
  }

  private func scaledWeight(_ convolution: Convolution, by scale: [Double]) -> Tensor {
    let weight = convolution.weight
    let dense = weight.withElements(of: Float.self) { source in
      Tensor(of: Float.self, shape: weight.shape) { target in
        var element = 0
        for output in 0..<weight.shape[0] {
          for input in 0..<weight.shape[1] {
            let factor = scale[convolution.channel(output: output, input: input)]
            for _ in 0..<convolution.positions {
              target[element] = Float(Double(source[element]) * factor)
              element += 1
            }
          }
        }
      }
    }
    return dense.stored(like: weight)
  }
}
