import SparrowCore

extension Graph {
  /// Whether a node computes sample i of each output, along its first axis, from sample i of its
  /// operands and from constants alone, and in the same way for each i. Not known is no.
  ///
  /// Every value that is not constant has its samples along the first axis when this is asked.
  func keepsSamplesApart(_ node: Node, _ samples: Int) -> Bool {
    guard let context = try? context(of: node),
      node.outputs.allSatisfy({ carries(samples, $0) })
    else { return false }
    return node.op.keepsSamplesApart(Operands(context: context))
  }
}

extension Op {
  fileprivate func keepsSamplesApart(_ x: Operands) -> Bool {
    switch self {
    // The first axis is the batch before and after a reshape: its elements stay in their samples.
    case .cast, .clip, .convTranspose, .globalPool, .groupNormalization, .identity, .isInf, .lrn,
      .reshape, .unary:
      x.onlyFirstVaries
    case .batchNormalization(let op): x.onlyFirstVaries && !op.isTraining
    // Positions of the largest elements count from the first sample.
    case .pool: x.onlyFirstVaries && x.context.outputCount == 1
    case .binary, .where: x.broadcastBySample()
    case .conv: x.varies(0) && !x.varies(1) && !x.varies(2) && (!x.has(3) || x.varies(3))
    case .gemm(let op):
      !op.transposesA && x.varies(0) && !x.varies(1) && (!x.has(2) || x.broadcasts(2, rank: 2))
    case .matMul: x.multipliesBySample()
    case .layerNormalization(let op):
      x.onlyFirstVaries && x.isInner(op.axis)
        && [1, 2].allSatisfy { !x.has($0) || x.broadcasts($0, rank: x.rank(0)) }
    case .rmsNormalization(let op):
      x.onlyFirstVaries && x.isInner(op.axis) && x.broadcasts(1, rank: x.rank(0))
    case .argExtreme(let op): x.onlyFirstVaries && x.isInner(op.axis)
    case .concat(let op): x.allVary && x.isInner(op.axis)
    case .softmax(let op): x.onlyFirstVaries && x.isInner(op.axis)
    case .split(let op): x.onlyFirstVaries && x.isInner(op.axis)
    case .flatten(let op): x.rank(0) > 1 && (op.axis == 1 || op.axis == 1 - x.rank(0))
    case .transpose(let op): (try? op.resolved(rank: x.rank(0)))?.first == 0 && x.varies(0)
    case .reduce(let op):
      x.onlyFirstVaries && (try? op.axes(x.context, rank: x.rank(0)))?.contains(0) == false
    case .pad(let op): x.onlyFirstVaries && op.leavesFirstAxis(x)
    case .slice(let op):
      x.onlyFirstVaries
        && (try? op.parts(x.context, dimensions: x.dimensions(0)))?.allSatisfy { $0.axis != 0 }
          == true
    case .resize(let op):
      x.onlyFirstVaries && op.axes == nil && op.coordinates != .cropAndResize && x.has(2)
        && x.context.inputs[2]?.constant?.floats?.first == 1
    case .squeeze: x.onlyFirstVaries && x.areInner(x.context.integers(1), rank: x.rank(0))
    case .unsqueeze:
      x.onlyFirstVaries
        && x.areInner(
          x.context.integers(1), rank: x.rank(0) + (x.context.integers(1)?.count ?? 0))
    // Parts of each sample, or a table's rows for each sample's indices.
    case .gather(let op):
      x.varies(0) ? !x.varies(1) && x.isInner(op.axis) : op.axis == 0 || op.axis == -x.rank(0)
    default: false
    }
  }
}

extension Pad {
  fileprivate func leavesFirstAxis(_ x: Operands) -> Bool {
    guard let pads = try? pads(x.context, rank: x.rank(0)) else { return false }
    return pads.begin.first == 0 && pads.end.first == 0
  }
}

/// A node's operands: those that vary from sample to sample, and constants.
private struct Operands {
  let context: InferenceContext

  func has(_ i: Int) -> Bool { context.has(i) }

  func varies(_ i: Int) -> Bool {
    i < context.inputs.count && context.inputs[i].map { $0.constant == nil } ?? false
  }

  var allVary: Bool { context.inputs.indices.allSatisfy(varies) }

  var onlyFirstVaries: Bool {
    varies(0) && !context.inputs.indices.dropFirst().contains(where: varies)
  }

  func dimensions(_ i: Int) -> [Dimension] {
    (i < context.inputs.count ? context.inputs[i]?.type.dimensions : nil) ?? []
  }

  func rank(_ i: Int) -> Int { dimensions(i).count }

  /// Whether an axis of operand 0 is known and not the first.
  func isInner(_ axis: Int) -> Bool { areInner([axis], rank: rank(0)) }

  func areInner(_ axes: [Int]?, rank: Int) -> Bool {
    guard let axes, let resolved = try? ShapeRules.axes(axes, rank: rank) else { return false }
    return !resolved.contains(0)
  }

  /// Whether operand `i`, broadcast to a result of `rank`, gives each sample its own part, or all of
  /// them the same.
  func broadcasts(_ i: Int, rank: Int) -> Bool {
    if varies(i) { return self.rank(i) == rank }
    return self.rank(i) < rank || (self.rank(i) == rank && dimensions(i).first == .known(1))
  }

  func broadcastBySample() -> Bool {
    let given = context.inputs.indices.filter { has($0) }
    let rank = given.map { self.rank($0) }.max() ?? 0
    return rank > 0 && given.allSatisfy { broadcasts($0, rank: rank) }
  }

  /// Rows of samples times a constant, or matrices of samples with each other.
  func multipliesBySample() -> Bool {
    guard varies(0), !varies(2) else { return false }
    let (a, b) = (rank(0), rank(1))
    if varies(1) { return a == b && a > 2 }
    return a > 1 && (b <= 2 || broadcasts(1, rank: a))
  }
}
