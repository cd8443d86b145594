import SparrowCore

/// A multiplication and an addition per output channel: `y = x * scale[c] + shift[c]`, kept in double
/// precision until the new weights are rounded once.
struct ChannelAffine {
  /// nil: all ones.
  var scale: [Double]?
  /// nil: all zeros.
  var shift: [Double]?
}

/// Where a weight's output channels are: element `((g * outer + o) * channels + c) * inner + i` is
/// of channel `g * channels + c`.
private struct ChannelLayout {
  var groups = 1
  var outer = 1
  var channels: Int
  var inner: Int
}

extension Rewriter {
  /// The number of output channels of a node with a float32 weight, and the output axis they lie
  /// on, counted from the last (0); nil for other nodes.
  func outputChannels(of i: Int) -> (count: Int, axisFromEnd: Int)? {
    guard let layout = channelLayout(of: i), let rank = weightShape(of: i)?.count else {
      return nil
    }
    switch graph.nodes[i].op {
    case .conv, .convTranspose: return (layout.groups * layout.channels, rank - 2)
    default: return (layout.channels, 0)
    }
  }

  /// The shape of a float32 weight: a constant, or one that is made of constants, such as int8
  /// elements behind Cast and Mul.
  private func weightShape(of i: Int) -> [Int]? {
    guard let id = graph.nodes[i].input(1), isFloat32(id), isMadeOfConstants(id),
      let shape = type(id)?.shape, shape.count >= 2, let count = shape.checkedElementCount,
      count > 0
    else { return nil }
    return shape
  }

  private func isMadeOfConstants(_ id: ValueID, depth: Int = 0) -> Bool {
    if constant(id) != nil { return true }
    guard let i = maker(id), depth < 8 else { return false }
    return graph.nodes[i].inputs.allSatisfy { input in
      input.map { isMadeOfConstants($0, depth: depth + 1) } ?? true
    }
  }

  private func channelLayout(of i: Int) -> ChannelLayout? {
    let node = graph.nodes[i]
    guard let shape = weightShape(of: i) else { return nil }
    let positions = shape.dropFirst(2).reduce(1, *)
    switch node.op {
    case .conv: return ChannelLayout(channels: shape[0], inner: shape[1] * positions)
    case .convTranspose(let op):
      guard op.group > 0, shape[0] % op.group == 0 else { return nil }
      return ChannelLayout(
        groups: op.group, outer: shape[0] / op.group, channels: shape[1], inner: positions)
    case .gemm(let op):
      guard shape.count == 2 else { return nil }
      return op.transposesB
        ? ChannelLayout(channels: shape[0], inner: shape[1])
        : ChannelLayout(outer: shape[0], channels: shape[1], inner: 1)
    case .matMul:
      guard shape.count == 2 else { return nil }
      return ChannelLayout(outer: shape[0], channels: shape[1], inner: 1)
    default: return nil
    }
  }

  /// A float32 constant as one number a channel of the output of node `i`, where it broadcasts so.
  func perChannel(_ id: ValueID?, ofOutputOf i: Int) -> [Double]? {
    guard let tensor = constant(id), tensor.dtype == .float32,
      let (channels, axis) = outputChannels(of: i)
    else { return nil }
    // Known for everything but a MatMul of an operand of unknown rank, which has rank 1 or more.
    let rank = rank(graph.nodes[i].outputs[0]) ?? axis + 1
    guard tensor.rank <= rank else { return nil }
    for (fromEnd, length) in tensor.shape.reversed().enumerated() where length != 1 {
      guard fromEnd == axis, length == channels else { return nil }
    }
    let values = tensor.array(of: Float.self).map { Double($0) }
    if values.count == channels { return values }
    return values.count == 1 ? [Double](repeating: values[0], count: channels) : nil
  }

  /// Folds what node `last` does to the output of node `i` into the weight and bias of `i`, which
  /// moves to the place of `last`. False where `i` cannot take it; nothing is changed then.
  mutating func fold(_ affine: ChannelAffine, into i: Int, last: Int) -> Bool {
    var node = graph.nodes[i]
    guard isPrivate(node.outputs[0]), node.op.activation == .none, isFloat32(node.outputs[0]),
      affine.scale == nil || node.input(3) == nil,  // a scale would have to scale the addend too
      let layout = channelLayout(of: i), let bias = bias(of: i), affine.isFinite
    else { return false }
    let channels = layout.groups * layout.channels
    if let scale = affine.scale {
      guard let weight = constant(node.input(1)) else { return false }
      let scaled = weight.scaled(by: scale, layout)
      weight.releasePages()
      node.inputs[1] = setConstant(
        node.input(1), of: i, to: scaled, name: node.name + ".weight")
    }
    if bias.values != nil || affine.shift != nil {
      let values = (0..<channels).map { Float(affine.applied(to: bias.values?[$0] ?? 0, $0)) }
      while node.inputs.count < 3 { node.inputs.append(nil) }
      node.inputs[2] = setConstant(
        node.input(2), of: i, to: Tensor(values), name: node.name + ".bias")
    }
    if case .gemm(var op) = node.op {
      op.beta = 1  // the new bias contains it
      node.op = .gemm(op)
    }
    node.op.activation = graph.nodes[last].op.activation
    replace(last, node.op, node.inputs, name: node.name)
    return true
  }

  /// The bias of node `i` as one number a channel (nil inside: it has none), Gemm's beta included;
  /// nil where the bias is not such a constant.
  private func bias(of i: Int) -> (values: [Double]?, Void)? {
    let node = graph.nodes[i]
    guard let id = node.input(2) else { return (nil, ()) }
    guard let (channels, axis) = outputChannels(of: i) else { return nil }
    if axis > 0 {
      guard let tensor = constant(id), tensor.dtype == .float32, tensor.shape == [channels] else {
        return nil
      }
      return (tensor.array(of: Float.self).map { Double($0) }, ())
    }
    guard let values = perChannel(id, ofOutputOf: i) else { return nil }
    guard case .gemm(let op) = node.op else { return (values, ()) }
    return (values.map { $0 * Double(op.beta) }, ())
  }
}

extension ChannelAffine {
  fileprivate func applied(to x: Double, _ channel: Int) -> Double {
    let scaled = scale.map { x * $0[channel] } ?? x
    return shift.map { scaled + $0[channel] } ?? scaled
  }

  /// Whether every number fits a float32.
  fileprivate var isFinite: Bool {
    (scale ?? []).allSatisfy { Float($0).isFinite }
      && (shift ?? []).allSatisfy { Float($0).isFinite }
  }
}

extension Tensor {
  /// A float32 weight times a number a channel, in the same kind of storage; a dense one of mostly
  /// zeros as a bitmask, since it is no longer the file's. Zeros stay zeros.
  fileprivate func scaled(by scale: [Double], _ layout: ChannelLayout) -> Tensor {
    var kept = 0
    let dense = withElements(of: Float.self) { source in
      Tensor(of: Float.self, shape: shape) { target in
        var i = 0
        for group in 0..<layout.groups {
          for _ in 0..<layout.outer {
            for channel in 0..<layout.channels {
              let factor = scale[group * layout.channels + channel]
              for _ in 0..<layout.inner {
                target[i] = Float(Double(source[i]) * factor)
                kept += target[i] == 0 ? 0 : 1
                i += 1
              }
            }
          }
        }
      }
    }
    if denseBytes != nil, kept < count / 2, let bytes = dense.denseBytes {
      let storage = Bitmask(encoding: bytes, dtype: dtype)
      return Tensor(dtype: dtype, shape: shape, storage: .bitmask(storage))
    }
    return dense.stored(like: self)
  }

  /// These elements in the storage kind of `other`, which has the same type and shape.
  func stored(like other: Tensor) -> Tensor {
    guard let bytes = denseBytes else { return self }
    switch other.storage {
    case .dense: return self
    case .bitmask:
      let storage = Bitmask(encoding: bytes, dtype: dtype)
      return Tensor(dtype: dtype, shape: shape, storage: .bitmask(storage))
    case .compressedRows:
      guard let storage = CompressedRows(encoding: bytes, dtype: dtype, shape: shape) else {
        return self
      }
      return Tensor(dtype: dtype, shape: shape, storage: .compressedRows(storage))
    case .blocks(let blocks):
      let storage = Blocks(
        encoding: bytes, dtype: dtype, view: blocks.view, outputs: blocks.outputs,
        inputs: blocks.inputs)
      return Tensor(dtype: dtype, shape: shape, storage: .blocks(storage))
    }
  }
}
