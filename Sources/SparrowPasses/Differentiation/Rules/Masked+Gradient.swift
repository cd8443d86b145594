import SparrowCore

extension Masked {
  /// The gradient under the same mask. Where it is a convolution's, no other of its elements is computed.
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (mask, g) = (try n.input(1), try n.output())
    guard n.wants(0) else { return [nil, nil] }
    if let maker = b.maker(of: g), case .convWeightGradient(let op) = maker.op,
      maker.inputs.count == 2
    {
      return [try b.add(.convWeightGradient(op), maker.input(0), maker.input(1), mask), nil]
    }
    return [try b.add(.masked(self), g, mask), nil]
  }
}
