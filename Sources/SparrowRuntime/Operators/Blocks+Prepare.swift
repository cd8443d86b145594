import SparrowCore

extension DepthToSpace {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    try p.rearrangementStep(rearrangement(try p.input(0).shape), kernel: "depth_to_space")
  }
}

extension SpaceToDepth {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    try p.rearrangementStep(rearrangement(try p.input(0).shape), kernel: "space_to_depth")
  }
}

extension Preparation {
  /// A permutation of axes as one copy.
  fileprivate mutating func rearrangementStep(
    _ move: BlockRearrangement, kernel: String
  ) throws(RuntimeError) -> Step {
    let x = try input(0)
    let strides = move.axes.rowMajorStrides
    let counts = move.order.map { move.axes[$0] }
    let copy = StridedCopy(
      counts: counts, from: (slot(x), 0, move.order.map { strides[$0] }),
      to: (slot(outputs[0]), 0, counts.rowMajorStrides))
    return step([copy], x.dtype, kernel: kernel)
  }
}

extension Tile {
  /// One copy in which every axis comes twice: the repeats, which do not move in x, then x's own.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, y) = (try p.input(0), p.outputs[0])
    let own = x.shape.rowMajorStrides
    var counts: [Int] = []
    var strides: [Int] = []
    for axis in x.shape.indices {
      let length = x.shape[axis]
      counts += [length == 0 ? 0 : y.shape[axis] / length, length]
      strides += [0, own[axis]]
    }
    let copy = StridedCopy(
      counts: counts, from: (p.slot(x), 0, strides), to: (p.slot(y), 0, counts.rowMajorStrides))
    return p.step([copy], x.dtype, kernel: "tile")
  }
}
