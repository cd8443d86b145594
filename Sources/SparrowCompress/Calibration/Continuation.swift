import SparrowCore

/// What a layer's output goes through before anything else looks at it:
/// `clip(scale * output + shift + addend)`, each part where there is one. Only what comes out at the end
/// has to be right.
struct Continuation: Sendable {
  /// One a channel; nil: 1 and 0.
  var scale: [Float]?
  var shift: [Float]?
  /// The other operand of a residual connection, known before the layer runs: the error it has
  /// already can be made good by the layer.
  var addend: ValueID?
  /// The range of a ReLU or Clip: how far below or above it a value is does not matter.
  var range: ClosedRange<Float>?

  /// Follows `output`, of node `node`, as long as it has one reader.
  init(
    of output: ValueID, madeBy node: Int, _ graph: Graph, _ consumers: [[Int]],
    _ producers: [Int?]
  ) {
    self.init()
    let isPlane = (graph[output].type?.dimensions?.count ?? 0) > 3
    let channels = graph[output].type?.shape.map { isPlane ? $0[1] : $0[$0.count - 1] } ?? 0
    // What has been seen counts only where it ends in a sum or a range; shifts alone change nothing.
    var (seen, value) = (self, output)
    while consumers[value.index].count == 1, !graph.outputs.contains(value) {
      let reader = graph.nodes[consumers[value.index][0]]
      guard let next = reader.outputs.first else { return }
      switch reader.op {
      case .identity: break
      case .unary(let op) where op.function == .relu:
        seen.range = 0...Float.infinity
        self = seen
        return
      case .clip:
        guard let range = reader.clipRange(in: graph) else { return }
        seen.range = range
        self = seen
        return
      case .batchNormalization(let op):
        guard seen.addend == nil, reader.input(0) == value,
          let (scale, shift) = op.affine(of: reader, in: graph), scale.count == channels,
          !scale.contains(where: { abs($0) < 1e-6 })
        else { return }
        seen.apply(scale: scale, shift: shift)
      case .binary(let op) where op.function == .add && op.activation == .none:
        guard let a = reader.input(0), let b = reader.input(1), a != b else { return }
        let other = a == value ? b : a
        if let tensor = graph[other].constant {
          guard let shift = tensor.floats, shift.count == channels || shift.count == 1,
            isPlane ? tensor.shape.suffix(2) == [1, 1] || shift.count == 1 : true
          else { return }
          seen.apply(
            scale: [Float](repeating: 1, count: channels),
            shift: shift.count == 1 ? [Float](repeating: shift[0], count: channels) : shift)
        } else {
          guard seen.addend == nil, (producers[other.index] ?? -1) < node,
            graph[other].type?.shape == graph[output].type?.shape
          else { return }
          seen.addend = other
          self = seen
        }
      default: return
      }
      value = next
    }
  }

  private init() {}

  private mutating func apply(scale factor: [Float], shift term: [Float]) {
    shift = (shift ?? factor.map { _ in 0 }).indices.map {
      (shift?[$0] ?? 0) * factor[$0] + term[$0]
    }
    scale = scale.map { zip($0, factor).map { $0 * $1 } } ?? factor
  }

  /// The outputs a layer ought to have. `wanted` and `wantedAddend` are the whole network's,
  /// `addend` is what the compressed network has there, and `current` what the layer gives at
  /// present; without it nothing is taken for out of range.
  func target(
    wanted: Tensor, wantedAddend: Tensor?, addend: Tensor?, current: Tensor?, bias: [Double]
  ) -> Tensor {
    guard addend != nil || (range != nil && current != nil) else { return wanted }
    let shape = wanted.shape
    let inner = shape.count > 3 ? shape.dropFirst(2).reduce(1, *) : 1
    let channels = shape.count > 3 ? shape[1] : shape.last ?? 1
    let zeros = [Float](repeating: 0, count: wanted.count)
    let (y, own) = (wanted.array(of: Float.self), current?.array(of: Float.self))
    let (good, found) = (
      wantedAddend?.array(of: Float.self) ?? zeros, addend?.array(of: Float.self) ?? zeros
    )
    return Tensor(of: Float.self, shape: shape) { target in
      for i in target.indices {
        let c = i / inner % channels
        let (a, b) = (scale?[c] ?? 1, shift?[c] ?? 0)
        var z = a * y[i] + b + good[i]
        if let range, let own {
          let now = a * (own[i] + Float(bias[c])) + b + found[i]
          if z <= range.lowerBound {
            z = min(now, range.lowerBound)
          } else if z >= range.upperBound {
            z = max(now, range.upperBound)
          }
        }
        target[i] = (z - b - found[i]) / a
      }
    }
  }
}

extension Node {
  /// The bounds of a Clip with constant ones.
  fileprivate func clipRange(in graph: Graph) -> ClosedRange<Float>? {
    func bound(_ i: Int, _ missing: Float) -> Float? {
      guard let id = input(i) else { return missing }
      return graph[id].constant?.scalarFloat
    }
    guard let low = bound(1, -.infinity), let high = bound(2, .infinity), low <= high else {
      return nil
    }
    return low...high
  }
}

extension BatchNormalization {
  /// The factor and term of each channel; nil where the parameters are not constant.
  fileprivate func affine(of node: Node, in graph: Graph) -> ([Float], [Float])? {
    let parameters = (1...4).compactMap { node.input($0).flatMap { graph[$0].constant?.floats } }
    guard !isTraining, parameters.count == 4, Set(parameters.map { $0.count }).count == 1 else {
      return nil
    }
    let (gamma, beta, mean, variance) = (
      parameters[0], parameters[1], parameters[2], parameters[3]
    )
    let scale = zip(gamma, variance).map { $0 / ($1 + epsilon).squareRoot() }
    return (scale, scale.indices.map { beta[$0] - mean[$0] * scale[$0] })
  }
}
