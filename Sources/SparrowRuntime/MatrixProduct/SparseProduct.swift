import CKernels
import SparrowCore

/// C = A B with a sparse constant B: a tile of A's rows is transposed so that they lie along the vectors,
/// every stored weight multiplies one transposed row, and the finished tile is transposed back. nil
/// where B is not sparse enough to win.
func sparseProduct(
  _ p: inout Preparation, _ shape: ProductShape, _ operands: ProductOperands, weight: Tensor,
  _ activation: Activation
) -> Step? {
  guard p.kernel != .dense, operands.addend == nil, shape.aColumn == 1, shape.m > 0 else {
    return nil
  }
  if shape.m == 1 { return sparseVectorProduct(p, shape, operands, weight, activation) }
  guard let matrix = sparseWeight(p, shape, weight) else { return nil }
  return SparseProduct(&p, shape, operands, matrix, activation).step()
}

private struct SparseProduct {
  let kernels: UnsafePointer<sp_kernel_table>
  let shape: ProductShape
  let operands: ProductOperands
  let fused: FusedActivation
  let matrix: SparseMatrix
  let tiling: SparseTiling
  /// Rows of B's transpose that one task computes, and how many tasks a tile has.
  let taskRows: Int
  let parts: Int
  let chunks: RowChunks
  let scratch: Slot
  /// Floats of one worker's transposed tile, and of its sums and results.
  let tileFloats: Int
  let sumFloats: Int

  init(
    _ p: inout Preparation, _ shape: ProductShape, _ operands: ProductOperands,
    _ matrix: SparseMatrix, _ activation: Activation
  ) {
    (self.shape, self.operands, self.matrix) = (shape, operands, matrix)
    kernels = p.kernels
    fused = FusedActivation(activation)
    tiling = matrix.tiling
    let tiles = tiling.tiles
    let wanted = p.threads == 1 ? 1 : max(1, (4 * p.threads + tiles - 1) / tiles)
    let segment = matrix.segmentRows
    taskRows = shape.n.dividedUp(by: wanted).dividedUp(by: segment) * segment
    parts = shape.n.dividedUp(by: taskRows)
    chunks = RowChunks(rows: min(taskRows, max(1, 256 / segment) * segment), matrix)
    tileFloats = shape.k * tiling.width
    sumFloats = chunks.rows * tiling.width
    scratch = p.scratch(bytes: p.threads * (tileFloats + sumFloats) * 4)
  }

  func step() -> Step {
    Step(
      tasks: tiling.tiles * parts, kernel: matrix.kernelName,
      multiplyAdds: [shape.m, matrix.nonzeros].clampedProduct
    ) { work in
      let (tileIndex, part) = work.task.quotientAndRemainder(dividingBy: parts)
      let (token, n) = tiling.columns(tileIndex, of: shape.m)
      let tile = work.floats(scratch) + work.worker * (tileFloats + sumFloats)
      kernels.pointee.f32_transpose(
        n, shape.k, work.floats(operands.a) + token * shape.aRow, shape.aRow, tile, tiling.width)
      clearLanes(tile, from: n)
      let end = min(shape.n, (part + 1) * taskRows)
      var first = part * taskRows
      while first < end {
        let last = min(end, first + chunks.rows)
        multiply(work, tile: tile, token: token, n: n, first: first, last: last)
        first = last
      }
    }
  }

  /// Writes zeros to what the last vector of a tile has after `n` tokens: what was there may be too small
  /// for normal numbers, which makes products slow.
  @inline(__always)
  private func clearLanes(_ tile: UnsafeMutablePointer<Float>, from n: Int) {
    let end = n.dividedUp(by: 16) * 16
    guard end > n else { return }
    for row in 0..<shape.k {
      for lane in n..<end { tile[row * tiling.width + lane] = 0 }
    }
  }

  /// Rows `first ..< last` of B's transpose times one tile of tokens.
  @inline(__always)
  private func multiply(
    _ work: borrowing Work, tile: UnsafeMutablePointer<Float>, token: Int, n: Int, first: Int,
    last: Int
  ) {
    let sums = tile + tileFloats
    for block in 0..<tiling.blocks.count {
      let start = tiling.blocks.range(block).start
      var product = matrix.product(
        block: block, begin: first, end: last, tile: tile + start * tiling.width, n: n)
      // Rows are counted from 0, the sums are those from `first` on; results take their place.
      product.sums = sums - first * tiling.width
      product.sums_stride = tiling.width
      product.c = sums - first * tiling.width
      product.ldc = tiling.width
      var epilogue = fused.epilogue(
        accumulate: block > 0, last: block == tiling.blocks.count - 1)
      if let bias = operands.bias { epilogue.row_bias = UnsafePointer(work.floats(bias)) }
      matrix.multiply(kernels, &product, &epilogue)
    }
    fused.finish(kernels, sums, rows: last - first, n: n, stride: tiling.width)
    kernels.pointee.f32_transpose(
      last - first, n, sums, tiling.width,
      work.floats(operands.c) + token * shape.n + first, shape.n)
  }
}

private func sparseVectorProduct(
  _ p: Preparation, _ shape: ProductShape, _ operands: ProductOperands, _ weight: Tensor,
  _ activation: Activation
) -> Step? {
  let key = WeightCache.Key(
    weight, layout: .sparseRows, rows: shape.n, k: shape.k, group: shape.bColumn == 1 ? 1 : 0)
  let known = p.weights.sparseRows(key) {
    let rows = rowsOfTranspose(p, shape, weight)
    let choice = SparsityChoice(vector: rows, forced: p.kernel)
    p.weights.note(choice, of: p)
    return choice.kind == nil ? nil : SparseRows(rows)
  }
  guard let matrix = known else { return nil }
  let kernels = p.kernels
  let fused = FusedActivation(activation)
  let starts = matrix.split(into: p.tasks(work: matrix.nonzeros, limit: shape.n))
  return Step(
    tasks: starts.count - 1, kernel: "f32_spmv", multiplyAdds: matrix.nonzeros
  ) { work in
    let (first, last) = (starts[work.task], starts[work.task + 1])
    let y = work.floats(operands.c)
    for block in 0..<matrix.blocks {
      var epilogue = fused.epilogue(accumulate: block > 0, last: block == matrix.blocks - 1)
      if let bias = operands.bias { epilogue.row_bias = UnsafePointer(work.floats(bias)) }
      kernels.pointee.f32_spmv(
        first, last, matrix.starts + block * matrix.rows, matrix.columns, matrix.values,
        work.floats(operands.a) + block * matrix.blockLength, y, &epilogue)
    }
    fused.finish(kernels, y + first, rows: 1, n: last - first, stride: 0)
  }
}

/// The streams of B's transpose, n x k; nil where dense is better.
private func sparseWeight(
  _ p: Preparation, _ shape: ProductShape, _ weight: Tensor
) -> SparseMatrix? {
  let layout: WeightCache.Layout = shape.bColumn == 1 ? .sparseOfTransposed : .sparse
  let key = WeightCache.Key(
    weight, layout: layout, rows: shape.n, k: shape.k, columns: shape.m)
  return p.weights.sparse(key) {
    let rows = rowsOfTranspose(p, shape, weight)
    let choice = SparsityChoice(
      rows, inputs: shape.k, positions: 1, columns: shape.m, forced: p.kernel)
    p.weights.note(choice, of: p)
    guard let kind = choice.kind else { return nil }
    let tiling = SparseTiling(
      p.kernels, rows: shape.n, columns: shape.m, k: shape.k, entries: choice.entries,
      kind: kind, multiple: 4)
    return SparseMatrix(rows, positions: 1, kind: kind, tiling: tiling)
  }
}

/// B's transpose, n x k.
private func rowsOfTranspose(
  _ p: Preparation, _ shape: ProductShape, _ weight: Tensor
) -> WeightNonzeros {
  guard shape.bColumn == 1 else {
    return WeightNonzeros(p.kernels, weight, first: 0, rows: shape.n, columns: shape.k)
  }
  // Stored k x n: transposed once, so that the streams are made from contiguous rows.
  let copy = Panels(count: shape.n * shape.k)
  weight.withElements(of: Float.self) { all in
    guard let source = all.baseAddress else { return }
    p.kernels.pointee.f32_transpose(shape.k, shape.n, source, shape.n, copy.floats, shape.k)
  }
  return withExtendedLifetime(copy) {
    WeightNonzeros(p.kernels, copy.floats, rows: shape.n, columns: shape.k)
  }
}
