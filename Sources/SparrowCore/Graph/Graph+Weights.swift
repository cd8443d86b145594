/// A constant that a convolution or matrix product multiplies activations by.
public struct WeightUse: Sendable {
  public enum Kind: Hashable, Sendable {
    case convolution, depthwise, linear

    public var name: String {
      switch self {
      case .convolution: "convolution"
      case .depthwise: "depthwise"
      case .linear: "linear"
      }
    }
  }

  public var value: ValueID
  /// The first node that uses it.
  public var node: Int
  public var kind: Kind
  public var view: WeightView

  public init(value: ValueID, node: Int, kind: Kind, view: WeightView) {
    (self.value, self.node, self.kind, self.view) = (value, node, kind, view)
  }
}

extension Graph {
  /// The weights in the order of their first use; a shared one is listed once.
  ///
  /// Convolution (depthwise where each output channel has one input), transposed convolution, and
  /// matrix products whose second operand is a constant matrix. Biases, embeddings and
  /// normalisation parameters are not weights.
  public func weights() -> [WeightUse] {
    var seen = Set<ValueID>()
    var result: [WeightUse] = []
    for (i, node) in nodes.enumerated() {
      guard let id = node.input(1), let constant = self[id].constant,
        constant.dtype.isFloatingPoint, let use = weightUse(node, i, id, constant.shape),
        seen.insert(id).inserted
      else { continue }
      result.append(use)
    }
    return result
  }

  private func weightUse(_ node: Node, _ index: Int, _ id: ValueID, _ shape: [Int]) -> WeightUse? {
    switch node.op {
    case .conv(let op):
      guard shape.count >= 3 else { return nil }
      let isDepthwise = op.group > 1 && shape[1] == 1
      return WeightUse(
        value: id, node: index, kind: isDepthwise ? .depthwise : .convolution,
        view: .outputsFirst(shape))
    case .gemm(let op):
      guard shape.count == 2 else { return nil }
      let view: WeightView = op.transposesB ? .outputsFirst(shape) : .inputsFirst(shape)
      return WeightUse(value: id, node: index, kind: .linear, view: view)
    case .matMul:
      guard shape.count == 2 else { return nil }
      return WeightUse(value: id, node: index, kind: .linear, view: .inputsFirst(shape))
    case .convTranspose(let op):
      guard shape.count >= 3, op.group == 1 else { return nil }
      let positions = shape.dropFirst(2).reduce(1, *)
      let view = WeightView(
        outputs: shape[1], inputs: shape[0], positions: positions,
        outputStride: positions, inputStride: shape[1] * positions, positionStride: 1)
      return WeightUse(value: id, node: index, kind: .convolution, view: view)
    default: return nil
    }
  }
}
