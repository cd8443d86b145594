extension Graph {
  /// Multiply-adds of the node that uses `weight`, with the weight counted as dense; nil while the
  /// shapes it needs are open.
  ///
  /// A convolution multiplies every weight once an output position and batch item; a matrix product
  /// once a row of its output; a transposed convolution once an input position.
  public func multiplyAdds(of weight: WeightUse) -> Int? {
    let node = nodes[weight.node]
    let positions: Int?
    switch node.op {
    case .convTranspose: positions = positionCount(node.input(0), from: 2)
    case .conv: positions = positionCount(node.outputs.first, from: 2)
    default: positions = rowCount(node.outputs.first)
    }
    guard let positions else { return nil }
    let (product, overflow) = weight.view.count.multipliedReportingOverflow(by: positions)
    return overflow ? nil : product
  }

  /// Batch items times the axes from `axis` on.
  private func positionCount(_ id: ValueID?, from axis: Int) -> Int? {
    guard let shape = id.flatMap({ self[$0].type?.shape }), shape.count >= axis else { return nil }
    return Array(shape.prefix(1) + shape.dropFirst(axis)).checkedElementCount
  }

  private func rowCount(_ id: ValueID?) -> Int? {
    id.flatMap { self[$0].type?.shape }.flatMap { Array($0.dropLast()).checkedElementCount }
  }
}
