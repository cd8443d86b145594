import CKernels
import SparrowCore

/// C = A B with a sparse constant B: tiles of up to 80 rows of A are transposed into L1 block by block,
/// every stored weight multiplies one transposed row, and the finished tile is transposed back. nil
/// where B is not sparse enough to win.
func sparseProduct(
  _ p: inout Preparation, _ shape: ProductShape, _ operands: ProductOperands, weight: Tensor,
  _ activation: Activation
) -> Step? {
  guard !p.weights.forcesDense, operands.addend == nil, shape.aColumn == 1, shape.m > 0 else {
    return nil
  }
  let isVector = shape.m == 1
  guard let matrix = sparseWeight(p, shape, weight, isVector: isVector) else { return nil }
  let fused = FusedActivation(activation)
  if isVector { return sparseVectorProduct(p, shape, operands, matrix, fused) }

  let kernels = p.kernels
  let width = SparseMatrix.tileWidth
  let tileRows = SparseMatrix.tileColumns(shape.m)
  let tiles = (shape.m + tileRows - 1) / tileRows
  let chunks = min((shape.n + 63) / 64, max(1, (4 * p.threads + tiles - 1) / tiles))
  let chunkRows = ((shape.n + chunks - 1) / chunks + 15) / 16 * 16
  let used = (shape.n + chunkRows - 1) / chunkRows
  let inputFloats = matrix.blocks.length * width
  let outputFloats = chunkRows * width
  let inputs = p.scratch(bytes: p.threads * inputFloats * 4)
  let results = p.scratch(bytes: p.threads * outputFloats * 4)

  return Step(
    tasks: tiles * used, kernel: matrix.kernelName, multiplyAdds: shape.m * matrix.nonzeros
  ) { work in
    let token = work.task / used * tileRows
    let count = min(tileRows, shape.m - token)
    let first = work.task % used * chunkRows
    let last = min(shape.n, first + chunkRows)
    let tile = work.floats(inputs) + work.worker * inputFloats
    let result = work.floats(results) + work.worker * outputFloats
    for block in 0..<matrix.blocks.count {
      let range = matrix.blocks.range(block)
      kernels.pointee.f32_transpose(
        count, range.end - range.start,
        work.floats(operands.a) + token * shape.aRow + range.start, shape.aRow, tile, width)
      var epilogue = fused.epilogue(
        accumulate: block > 0, last: block == matrix.blocks.count - 1)
      if let bias = operands.bias { epilogue.row_bias = UnsafePointer(work.floats(bias)) }
      // Rows are counted from 0, the result holds those from `first` on.
      matrix.multiply(
        kernels, block: block, begin: first, end: last, tile: tile, n: count,
        c: result - first * width, stride: width, epilogue: &epilogue)
    }
    fused.finish(kernels, result, rows: last - first, n: count, stride: width)
    kernels.pointee.f32_transpose(
      last - first, count, result, width,
      work.floats(operands.c) + token * shape.n + first, shape.n)
  }
}

private func sparseVectorProduct(
  _ p: Preparation, _ shape: ProductShape, _ operands: ProductOperands, _ matrix: SparseMatrix,
  _ fused: FusedActivation
) -> Step {
  let kernels = p.kernels
  let tasks = p.tasks(work: matrix.nonzeros, limit: shape.n)
  return Step(tasks: tasks, kernel: "f32_spmv", multiplyAdds: matrix.nonzeros) { work in
    let first = shape.n * work.task / tasks
    let last = shape.n * (work.task + 1) / tasks
    var epilogue = fused.epilogue(accumulate: false, last: true)
    if let bias = operands.bias { epilogue.row_bias = UnsafePointer(work.floats(bias)) }
    let y = work.floats(operands.c)
    kernels.pointee.f32_spmv(
      first, last, matrix.starts, matrix.pairs, work.floats(operands.a), y, &epilogue)
    fused.finish(kernels, y + first, rows: 1, n: last - first, stride: 0)
  }
}

/// The streams of B's transpose, n x k; nil where dense is better.
private func sparseWeight(
  _ p: Preparation, _ shape: ProductShape, _ weight: Tensor, isVector: Bool
) -> SparseMatrix? {
  let input = InputRows(width: isVector ? 1 : SparseMatrix.tileWidth)
  let layout: WeightCache.Layout = shape.bColumn == 1 ? .sparseOfTransposed : .sparse
  return p.weights.sparse(WeightCache.Key(weight, layout: layout, rows: input)) {
    weight.withElements(of: Float.self) { all -> SparseMatrix? in
      guard let source = all.baseAddress else { return nil }
      var rows = source
      var transposed: Panels?
      if shape.bColumn == 1 {
        // Stored k x n: transposed once, so that the streams are made from contiguous rows.
        let copy = Panels(count: shape.n * shape.k)
        p.kernels.pointee.f32_transpose(shape.k, shape.n, source, shape.n, copy.floats, shape.k)
        rows = UnsafePointer(copy.floats)
        transposed = copy
      }
      defer { withExtendedLifetime(transposed) {} }
      guard
        let kind = SparsityChoice.kind(rows, rows: shape.n, inputs: shape.k, positions: 1)
      else { return nil }
      return SparseMatrix(
        rows, rows: shape.n, inputs: shape.k, positions: 1, kind: isVector ? .pairs : kind,
        input: input,
        blocks: ReductionBlocks(shape.k, limit: isVector ? shape.k : 256, multiple: 4))
    }
  }
}
