import SparrowCore

extension Einsum {
  /// A sum over products of two float32 operands is a batch of matrix products where their axes fall
  /// into rows, columns, and those summed over, each walked with one stride.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    guard p.inputs.count == 2, let shape = productShape(p) else {
      return p.referenceStep(.einsum(self))
    }
    let (a, b) = (try p.input(shape.isSwapped ? 1 : 0), try p.input(shape.isSwapped ? 0 : 1))
    let operands = ProductOperands(
      a: p.slot(a), c: p.slot(p.outputs[0]), bias: nil, addend: nil)
    return computedProduct(&p, shape.product, operands, b: p.slot(b), .none)
  }

  private func productShape(_ p: Preparation) -> (product: ProductShape, isSwapped: Bool)? {
    guard let a = p.optional(0), let b = p.optional(1), a.dtype == .float32, b.dtype == .float32,
      let equation = try? EinsumEquation(equation),
      let loops = try? EinsumLoops(equation, [a.shape, b.shape]),
      p.outputs[0].count > 0, loops.summed.elementCount > 0
    else { return nil }
    // As it is written, or with the operands exchanged: columns must be neighbours in the output.
    if let product = ProductShape(loops, rows: 0, columns: 1) { return (product, false) }
    return ProductShape(loops, rows: 1, columns: 0).map { ($0, true) }
  }
}

extension ProductShape {
  /// The product that `loops` describes, its rows those of one operand; nil where it is none.
  fileprivate init?(_ loops: EinsumLoops, rows: Int, columns: Int) {
    let (left, right) = (loops.outputStrides[rows], loops.outputStrides[columns])
    let target = loops.output.rowMajorStrides
    let axes = loops.output.indices.filter { loops.output[$0] != 1 }
    func walk(_ axes: [Int], _ counts: [Int], _ strides: [[Int]]) -> StridedAxes {
      StridedAxes(
        counts: axes.map { counts[$0] }, strides: strides.map { own in axes.map { own[$0] } }
      ).collapsed()
    }
    let outer = walk(
      axes.filter { left[$0] != 0 && right[$0] == 0 }, loops.output, [left, target])
    let inner = walk(
      axes.filter { left[$0] == 0 && right[$0] != 0 }, loops.output, [right, target])
    // Axes of neither operand, or of both, are those of the batch.
    let batch = axes.filter { (left[$0] == 0) == (right[$0] == 0) }
    let summed = walk(
      Array(loops.summed.indices), loops.summed,
      [loops.summedStrides[rows], loops.summedStrides[columns]])
    guard outer.counts.count <= 1, inner.counts.count <= 1, summed.counts.count <= 1,
      inner.strides[1].first ?? 1 == 1
    else { return nil }
    m = outer.counts.first ?? 1
    n = inner.counts.first ?? 1
    k = summed.counts.first ?? 1
    (aRow, aColumn) = (outer.strides[0].first ?? 0, summed.strides[0].first ?? 0)
    (bRow, bColumn) = (summed.strides[1].first ?? 0, inner.strides[0].first ?? 0)
    cRow = outer.strides[1].first ?? 0
    func offsets(_ strides: [Int]) -> [Int] {
      var places = [0]
      for axis in batch {
        places = places.flatMap { start in
          (0..<loops.output[axis]).map { start + $0 * strides[axis] }
        }
      }
      return places
    }
    (aOffsets, bOffsets, cOffsets) = (offsets(left), offsets(right), offsets(target))
  }
}
